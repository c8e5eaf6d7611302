"""The commands that read or look after storage: data on stdout, words on stderr."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from frmon import ledger, recall
from frmon.clock import SystemClock
from frmon.config import StorageSettings
from frmon.configrules import hint
from frmon.errors import ConfigError, FrmonError
from frmon.feeds.venues import all_venues
from frmon.headless import emit, say
from frmon.paths import data_dir
from frmon.progress import progressing
from frmon.storage.bars import MINUTE_MS
from frmon.storage.export import CsvSink
from frmon.storage.history import FOREVER_MS, History
from frmon.storage.readonly import Missing
from frmon.storage.rows import SHEETS, bar_rows, gap_rows
from frmon.storage.stitch import check_step
from frmon.storage.upkeep import maintain

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `history` and `signals` were asked for."""

    hours: float = 24.0
    coins: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    step: int | None = None
    form: str = "table"


def history(named: Path | None, coin: str, asked: Asked) -> None:
    """Print a coin's past. Raises `Unknown`, `Unreadable` and `ConfigError`."""
    step = step_of(asked.step or recall.line_step(asked.hours * 60))
    venues_of(asked.venues)
    with opened(named) as found:
        past = _recalled(found, coin, asked, step)
        latest = None if past.spread.gaps or past.legs else _latest(found, past.spread.coin)
    if asked.form == "table":
        emit(recall.history_text(past).encode())
    elif asked.form == "json":
        emit(recall.history_json(past))
    else:
        _history_csv(past, prices=bool(asked.venues))
    if latest is not None:
        when = recall.when(latest)
        say(f"frmon: nothing was kept of {past.spread.coin} in the last {asked.hours:g} h; the latest is of {when} UTC")


def signals(named: Path | None, asked: Asked) -> None:
    """Print past signals. Raises `Unknown` and `Unreadable`."""
    now_ms = SystemClock().now_ms()
    since_ms = now_ms - round(asked.hours * HOUR_MS)
    with opened(named) as found:
        coins = {found.coin(coin) for coin in asked.coins}
        told = ledger.Told(
            simulated=found.simulated(),
            signals=[s for s in found.signals(since_ms, now_ms + DAY_MS) if not coins or s.coin in coins],
            episodes=found.episodes(since_ms - DAY_MS, now_ms + DAY_MS),
        )
    if asked.form == "table":
        emit(ledger.signals_text(told).encode())
    elif asked.form == "csv":
        _csv(ledger.CSV_COLUMNS, told.simulated, ledger.signal_rows(told))
    else:
        values = ledger.signal_values(told)
        lines = values if asked.form == "jsonl" else [{"schema": 1, "simulated": told.simulated, "signals": values}]
        emit(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def stats(named: Path | None, kept: StorageSettings, form: str) -> None:
    """Print the figures of the file. Raises `Unreadable`."""
    with opened(named) as found:
        figures = found.stats()
    emit(ledger.stats_json(figures, kept) if form == "json" else ledger.stats_text(figures, kept).encode())


def tidy(named: Path | None, kept: StorageSettings) -> None:
    """Do all upkeep now. Raises `FrmonError`, also while another program writes to the file."""
    with opened(named) as found:  # what cannot be read is not written to either
        path = found.path
    with progressing() as progress:
        done = maintain(path, kept, SystemClock(), lambda piece: progress(piece.what, piece.done, piece.of), say)
    say(f"frmon: {path}: {done.before / 1e6:.1f} MB before, {done.after / 1e6:.1f} MB now")


@contextmanager
def opened(named: Path | None) -> Iterator[History]:
    """The file that an option or its variable names, else the user's own. Says at the end what could not be read. Raises
    `Unreadable`, `ConfigError` for a named file that is not there."""
    path = named or data_dir(os.environ) / "frmon.db"
    try:
        with History(path) as found:
            yield found
            if found.unread:
                say(f"frmon: {path}: {found.unread} packs of bars are damaged and were left out")
    except Missing:
        if named is not None:
            raise ConfigError(f"--db: {path}: no such file") from None
        raise FrmonError(f"nothing has been kept yet: no {path}; frmon writes it while it runs") from None


def venues_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of venues. Raises `ConfigError` for an unknown one."""
    known = [venue.name for venue in all_venues()]
    for name in names:
        if name.lower() not in known:
            raise ConfigError(f'--venue: no such venue: "{name}"; {hint(name, known)}')
    return tuple(name.lower() for name in names)


def step_of(step: int) -> int:
    """Minutes of a bar. Raises `ConfigError` when bars cannot be made of them."""
    try:
        check_step(step)
    except FrmonError as error:
        raise ConfigError(f"--step: {error}") from None
    return step


def _recalled(found: History, coin: str, asked: Asked, step: int) -> recall.Recalled:
    until_ms = SystemClock().now_ms()
    since_ms = until_ms - round(asked.hours * HOUR_MS)
    fine = recall.fine_step(step) if asked.form == "table" else step
    name, venues = found.coin(coin), venues_of(asked.venues)
    legs = [leg for leg in found.legs(name) if leg.venue in venues]
    if venues and not legs:
        raise FrmonError(f"nothing is kept of {name} on {', '.join(venues)}")
    wanted = legs if venues or asked.form != "json" else found.legs(name)
    return recall.Recalled(
        simulated=found.simulated(), since_ms=since_ms, until_ms=until_ms, step=step,
        spread=found.gaps(name, since_ms, until_ms, fine),
        legs=[series for leg in wanted for series in found.bars(leg, since_ms, until_ms, fine)],
        settlements=[paid for leg in wanted for paid in found.settlements(leg, since_ms, until_ms)],
        signals=found.signals(since_ms, until_ms, coin=name),
        episodes=found.episodes(since_ms, until_ms, coin=name),
    )  # fmt: skip


def _latest(found: History, coin: str) -> int | None:
    """When anything was kept of a coin's spread or prices for the last time, to the hour, Unix milliseconds."""
    spread = found.gaps(coin, 0, FOREVER_MS, 60)
    starts = [gap.start for gap in spread.gaps] or [s.bars[-1].start for s in found.bars(coin, 0, FOREVER_MS, 60)]
    return max(starts) * MINUTE_MS if starts else None


def _history_csv(past: recall.Recalled, *, prices: bool) -> None:
    if prices:
        _csv(SHEETS["bars"].columns, past.simulated, [row for series in past.legs for row in bar_rows(series)])
    else:
        _csv(SHEETS["gaps"].columns, past.simulated, gap_rows(past.spread))


def _csv(columns: dict[str, str], simulated: bool, rows: Sequence[Sequence[Any]]) -> None:
    text = BytesIO()
    CsvSink(text, columns, simulated=simulated).write(rows)
    emit(text.getvalue())
