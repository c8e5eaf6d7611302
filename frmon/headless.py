"""The commands without a screen: data on stdout, words on stderr."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from math import inf

import msgspec

from frmon.check import check as check_all
from frmon.check import findings_text
from frmon.config import Settings
from frmon.engine import Engine
from frmon.errors import FrmonError
from frmon.feeds.venues import all_venues
from frmon.host import Host
from frmon.model import LegKey, Signal, Status
from frmon.parts import Picture
from frmon.paths import state_dir
from frmon.plain import csv_text, grid, table_text
from frmon.sheets import chosen
from frmon.snapshot import Places, encode, has_data, picture, signal_line, unknown_coins

FORMATS: dict[str, Callable[[Picture], bytes]] = {
    "json": lambda p: encode(p) + b"\n",
    "csv": lambda p: csv_text(p).encode(),
    "table": lambda p: table_text(p).encode(),
}

TICK_S = 0.1
LAST_S = 2.0  # after the end of a tape, in which its last samples are taken

BACKLOG = 100_000
"""Signals that wait for a reader who has stopped reading."""


class Unreached(FrmonError):
    """No venue could be reached within the wait: exit 3."""

    exit_code = 3


class Unlisted(FrmonError):
    """No venue lists a coin that was asked for: exit 1."""

    exit_code = 1


class Gone(FrmonError):
    """Nobody reads stdout any more: end quietly."""

    exit_code = 0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What `snapshot` prints and how long it waits for a full picture."""

    form: str = "table"
    wait_s: float = 10.0
    coins: tuple[str, ...] = ()
    top: int | None = None
    why: bool = False
    pair: Places | None = None  # that `why` judges instead of the best


def snapshot(engine: Engine, choice: Choice) -> None:
    """Connect, wait until the first full picture, print it once. Raises `Unreached` and `Unlisted`, both after printing."""
    with Host(engine) as host:
        complete = await_picture(engine, host, choice.wait_s)
        coins = list(choice.coins) or None
        found = host.ask(lambda: picture(engine, coins, choice.top, why=choice.why, pair=choice.pair))
        reached = host.ask(lambda: has_data(engine))
        missing = host.ask(lambda: unknown_coins(engine, choice.coins))
    emit(FORMATS[choice.form](found))
    if not reached:
        raise Unreached(f"no venue could be reached within {choice.wait_s:g} s: {_why(found)}")
    if not complete:
        say(f"frmon: not complete after {choice.wait_s:g} s: {_why(found) or 'some legs have no quote yet'}")
    if missing:
        near = (f"{coin} (did you mean {name}?)" if name else coin for coin, name in missing.items())
        raise Unlisted(f"no venue lists {', '.join(near)}")


def watch(engine: Engine, *, signals_only: bool) -> None:
    """One line per signal, each once, in order, as it fires, and, unless `signals_only`, a picture every second, until
    interrupted; a replay ends with its tape. A reader that is slow gets fewer pictures; signals wait for it, the latest `BACKLOG` at most."""
    heard: deque[Signal] = deque(maxlen=BACKLOG)
    engine.listeners.append(heard.append)
    with Host(engine) as host:
        due = engine.clock.mono()
        over = inf if engine.lasts_s is None else due + engine.lasts_s + LAST_S
        while due < over:
            while heard:
                emit(encode(signal_line(heard.popleft(), simulated=bool(engine.simulated))) + b"\n")
            now = engine.clock.mono()
            if now >= due:
                due = max(due + 1.0, now)
                if not signals_only:
                    emit(encode(host.ask(lambda: picture(engine))) + b"\n")
            host.rest(TICK_S)


def verdicts(engine: Engine, form: str, wait_s: float) -> None:
    """Connect, wait until the first full picture, print every leg that is kept out of comparison and why. `form`: table
    or json. Raises `Unreached` after printing."""
    with Host(engine) as host:
        await_picture(engine, host, wait_s)
        reached = host.ask(lambda: has_data(engine))
        found = host.ask(lambda: sorted(dict(engine.verdicts).items()))
        coins = host.ask(lambda: {key: cell.leg.coin for key, _ in found if (cell := engine.board.cell(key))})
        states = host.ask(lambda: picture(engine, []))
    emit(verdict_json(found, coins) if form == "json" else verdict_text(found, coins).encode())
    if not reached:
        raise Unreached(f"no venue could be reached within {wait_s:g} s: {_why(states)}")


def verdict_text(found: Sequence[tuple[LegKey, str]], coins: dict[LegKey, str]) -> str:
    """A table of quarantined legs."""
    rows = [(coins.get(key, "-"), key.venue, key.market.value, key.symbol, why) for key, why in found]
    return grid(("coin", "venue", "market", "symbol", "why it is not compared"), rows, "lllll") + "\n"


def verdict_json(found: Sequence[tuple[LegKey, str]], coins: dict[LegKey, str]) -> bytes:
    """A list of quarantined legs as one line of JSON."""
    legs = [
        {"coin": coins.get(key), "venue": key.venue, "market": key.market, "symbol": key.symbol, "quarantine": why}
        for key, why in found
    ]
    return msgspec.json.encode(legs) + b"\n"


def check(settings: Settings, names: Sequence[str], form: str) -> bool:
    """Ask every REST endpoint of the named venues, or of all that are enabled, and print the findings. Whether all are
    fine. `form`: table or json. Raises `ConfigError` for an unknown name."""
    findings = asyncio.run(check_all(chosen(all_venues(), settings, names), settings, state_dir=state_dir(os.environ)))
    emit(msgspec.json.encode(findings) + b"\n" if form == "json" else findings_text(findings).encode())
    return all(finding.ok for finding in findings)


def await_picture(engine: Engine, host: Host, wait_s: float) -> bool:
    """Wait until the picture is complete and not empty, at most `wait_s` seconds; shows progress on a terminal. Whether it
    is complete."""

    def stands() -> bool:
        return engine.is_complete() and has_data(engine)

    shows = sys.stderr.isatty()
    until = engine.clock.mono() + wait_s
    complete = host.ask(stands)
    while not complete and (left := until - engine.clock.mono()) > 0:
        if shows:
            say(f"\r\x1b[K{progress(engine)}", end="")
        host.rest(min(TICK_S, left))
        complete = host.ask(stands)
    if shows:
        say("\r\x1b[K", end="")
    return complete


def progress(engine: Engine) -> str:
    """How far it is, in one short line."""
    states = engine.states()
    live = sum(s.status is Status.LIVE for s in states)
    fresh, legs = sum(s.fresh_legs for s in states), sum(s.legs for s in states)
    return f"connecting: {live} of {len(engine.venues)} venues live, {fresh} of {legs} legs fresh"


def emit(data: bytes) -> None:
    """Write to stdout at once. Raises `Gone` when nobody reads it, `FrmonError` when it cannot be written."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
        if isinstance(error, BrokenPipeError):
            raise Gone from None
        raise FrmonError(f"cannot write: {error.strerror}") from None


def say(text: str, end: str = "\n") -> None:
    """Words for the user, on stderr."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


def _why(found: Picture) -> str:
    bad = ((name, v) for name, v in found.venues.items() if v.status not in {Status.LIVE.value, Status.OFF.value})
    return ", ".join(f"{name} {v.status}" + (f" ({v.detail})" if v.detail else "") for name, v in bad)
