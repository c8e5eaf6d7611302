"""A full disk, a locked file, a reader that stays, and kill -9."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from frmon.storage import journal as journals
from frmon.storage.schema import AT_OPEN
from frmon.storage.waiting import PRECIOUS
from tests.storage.kills import differing, kills, seen
from tests.storage.made import bar, event, kept, rows, settlement, signal, sound

REAL_TIME = "files are written in a thread"
SIGNALS = 12_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frmon.db"


async def lags(found: list[float]) -> None:
    """How late this loop wakes up, in seconds."""
    loop = asyncio.get_running_loop()
    while True:
        start = loop.time()
        await asyncio.sleep(0.01)
        found.append(loop.time() - start - 0.01)


def worst(late: list[float]) -> float:
    """Of ninety-eight in a hundred: the machine has other work as well."""
    return sorted(late)[len(late) * 98 // 100]


async def test_s63_a_full_file_is_said_signals_wait_and_are_written_when_there_is_room(path: Path) -> None:
    async with kept(path) as it:
        it.journal.file._pragmas = (*AT_OPEN, "PRAGMA max_page_count = 60")
        it.move("first.db")  # open another one, a small one
        await it.within(5, lambda: it.status == "RESET")
        for n in range(SIGNALS):
            it.journal.put(signal(n))
        await it.within(5, lambda: it.status == "DISK")
        assert "full" in it.journal.state.detail
        assert it.journal.state.waiting + len(it.saved) == SIGNALS
        assert it.journal.state.dropped == 0
        it.journal.file._pragmas = AT_OPEN
        it.move("full.db")
        took = await it.within(10, lambda: len(it.saved) == SIGNALS)
        assert took <= 10
        assert it.saved == [signal(n) for n in range(SIGNALS)]
    both = [rows(p, "SELECT at_ms FROM signal ORDER BY at_ms") for p in (path.with_name("full.db"), path)]
    assert sum(map(len, both)) == SIGNALS


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """What a program says that has to end well."""
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    return said


OUTAGE = """if True:
    import asyncio, resource, sys
    from pathlib import Path
    from tests.storage.made import bar, kept, rows, signal, sound
    async def main(path):
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        async with kept(path) as it:
            it.journal.put(signal(0)); await it.written()
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
            for n in range(1, 12_000): it.journal.put(signal(n))
            for n in range(30_000): it.journal.put(bar(n))
            await it.within(5, lambda: it.status == "DISK")
            await asyncio.sleep(4)
            assert it.status == "DISK", it.journal.state
            print(it.journal.state.detail, it.journal.state.dropped)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            print(await it.within(10, lambda: len(it.saved) == 12_000))
            await it.written()
            assert [r.at_ms for r in it.saved] == [signal(n).at_ms for n in range(12_000)]
        assert rows(path, "SELECT count(*) FROM signal") == [(12_000,)]
        assert rows(path, "SELECT count(*) FROM bar") == [(24_000,)]
        assert sound(path)
        print(it.told)
    asyncio.run(main(Path(sys.argv[1])))"""


def test_s63_writes_that_fail_are_tried_again_and_only_what_had_no_room_is_counted_as_dropped(path: Path) -> None:
    detail, took, told = run(sys.executable, "-c", OUTAGE, str(path)).stdout.splitlines()
    assert detail.endswith(" 6000")
    assert float(took) <= 10
    assert told.count("→ DISK") == told.count("DISK → OK") == 1  # said once


FULL = """if True:
    import asyncio, sys
    from pathlib import Path
    from tests.storage.made import kept, rows, signal, sound
    async def main(folder):
        filler, path = folder / "filler", folder / "frmon.db"
        async with kept(path) as it:
            it.journal.put(signal(0)); await it.written()
            with filler.open("wb", buffering=0) as stream:
                try:
                    while True: stream.write(bytes(4096))
                except OSError as error: print(error.strerror)
            for n in range(1, 12_000): it.journal.put(signal(n))
            await it.within(5, lambda: it.status == "DISK")
            async with kept(folder / "new.db", ready=False) as new:  # not even a file can be made
                new.journal.put(signal(0))
                await new.within(5, lambda: new.status == "DISK")
                await asyncio.sleep(3)
                assert it.journal.state.dropped == 0 and it.status == new.status == "DISK", it.journal.state
                filler.unlink()
                print(await it.within(10, lambda: len(it.saved) == 12_000))
                await new.within(10, lambda: new.saved)
        assert rows(path, "SELECT count(*) FROM signal") == [(12_000,)] and sound(path)
        assert it.saved == [signal(n) for n in range(12_000)]
        print(it.told)
    asyncio.run(main(Path(sys.argv[1])))"""


def small_disk() -> bool:
    """Whether a small disk can be made here without being asked who one is."""
    tool = shutil.which("unshare")
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return tool is not None and not subprocess.run(command, capture_output=True, check=False).returncode


def test_s63_a_disk_that_is_full_and_is_emptied_again(tmp_path: Path) -> None:
    if not small_disk():
        pytest.skip("no small disk can be mounted here")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size=8m none "{disk}" && exec "$0" -c "$1" "{disk}"'
    said = run("unshare", "-rm", "sh", "-c", script, sys.executable, FULL)
    why, took, told = said.stdout.splitlines()
    assert why == "No space left on device"
    assert float(took) <= 10
    assert told.count("→ DISK") == 1


HOLD = """if True:
    import sqlite3, sys
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute(sys.argv[2])
    print("held", flush=True)
    sys.stdin.readline()"""


@contextmanager
def held(path: Path, how: str) -> Iterator[Callable[[], object]]:
    """Another program that has it locked, and how to make it let go."""
    command = [sys.executable, "-c", HOLD, str(path), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield lambda: other.communicate("let go\n")


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
async def test_s64_the_writers_lock_held_by_another_program_stops_nobody(path: Path, how: str) -> None:
    """Six seconds for sixty: the longest wait between two attempts is reached in both."""
    late: list[float] = []
    watch = asyncio.create_task(lags(late))
    async with kept(path) as it:
        it.journal.put(event())
        await it.written()
        with held(path, how) as let_go:
            for n in range(SIGNALS):
                it.journal.put(signal(n))
            late.clear()
            start = time.monotonic()
            while time.monotonic() < start + 6:
                it.journal.put(bar(0, int(time.monotonic() * 1e6)))
                await asyncio.sleep(0.01)
            assert (it.status, it.saved) == ("WAIT", [])
            assert "locked" in it.journal.state.detail
            let_go()
        assert await it.within(4, lambda: len(it.saved) == SIGNALS) <= 4
        await it.written()
        assert it.journal.state.dropped == 0
    watch.cancel()
    assert worst(late) < 0.1
    assert rows(path, "SELECT count(*) FROM signal") == [(SIGNALS,)]


async def test_s64_a_file_that_is_locked_when_it_is_opened_is_waited_for(path: Path) -> None:
    async with kept(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE").fetchall()
        other.execute("BEGIN EXCLUSIVE")
        async with kept(path) as it:
            it.journal.put(signal())
            assert it.status == "WAIT"
            other.execute("COMMIT")
            await it.within(4, lambda: it.saved)


async def test_s64_the_end_waits_for_a_lock_as_long_as_it_may_and_no_longer(path: Path) -> None:
    async with kept(path) as it:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            it.journal.put(signal())
            await it.within(3, lambda: it.status == "WAIT")
            it.journal.stop()
            await asyncio.sleep(0.6)
            other.execute("COMMIT")
            assert it.task is not None
            await it.task
            assert it.saved == [signal()]
    async with kept(path) as it:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            it.journal.put(signal(1))
            await it.within(3, lambda: it.status == "WAIT")
            start = time.monotonic()
            it.journal.stop()
            assert it.task is not None
            await it.task
            assert 1.5 < time.monotonic() - start < 3
    assert any("1 records could not be written" in line for line in it.told)


async def test_s64_a_reader_that_stays_for_an_hour_of_5000_legs_loses_nothing_and_the_log_stays_small(
    path: Path,
) -> None:
    largest = 0
    async with kept(path) as it:
        log = path.with_name("frmon.db-wal")
        it.journal.put(event())
        await it.written()
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM event").fetchall()
            for minute in range(60):
                for n in range(0, 5_000, 500):
                    for leg in range(n, n + 500):
                        it.journal.put(bar(leg, minute))
                    await asyncio.sleep(0)
                it.journal.put(signal(minute))
                await it.within(5, lambda: it.journal.waiting < 10_000)
                largest = max(largest, log.stat().st_size)
            await it.within(5, lambda: len(it.saved) == 60)
            largest = max(largest, log.stat().st_size)
        await it.written()
        assert it.journal.state.dropped == 0
        await it.within(3, lambda: log.stat().st_size < 17 << 20)
    assert 16 << 20 < largest <= 64 << 20
    assert rows(path, "SELECT count(*) FROM bar") == [(300_000,)]


async def test_s64_a_reader_that_stays_even_longer_keeps_the_journal_waiting_not_the_log_growing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "UPKEEP_WAL", 1 << 20)
    monkeypatch.setattr(journals, "OTHERS_WAL", 2 << 20)
    monkeypatch.setattr(journals, "PRECIOUS_WAL", 3 << 20)
    log = path.with_name("frmon.db-wal")
    upkeep = []

    async def look(_: object) -> None:
        upkeep.append(log.stat().st_size)

    async with kept(path) as it:
        it.journal.upkeep = look
        it.journal.put(event())
        await it.written()
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM event").fetchall()
            for n in range(60_000):
                it.journal.put(bar(n % 20_000, n // 20_000))
                if not n % 4_000:
                    await it.within(5, lambda: it.journal.waiting < 10_000 or it.status == "WAIT")
            await it.within(5, lambda: it.status == "WAIT")
            assert "reader" in it.journal.state.detail
            it.journal.put(signal())
            await it.within(5, lambda: it.saved)  # the precious still goes in
            for n in range(15_000):  # settlements of many legs: a page for each
                it.journal.put(settlement(n=n % 20_000))
            await asyncio.sleep(3)
            assert it.status == "WAIT"
            assert log.stat().st_size < 11 << 20
            assert max(upkeep) < 1 << 20
        await it.written(8)
    assert rows(path, "SELECT count(*) FROM settlement") == [(15_000,)]


def test_s65_kill_9_at_random_points_leaves_a_sound_file_with_every_acknowledged_signal(path: Path) -> None:
    """`python -m tests.storage.kills 100` does the same a hundred times."""
    found, _ = kills(path, 6, 300, seed=os.getpid())
    assert all(left.sound for left in found), found
    assert [left.missing for left in found] == [0] * 6
    assert sum(left.acknowledged for left in found) > 0
    assert [left.bars_missing for left in found] == [0] * 6
    assert sound(path)


def test_s65_kill_9_loses_a_second_of_bars_and_the_next_run_goes_on_with_the_minute(path: Path) -> None:
    """Minutes of five seconds, looked at every twelfth part of a second; `python -m tests.storage.kills 100 500 1` does it in
    minutes of sixty."""
    legs = 100
    found, lives = kills(path, 8, legs, 12.0, seed=os.getpid())
    assert lives.looks > 20
    assert sum(left.behind for left in found) == 0, found
    assert lives.lost < lives.looks / 2, found  # a look is kept before the next, if the machine lets it
    assert sum(gap.seconds for gap in seen(path, beside=False)) == lives.looks - lives.lost
    assert differing(path, legs) == 0


def test_the_limits_of_the_log_leave_room_for_what_is_written_beyond_them() -> None:
    page = 8192 + 24
    limits = [journals.UPKEEP_WAL, journals.OTHERS_WAL, journals.PRECIOUS_WAL, 64 << 20]
    assert all(a < b for a, b in pairwise(limits))
    assert journals.PRECIOUS_WAL + (journals.CHUNKS[PRECIOUS] + 100) * page < 64 << 20
