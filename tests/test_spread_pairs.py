"""All pairs of a coin, what leaving them costs, and the basis: against exact fractions."""

from fractions import Fraction
from itertools import permutations
from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Cell
from frmon.model import EMPTY, LegKey, Market
from frmon.spread import Terms, basis_legs, basis_pct, best, pairs, qualified, qualifies
from tests.given import FEES, TERMS, WALL, Desk, leg
from tests.test_spread import NOW, ROWS, Given, is_fit, row_of

SPOT, PERP = Market.SPOT, Market.PERP


@given(ROWS, st.booleans())
def test_all_ordered_pairs_of_legs_that_qualify_are_there_in_order(legs: list[Given], borrow: bool) -> None:
    found = pairs(row_of(legs), Terms(fees=FEES, allow_borrow=borrow), NOW, WALL)
    expected = sorted((a.key, b.key) for a, b in permutations([g for g in legs if is_fit(g)], 2))
    assert [(s.buy, s.sell) for s in found] == expected


@given(ROWS)
def test_every_pair_has_its_entry_exit_net_and_kind(legs: list[Given]) -> None:
    by_key = {g.key: g for g in legs}
    for spread in pairs(row_of(legs), TERMS, NOW, WALL):
        buy, sell = by_key[spread.buy], by_key[spread.sell]
        entry = Fraction(sell.bid - buy.ask, buy.ask) * 100
        leaving = Fraction(sell.ask - buy.bid, buy.bid) * 100
        fees = sum(200 * (Fraction(1, 1000) if g.market == "spot" else Fraction(1, 2000)) for g in (buy, sell))
        assert isclose(spread.gross_pct, entry, rel_tol=1e-12, abs_tol=1e-12)
        assert spread.exit_pct is not None
        assert isclose(spread.exit_pct, leaving, rel_tol=1e-12, abs_tol=1e-12)
        assert isclose(spread.net_pct, entry - fees, rel_tol=1e-12, abs_tol=1e-12)
        assert spread.kind == f"{buy.market.value}-{sell.market.value}"
        assert spread.needs_borrow is (spread.kind in {"perp-spot", "spot-spot"})


@given(ROWS)
def test_both_directions_of_a_pair_are_never_positive_together(legs: list[Given]) -> None:
    gross = {(s.buy, s.sell): s.gross_pct for s in pairs(row_of(legs), TERMS, NOW, WALL)}
    assert [1 for (a, b), there in gross.items() if there > 0 and gross[b, a] > 0] == []


PRICE = st.decimals("0.00000001", "90000", places=8).map(float)


@given(st.lists(st.tuples(PRICE, PRICE), min_size=2, max_size=4), st.booleans())
def test_the_best_pair_is_the_best_for_prices_of_any_size(books: list[tuple[float, float]], borrow: bool) -> None:
    desk = Desk()
    terms = Terms(fees=FEES, allow_borrow=borrow)
    legs = [leg(v, market=m) for v, _ in zip(("okx", "bybit"), books, strict=False) for m in (SPOT, PERP)]
    for one, book in zip(legs, books, strict=False):
        desk.board.seat(one)
        desk.say(one, min(book), max(book), NOW)
    row = desk.board.rows["PEPE"]
    found = best(row, terms, NOW, WALL)
    exact = {
        (a.key, b.key): Fraction(b.bid) / Fraction(a.ask)
        for a, b in permutations(row.cells, 2)
        if a.ask is not None and b.bid is not None and (borrow or b.key.market is PERP)
    }
    assert (found is None) == (not exact)
    if found is not None:
        assert isclose(exact[found.buy, found.sell], max(exact.values()), rel_tol=1e-14)


def test_of_three_equal_legs_the_first_two_are_the_pair_and_of_mixed_ties_the_first_buy() -> None:
    equal = [Given(v, PERP, "A", 5, 5) for v in ("okx", "bybit", "bitget")]
    found = best(row_of(equal), TERMS, NOW, WALL)
    assert found is not None
    assert (found.buy.venue, found.sell.venue) == ("bitget", "bybit")
    # bybit has the lowest ask and the highest bid; with bitget it makes as much bought as sold
    mixed = [Given("bitget", PERP, "A", 3, 6), Given("bybit", PERP, "A", 4, 4), Given("okx", PERP, "A", 2, 8)]
    found = best(row_of(mixed), TERMS, NOW, WALL)
    assert found is not None
    assert (found.buy.venue, found.sell.venue) == ("bybit", "bitget")


def test_of_equal_bids_the_alphabetically_first_is_sold_to_whatever_leg_is_bought() -> None:
    equal = [Given(v, PERP, "A", 5, 5) for v in ("binance", "bitget", "bybit")]
    found = best(row_of([*equal, Given("okx", PERP, "A", 1, 1)]), TERMS, NOW, WALL)
    assert found is not None
    assert (found.buy.venue, found.sell.venue) == ("okx", "binance")


@given(ROWS)
def test_one_leg_qualifies_exactly_when_it_does_among_others(legs: list[Given]) -> None:
    cells = row_of(legs).cells
    assert qualified(cells, TERMS, NOW, WALL) == [c for c in cells if qualifies(c, TERMS, NOW, WALL)]


@given(st.integers(1, 900), st.integers(0, 90), st.integers(1, 900), st.integers(0, 90))
def test_the_basis_is_the_perps_mid_over_the_spots_mid(spot: int, wide: int, perp: int, far: int) -> None:
    row = row_of(
        [
            Given("okx", SPOT, "A", spot, spot + wide),
            Given("okx", PERP, "A", perp, perp + far),
            Given("bybit", SPOT, "A", 7, 7),
        ]
    )
    low, high = Fraction(2 * spot + wide, 2), Fraction(2 * perp + far, 2)
    found = basis_pct(row, "okx")
    assert found is not None
    assert isclose(found, (high - low) / low * 100, rel_tol=1e-12, abs_tol=1e-12)
    assert basis_pct(row, "bybit") is None
    assert basis_pct(row, "bitget") is None


@pytest.mark.parametrize(("bid", "ask"), [(EMPTY, 2.0), (1.0, EMPTY), (2.1, 2.0), (None, None)])
def test_there_is_no_basis_on_a_book_with_one_side_or_crossed_whatever_was_last(
    bid: float | None, ask: float | None
) -> None:
    desk = Desk(leg("okx"), leg("okx", market=SPOT))
    desk.say(leg("okx"), 1.0, 1.0, NOW, last=1.0)
    desk.say(leg("okx", market=SPOT), bid, ask, NOW, last=1.0, mark=1.0)
    assert basis_pct(desk.board.rows["PEPE"], "okx") is None


@pytest.mark.parametrize("more", [{"quarantine": "other coin"}, {"halted": True}])
def test_there_is_no_basis_on_a_leg_that_is_not_to_be_compared(more: dict[str, Any]) -> None:
    spot = leg("okx", market=SPOT, **more)
    desk = Desk(leg("okx"), spot)
    desk.say(leg("okx"), 1.0, 1.0, NOW)
    desk.say(spot, 1.0, 1.0, NOW)
    assert basis_pct(desk.board.rows["PEPE"], "okx") is None


def test_whoever_decides_by_the_basis_can_ask_for_fresh_legs_only() -> None:
    row = row_of([Given("okx", SPOT, "A", 4, 4, NOW - 9), Given("okx", PERP, "A", 5, 5)])

    def fresh(cell: Cell) -> bool:
        return qualifies(cell, TERMS, NOW, WALL)

    assert basis_pct(row, "okx") == 25
    assert basis_pct(row, "okx", fresh) is None


def test_of_several_symbols_the_alphabetically_first_is_the_basis() -> None:
    row = row_of(
        [Given("okx", m, s, p, p) for m, s, p in [(SPOT, "B", 2), (SPOT, "A", 4), (PERP, "D", 9), (PERP, "C", 5)]]
    )
    found = basis_legs(row, "okx")
    assert found is not None
    assert [c.key for c in found] == [LegKey("okx", SPOT, "A"), LegKey("okx", PERP, "C")]
