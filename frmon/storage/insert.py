"""Records as rows: legs, coins and pairs get their numbers, everything of one kind goes in with one statement."""

from collections.abc import Hashable, Sequence
from itertools import groupby
from typing import Any

import aiosqlite

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

# The later statement about the same minute wins: a clock that was set back tells a minute twice.
_BAR = "INSERT OR REPLACE INTO bar VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GAP = "INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?, ?)"
# What a venue stated outlives what was estimated.
_SETTLEMENT = """INSERT INTO settlement VALUES (?, ?, ?, ?, ?) ON CONFLICT (leg, at_ms) DO UPDATE
    SET rate = excluded.rate, interval_h = coalesce(excluded.interval_h, interval_h), source = excluded.source
    WHERE source = 'estimate' OR excluded.source <> 'estimate'"""
_SIGNAL = "INSERT OR IGNORE INTO signal VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_EPISODE = "INSERT OR REPLACE INTO episode VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_EVENT = "INSERT INTO event VALUES (NULL, ?, ?)"
_SAMPLE = "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Inserts:
    """Writes records; remembers the numbers of what it has met in this file."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def forget(self) -> None:
        """Another file."""
        self._numbers.clear()

    async def write(self, connection: aiosqlite.Connection, records: Sequence[Record]) -> None:
        """Within the caller's transaction. When it fails, numbers met in it are forgotten with it."""
        known = dict(self._numbers)
        try:
            for kind, group in groupby(records, key=type):
                rows = [await self._row(connection, record) for record in group]
                await connection.executemany(_STATEMENTS[kind], rows)
        except BaseException:
            self._numbers = known
            raise

    async def _row(self, connection: aiosqlite.Connection, record: Record) -> Sequence[Any]:
        match record:
            case LegBar(leg, bar):
                return (await self._leg(connection, leg), *bar)
            case CoinGap(coin, pair, gap):
                number = await self._pair(connection, pair)
                return (await self._coin(connection, coin), *gap[:4], number, gap.seconds)
            case Settlement():
                number = await self._leg(connection, record.leg)
                return number, record.at_ms, record.rate, record.interval_h, record.source
        return tuple(getattr(record, name) for name in type(record).__struct_fields__)

    async def _leg(self, connection: aiosqlite.Connection, leg: LegName) -> int:
        values = (leg.venue, leg.market, leg.symbol, leg.coin, leg.multiplier)
        return await self._number(connection, leg, "leg (venue, market, symbol, coin, multiplier)", values)

    async def _coin(self, connection: aiosqlite.Connection, coin: str) -> int:
        return await self._number(connection, coin, "coin (name)", (coin,))

    async def _pair(self, connection: aiosqlite.Connection, pair: PairName) -> int:
        return await self._number(
            connection, pair, "pair (buy_venue, buy_market, sell_venue, sell_market)", (*pair.buy, *pair.sell)
        )

    async def _number(
        self, connection: aiosqlite.Connection, key: Hashable, table: str, values: Sequence[object]
    ) -> int:
        """The number of a row, which is made if it is not there."""
        found = self._numbers.get(key)
        if found is not None:
            return found
        name, _, columns = table.partition(" ")
        marks = ", ".join("?" * len(values))
        await connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)  # noqa: S608  our own names
        where = " AND ".join(f"{column} = ?" for column in columns.strip("()").split(", "))
        async with connection.execute(f"SELECT id FROM {name} WHERE {where}", values) as rows:  # noqa: S608  our own names
            row = await rows.fetchone()
        assert row is not None
        self._numbers[key] = number = int(row[0])
        return number


_STATEMENTS: dict[type, str] = {
    LegBar: _BAR,
    CoinGap: _GAP,
    Settlement: _SETTLEMENT,
    SignalRow: _SIGNAL,
    EpisodeRow: _EPISODE,
    EventRow: _EVENT,
    SampleRow: _SAMPLE,
}
