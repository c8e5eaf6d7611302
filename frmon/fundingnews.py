"""What happens to funding while the engine runs: told in words, many at once in one line, and what settlements paid."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from frmon.board import Board
from frmon.clock import Clock
from frmon.funding import Change, FundingEvent, Watcher
from frmon.model import LegKey

LOOK_S = 1.0
QUIET_S = 5.0  # without one more of its kind: what has gathered is told
MOST_S = 60.0  # it is told at the latest so long after the first, and the next of its kind no sooner after it
NAMED = 3  # of more than so many at once only the number is told


class Settled(NamedTuple):
    """What the last settlement of a leg paid."""

    rate: float | None  # fraction of the position; None: not known
    at_ms: int
    stated: bool  # the venue said so; else the last prediction seen before


class _Batch(msgspec.Struct):
    """Events of one kind on one venue's market that wait to be told."""

    since: float  # monotonic, of the first
    last: float
    events: list[FundingEvent]


_Kind = tuple[str, str, Change]


class FundingNews:
    """Watches every perpetual of a board. `settled` is bounded by the board's seats and may be read from any thread."""

    def __init__(self, board: Board, clock: Clock, tell: Callable[[str], None], time_scale: float = 1.0) -> None:
        self.settled: dict[LegKey, Settled] = {}
        self.hear: Callable[[FundingEvent], None] | None = None  # is told every settlement
        self._board = board
        self._clock = clock
        self._tell = tell
        self._most_s, self._quiet_s = MOST_S * time_scale, QUIET_S * time_scale
        self._watcher = Watcher()
        self._layout = -1
        self._waiting: dict[_Kind, _Batch] = {}
        self._told_at: dict[_Kind, float] = {}

    async def run(self) -> None:
        """Look once a second, for ever."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_S)

    def look(self) -> None:
        """What happened since the last look."""
        now = self._clock.mono()
        for event in self._watcher.look(list(self._board.rows.values()), self._clock.now_ms()):
            self._take(event, now)
        if self._layout != self._board.layout:
            self._layout = self._board.layout
            self.settled = {key: paid for key, paid in self.settled.items() if self._board.cell(key) is not None}
        for kind in [kind for kind in self._waiting if self._is_due(kind, now)]:
            self._told_at[kind] = now
            for line in lines(self._waiting.pop(kind).events):
                self._tell(line)

    def _take(self, event: FundingEvent, now: float) -> None:
        if event.kind is Change.SETTLEMENT:
            self.settled[event.key] = Settled(event.before, event.at_ms, event.stated)
            if self.hear is not None:
                self.hear(event)
        kind = (event.key.venue, event.key.market.value, event.kind)
        batch = self._waiting.setdefault(kind, _Batch(now, now, []))
        batch.last = now
        batch.events.append(event)

    def _is_due(self, kind: _Kind, now: float) -> bool:
        batch = self._waiting[kind]
        if now - self._told_at.get(kind, float("-inf")) < self._most_s:
            return False
        return now - batch.last >= self._quiet_s or now - batch.since >= self._most_s


def lines(events: list[FundingEvent]) -> list[str]:
    """Events of one kind, venue and market in words: settlements in one line, others in a line each if they are few."""
    first = events[0]
    name, coins = f"{first.key.venue} {first.key.market}", list(dict.fromkeys(e.coin for e in events))
    named = f" ({', '.join(coins)})" if len(coins) <= NAMED else ""
    if first.kind is Change.SETTLEMENT:
        return [f"{name}: {len(events)} settled{named}"]
    if len(events) <= NAMED:
        return [f"{e.coin}: {name} {_words(e)}" for e in events]
    what = "funding intervals changed" if first.kind is Change.INTERVAL else "funding rates changed sign"
    return [f"{name}: {len(events)} {what}{named}"]


def _words(event: FundingEvent) -> str:
    if event.kind is Change.INTERVAL:
        return f"settles every {event.after:g} h, before every {event.before:g} h"
    return f"funding turned from {_percent(event.before)} to {_percent(event.after)}"


def _percent(rate: float | None) -> str:
    return "unknown" if rate is None else f"{rate * 100:+.4f} %"
