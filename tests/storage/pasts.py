"""Files with a past, made as the program makes them: by its journal and its upkeep, under a clock that is told the time."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from frmon.clock import ManualClock
from frmon.config import StorageSettings
from frmon.storage.bars import MINUTE_MS, Bar, Gap
from frmon.storage.journal import Journal
from frmon.storage.records import CoinGap, LegBar, LegName, PairName, Record
from frmon.storage.upkeep import maintain

FOUR_DAYS = 4 * 1440
BASE = 29_001_600  # a minute that is the first of a day and of a pack of hours
EVER = StorageSettings(minutes_days=9_999, quarters_days=9_999, hours_days=9_999, events_days=9_999, samples_days=9_999)

A = LegName("binance", "perp", "1000PEPEUSDT", "PEPE", 1000)
B = LegName("okx", "perp", "PEPE-USDT-SWAP", "PEPE")
C = LegName("bybit", "spot", "BTCUSDT", "BTC")
FIRST = PairName(("okx", "perp"), ("binance", "perp"))
SECOND = PairName(("binance", "perp"), ("okx", "perp"))


MEMORY = Path("/dev/shm")  # where waiting for a disk would make hundreds of files slow


def folder() -> TemporaryDirectory[str]:
    """For a block."""
    return TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


def bar(minute: int, price: float = 2.0) -> Bar:
    mark = None if minute % 3 == 0 else price
    rate = None if minute % 7 == 0 else round(price / 1e5, 8)
    return Bar(
        minute, price, price + 0.5, price - 0.5, price + 0.25, price - 0.25, price + 0.25, mark, None, rate, minute % 9
    )


def gap(minute: int, percent: float = 1.0, pair: int = 0) -> Gap:
    return Gap(minute, percent + 0.5, percent, percent - 0.5, pair, 30 + minute % 30)


def leg_bars(leg: LegName, bars: Iterable[Bar]) -> list[Record]:
    return [LegBar(leg, one) for one in bars]


def coin_gaps(coin: str, gaps: Iterable[Gap], pair: PairName = FIRST) -> list[Record]:
    return [CoinGap(coin, pair, one) for one in gaps]


def write(path: Path, records: Iterable[Record], *, simulated: bool = False) -> None:
    """Through a journal that ends at once."""

    async def work() -> None:
        told: list[str] = []
        journal = Journal(path, ManualClock(), told.append, simulated=simulated)
        for record in records:
            journal.put(record)
        journal.stop()
        await journal.run()
        assert journal.state.waiting == journal.state.dropped == 0, told

    asyncio.run(work())


def tend(path: Path, minute: int, kept: StorageSettings = EVER) -> None:
    """All the upkeep that is due at a minute."""
    told: list[str] = []
    maintain(path, kept, ManualClock(minute * MINUTE_MS), lambda _piece: None, told.append)
    assert told == []
