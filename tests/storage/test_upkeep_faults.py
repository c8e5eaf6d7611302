"""Upkeep beside a writer, beside a reader, and over packs that cannot be read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from frmon.clock import ManualClock
from frmon.storage.bars import Bar
from frmon.storage.packing import unpack_bars
from frmon.storage.series import DAY
from frmon.storage.upkeep import PACKS, Upkeep
from tests.storage import made
from tests.storage.tended import COINS, FOREVER, LEGS, T0, Tended, bar, gap

REAL_TIME = "files are written in a thread"


@pytest.fixture
def tended(tmp_path: Path) -> Iterator[Tended]:
    with closing(Tended(tmp_path / "f.db")) as file:
        yield file


def spoil(file: Tended, place: str) -> None:
    """A pack loses its last bytes."""
    sql = f"UPDATE pack SET data = substr(data, 1, length(data) - 9) WHERE {place}"
    assert file.connection.execute(sql).rowcount == 1


def test_a_pack_that_cannot_be_read_is_put_aside_and_told_of_when_a_late_minute_meets_it(tended: Tended) -> None:
    tended.name(3)
    tended.write(LEGS, [(leg, bar(T0 + n)) for leg in (1, 2, 3) for n in range(60)])
    tended.at(T0 + 62)
    tended.tend()
    spoil(tended, "subject = 2")
    tended.write(LEGS, [(2, bar(T0 + 7, price=9.0)), (3, bar(T0 + 7, price=9.0))])
    tended.at(T0 + 63)
    tended.tend()
    assert tended.number("SELECT count(*) FROM pack WHERE kind = -1 AND subject = 2") == 1
    assert {subject for subject, _ in tended.held(LEGS, 1)} == {1, 2, 3}
    assert len(tended.held(LEGS, 1)) == 60 + 1 + 60
    assert len(tended.told) == 1
    assert "bars of leg 2" in tended.told[0]
    assert "put aside" in tended.told[0]


def test_a_pack_that_cannot_be_read_is_left_out_of_the_roll_up_and_stops_nothing(tended: Tended) -> None:
    tended.name(2)
    for write, make in ((LEGS, bar), (COINS, gap)):
        tended.write(write, [(subject, make(T0 + n)) for subject in (1, 2) for n in range(120)])
    tended.at(T0 + 200)
    tended.tend()
    spoil(tended, f"kind = 0 AND subject = 1 AND start = {T0 + 60}")
    spoil(tended, f"kind = 1 AND subject = 2 AND start = {T0}")
    tended.at(T0 + 5 * DAY)
    tended.tend()
    for step, each in ((15, 4), (60, 1)):
        for kind in (LEGS, COINS):
            assert len(tended.held(kind, step)) == 3 * each
    assert len(tended.told) == 2
    assert tended.number("SELECT count(*) FROM pack WHERE kind < 0") == 2
    assert not tended.number("SELECT count(*) FROM due")


def test_roll_ups_of_what_can_no_longer_be_read_stay_when_they_are_made_again(tended: Tended) -> None:
    tended.name(1)
    tended.write(LEGS, [(1, bar(T0 + n)) for n in range(180)])
    tended.at(T0 + 5 * DAY)
    tended.tend()
    before = tended.held(LEGS, 15)
    spoil(tended, f"step = 1 AND start = {T0 + 60}")
    tended.write(LEGS, [(1, bar(T0 + 170, updates=1000))])
    tended.at(T0 + 5 * DAY + 1)
    tended.tend()
    changed = (1, T0 + 165)
    assert tended.held(LEGS, 15) == before | {changed: before[changed]._replace(updates=1000 + 14 * 3)}
    assert len(tended.told) == 1


@pytest.mark.parametrize("price", [float("inf"), -float("inf"), 1e300, 1e19])
def test_impossible_numbers_are_left_out_and_told_of(tended: Tended, price: float) -> None:
    tended.name(2)
    tended.write(LEGS, [(leg, bar(T0 + n)) for leg in (1, 2) for n in range(60)])
    tended.write(LEGS, [(1, bar(T0 + 30)._replace(high=price, mark_price=price))])
    tended.write(COINS, [(1, gap(T0)), (2, gap(T0)._replace(most=price))])
    tended.at(T0 + 62)
    tended.tend()
    assert not tended.number("SELECT count(*) FROM bar") + tended.number("SELECT count(*) FROM gap")
    assert set(tended.held(LEGS, 1)) == {(leg, T0 + n) for leg in (1, 2) for n in range(60)} - {(1, T0 + 30)}
    assert list(tended.held(COINS, 1)) == [(1, T0)]
    assert [text.split(maxsplit=4)[:4] for text in tended.told] == [
        ["1", "bars", "of", "leg"],
        ["1", "spreads", "of", "coin"],
    ]


def test_what_is_written_into_an_hour_while_it_is_packed_is_kept(tended: Tended) -> None:
    tended.name(30)
    rows = {(leg, T0 + n): bar(T0 + n) for leg in range(1, 31) for n in range(60)}
    tended.write(LEGS, [(leg, b) for (leg, _), b in rows.items()])
    tended.at(T0 + 62)
    more, n = True, 0
    while more and n < 400:
        late = bar(T0 + n % 60, price=n / 8 + 3)
        tended.write(LEGS, [(n % 30 + 1, late)])
        rows[n % 30 + 1, late.start] = late
        more = tended.upkeep.do(tended.connection)
        n += 3
        assert n % 8 or tended.held(LEGS, 1) == rows
    tended.at(T0 + 63)
    tended.tend()
    assert tended.held(LEGS, 1) == rows
    assert not tended.number("SELECT count(*) FROM bar")


class Uncommitted:
    """A connection on which one commit fails, as on a full disk."""

    def __init__(self, connection: sqlite3.Connection, after: int) -> None:
        self._connection, self._left = connection, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self._left -= 1
            if self._left == 0:
                raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(sql, *values)


@pytest.mark.parametrize("after", [1, 2, 3, 4, 8, 30, 62, 63])
def test_a_commit_that_fails_loses_nothing_and_upkeep_begins_anew_at_once(tended: Tended, after: int) -> None:
    tended.name(12)
    rows = {(leg, T0 + n): bar(T0 + n) for leg in range(1, 13) for n in range(60)}
    tended.write(LEGS, [(leg, b) for (leg, _), b in rows.items()])
    tended.at(T0 + 62)
    failing: Any = Uncommitted(tended.connection, after)
    for _ in range(after - 1):
        assert tended.upkeep.do(failing)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        tended.upkeep.do(failing)
    assert not tended.connection.in_transaction
    assert tended.held(LEGS, 1) == rows
    while tended.upkeep.do(failing):
        assert tended.held(LEGS, 1) == rows
    assert not tended.number("SELECT count(*) FROM bar")
    assert tended.held(LEGS, 1) == rows


def test_no_step_changes_more_rows_than_a_minute_of_all_legs_or_the_packs_of_one_piece(tended: Tended) -> None:
    tended.name(300)
    for hour in range(2):
        tended.connection.execute("BEGIN")
        tended.write(LEGS, [(leg, bar(T0 + hour * 60 + n)) for leg in range(1, 301) for n in range(60)])
        tended.connection.execute("COMMIT")
    tended.at(T0 + 5 * DAY)
    most, more = 0, True
    while more:
        before = tended.connection.total_changes
        more = tended.upkeep.do(tended.connection)
        most = max(most, tended.connection.total_changes - before)
    assert 300 <= most <= 310 < PACKS


async def test_beside_a_journal_hours_are_packed_while_it_writes(tmp_path: Path) -> None:
    told: list[str] = []
    async with made.kept(tmp_path / "f.db") as it:
        clock = ManualClock((T0 + 62) * 60_000)
        it.journal.upkeep = Upkeep(FOREVER, clock, told.append).step
        for n in range(62):
            it.journal.put(made.bar(1, T0 + n))
            it.journal.put(made.gap("C1", T0 + n))
        await it.within(8, lambda: made.rows(it.path, "SELECT bars FROM pack") == [(60,), (60,)])
        await it.within(8, lambda: made.rows(it.path, "SELECT count(*) FROM bar") == [(2,)])
        it.journal.put(made.bar(1, T0 + 5, price=7.0))
        await it.written()
        clock.advance(60)
        await it.within(8, lambda: made.rows(it.path, "SELECT count(*) FROM bar") == [(2,)])
        ((data,),) = made.rows(it.path, "SELECT data FROM pack WHERE kind = 0")
    found: list[Bar] = unpack_bars(data)
    assert [b.close for b in found if b.start == T0 + 5] == [7.0]
    assert len(found) == 60
    assert not told


async def test_a_reader_that_stays_stops_upkeep_and_not_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frmon.storage.journal.UPKEEP_WAL", 100_000)
    path = tmp_path / "f.db"
    async with made.kept(path) as it:
        it.journal.put(made.event())
        await it.written()
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM event").fetchone()
            for n in range(62):
                for leg in range(40):
                    it.journal.put(made.bar(leg, T0 + n))
            await it.written()
            it.journal.upkeep = Upkeep(FOREVER, ManualClock((T0 + 62) * 60_000), print).step
            it.journal.put(made.event("later"))
            await it.written()
            assert made.rows(it.path, "SELECT count(*) FROM pack") == [(0,)]
            assert path.with_name("f.db-wal").stat().st_size < 1_000_000
        await it.within(10, lambda: made.rows(it.path, "SELECT count(*) FROM pack") == [(40,)])
