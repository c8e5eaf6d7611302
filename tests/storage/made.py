"""Records and journals for the tests of storage."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from frmon.clock import SystemClock
from frmon.storage.bars import Bar, Gap
from frmon.storage.journal import Journal
from frmon.storage.records import (
    CoinGap,
    EpisodeRow,
    EventRow,
    LegBar,
    LegName,
    PairName,
    SampleRow,
    Settlement,
    SignalRow,
)
from tests.scenarios.load import Load

AT = 1_795_325_580_000
PATIENCE_S = 60.0
"""Whoever waits longer failed; it says nothing of how fast the program is."""


def leg(n: int = 0) -> LegName:
    return LegName("binance", "perp", f"C{n}USDT", f"C{n}")


def bar(n: int = 0, minute: int = 29_000_000, price: float = 2.0) -> LegBar:
    return LegBar(leg(n), Bar(minute, price, price, price, price, price, price, price, None, 1e-4, 7))


def gap(coin: str = "C0", minute: int = 29_000_000) -> CoinGap:
    return CoinGap(coin, PairName(("binance", "perp"), ("okx", "perp")), Gap(minute, 2.0, 1.0, 1.5, 0, 60))


def signal(n: int = 0, percent: float = 1.0) -> SignalRow:
    return SignalRow(
        at_ms=AT + n, kind="spread", coin="BTC", short="okx perp", long="bybit perp", percent=percent,
        price_short=101.0, price_long=100.0,
    )  # fmt: skip


def episode(n: int = 0, peak: float = 1.0, reason: str | None = None) -> EpisodeRow:
    return EpisodeRow(
        opened_ms=AT + n, kind="spread", coin="BTC", short="okx perp", long="bybit perp", opened_pct=1.0, peak_pct=peak,
        peak_ms=AT, last_pct=1.0, seen_ms=AT, duration_s=1.0, area=1.0, samples=1, reason=reason,
    )  # fmt: skip


def settlement(at_ms: int = AT, rate: float = 1e-4, source: str = "stream", n: int = 0) -> Settlement:
    return Settlement(leg=leg(n), at_ms=at_ms, rate=rate, interval_h=8.0, source=source)


def event(text: str = "okx: LIVE") -> EventRow:
    return EventRow(at_ms=AT, text=text)


def sample(n: int = 0) -> SampleRow:
    return SampleRow(
        at_ms=AT + n,
        cpu_pct=1.0,
        rss_mb=90.0,
        loop_lag_ms=2.0,
        messages_per_s=900.0,
        legs=10,
        fresh_legs=9,
        reconnects=0,
    )


class Kept:
    """A journal at work, and what it said."""

    def __init__(self, path: Path, *, simulated: bool = False) -> None:
        self.told: list[str] = []
        self.saved: list[Any] = []
        self.path = path
        self.journal = Journal(path, SystemClock(), self.told.append, simulated=simulated)
        self.journal.on_saved(self.saved.extend)
        self.task: asyncio.Task[None] | None = None

    @property
    def status(self) -> str:
        return self.journal.state.status

    async def within(self, seconds: float, true: Callable[[], object]) -> float:
        """Wait until it is so; fails when that took longer than `seconds`, as this machine counts them at the moment. Returns
        how long it took."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        with Load() as load:
            while not true():
                assert loop.time() < start + PATIENCE_S, (self.journal.state, self.told)
                await asyncio.sleep(0.01)
        spent = loop.time() - start
        assert spent < load.allows(seconds), f"it took {spent:.1f} s"
        return spent

    async def written(self, seconds: float = 5.0) -> None:
        await self.within(seconds, lambda: self.status in {"OK", "RESET"} and not self.journal.waiting)

    def move(self, name: str) -> None:
        """The file is renamed under its writer."""
        self.path.rename(self.path.with_name(name))

    def remove(self) -> None:
        """The file is removed under its writer."""
        self.path.unlink()


@asynccontextmanager
async def kept(path: Path, *, simulated: bool = False, ready: bool = True) -> AsyncIterator[Kept]:
    """At its end the journal is stopped, within its time."""
    it = Kept(path, simulated=simulated)
    it.task = asyncio.create_task(it.journal.run())
    if ready:
        await it.within(5, lambda: it.status != "OPENING")
    try:
        yield it
    finally:
        it.journal.stop()
        loop = asyncio.get_running_loop()
        start = loop.time()
        with Load() as load:
            async with asyncio.timeout(PATIENCE_S):
                await it.task
        assert loop.time() - start < load.allows(3), "its end took too long"


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def sound(path: Path) -> bool:
    return rows(path, "PRAGMA integrity_check") == [("ok",)]
