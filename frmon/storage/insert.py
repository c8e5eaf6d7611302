"""Records as rows: legs, coins and pairs get their numbers, everything of one kind goes in with one statement."""

import sqlite3
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import aiosqlite

from frmon.storage.bars import MINUTE_MS
from frmon.storage.records import (
    CoinGap,
    EpisodeRow,
    EventRow,
    LegBar,
    LegName,
    PairName,
    Record,
    SampleRow,
    Settlement,
    SignalRow,
)

REFUSED = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, sqlite3.ProgrammingError, OverflowError,
           UnicodeError, TypeError)  # fmt: skip
"""What a record raises that no file would ever have: not a number, larger than 64 bits, half a character."""

# The later statement about the same minute wins: a clock that was set back tells a minute twice.
_BAR = "INSERT OR REPLACE INTO bar VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GAP = "INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?, ?)"
# What a venue stated outlives what was estimated, and what its history says outlives both.
_SETTLEMENT = """INSERT INTO settlement VALUES (?, ?, ?, ?, ?) ON CONFLICT (leg, at_ms) DO UPDATE
    SET rate = excluded.rate, interval_h = coalesce(excluded.interval_h, interval_h), source = excluded.source
    WHERE source = 'estimate' OR excluded.source = 'history' OR (source = 'stream' AND excluded.source = 'stream')"""
# Told twice is kept once; anything else that is wrong with a signal is an error.
_SIGNAL = """INSERT INTO signal VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (at_ms, kind, coin, short, long) DO NOTHING"""
_EPISODE = "INSERT OR REPLACE INTO episode VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_EVENT = "INSERT INTO event VALUES (NULL, ?, ?)"
_SAMPLE = "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class _Names(NamedTuple):
    """One table of numbered names. `row` makes a row of a name, `name` a name of a row."""

    table: str
    columns: str
    row: Callable[[Any], tuple[Any, ...]]
    name: Callable[..., Hashable]
    of: Callable[[Record], Hashable | None]


_LEGS = _Names(
    "leg", "venue, market, symbol, coin, multiplier",
    lambda leg: (leg.venue, leg.market, leg.symbol, leg.coin, leg.multiplier), LegName,
    lambda record: record.leg if isinstance(record, LegBar | Settlement) else None,
)  # fmt: skip
_COINS = _Names(
    "coin", "name", lambda coin: (coin,), str, lambda record: record.coin if isinstance(record, CoinGap) else None
)
_PAIRS = _Names(
    "pair", "buy_venue, buy_market, sell_venue, sell_market",
    lambda pair: (*pair.buy, *pair.sell), lambda a, b, c, d: PairName((a, b), (c, d)),
    lambda record: record.pair if isinstance(record, CoinGap) else None,
)  # fmt: skip


class _Numbers:
    """The numbers of the names in one table, read once and then as far as they are new."""

    def __init__(self, names: _Names) -> None:
        self._names = names
        self._known: dict[Hashable, int] = {}
        self._top = 0

    def __getitem__(self, name: Hashable) -> int:
        return self._known[name]

    def forget(self) -> None:
        self._known, self._top = {}, 0

    async def meet(self, connection: aiosqlite.Connection, records: Sequence[Record]) -> None:
        """Number what has no number yet. Within the caller's transaction."""
        missing = {name for record in records if (name := self._names.of(record)) is not None} - self._known.keys()
        if missing and not self._top:
            await self._read(connection)
            missing -= self._known.keys()
        if not missing:
            return
        table, columns = self._names.table, self._names.columns
        marks = ", ".join("?" * (columns.count(",") + 1))
        query = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608  our own names
        await connection.executemany(query, [self._names.row(name) for name in missing])
        await self._read(connection)

    async def _read(self, connection: aiosqlite.Connection) -> None:
        query = f"SELECT id, {self._names.columns} FROM {self._names.table} WHERE id > ? ORDER BY id"  # noqa: S608  our own
        for number, *columns in await connection.execute_fetchall(query, (self._top,)):
            self._known[self._names.name(*columns)] = self._top = number


class Inserts:
    """Writes records; remembers the numbers of what it has met in this file."""

    def __init__(self) -> None:
        self._legs, self._coins, self._pairs = _Numbers(_LEGS), _Numbers(_COINS), _Numbers(_PAIRS)

    def forget(self) -> None:
        """Another file, or a transaction that was undone."""
        for numbers in (self._legs, self._coins, self._pairs):
            numbers.forget()

    async def write(self, connection: aiosqlite.Connection, records: Sequence[Record]) -> None:
        """Within the caller's transaction. Raises what SQLite raises, and `REFUSED`."""
        try:
            for numbers in (self._legs, self._coins, self._pairs):
                await numbers.meet(connection, records)
            for kind, group in groupby(records, key=type):
                await connection.executemany(_STATEMENTS[kind], self._rows(list(group)))
        except BaseException:
            self.forget()
            raise

    def _rows(self, records: Sequence[Record]) -> Iterator[Sequence[Any]]:
        """Made one by one on SQLite's thread, as it takes them."""
        return map(self._row, records)

    def _row(self, record: Record) -> Sequence[Any]:
        match record:
            case LegBar(leg, bar):
                return (self._legs[leg], *bar)
            case CoinGap(coin, pair, gap):
                return (self._coins[coin], *gap[:4], self._pairs[pair], gap.seconds)
            case Settlement():
                at_ms = (record.at_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS
                return self._legs[record.leg], at_ms, record.rate, record.interval_h, record.source
        return tuple(getattr(record, name) for name in type(record).__struct_fields__)


_STATEMENTS: dict[type, str] = {
    LegBar: _BAR,
    CoinGap: _GAP,
    Settlement: _SETTLEMENT,
    SignalRow: _SIGNAL,
    EpisodeRow: _EPISODE,
    EventRow: _EVENT,
    SampleRow: _SAMPLE,
}
