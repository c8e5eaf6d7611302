"""What is too old goes, exactly as the settings say, and nothing else does; the file gets smaller again."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.clock import SystemClock
from frmon.config import StorageSettings
from frmon.storage.rolling import Piece
from frmon.storage.series import DAY, SPANS
from frmon.storage.unusable import Unusable
from frmon.storage.upkeep import maintain
from tests.storage.tended import COINS, FOREVER, LEGS, T0, Tended, bar, gap
from tests.storage.test_bars import brute


def starts(file: Tended, step: int, kind: int = 0) -> list[int]:
    query = "SELECT DISTINCT start FROM pack WHERE kind = ? AND step = ? ORDER BY start"
    return [start for (start,) in file.connection.execute(query, (kind, step))]


@settings(max_examples=8, deadline=None)
@given(st.floats(1, 6), st.floats(0, 8), st.floats(0, 8), st.integers(62, 3 * DAY))
def test_of_every_step_there_is_left_exactly_what_the_settings_say(
    tmp_path_factory: pytest.TempPathFactory, minutes: float, more: float, most: float, ago: int
) -> None:
    kept = StorageSettings(minutes_days=minutes, quarters_days=minutes + more, hours_days=minutes + more + most)
    with closing(Tended(tmp_path_factory.mktemp("f") / "f.db", kept, hasty=False)) as file:
        file.name(1)
        last = T0 + 16 * DAY + ago
        given = {(1, start): bar(start) for start in range(T0 + 3, last, 47)}
        file.write(LEGS, [(1, b) for b in given.values()])
        now = last + 62
        file.at(now)
        file.tend()
        ends = [start + 60 for start in starts(file, 1)]
        newest = min(now, max(*ends, *(start + 1 for _, start in given)))
        for step, days in ((1, kept.minutes_days), (15, kept.quarters_days), (60, kept.hours_days)):
            limit = newest - int(days * DAY)
            made = {start // SPANS[step] * SPANS[step] for _, start in given}
            over = {start for start in made if start + SPANS[step] <= (now - 2) // 60 * 60}
            needed = {start for start in over if due(file, step, start)}
            assert starts(file, step) == sorted(s for s in over if s + SPANS[step] > limit or s in needed)


def due(file: Tended, step: int, start: int) -> bool:
    """Whether something coarser is still to be made of the pack."""
    coarser = {1: 15, 15: 60, 60: 0}[step]
    waiting = file.connection.execute("SELECT start FROM due WHERE kind = 0 AND step = ?", (coarser,))
    return any(begin <= start < begin + SPANS[coarser] for (begin,) in waiting)


def test_a_finer_pack_stays_until_the_coarser_one_is_made_of_it(tmp_path: Path) -> None:
    kept = StorageSettings(minutes_days=1, quarters_days=1, hours_days=1)
    with closing(Tended(tmp_path / "f.db", kept)) as file:
        file.name(2)
        file.write(LEGS, [(2, bar(T0 + n)) for n in range(0, 3 * DAY, 20)])
        file.at(T0 + 3 * DAY + 2)
        file.tend()
        assert starts(file, 1) == list(range(T0 + 2 * DAY, T0 + 3 * DAY, 60))
        assert starts(file, 15) == [T0, T0 + DAY, T0 + 2 * DAY], "hours are not made yet"
        file.at(T0 + 4 * DAY + 2)
        file.tend()
        assert (starts(file, 15), starts(file, 60)) == ([T0 + 2 * DAY], [T0])


def test_a_clock_set_forward_drops_nothing_while_no_data_come_under_the_wrong_time(tmp_path: Path) -> None:
    with closing(Tended(tmp_path / "f.db", StorageSettings())) as file:
        file.name(1)
        rows = {(1, T0 + n): bar(T0 + n) for n in range(200)}
        file.write(LEGS, [(1, b) for b in rows.values()])
        file.connection.executemany("INSERT INTO event VALUES (NULL, ?, 'x')", [(T0 * 60_000,)])
        file.at(T0 + 4_000 * DAY)
        file.tend()
        assert file.held(LEGS, 1) == rows
        assert file.number("SELECT count(*) FROM event") == 1
        file.at(T0 + 300)
        file.write(LEGS, [(1, bar(T0 + 201))])
        file.tend()
        assert len(file.held(LEGS, 1)) == 201


def test_a_minute_that_comes_after_its_day_was_dropped_only_fills_gaps(tmp_path: Path) -> None:
    kept = StorageSettings(minutes_days=1, quarters_days=36_500, hours_days=36_500)
    with closing(Tended(tmp_path / "f.db", kept)) as file:
        file.name(1)
        day = [bar(T0 + n) for n in range(0, DAY, 3) if n // 60 != 5]
        file.write(LEGS, [(1, b) for b in [*day, bar(T0 + 3 * DAY)]])
        file.at(T0 + 5 * DAY)
        file.tend()
        before = file.held(LEGS, 15)
        file.write(LEGS, [(1, bar(T0 + 1, price=500.0)), (1, bar(T0 + 301, price=600.0))])
        file.at(T0 + 5 * DAY + 1)
        file.tend()
        filled = brute([bar(T0 + 301, price=600.0)], 15)
        assert file.held(LEGS, 15) == before | {(1, start): b for start, b in filled.items()}
        assert starts(file, 1) == [T0 + 3 * DAY]


def test_events_and_samples_go_by_their_days_and_what_is_precious_stays(tmp_path: Path) -> None:
    now = T0 * 60_000
    days = [0, 10, 29, 31, 89, 91, 400]
    with closing(Tended(tmp_path / "f.db", StorageSettings())) as file:
        db = file.connection
        for day in days:
            at = now - day * DAY * 60_000
            db.executemany("INSERT INTO event VALUES (NULL, ?, 'x')", [(at - n,) for n in range(1500)])
            db.execute("INSERT INTO sample VALUES (?, 1, 1, 1, 1, 1, 1, 1)", (at,))
            db.execute("INSERT INTO settlement VALUES (1, ?, 0, 8, 'stream')", (at,))
            db.execute("INSERT INTO signal VALUES (NULL, ?, 'spread', 'C', 'a', 'b', 1, 1, 1, '')", (at,))
            db.execute("INSERT INTO episode VALUES (?, 'spread', 'C', 'a', 'b', 1, 1, 1, 1, 1, 1, 1, 1, 1, 'x')", (at,))
        file.tend()
        assert file.number("SELECT count(*) FROM event") == 5 * 1500
        assert file.number("SELECT count(*) FROM sample") == 3
        for table in ("settlement", "signal", "episode"):
            assert file.number(f"SELECT count(*) FROM {table}") == len(days)


def filled(file: Tended) -> None:
    file.name(60)
    for hour in range(6):
        start = T0 + hour * 60
        file.connection.execute("BEGIN")
        file.write(LEGS, [(leg, bar(start + n, price=leg + n / 8)) for leg in range(1, 61) for n in range(60)])
        file.write(COINS, [(coin, gap(start + n)) for coin in range(1, 61) for n in range(60)])
        file.connection.execute("COMMIT")


def test_the_file_gets_smaller_when_minutes_are_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frmon.storage.upkeep.SPARE", 20)
    with closing(Tended(tmp_path / "f.db", hasty=False)) as file:
        filled(file)
        file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        full = file.path.stat().st_size
        file.at(T0 + 6 * 60 + 2)
        file.tend()
        file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        free, pages = file.number("PRAGMA freelist_count"), file.number("PRAGMA page_count")
        assert 10 < free <= full // 8192 // 10
        assert file.path.stat().st_size == pages * 8192 < full
        assert file.number("SELECT count(*) FROM pack") == 2 * 6 * 60
        assert file.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_maintain_does_everything_at_once_and_tells_how_far_it_is(tmp_path: Path) -> None:
    with closing(Tended(tmp_path / "f.db", hasty=False)) as file:
        filled(file)
        before = file.held(LEGS, 1)
    seen: list[Piece] = []
    done = maintain(tmp_path / "f.db", FOREVER, SystemClock(), seen.append, print)
    assert done.pieces == len(seen) > 100
    assert done.after == (tmp_path / "f.db").stat().st_size < done.before / 3
    assert all(0 < piece.done <= piece.of for piece in seen)
    assert {piece.what.split(maxsplit=1)[0] for piece in seen} == {"pack", "clear", "roll", "give"}
    assert any(piece.what == "pack bars of 2025-11-08 00:00" for piece in seen)
    with closing(Tended(tmp_path / "f.db")) as file:
        assert file.held(LEGS, 1) == before
        assert len(file.held(LEGS, 60)) == 360
        assert file.number("PRAGMA freelist_count") == 0
        assert maintained_is_refused(file.path)
    assert maintain(tmp_path / "f.db", FOREVER, SystemClock(), seen.append, print).pieces == 0


def maintained_is_refused(path: Path) -> bool:
    with pytest.raises(Unusable) as caught:
        maintain(path, FOREVER, SystemClock(), print, print)
    return caught.value.status == "TAKEN"


def test_maintain_that_is_broken_off_loses_nothing(tmp_path: Path) -> None:
    with closing(Tended(tmp_path / "f.db", hasty=False)) as file:
        filled(file)
        before = file.held(LEGS, 1)

    def break_off(piece: Piece) -> None:
        if piece.what.startswith("clear") and piece.done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maintain(tmp_path / "f.db", FOREVER, SystemClock(), break_off, print)
    with closing(Tended(tmp_path / "f.db")) as file:
        assert file.held(LEGS, 1) == before
