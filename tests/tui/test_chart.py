"""Charts as text: gaps, axes, names, ASCII."""

import pytest

from frmon.tui.chart import Canvas, Plan, chart_lines, drawing, room_for
from frmon.tui.lines import Line, width_of
from frmon.tui.scale import moment, places, steps, times
from frmon.tui.tracks import Sample, Track, Values, Window, fold, over, runs

HOUR = 3_600_000
NOON = 1_795_089_600_000  # 2026-11-19 12:00 UTC


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


def plan(values: Values, **more: object) -> Plan:
    window = Window(NOON - HOUR, NOON, len(values))
    given = {"tracks": [Track("AL P", "hue0", values, 1.0)], "window": window, "tell": "{:+.2f}".format, **more}
    return Plan(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("fine", [True, False])
def test_a_gap_is_a_gap_on_the_canvas(fine: bool) -> None:
    dots = 80 if fine else 40
    values: Values = [0.2 + n / 100 for n in range(dots)]
    values[dots // 4 : dots // 2] = [None] * (dots // 4)
    rows = [text(row) for row in drawing(plan(values), Canvas(40, 8, fine, not fine), (0.0, 1.1))]
    drawn = [x for x in range(40) if any(row[x] not in " \u2800" for row in rows)]
    assert drawn == [*range(10), *range(20, 40)]


def test_a_lone_value_between_gaps_is_seen() -> None:
    values: Values = [None] * 80
    values[40] = 0.5
    rows = [text(row) for row in drawing(plan(values), Canvas(40, 8, True, False), (0.0, 1.0))]
    assert sum(mark not in " \u2800" for row in rows for mark in row) == 1


def test_where_lines_meet_the_dots_of_both_are_seen() -> None:
    low, high = Track("a", "hue0", [0.1] * 40, 0.1), Track("b", "hue1", [0.3] * 40, 0.3)
    both = drawing(plan([0.0] * 40, tracks=[low, high]), Canvas(20, 1, True, False), (0.0, 1.0))[0]
    alone = drawing(plan([0.0] * 40, tracks=[low]), Canvas(20, 1, True, False), (0.0, 1.0))[0]
    assert [ink for _, ink in both] == ["hue1"]
    assert all(ord(b) & ord(a) == ord(a) != ord(b) for a, b in zip(text(alone), text(both), strict=True))


@pytest.mark.parametrize("size", [(79, 8), (119, 15), (199, 22)])
@pytest.mark.parametrize("plain", [True, False])
def test_all_lines_fit_and_say_time_unit_and_latest_value(size: tuple[int, int], plain: bool) -> None:
    made = plan([0.2 + n / 200 for n in range(100)], mark=0.6, mark_label="threshold")
    lines = chart_lines(made, *size, fine=not plain, plain=plain)
    assert len(lines) == size[1]
    assert all(width_of(line) <= size[0] for line in lines)
    seen = "\n".join(map(text, lines))
    assert "AL P +1.00" in seen
    assert "threshold +0.60" in seen
    assert "11:30" in seen
    assert seen.rstrip().endswith("UTC")
    assert seen.isascii() or not plain


def test_a_mark_that_lies_far_away_does_not_squash_the_line() -> None:
    made = plan([0.001 * (n % 5) for n in range(100)], tracks=[Track("a", "hue0", [0.01, 0.02] * 50, 0.02)], mark=5.0)
    assert "5.00" not in "\n".join(map(text, chart_lines(made, 79, 8, fine=True, plain=False)))


def test_nothing_known_is_said_in_words_without_any_line() -> None:
    lines = chart_lines(plan([None] * 10, tracks=[], empty="nothing is known", mark=0.5), 79, 8, fine=True, plain=False)
    seen = "\n".join(map(text, lines))
    assert "nothing is known" in seen
    assert not any("\u2800" <= c <= "\u28ff" or c == "╌" for c in seen)


def test_a_small_place_has_no_room() -> None:
    assert not room_for(40, 8)
    assert not room_for(80, 3)
    assert room_for(79, 7)


def test_samples_fall_into_the_columns_that_they_cover() -> None:
    window = Window(0, 10_000, 10)
    values, most = fold(
        [Sample(0, 2_000, 1.0, 3.0), Sample(1_000, 2_000, 3.0, 4.0), Sample(5_500, 6_000, 2.0, 2.0)], window
    )
    assert values == [1.0, 2.0, None, None, None, 2.0, None, None, None, None]
    assert most[:2] == [3.0, 4.0]
    assert fold([Sample(-5_000, 1, 1.0, 1.0), Sample(9_999, 99_000, 2.0, 2.0)], window)[0] == [1.0, *[None] * 8, 2.0]
    assert over([None, 1.0, None], [2.0, 2.0, None]) == [2.0, 1.0, None]
    assert runs([None, 1.0, 2.0, None, 3.0]) == [(1, [1.0, 2.0]), (4, [3.0])]


def test_round_numbers_and_times() -> None:
    assert steps(0.0, 1.0, 3) == [0.0, 0.5, 1.0]
    assert steps(1.0, 1.0, 3) == []
    assert len(steps(104_000.1, 104_000.9, 4)) in range(1, 5)
    assert (places([0.0, 0.2]), places([0.0, 100.0]), places([])) == (1, 0, 0)
    assert times(NOON - HOUR, NOON, 4) == [NOON - HOUR, NOON - HOUR // 2, NOON]
    assert moment(NOON, HOUR) == "12:00"
    assert moment(NOON, 7 * 24 * HOUR) == "19 Nov"
