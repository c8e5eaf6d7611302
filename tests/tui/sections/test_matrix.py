import pytest

from frmon.model import Market
from frmon.tui.sections.matrix import Measure, hindrance, matrix_lines, matrix_title
from tests.tui.fake import VENUES, FakeEngine
from tests.tui.sections.coin import PERP, SPOT, look, quote, quoted, told


def test_rows_buy_at_the_ask_and_columns_sell_at_the_bid() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0), ("beta", PERP, 102.0, 103.0), ("gamma", PERP, 101.0, 101.0))
    assert told(matrix_lines(row, look(engine), 60)) == [
        "buy  ╲     AL P     BE P     GA P",
        "AL P          ·  ★+2.000   +1.000",
        "BE P     -3.883        ·   -1.942",
        "GA P     -1.980   +0.990        ·",
        "★ best pair",
    ]


def test_spot_columns_are_marked_as_needing_a_borrow() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0), ("beta", SPOT, 102.0, 103.0))
    lines = told(matrix_lines(row, look(engine), 60))
    assert lines[0].endswith("BE Sb")
    assert lines[1].endswith("+2.000"), "shown, and not the best pair"
    assert lines[2].split()[-2:] == ["★-3.883", "·"]
    assert lines[-1] == "★ best pair   b needs borrow"


def test_marks_are_plain_where_the_terminal_is() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0), ("beta", SPOT, 102.0, 103.0))
    assert "\n".join(told(matrix_lines(row, look(engine, ascii_only=True), 60))).isascii()


def test_a_leg_that_does_not_qualify_says_why_and_has_no_numbers() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0), ("beta", PERP, 103.0, 102.0), ("gamma", PERP, 101.0, 101.0))
    lines = told(matrix_lines(row, look(engine), 60))
    assert lines[2] == "BE P    crossed"
    assert lines[1].split() == ["AL", "P", "·", "-", "★+1.000"]


def test_every_hindrance_has_a_name() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0))
    cell = row.cells[0]
    assert hindrance(cell, look(engine)) == ""
    for bid, ask, why in (
        (None, None, "no quote"),
        (99.0, None, "one-sided"),
        (None, 1.0, "one-sided"),
        (0.0, 1.0, "one-sided"),
        (2.0, 1.0, "crossed"),
    ):
        cell.bid, cell.ask = bid, ask
        assert hindrance(cell, look(engine)) == why
    cell.bid, cell.ask = 99.0, 100.0
    engine.clock.advance(12)  # type: ignore[attr-defined]
    assert hindrance(cell, look(engine)) == "stale, 12s"
    engine.seat("alpha", PERP, "PEPE", quarantine="ten times the others")
    assert hindrance(cell, look(engine)) == "quarantine: ten times the others"


def test_outliers_are_named() -> None:
    prices = (("alpha", 100.0), ("beta", 100.0), ("gamma", 100.0), ("delta", 200.0))
    engine, row = quoted(*((venue, PERP, price, price) for venue, price in prices))
    assert told(matrix_lines(row, look(engine), 60))[-1] == "★ best pair   outlier: DE P"


@pytest.mark.parametrize("width", [54, 58, 66, 79])
def test_eight_legs_fit(width: int) -> None:
    engine = FakeEngine(0)
    for n, venue in enumerate(VENUES):
        for market in Market:
            quote(engine, (venue.name, market, 99.0 + n, 100.0 + n))
    engine.settle()
    lines = told(matrix_lines(engine.board.rows["PEPE"], look(engine), width))
    assert max(map(len, lines)) <= width
    assert all(len(line.replace("★", " ").split()) == 10 for line in lines[1:9])


def test_a_coin_with_one_leg_has_a_matrix_without_numbers() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0))
    assert told(matrix_lines(row, look(engine), 60))[1].split() == ["AL", "P", "·"]


def test_the_matrix_shows_what_is_left_after_fees() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0), ("beta", SPOT, 102.0, 103.0))
    lines = told(matrix_lines(row, look(engine), 60, Measure.NET))
    assert lines[1].split() == ["AL", "P", "·", "+1.700"], "2 % less 0.05 % twice and 0.1 % twice"
    assert lines[2].split()[-2:] == ["★-4.183", "·"]


def test_the_matrix_shows_what_pairs_carry_by_fresh_rates() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0), ("beta", PERP, 102.0, 103.0), ("gamma", SPOT, 98.0, 100.5))
    for cell, rate in zip(row.cells, (0.0001, 0.0003), strict=False):
        cell.funding_rate, cell.funding_interval_h = rate, 8.0
        cell.funding.state(engine.carriers[cell.key.venue, PERP], engine.clock.mono())
    lines = told(matrix_lines(row, look(engine), 60, Measure.CARRY))
    assert [line.split()[2:] for line in lines[1:4]] == [
        ["·", "★+0.020", "-0.010"],
        ["-0.020", "·", "-0.030"],
        ["+0.010", "+0.030", "·"],
    ]
    row.cells[1].funding.at = float("-inf")
    lines = told(matrix_lines(row, look(engine), 60, Measure.CARRY))
    assert lines[1].split()[2:] == ["·", "-", "-0.010"]


def test_the_title_says_which_measure_and_they_go_round() -> None:
    assert matrix_title(Measure.NET) == "SPREADS  net % after all taker fees, bought in rows, sold in columns"
    assert Measure.GROSS.after.after.after is Measure.GROSS
