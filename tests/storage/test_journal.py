"""The journal writes what it is given, once, in order, and lives through what happens to its file."""

import asyncio
import math
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest

from frmon.storage import journal as journals
from frmon.storage.insert import Inserts
from frmon.storage.records import Record
from frmon.storage.schema import STEPS
from tests.storage.made import (
    AT,
    Kept,
    bar,
    episode,
    event,
    gap,
    kept,
    rows,
    sample,
    settlement,
    signal,
    sound,
)

REAL_TIME = "files are written in a thread"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frmon.db"


async def test_every_kind_of_record_is_written_and_the_precious_acknowledged(path: Path) -> None:
    async with kept(path) as it:
        for record in (bar(1), bar(2), gap(), signal(), episode(), settlement(), event(), sample()):
            it.journal.put(record)
        await it.written()
        assert it.saved == [signal(), episode(), settlement()]
        assert (it.journal.state.written, it.journal.state.saved) == (8, 3)
        assert it.told == []
    assert it.status == "OFF"
    for table, count in {
        "bar": 2,
        "gap": 1,
        "signal": 1,
        "episode": 1,
        "settlement": 1,
        "event": 1,
        "sample": 1,
    }.items():
        assert rows(path, f"SELECT count(*) FROM {table}") == [(count,)], table
    assert rows(path, "SELECT leg.coin, close, updates FROM bar JOIN leg ON leg.id = leg ORDER BY leg.coin") == [
        ("C1", 2.0, 7),
        ("C2", 2.0, 7),
    ]
    assert rows(
        path, "SELECT buy_venue, sell_venue, name FROM gap JOIN pair ON pair.id = pair JOIN coin ON coin.id = coin"
    ) == [("binance", "okx", "C0")]


async def test_a_signal_is_told_to_be_saved_only_when_another_program_can_read_it(path: Path) -> None:
    async with kept(path) as it:
        seen: list[int] = []
        it.journal.on_saved(lambda _: seen.append(rows(path, "SELECT count(*) FROM signal")[0][0]))
        it.journal.put(signal())
        assert it.saved == []
        await it.written()
        assert seen == [1]


async def test_the_same_statement_twice_is_one_row(path: Path) -> None:
    async with kept(path) as it:
        for record in (
            signal(),
            signal(),
            episode(peak=1.0),
            episode(peak=2.0, reason="closed"),
            bar(price=2.0),
            bar(price=3.0),
        ):
            it.journal.put(record)
        await it.written()
    assert rows(path, "SELECT count(*) FROM signal") == [(1,)]
    assert rows(path, "SELECT peak_pct, reason FROM episode") == [(2.0, "closed")]
    assert rows(path, "SELECT close FROM bar") == [(3.0,)]
    assert len(it.saved) == 4


@pytest.mark.parametrize("order", ["estimate stream history", "history stream estimate", "stream estimate history"])
async def test_a_settlement_is_one_row_whoever_states_it_and_what_is_stated_outlives_what_was_estimated(
    path: Path, order: str
) -> None:
    stamps = {"estimate": AT - 700, "stream": AT, "history": AT + 3}
    async with kept(path) as it:
        for source in order.split():
            it.journal.put(settlement(stamps[source], 2e-4 if source == "estimate" else 1e-4, source))
        await it.written()
    assert rows(path, "SELECT at_ms % 60000, rate, interval_h FROM settlement") == [(0, 1e-4, 8.0)]
    assert rows(path, "SELECT source FROM settlement") != [("estimate",)]


@pytest.mark.parametrize("order", ["history stream", "stream history", "history estimate stream"])
async def test_a_settlement_is_as_the_history_says_whatever_came_before_or_after(path: Path, order: str) -> None:
    async with kept(path) as it:
        for source in order.split():
            it.journal.put(settlement(AT, 3e-4 if source == "history" else 1e-4, source))
            await it.written()
    assert rows(path, "SELECT rate, source FROM settlement") == [(3e-4, "history")]


async def test_numbers_of_legs_coins_and_pairs_last_over_lives(path: Path) -> None:
    for minute in range(3):
        async with kept(path) as it:
            it.journal.put(bar(1, minute))
            it.journal.put(bar(minute + 2, minute))
            it.journal.put(gap("C1", minute))
    assert rows(path, "SELECT count(*) FROM leg") == [(4,)]
    assert rows(path, "SELECT count(*), count(DISTINCT leg) FROM bar") == [(6, 4)]
    assert rows(path, "SELECT (SELECT count(*) FROM coin), (SELECT count(*) FROM pair)") == [(1, 1)]


async def test_what_no_file_would_have_is_dropped_and_told_and_nothing_else_with_it(path: Path) -> None:
    async with kept(path) as it:
        for n in range(300):
            it.journal.put(bar(n, price=math.nan if n in {17, 250} else 2.0))
            it.journal.put(signal(n, percent=math.nan if n == 99 else 1.0))
        it.journal.put(sample(2**70))
        it.journal.put(event("half a character \ud800"))
        it.journal.put(event("whole"))
        await it.written()
        assert it.journal.state.dropped == 5
        assert sum("refused" in line for line in it.told) == 5
        assert it.status == "OK"
    assert rows(path, "SELECT (SELECT count(*) FROM bar), (SELECT count(*) FROM signal)") == [(298, 299)]
    assert rows(path, "SELECT text FROM event") == [("whole",)]


async def test_who_hears_of_what_is_saved_may_fail(path: Path) -> None:
    def bug(_: object) -> None:
        raise IndexError

    async with kept(path) as it:
        it.journal.on_saved(bug)
        it.journal.put(signal())
        await it.written()
        assert any("IndexError" in line for line in it.told)
    assert rows(path, "SELECT count(*) FROM signal") == [(1,)]


async def test_a_bug_in_upkeep_keeps_nothing_from_being_written(path: Path) -> None:
    calls = []

    async def upkeep(connection: aiosqlite.Connection) -> None:
        calls.append(1)
        await connection.execute("BEGIN IMMEDIATE")
        await connection.execute("INSERT INTO event VALUES (NULL, 1, 'half done')")
        raise ValueError("a pack that can't be read")

    async with kept(path) as it:
        it.journal.upkeep = upkeep
        await it.within(3, lambda: calls)
        it.journal.put(event())
        await it.written()
        await asyncio.sleep(1.2)
        assert len(calls) == 1  # again after a minute
        assert sum("upkeep failed" in line for line in it.told) == 1
    assert rows(path, "SELECT text FROM event") == [("okx: LIVE",)]


@pytest.mark.parametrize("query", ["SELECT nothing FROM nowhere", "INSERT INTO event VALUES (NULL, NULL, NULL)"])
async def test_a_wrong_statement_in_upkeep_is_no_fault_of_the_file(path: Path, query: str) -> None:
    async with kept(path) as it:
        it.journal.upkeep = lambda connection: connection.execute(query)
        await it.within(3, lambda: it.told)
        it.journal.put(signal())
        await it.written()
        assert it.status == "OK"


async def test_s66_corruption_that_shows_while_writing_starts_a_new_file_and_loses_no_signal(path: Path) -> None:
    async with kept(path) as it:
        it.journal.put(signal(0))
        await it.written()
        await asyncio.sleep(0.1)
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with path.open("r+b") as stream:
            size = stream.seek(0, 2)
            for page in range(1, size // 8192):
                stream.seek(page * 8192)
                stream.write(b"\x7f" * 200)
        it.journal.put(signal(1))
        it.journal.put(bar())
        await it.within(5, lambda: it.status == "RESET" and not it.journal.waiting)
        assert any("put aside as frmon.db.corrupt-" in line for line in it.told)
        assert "put aside" in it.journal.state.detail
        it.journal.put(event())
        await it.written()
        assert it.status == "RESET"  # said until the program ends
        assert it.saved == [signal(0), signal(1)]
    assert rows(path, f"SELECT at_ms - {AT} FROM signal") == [(1,)]
    assert sound(path)


async def test_a_file_that_is_removed_is_begun_anew(path: Path) -> None:
    async with kept(path) as it:
        it.journal.put(event("first"))
        await it.written()
        it.remove()
        it.journal.put(signal())
        await it.within(5, lambda: it.status == "RESET" and not it.journal.waiting)
        assert "was removed" in it.journal.state.detail
    assert rows(path, "SELECT count(*) FROM signal") == [(1,)]


async def test_a_file_that_is_moved_away_keeps_what_was_written_to_it(path: Path) -> None:
    async with kept(path) as it:
        it.journal.put(signal())
        await it.written()
        it.move("kept.db")
        await it.within(5, lambda: it.status == "RESET")
        it.journal.put(signal(1))
        await it.written()
    assert rows(path.with_name("kept.db"), f"SELECT at_ms - {AT} FROM signal") == [(0,)]
    assert rows(path, f"SELECT at_ms - {AT} FROM signal") == [(1,)]


async def test_s66_a_newer_file_is_not_written_to_and_said_and_the_end_is_quick(path: Path) -> None:
    async with kept(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {max(STEPS) + 1}")
    start = time.monotonic()
    async with kept(path) as it:
        assert it.status == "NEWER"
        it.journal.put(signal())
        await asyncio.sleep(0.3)
    assert time.monotonic() - start < 1.5
    assert it.saved == []
    assert any("1 records could not be written" in line for line in it.told)
    assert rows(path, "SELECT count(*) FROM signal") == [(0,)]


async def test_a_second_journal_waits_until_the_first_one_ends(path: Path) -> None:
    async with kept(path) as first, kept(path, ready=False) as second:
        await second.within(3, lambda: second.status == "TAKEN")
        second.journal.put(signal())
        first.journal.stop()
        await second.within(6, lambda: second.saved)
        assert second.status == "OK"


async def test_what_is_put_before_the_end_is_written_at_the_end(path: Path) -> None:
    async with kept(path) as it:
        for n in range(20_000):
            it.journal.put(signal(n))
            it.journal.put(bar(n))
    assert it.journal.waiting == 0
    assert rows(path, "SELECT (SELECT count(*) FROM signal), (SELECT count(*) FROM bar)") == [(20_000, 20_000)]


async def test_what_is_put_while_the_file_is_opened_is_written_even_when_the_end_comes_at_once(path: Path) -> None:
    async with kept(path, ready=False) as it:
        it.journal.put(signal())
    assert rows(path, "SELECT count(*) FROM signal") == [(1,)]


async def test_after_the_end_nothing_fails(path: Path) -> None:
    async with kept(path) as it:
        pass
    it.journal.put(signal())
    assert it.journal.state.waiting == 1


async def test_when_it_is_cancelled_it_ends_and_gives_the_lock_away(path: Path) -> None:
    async with kept(path) as it:
        it.journal.put(event())
        assert it.task is not None
        it.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await it.task
        async with kept(path) as other:
            assert other.status == "OK"
        it.task = asyncio.create_task(it.journal.run())  # as a supervisor would
        await it.written()
    assert rows(path, "SELECT count(*) FROM event") == [(1,)]


@pytest.mark.parametrize("busy", ["opening", "writing"])
async def test_g5_a_disk_that_does_not_answer_holds_up_neither_the_program_nor_its_end(path: Path, busy: str) -> None:
    answer = threading.Event()
    async with kept(path, ready=busy == "writing") as it:
        if busy == "writing":
            hang = it.journal.file.is_there
            it.journal.file.is_there = lambda: bool(answer.wait(20)) or hang()  # type: ignore[method-assign]
        else:
            it.journal.file.open = lambda: answer.wait(20) or sqlite3.connect(path)  # type: ignore[method-assign,assignment,return-value]
        await asyncio.sleep(0.8)
        start = time.monotonic()
        for n in range(100):
            it.journal.put(signal(n))
        await asyncio.sleep(0)
        assert time.monotonic() - start < 0.2
    assert time.monotonic() - start < 3
    assert all(thread.daemon for thread in threading.enumerate() if "connection_worker" in thread.name)
    answer.set()
    await asyncio.sleep(0.1)


HUNG = """if True:
    import asyncio, sys, time
    from pathlib import Path
    from tests.storage.made import kept, signal
    async def main(path, how):
        async with kept(path, ready=how != "open") as it:
            setattr(it.journal.file, how, lambda: time.sleep(60))
            it.journal.put(signal())
            await asyncio.sleep(0.8)
            print(time.monotonic())
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))"""


@pytest.mark.parametrize("how", ["open", "is_there"])
def test_g5_a_program_whose_disk_does_not_answer_ends_all_the_same(path: Path, how: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", HUNG, str(path), how], capture_output=True, text=True, check=True, timeout=30
    )
    assert time.monotonic() - float(said.stdout) < 4


async def test_no_threads_are_left_by_openings_that_failed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "FIRST_S", 0.01)
    monkeypatch.setattr(journals, "OTHER_MOST_S", 0.01)
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (a)")
    before = threading.active_count()
    async with kept(path) as it:
        await asyncio.sleep(0.5)
        assert it.status == "FOREIGN"
        assert threading.active_count() <= before + 2
    await asyncio.sleep(0.1)
    assert threading.active_count() <= before


async def test_the_precious_is_committed_to_the_disk_and_the_rest_to_the_system(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    write = Inserts.write

    async def spy(self: Inserts, connection: aiosqlite.Connection, records: Sequence[Record]) -> None:
        (row,) = await connection.execute_fetchall("PRAGMA synchronous")
        found.add((type(records[0]).__name__, row[0]))
        await write(self, connection, records)

    monkeypatch.setattr(Inserts, "write", spy)
    async with kept(path) as it:
        for _ in range(2):
            for record in (bar(), signal()):
                it.journal.put(record)
            await it.written()
    assert found == {("SignalRow", 2), ("LegBar", 1)}


async def test_a_stop_before_the_start_writes_what_there_is(path: Path) -> None:
    it = Kept(path)
    it.journal.put(signal())
    it.journal.stop()
    await it.journal.run()
    assert it.saved == [signal()]


async def test_an_error_that_nobody_foresaw_is_raised_and_nothing_is_lost(path: Path) -> None:
    async with kept(path) as it:
        it.journal.put(signal())
        real = it.journal._look  # a bug

        async def bug(connection: aiosqlite.Connection) -> int:
            raise KeyError("bug")

        it.journal._look = bug  # type: ignore[method-assign]
        assert it.task is not None
        with pytest.raises(KeyError):
            await it.task
        it.journal._look = real  # type: ignore[method-assign]
        it.task = asyncio.create_task(it.journal.run())
        await it.within(3, lambda: it.saved)
