"""Which settlements the file lacks, and how they get there: of the coins that are looked at (pinned ones among them) and of
those at the top of the table, every perpetual leg, from the venues' public histories."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from heapq import nlargest
from itertools import pairwise
from pathlib import Path

import msgspec

from frmon.board import Board, Row
from frmon.cell import Cell
from frmon.clock import Clock
from frmon.feeds.contract import Settled
from frmon.feeds.settlements import Settlements, Want
from frmon.jobs import apart
from frmon.model import LegKey, Market
from frmon.storage.bars import MINUTE_MS
from frmon.storage.records import LegName, Settlement

LOOK_S = 10.0
HOUR_MS = 3_600_000
DAYS = 7
"""So far back at most."""

LATE_MS = 2 * MINUTE_MS
"""After a settlement, until it is looked for in the history."""

USUAL_H = 8.0
INTERVALS_H = frozenset({1, 2, 3, 4, 6, 8, 12, 24})
BUSY_S = 0.5

Stored = dict[LegName, int]
"""Leg -> the newest settlement that is known from its venue's history."""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at. `newest` blocks: the file's answer, None where it gives none; `is_open`: whether the file takes
    anything now."""

    board: Board
    looked_at: Callable[[], Iterable[str]]
    top: int  # coins, beside those that are looked at
    newest: Callable[[], Stored | None]
    is_open: Callable[[], bool]
    put: Callable[[Settlement], None]


class Backfill:
    """Finds what is missing, has it asked for, and puts it. `hear` is for `Settlements`."""

    def __init__(self, missing: Missing, clock: Clock, time_scale: float = 1.0) -> None:
        self._missing = missing
        self._look_s = LOOK_S * time_scale
        self._clock = clock
        self.stored: Stored | None = None  # None: not read yet
        self._names: dict[LegKey, LegName] = {}  # as they were asked for

    async def run(self, settlements: Settlements) -> None:
        """Look again and again, for ever. Nothing is asked for while the file is not open."""
        while True:
            is_open = self._missing.is_open()
            if not is_open:
                self.stored = None  # it may be another file afterwards
            elif self.stored is None:
                self.stored = await apart(self._missing.newest)
            settlements.want(self.wants() if is_open else ())
            await self._clock.sleep(self._look_s)

    def wants(self) -> list[Want]:
        """What is missing now, in the order in which it is wanted."""
        if self.stored is None:
            return []
        now_ms = self._clock.now_ms()
        oldest = now_ms - DAYS * 24 * HOUR_MS
        found = []
        for cell in self._legs():
            name = self._names[cell.key] = _name(cell)
            since_ms = max(oldest, self.stored.get(name, 0) + MINUTE_MS)
            last_ms = last_settled(cell, now_ms)
            if last_ms + LATE_MS <= now_ms and since_ms <= last_ms:
                found.append(Want(cell.key, since_ms, last_ms))
        return found

    def hear(self, want: Want, settled: Sequence[Settled]) -> None:
        """A leg's history was read."""
        if self.stored is None or not settled:
            return
        name = self._names[want.key]
        before = self.stored.get(name)
        for row, hours in zip(settled, intervals([before, *(row.at_ms for row in settled)]), strict=True):
            self._missing.put(Settlement(leg=name, at_ms=row.at_ms, rate=row.rate, interval_h=hours, source="history"))
        self.stored[name] = max(before or 0, nearest_minute(settled[-1].at_ms))

    def _legs(self) -> Iterator[Cell]:
        """The perpetuals of the coins that are wanted."""
        rows = self._missing.board.rows
        top = nlargest(self._missing.top, [row for row in rows.values() if row.spread], key=_width)
        for coin in dict.fromkeys([*self._missing.looked_at(), *(row.coin for row in top)]):
            for cell in rows[coin].cells if coin in rows else ():
                if cell.key.market is Market.PERP and self._missing.board.cell(cell.key) is cell:
                    yield cell


def last_settled(cell: Cell, now_ms: int) -> int:
    """When a leg settled last: an interval before the coming settlement, else at the last multiple of its interval (UTC)."""
    step = round((cell.funding_interval_h or USUAL_H) * HOUR_MS)
    coming = cell.next_funding_ms
    if coming:
        return coming - ((coming - now_ms) // step + 1) * step if coming > now_ms else coming
    return now_ms // step * step


def intervals(times: Sequence[int | None]) -> list[float | None]:
    """Hours between each settlement and the one before it; None where nothing is known before, or no venue has such an
    interval. The first of `times` is only what came before."""
    found: list[float | None] = []
    for before, at_ms in pairwise(times):
        hours = None if before is None or at_ms is None else round((at_ms - before) / MINUTE_MS) / 60
        found.append(hours if hours in INTERVALS_H else None)
    return found


def nearest_minute(at_ms: int) -> int:
    """As the file writes the time of a settlement."""
    return (at_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS


def newest_settled(path: Path) -> Stored | None:
    """What the file has from histories. None where it cannot be read. Blocks."""
    query = """SELECT venue, market, symbol, coin, multiplier, max(at_ms)
        FROM settlement JOIN leg ON leg.id = settlement.leg WHERE source = 'history' GROUP BY leg.id"""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as file:
            return {LegName(*name): at_ms for *name, at_ms in file.execute(query)}
    except sqlite3.Error:
        return None


def _name(cell: Cell) -> LegName:
    leg = cell.leg
    return LegName(leg.venue, leg.market.value, leg.symbol, leg.coin, leg.multiplier)


def _width(row: Row) -> float:
    spread = row.spread
    return spread.gross_pct if spread is not None else 0.0
