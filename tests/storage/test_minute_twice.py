"""A minute that two runs of the program saw is one minute of both."""

import asyncio
import sqlite3
from pathlib import Path

from frmon.clock import SystemClock
from frmon.storage.bars import Bar, Gap
from frmon.storage.journal import Journal
from frmon.storage.records import CoinGap, LegBar, LegName, PairName, Record

LEG = LegName("okx", "perp", "X-USDT-SWAP", "X")
PAIR, OTHER = PairName(("okx", "perp"), ("bybit", "perp")), PairName(("bybit", "perp"), ("okx", "perp"))
MINUTE = 29_000_000


async def write(path: Path, *records: Record) -> None:
    journal = Journal(path, SystemClock(), lambda _: None, simulated=True)
    for record in records:
        journal.put(record)
    job = asyncio.create_task(journal.run())
    async with asyncio.timeout(20):
        while journal.waiting:
            await asyncio.sleep(0.01)
        journal.stop()
        await job


async def test_the_extremes_of_both_halves_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = Bar(MINUTE, 50.0, 99.0, 1.0, 60.0, 59.9, 60.1, 60.0, 60.0, 0.0001, 300)
    second = Bar(MINUTE, 51.0, 52.0, 50.5, 51.5, 51.4, 51.6, None, 51.0, None, 20)
    await write(path, LegBar(LEG, first), CoinGap("X", PAIR, Gap(MINUTE, 2.0, 1.0, 0.5, 0, 30)))
    await write(path, LegBar(LEG, second), CoinGap("X", OTHER, Gap(MINUTE, 1.0, 0.4, 0.2, 0, 10)))
    with sqlite3.connect(path) as file:
        bars = file.execute(
            "SELECT open, high, low, close, bid, ask, mark_price, index_price, rate, updates FROM bar"
        ).fetchall()
        gaps = file.execute(
            "SELECT most, mean, last, seconds, buy_venue FROM gap JOIN pair ON pair.id = gap.pair"
        ).fetchall()
    file.close()
    assert bars == [(50.0, 99.0, 1.0, 51.5, 51.4, 51.6, 60.0, 51.0, 0.0001, 320)]
    ((most, mean, last, seconds, venue),) = gaps
    assert (most, last, seconds, venue) == (2.0, 0.2, 40, "bybit")
    assert abs(mean - (30 * 1.0 + 10 * 0.4) / 40) < 1e-12
