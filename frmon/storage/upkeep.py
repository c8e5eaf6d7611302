"""Looking after the file in small steps, between two writes: minutes are packed, packs rolled up, old ones dropped, and the
file shrinks. A step takes a few hundredths of a second at most; nobody waits for it but the writer."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import aiosqlite
import msgspec

from frmon.storage.bars import MINUTE_MS, Bar, Gap, roll_bars, roll_gaps
from frmon.storage.packing import pack_bars, pack_gaps, unpack_bars, unpack_gaps
from frmon.storage.schema import KIND_COIN, KIND_LEG

SUBJECTS = 50
"""Legs or coins that one step packs or rolls up."""

ROWS = 200
"""Packs that one step drops."""

PAGES = 100
"""Free pages of the file that one step gives back."""

DAY = 1440
SPANS = {1: 60, 15: DAY, 60: 4 * DAY}
"""Step in minutes -> minutes that one pack covers."""

COARSER = {15: 1, 60: 15}
"""Step -> the finer one it is made of."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """For how many days what is kept."""

    minutes_days: float = 7.0
    quarters_days: float = 90.0
    hours_days: float = 730.0
    events_days: float = 90.0
    samples_days: float = 30.0

    def of_step(self, step: int) -> float:
        """Days for bars of so many minutes."""
        return {1: self.minutes_days, 15: self.quarters_days, 60: self.hours_days}[step]


class _Kind(NamedTuple):
    """How one kind of series is kept."""

    number: int
    table: str
    subject: str
    columns: str
    make: Callable[[Iterable[Any]], Any]
    pack: Callable[[Sequence[Any]], bytes]
    unpack: Callable[[bytes], list[Any]]
    roll: Callable[[Iterable[Any], int], list[Any]]


_LEGS = _Kind(
    KIND_LEG, "bar", "leg", "start, open, high, low, close, bid, ask, mark_price, index_price, rate, updates",
    Bar._make, pack_bars, unpack_bars, roll_bars,
)  # fmt: skip
_COINS = _Kind(
    KIND_COIN, "gap", "coin", "start, most, mean, last, pair, seconds", Gap._make, pack_gaps, unpack_gaps, roll_gaps
)
KINDS = (_LEGS, _COINS)


class Upkeep:
    """`step` does one small thing and says whether there may be more to do; `now_ms` is the wall clock."""

    def __init__(self, retention: Retention, now_ms: Callable[[], int]) -> None:
        self.retention = retention
        self._now_ms = now_ms
        self._looked_at = -1  # the minute in which everything was found done
        self.done = 0  # steps that did something

    async def step(self, connection: aiosqlite.Connection) -> bool:
        """Do the next thing, if there is one; at most one thing a call. Within its own transaction."""
        minute = self._now_ms() // MINUTE_MS
        if minute == self._looked_at:
            return False
        for job in self._jobs(minute):
            if await self._try(connection, job):
                self.done += 1
                return True
        self._looked_at = minute
        return False

    def _jobs(self, minute: int) -> Iterable[Callable[[aiosqlite.Connection], Any]]:
        for kind in KINDS:
            yield partial(self._pack, kind=kind, minute=minute)
        for kind in KINDS:
            for step in COARSER:
                yield partial(self._roll, kind=kind, step=step, minute=minute)
        for kind in KINDS:
            for step in SPANS:
                yield partial(self._prune, kind=kind, step=step, minute=minute)
        yield partial(self._prune_rows, minute=minute)
        yield _shrink

    async def _try(self, connection: aiosqlite.Connection, job: Callable[[aiosqlite.Connection], Any]) -> bool:
        await connection.execute("BEGIN IMMEDIATE")
        try:
            did = bool(await job(connection))
        except BaseException:
            await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT" if did else "ROLLBACK")
        return did

    async def _pack(self, connection: aiosqlite.Connection, kind: _Kind, minute: int) -> bool:
        """Minutes of full hours of some subjects become packs. A minute that comes late is packed into the one there is."""
        before = minute // 60 * 60 - 1  # the minute that was just over may still be on its way
        found = await _rows(
            connection,
            f"SELECT DISTINCT {kind.subject}, start / 60 FROM {kind.table} WHERE start < ? LIMIT {SUBJECTS}",  # noqa: S608
            (before // 60 * 60,),
        )
        for subject, hour in found:
            where = f"{kind.subject} = ? AND start >= ? AND start < ?"
            bounds = (subject, hour * 60, hour * 60 + 60)
            query = f"SELECT {kind.columns} FROM {kind.table} WHERE {where} ORDER BY start"  # noqa: S608
            bars = [kind.make(row) for row in await _rows(connection, query, bounds)]
            await self._merge(connection, kind, 1, subject, hour * 60, bars)
            await connection.execute(f"DELETE FROM {kind.table} WHERE {where}", bounds)  # noqa: S608
        return bool(found)

    async def _merge(  # noqa: PLR0913, PLR0917  where the bars go
        self, connection: aiosqlite.Connection, kind: _Kind, step: int, subject: int, start: int, bars: Sequence[Any]
    ) -> None:
        held = await _rows(
            connection,
            "SELECT data FROM pack WHERE kind = ? AND step = ? AND subject = ? AND start = ?",
            (kind.number, step, subject, start),
        )
        by_start = {bar.start: bar for (data,) in held for bar in kind.unpack(data)}
        by_start.update((bar.start, bar) for bar in bars)
        whole = [by_start[at] for at in sorted(by_start)]
        row = (kind.number, step, subject, start, start + SPANS[step], len(whole), kind.pack(whole))
        await connection.execute("INSERT OR REPLACE INTO pack VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    async def _roll(self, connection: aiosqlite.Connection, kind: _Kind, step: int, minute: int) -> bool:
        """Finer packs of spans that are over become one coarser pack each, subject by subject."""
        finer, span = COARSER[step], SPANS[step]
        over = (minute - 90) // span * span  # the last hour of the span has been packed by then
        found = await _rows(
            connection,
            """SELECT DISTINCT subject, start / ? FROM pack AS fine WHERE kind = ? AND step = ? AND start < ? AND NOT EXISTS
            (SELECT 1 FROM pack WHERE kind = fine.kind AND step = ? AND subject = fine.subject
             AND start = fine.start / ? * ?) LIMIT ?""",
            (span, kind.number, finer, over, step, span, span, max(1, SUBJECTS // 4)),
        )
        for subject, number in found:
            start = number * span
            packs = await _rows(
                connection,
                "SELECT data FROM pack WHERE kind = ? AND step = ? AND subject = ? AND start >= ? AND start < ? ORDER BY start",
                (kind.number, finer, subject, start, start + span),
            )
            bars = [bar for (data,) in packs for bar in kind.unpack(data)]
            await self._merge(connection, kind, step, subject, start, kind.roll(bars, step))
        return bool(found)

    async def _prune(self, connection: aiosqlite.Connection, kind: _Kind, step: int, minute: int) -> bool:
        before = minute - int(self.retention.of_step(step) * DAY) - SPANS[step]
        cursor = await connection.execute(
            """DELETE FROM pack WHERE (kind, step, subject, start) IN
            (SELECT kind, step, subject, start FROM pack WHERE kind = ? AND step = ? AND start < ? LIMIT ?)""",
            (kind.number, step, before, ROWS),
        )
        return cursor.rowcount > 0

    async def _prune_rows(self, connection: aiosqlite.Connection, minute: int) -> bool:
        """Events and samples that are too old. Signals, episodes and settlements are kept."""
        count = 0
        for table, days in (("event", self.retention.events_days), ("sample", self.retention.samples_days)):
            before_ms = (minute - int(days * DAY)) * MINUTE_MS
            cursor = await connection.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE at_ms < ? LIMIT 2000)",  # noqa: S608
                (before_ms,),
            )
            count += max(0, cursor.rowcount)
        return count > 0


async def _shrink(connection: aiosqlite.Connection) -> bool:
    """Give some free pages at the end of the file back to the system."""
    ((free,),) = await _rows(connection, "PRAGMA freelist_count")
    if free <= PAGES:
        return False
    await _rows(connection, f"PRAGMA incremental_vacuum({PAGES})")
    return True


async def _rows(connection: aiosqlite.Connection, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
    async with connection.execute(query, values) as cursor:
        return list(await cursor.fetchall())


async def steps(upkeep: Upkeep, connection: aiosqlite.Connection) -> AsyncIterator[int]:
    """Do everything now, step by step; yields how many were done."""
    while await upkeep.step(connection):
        yield upkeep.done
