"""Whatever was written, in whatever order: after upkeep the file holds the same minutes, and their roll-ups."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.storage.bars import Bar, Gap
from frmon.storage.series import DAY
from tests.storage.tended import COINS, LEGS, T0, Tended, bar, gap
from tests.storage.test_bars import brute

assert T0 % (4 * DAY) == 0

MINUTE = st.one_of(st.integers(0, 130), st.integers(0, 3 * DAY), st.integers(-9 * DAY, 12 * DAY)).map(lambda n: T0 + n)
ROWS = st.lists(st.tuples(st.integers(1, 12), MINUTE, st.integers(8, 800).map(lambda n: n / 8)), max_size=30)
SCRIPT = st.lists(
    st.one_of(
        st.tuples(st.just("write"), ROWS),
        st.tuples(st.just("steps"), st.integers(1, 120)),
        st.tuples(st.just("clock"), MINUTE),
        st.tuples(st.just("broken"), st.integers(1, 4_000)),
        st.tuples(st.just("again"), st.none()),
    ),
    max_size=14,
)


@pytest.fixture
def tended(tmp_path: Path) -> Iterator[Tended]:
    with closing(Tended(tmp_path / "f.db")) as file:
        yield file


class Told:
    """What was written, the later one of a minute counts."""

    def __init__(self) -> None:
        self.bars: dict[tuple[int, int], Bar] = {}
        self.gaps: dict[tuple[int, int], Gap] = {}

    def write(self, file: Tended, rows: list[tuple[int, int, float]]) -> None:
        bars = [(leg, bar(start, price, updates=int(price))) for leg, start, price in rows]
        gaps = [(leg, gap(start, price)) for leg, start, price in rows]
        self.bars |= {(leg, b.start): b for leg, b in bars}
        self.gaps |= {(coin, g.start): g for coin, g in gaps}
        file.write(LEGS, bars)
        file.write(COINS, gaps)

    def rolled(self, step: int) -> dict[tuple[int, int], Bar]:
        found: dict[tuple[int, int], Bar] = {}
        for subject in {subject for subject, _ in self.bars}:
            mine = [b for (leg, _), b in self.bars.items() if leg == subject]
            found |= {(subject, start): b for start, b in brute(mine, step).items()}
        return found


def do(file: Tended, told: Told, what: str, value: object) -> None:
    if isinstance(value, list):
        told.write(file, value)
    elif what == "clock" and isinstance(value, int):
        file.at(value)
    elif what == "steps" and isinstance(value, int):
        for _ in range(value):
            file.upkeep.do(file.connection)
    elif what == "broken" and isinstance(value, int):
        fail_once(file, value)
    else:
        file.close()
        file.open()


def fail_once(file: Tended, opcodes: int) -> None:
    """Upkeep fails after so many of SQLite's operations, if it takes that many."""
    answers = iter([1])
    file.connection.set_progress_handler(lambda: next(answers, 0), opcodes)
    with suppress(sqlite3.OperationalError):
        for _ in range(50):
            file.upkeep.do(file.connection)
    file.connection.set_progress_handler(None, 0)
    assert not file.connection.in_transaction


@settings(max_examples=60, deadline=None)
@given(SCRIPT)
def test_after_upkeep_every_series_is_what_brute_force_makes_of_all_that_was_written(
    script: list[tuple[str, object]],
) -> None:
    told = Told()
    with TemporaryDirectory() as folder, closing(Tended(Path(folder) / "f.db")) as file:
        file.name(12)
        for what, value in script:
            do(file, told, what, value)
            assert file.held(LEGS, 1) == told.bars
        file.at(T0 + 16 * DAY + 2)
        file.tend()
        assert not file.number("SELECT count(*) FROM bar") + file.number("SELECT count(*) FROM gap")
        assert file.held(LEGS, 1) == told.bars
        assert file.held(COINS, 1) == told.gaps
        assert file.held(LEGS, 15) == told.rolled(15)
        assert file.held(LEGS, 60) == told.rolled(60)
        assert not file.number("SELECT count(*) FROM due")
        assert file.upkeep.do(file.connection) is False
        assert not file.told


def test_an_hour_is_packed_two_minutes_after_its_end_and_not_before(tended: Tended) -> None:
    tended.name(3)
    rows = [(leg, bar(T0 + n)) for leg in (1, 3) for n in range(62)]
    tended.write(LEGS, rows)
    tended.at(T0 + 61)
    tended.tend()
    assert tended.number("SELECT count(*) FROM pack") == 0
    tended.at(T0 + 62)
    tended.tend()
    assert tended.number("SELECT count(*) FROM pack") == 2
    assert tended.number("SELECT count(*) FROM bar") == 4
    assert tended.held(LEGS, 1) == {(leg, b.start): b for leg, b in rows}


def test_a_day_is_rolled_up_when_it_is_over_and_four_days_when_they_are(tended: Tended) -> None:
    tended.name(1)
    tended.write(LEGS, [(1, bar(T0 + n)) for n in range(0, 4 * DAY, 7)])
    for minute, quarters, hours in ((DAY + 1, 0, 0), (DAY + 2, 1, 0), (4 * DAY + 1, 3, 0), (4 * DAY + 2, 4, 1)):
        tended.at(T0 + minute)
        tended.tend()
        assert tended.number("SELECT count(*) FROM pack WHERE step = 15") == quarters
        assert tended.number("SELECT count(*) FROM pack WHERE step = 60") == hours
    assert len(tended.held(LEGS, 60)) == 96


def test_what_lay_for_days_while_the_program_was_off_is_packed_and_rolled_at_once(tended: Tended) -> None:
    tended.name(2)
    rows = [(2, bar(T0 + n, price=n / 8 + 2)) for n in range(50)]
    tended.write(LEGS, rows)
    tended.close()
    tended.at(T0 + 30 * DAY)
    tended.open()
    tended.tend()
    assert [tended.number(f"SELECT count(*) FROM pack WHERE step = {step}") for step in (1, 15, 60)] == [1, 1, 1]
    assert tended.held(LEGS, 60) == {(2, T0): brute([b for _, b in rows], 60)[T0]}


def test_a_late_minute_goes_into_its_pack_and_into_every_roll_up(tended: Tended) -> None:
    tended.name(1)
    tended.write(LEGS, [(1, bar(T0 + n)) for n in range(0, 60, 2)])
    tended.at(T0 + 5 * DAY)
    tended.tend()
    before = tended.held(LEGS, 60)[1, T0]
    tended.write(LEGS, [(1, bar(T0 + 7, price=99.5, updates=1000)), (1, bar(T0 + 8, price=50.0))])
    tended.at(T0 + 5 * DAY + 1)
    tended.tend()
    assert tended.held(LEGS, 1)[1, T0 + 8].close == 50.5
    assert len(tended.held(LEGS, 1)) == 31
    for step in (15, 60):
        assert tended.held(LEGS, step)[1, T0].high == 100.5
    assert tended.held(LEGS, 60)[1, T0].updates == before.updates + 1000


def test_upkeep_looks_once_a_minute_and_at_once_after_an_error_or_in_another_file(tended: Tended) -> None:
    tended.name(1)
    assert tended.tend() == 1
    tended.write(LEGS, [(1, bar(T0 - 90))])
    assert tended.tend() == 1, "nothing is looked for twice in one minute"
    assert tended.number("SELECT count(*) FROM bar") == 1
    tended.at(T0 + 1)
    fail_once(tended, 5)
    tended.tend()
    assert tended.number("SELECT count(*) FROM bar") == 0
    tended.write(LEGS, [(1, bar(T0 - 90))])
    tended.connection.close()
    with closing(sqlite3.connect(tended.path, isolation_level=None)) as tended.connection:
        assert tended.tend() > 1


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
def test_time_zones_and_summer_time_mean_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    import time

    spring = 29_580_480  # 2026-03-29, when clocks in Berlin jump from 2 to 3
    files = []
    for name in ("UTC", zone):
        monkeypatch.setenv("TZ", name)
        time.tzset()
        with closing(Tended(tmp_path / f"{name.replace('/', '.')}.db")) as file:
            file.name(1)
            file.write(LEGS, [(1, bar(spring + n)) for n in range(-DAY, 2 * DAY, 3)])
            file.at(spring + 6 * DAY)
            file.tend()
            files.append([file.held(LEGS, step) for step in (1, 15, 60)])
    monkeypatch.undo()
    time.tzset()
    assert files[0] == files[1]
    assert len(files[0][1]) == 3 * 96
