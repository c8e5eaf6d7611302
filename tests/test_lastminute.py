"""A program that ends within a minute, however it ends, and the next one that goes on with it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from frmon import spread
from frmon.clock import ManualClock
from frmon.keeping import Keeping, Seen
from frmon.signals.episodes import Episodes
from frmon.storage.beside import ENDINGS, Beside
from frmon.storage.journal import Journal
from frmon.storage.records import LegBar
from frmon.vigil import Vigil
from frmon.warmstart import Known, read
from tests.given import TERMS, Desk, leg
from tests.storage.made import rows

A, B = leg("binance"), leg("okx")
MINUTE = 29_922_000
START_MS = MINUTE * 60_000


class Run:
    """One run of what keeps history. Its clock is told by hand; files are written meanwhile."""

    def __init__(self, path: Path, wall: ManualClock, *, simulated: bool = False) -> None:
        self.path = path
        self.wall = wall
        self.clock = Vigil(wall, 5.0)
        self.clock.begin()
        self.desk = Desk(A, B)
        self.told: list[str] = []
        self.journal = Journal(path, self.clock, self.told.append, simulated=simulated)
        seen = Seen(board=self.desk.board, episodes=Episodes(8.0), states=list, freshness=TERMS.freshness)
        self.keeping = Keeping(self.journal, seen, self.clock, self.told.append)
        self.market = "simulated" if simulated else "real"

    async def pass_(self, seconds: int, price: float = 100.0, *, kept: bool = True) -> None:
        """A second after the other; both legs are quoted before each look, which is kept before the next, if it can be."""
        for n in range(seconds):
            now = self.clock.mono() + 1.0
            self.desk.say(A, price + n, price + n + 0.2, now - 0.1)
            self.desk.say(B, price + n + 1, price + n + 1.2, now - 0.1)
            for row in self.desk.board.rows.values():
                row.spread = spread.best(row, TERMS, now, self.clock.now_ms())
            for _ in range(10):
                self.wall.advance(0.1)
                await asyncio.sleep(0.001)
            if kept and self.journal.file.is_ours:
                await self.until(partial(self.shows, price + n + 0.1), 0.001)

    def shows(self, price: float) -> bool:
        """Whether this is what was kept last."""
        kept = self.kept()
        return bool(kept and kept[max(kept)]) and abs(kept[max(kept)]["binance"].close - price) < 0.01

    async def until(self, true: Callable[[], object], step: float = 0.01) -> None:
        """However long it takes, while hardly any time passes."""
        async with asyncio.timeout(30):
            while not true():
                self.wall.advance(step)
                await asyncio.sleep(0.005)

    def kept(self) -> dict[int, dict[str, Any]]:
        """What lies beside the file, as bars of legs by venue and minute."""
        left = Beside(self.path, self.market).read()
        return {
            minute: {record.leg.venue: record.bar for record in seen if isinstance(record, LegBar)}
            for minute, seen in left.minutes.items()
        }

    async def kill(self) -> None:
        """Nothing more is looked at, kept or written, and the file is let go."""
        tasks = [task for task in asyncio.all_tasks() if task.get_name() in {"keeping", "last minute", "storage"}]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def run(path: Path, wall: ManualClock, *, killed: bool = True, simulated: bool = False) -> AsyncIterator[Run]:
    it = Run(path, wall, simulated=simulated)
    it.keeping.start()
    await it.until(lambda: it.journal.state.status not in {"OPENING", "WAIT"})
    try:
        yield it
    finally:
        await (it.kill() if killed else it.keeping.end())
        await it.until(lambda: not any("connection_worker" in thread.name for thread in threading.enumerate()), 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frmon.db"


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock(START_MS, 1_000.0)


def bars(path: Path) -> dict[tuple[int, str], tuple[float, float, float, float, int]]:
    query = """SELECT start, venue, open, high, low, close, updates FROM bar JOIN leg ON leg.id = bar.leg"""
    return {(start - MINUTE, venue): tuple(values) for start, venue, *values in rows(path, query)}


def remove(path: Path) -> None:
    """The file, and not what lies beside it."""
    path.unlink()


def gaps(path: Path) -> dict[int, tuple[float, float, int]]:
    query = "SELECT start, most, last, seconds FROM gap"
    return {start - MINUTE: tuple(values) for start, *values in rows(path, query)}


async def test_a_killed_program_loses_a_second_and_the_next_one_goes_on_with_its_minute(
    path: Path, wall: ManualClock
) -> None:
    async with run(path, wall) as it:
        await it.pass_(20)
        assert it.kept()[MINUTE]["binance"].close >= 100.1 + 18
    assert bars(path) == {}
    async with run(path, wall) as it:
        await it.pass_(20, price=50.0)
        assert it.kept()[MINUTE]["binance"].open == pytest.approx(100.1)  # killed again, all of it is still there
        await it.pass_(20, price=60.0)
        await it.until(lambda: bars(path))
    assert bars(path)[0, "binance"][:4] == pytest.approx((100.1, 119.1, 50.1, 78.1), abs=1.01)
    assert bars(path)[0, "binance"][4] >= 55
    assert 55 <= gaps(path)[0][2] <= 60


@pytest.mark.parametrize("killed", [True, False])
async def test_a_minute_that_is_over_when_the_next_program_starts_is_written_as_it_was(
    path: Path, wall: ManualClock, killed: bool
) -> None:
    async with run(path, wall, killed=killed) as it:
        await it.pass_(20)
    wall.advance(600)
    async with run(path, wall) as it:
        await it.until(lambda: bars(path))
        await it.pass_(3)
        first, most = bars(path), gaps(path)[0][0]
    assert sorted(first) == [(0, "binance"), (0, "okx")]
    assert first[0, "binance"][:4] == pytest.approx((100.1, 119.1, 100.1, 119.1), abs=1.01)
    assert most > 0


async def test_a_minute_of_two_runs_that_end_in_good_order_is_that_of_both(path: Path, wall: ManualClock) -> None:
    async with run(path, wall, killed=False) as it:
        await it.pass_(10)
    assert bars(path)[0, "okx"][3] == pytest.approx(110.1)  # who asks meanwhile sees it as far as it is known
    async with run(path, wall, killed=False) as it:
        await it.pass_(10, price=50.0)
    assert bars(path)[0, "okx"][:4] == pytest.approx((101.1, 110.1, 51.1, 60.1))
    async with run(path, wall, killed=False) as it:
        await it.pass_(45, price=70.0)
    assert bars(path)[0, "okx"][:3] == pytest.approx((101.1, 110.1, 51.1), abs=40)
    assert bars(path)[0, "okx"][1:3] == pytest.approx((110.1, 51.1))
    assert sorted(bars(path)) == [(minute, venue) for minute in (0, 1) for venue in ("binance", "okx")]


async def test_what_is_over_but_not_written_is_kept_as_well(path: Path, wall: ManualClock) -> None:
    """A file that another program has locked when the minute is over, and a kill before it can be written."""
    async with run(path, wall) as it:
        await it.pass_(5)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await it.pass_(120)
            assert sorted(it.kept()) == [MINUTE, MINUTE + 1, MINUTE + 2]
            await it.until(lambda: it.journal.state.status == "WAIT")
            await it.kill()
    assert bars(path) == {}
    wall.advance(60)
    async with run(path, wall) as it:
        await it.until(lambda: len(bars(path)) == 6)
        await it.until(lambda: not it.journal.holds_minutes)
        await it.pass_(2)
        assert sorted(it.kept()) == [MINUTE + 3]  # what is written is not kept twice
    assert {minute for minute, _ in bars(path)} == {0, 1, 2}


async def test_a_leg_that_only_the_run_before_has_seen_is_in_the_minute(path: Path, wall: ManualClock) -> None:
    async with run(path, wall) as it:
        await it.pass_(5)
    async with run(path, wall) as it:
        await it.until(lambda: it.keeping.journal.file.is_ours)
        for _ in range(70):
            wall.advance(1.0)
            await asyncio.sleep(0.005)
        await it.until(lambda: len(bars(path)) == 2)
    assert sorted(bars(path)) == [(0, "binance"), (0, "okx")]


@pytest.mark.parametrize("content", [b"garbage" * 1_000, b"frmnmin\x07" + bytes(100)])
async def test_what_else_lies_there_is_told_once_and_harms_nobody(
    path: Path, wall: ManualClock, content: bytes
) -> None:
    for ending in ENDINGS:
        path.with_name(path.name + ending).write_bytes(content)
    async with run(path, wall) as it:
        await it.pass_(3)
        assert [line for line in it.told if "minute" in line] == [it.told[0]]
        assert "left out" in it.told[0]
        assert it.kept()[MINUTE]
        assert it.keeping.notices() == ()


async def test_simulated_minutes_never_get_into_a_file_of_real_ones(path: Path, wall: ManualClock) -> None:
    async with run(path, wall, simulated=True) as it:
        await it.pass_(5)
    remove(path)
    async with run(path, wall) as it:
        await it.pass_(2)
        assert any("simulated prices" in line for line in it.told)
        await it.keeping.end()
    assert bars(path)[0, "binance"][4] <= 10


async def test_what_keeps_it_from_being_written_is_said_like_a_full_disk_until_it_is_over(
    path: Path, wall: ManualClock
) -> None:
    async with run(path, wall) as it:
        slots = [path.with_name(path.name + ending) for ending in ENDINGS]
        await it.pass_(3)
        for slot in slots:
            slot.unlink()
            slot.mkdir()
        await it.pass_(3, kept=False)
        await it.until(lambda: it.keeping.state.status == "DISK")
        assert it.keeping.notices() == ("storage: DISK (the running minute: is a directory)",)
        for slot in slots:
            slot.rmdir()
        await it.pass_(2)
        await it.until(lambda: it.keeping.state.status == "OK")
        assert it.keeping.notices() == ()
        assert it.kept()[MINUTE]
        assert [line for line in it.told if "minute" in line] == [
            "storage: DISK (the running minute: is a directory)",
            "storage: the running minute is kept again",
        ]


async def test_only_who_has_the_file_keeps_a_minute_beside_it(path: Path, wall: ManualClock) -> None:
    async with run(path, wall) as it:
        await it.pass_(3)
        second = Run(path, wall)
        second.keeping.start()
        await second.pass_(3, price=1.0)
        assert second.journal.state.status == "TAKEN"
        left = Beside(path, "real").read()
        assert left.minutes
        assert min(r.bar.low for seen in left.minutes.values() for r in seen if isinstance(r, LegBar)) > 90
        await it.keeping.end()
        await second.until(lambda: second.journal.state.status == "OK")
        await second.pass_(60, price=1.0)
        await second.until(lambda: bars(path)[0, "binance"][2] < 90)
    assert bars(path)[0, "binance"][1] > 100  # of the one, and of the other


async def test_the_next_start_shows_that_minute_at_once(path: Path, wall: ManualClock) -> None:
    async with run(path, wall) as it:
        await it.pass_(20)
    known = read(path, "real", wall.now_ms() + 5_000)
    assert isinstance(known, Known)
    closes = {name.venue: bar.close for name, bar in known.legs}
    assert closes == {"binance": pytest.approx(119.1, abs=1.01), "okx": pytest.approx(120.1, abs=1.01)}
    assert [gap.start for gap in known.gaps["PEPE"]] == [MINUTE]


async def test_a_clock_that_is_set_back_between_two_runs_keeps_what_was_seen(path: Path, wall: ManualClock) -> None:
    async with run(path, wall) as it:
        await it.pass_(5)
    wall.step_wall(-3_600.0)
    async with run(path, wall) as it:
        await it.until(lambda: bars(path))
        await it.pass_(2)
    assert sorted(bars(path)) == [(0, "binance"), (0, "okx")]
