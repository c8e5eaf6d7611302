"""History against brute force: whatever is packed, rolled up, dropped or still to be packed."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.config import StorageSettings
from frmon.errors import FrmonError
from frmon.storage.bars import MINUTE_MS, Gap, roll_bars, roll_gaps
from frmon.storage.history import FOREVER_MS, History
from tests.storage.pasts import (
    BASE,
    FIRST,
    FOUR_DAYS,
    SECOND,
    A,
    B,
    bar,
    coin_gaps,
    folder,
    gap,
    leg_bars,
    tend,
    write,
)

STEPS = st.sampled_from((1, 3, 5, 15, 30, 60, 120, 240, 1440, 10_080))
LONGEST = 2 * FOUR_DAYS

bursts = st.lists(st.tuples(st.integers(0, LONGEST), st.integers(1, 90), st.integers(1, 40)), min_size=1, max_size=6)


def minutes_of(parts: list[tuple[int, int, int]]) -> dict[int, int]:
    return {BASE + at + n: price + n % 5 for at, length, price in parts for n in range(length)}


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    since = draw(st.integers(-100, LONGEST + 100))
    return (BASE + since) * MINUTE_MS + draw(st.integers(0, 59_999)), (
        BASE + since + draw(st.integers(1, LONGEST))
    ) * MINUTE_MS


def within(starts: dict[int, int], span: tuple[int, int], step: int) -> list[int]:
    """Minutes of whole bars that overlap the span."""
    wide = step * MINUTE_MS
    return [m for m in sorted(starts) if span[0] // wide * step <= m < -(-span[1] // wide) * step]


def near(found: list[Gap], expected: list[Gap]) -> None:
    """Means are kept to four decimals."""
    assert [g._replace(mean=0, pair=0) for g in found] == [g._replace(mean=0, pair=0) for g in expected]
    assert [g.mean for g in found] == pytest.approx([g.mean for g in expected], abs=2e-4)


@settings(max_examples=60, deadline=None)
@given(bursts, bursts, st.integers(0, LONGEST + 200), st.integers(0, LONGEST + 200), spans(), STEPS)
def test_bars_of_any_step_are_what_was_written(
    early: list[tuple[int, int, int]], late: list[tuple[int, int, int]], first: int, second: int,
    span: tuple[int, int], step: int,
) -> None:  # fmt: skip
    """Written in two parts, late minutes and corrected ones among the second, with upkeep between and after."""
    with folder() as place:
        path = Path(place) / "f.db"
        minutes = minutes_of(early)
        write(
            path,
            [
                *leg_bars(A, (bar(m, p) for m, p in minutes.items())),
                *coin_gaps("PEPE", (gap(m, p) for m, p in minutes.items())),
            ],
        )
        tend(path, BASE + first)
        later = minutes_of(late)
        write(
            path,
            [
                *leg_bars(A, (bar(m, p) for m, p in later.items())),
                *coin_gaps("PEPE", (gap(m, p) for m, p in later.items())),
            ],
        )
        if second > first:
            tend(path, BASE + second)
        minutes |= later
        wanted = within(minutes, span, step)
        with History(path) as history:
            found = history.bars("PEPE", *span, step)
            spread = history.gaps("pepe", *span, step)
        bars = roll_bars((bar(m, minutes[m]) for m in wanted), step)
        assert [b for series in found for b in series.bars] == bars
        assert [s for series in found for s in series.steps] == [step] * len(bars)
        near(spread.gaps, roll_gaps((gap(m, minutes[m]) for m in wanted), step))


@settings(max_examples=60, deadline=None)
@given(bursts, st.integers(0, 12), st.sampled_from((1, 2, 5)), spans(), STEPS)
def test_where_finer_bars_are_dropped_coarser_ones_stand_and_nothing_is_told_twice(
    parts: list[tuple[int, int, int]], days: int, minutes_days: int, span: tuple[int, int], step: int
) -> None:
    kept = StorageSettings(minutes_days=minutes_days, quarters_days=minutes_days + 2, hours_days=9_999)
    minutes = minutes_of(parts)
    with folder() as place:
        path = Path(place) / "f.db"
        write(path, leg_bars(A, (bar(m, p) for m, p in minutes.items())))
        tend(path, max(minutes) + days * 1440, kept)
        with History(path) as history:
            found = history.bars(A, *span, step)
            day = history.bars(A, span[0], span[1], 1440)
    for series in found:
        ends = [b.start + s for b, s in zip(series.bars, series.steps, strict=True)]
        assert all(end <= b.start for end, b in zip(ends, series.bars[1:], strict=False))
        assert all(own == step or own > step for own in series.steps)
        assert ends[-1] * MINUTE_MS > span[0]
        assert series.bars[0].start * MINUTE_MS < span[1]
        whole = {b.start: b for b in roll_bars((bar(m, minutes[m]) for m in sorted(minutes)), 60)}
        for b, own in zip(series.bars, series.steps, strict=True):
            if own == 60:
                assert b == whole[b.start]
    expected = roll_bars((bar(m, minutes[m]) for m in within(minutes, span, 1440)), 1440)
    assert [b for series in day for b in series.bars] == expected


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    write(path, leg_bars(A, (bar(BASE + n) for n in (0, 1, 2, 5, 6, 90))))
    tend(path, BASE + 65)
    with History(path) as history:
        (series,) = history.bars("PEPE", 0, FOREVER_MS, 1)
    assert [[b.start - BASE for b in run] for run in series.unbroken()] == [[0, 1, 2], [5, 6], [90]]


def test_pairs_are_named(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    write(path, [*coin_gaps("PEPE", [gap(BASE)], FIRST), *coin_gaps("PEPE", [gap(BASE + 1)], SECOND)])
    with History(path) as history:
        spread = history.gaps("PEPE", 0, FOREVER_MS, 1)
        last = history.gaps("PEPE", 0, FOREVER_MS, 60)
    assert [spread.pairs[g.pair] for g in spread.gaps] == [FIRST, SECOND]
    assert [last.pairs[g.pair] for g in last.gaps] == [SECOND]


def test_legs_are_told_apart_and_those_without_bars_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    write(path, [*leg_bars(A, [bar(BASE)]), *leg_bars(B, [bar(BASE + 100, 3.0)])])
    with History(path) as history:
        assert [s.leg for s in history.bars("PEPE", 0, FOREVER_MS, 1)] == [A, B]
        assert [s.leg for s in history.bars("PEPE", 0, (BASE + 60) * MINUTE_MS, 1)] == [A]
        assert [s.bars for s in history.bars(B, 0, FOREVER_MS, 1)] == [[bar(BASE + 100, 3.0)]]
        assert history.bars(B, 5, 5, 1) == []


@pytest.mark.parametrize(("hours", "step"), [(1, 1), (24, 1), (48, 15), (30 * 24, 15), (90 * 24, 60)])
def test_the_step_suits_the_span(tmp_path: Path, hours: int, step: int) -> None:
    path = tmp_path / "f.db"
    write(path, coin_gaps("PEPE", [gap(BASE)]))
    with History(path) as history:
        at = BASE * MINUTE_MS
        assert history.gaps("PEPE", at, at + hours * 3_600_000).step == step


@pytest.mark.parametrize("step", [0, -1, 2, 7, 20, 45, 61, 90])
def test_steps_that_bars_cannot_be_made_of_are_refused(tmp_path: Path, step: int) -> None:
    path = tmp_path / "f.db"
    write(path, leg_bars(A, [bar(BASE)]))
    with History(path) as history, pytest.raises(FrmonError, match="no bars of"):
        history.bars("PEPE", 0, 1, step)


def test_a_pack_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    path = tmp_path / "f.db"
    write(path, leg_bars(A, (bar(BASE + n) for n in (0, 1, 60, 61))))
    tend(path, BASE + 200)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE pack SET data = x'00' WHERE start = ?", (BASE,))
    with History(path) as history:
        (series,) = history.bars("PEPE", 0, FOREVER_MS, 1)
        assert [b.start - BASE for b in series.bars] == [60, 61]
        assert history.unread == 1


def test_bars_of_different_minutes_of_one_hour_in_pack_and_rows_are_one(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    write(path, leg_bars(A, [bar(BASE), bar(BASE + 2)]))
    tend(path, BASE + 200)
    write(path, leg_bars(A, [bar(BASE + 1), bar(BASE + 2, 9.0)]))
    with History(path) as history:
        (series,) = history.bars("PEPE", 0, FOREVER_MS, 1)
    assert series.bars == [bar(BASE), bar(BASE + 1), bar(BASE + 2, 9.0)]
