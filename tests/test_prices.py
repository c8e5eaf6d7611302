"""Prices per coin, and what is made of them, to the last digit."""

from decimal import Decimal
from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.model import EMPTY, Tick
from tests.given import WALL
from tests.test_cell import Told

PRICES = st.decimals(min_value="0.000000001", max_value="200000", places=9, allow_nan=False)


def test_a_price_per_thousand_prints_as_one_expects() -> None:
    told = Told(multiplier=1000)
    told.streams(100.0, 0.010412, 0.010413)
    assert [repr(p) for p in told.quote] == ["1.0412e-05", "1.0413e-05"]


@given(PRICES, st.sampled_from([1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]))
def test_prices_per_coin_are_the_decimal_quotient_to_the_last_digit(price: Decimal, multiplier: int) -> None:
    told = Told(multiplier=multiplier)
    told.streams(100.0, float(price), float(price))
    assert told.quote == (float(price / multiplier),) * 2


@given(PRICES, st.sampled_from([1, 1000, 1_000_000]), st.floats(0.001, 1e9))
def test_size_times_price_is_the_same_money_per_coin(price: Decimal, multiplier: int, size: float) -> None:
    told = Told(multiplier=multiplier)
    tick = Tick(symbol=told.leg.symbol, event_ms=WALL, bid=float(price), ask=float(price), bid_size=size, ask_size=size)
    told.board.take(told.stream, [tick], 100.0, WALL)
    cell = told.cell
    assert cell.bid is not None
    assert cell.bid_size is not None
    assert isclose(cell.bid * cell.bid_size, float(price) * size, rel_tol=1e-12)


def test_mid_falls_back_to_mark_and_last_while_a_side_is_unknown() -> None:
    told = Told()
    assert told.cell.mid() is None
    steps: list[tuple[dict[str, Any], float]] = [
        ({"last": 3.0}, 3.0),
        ({"mark": 4.0}, 4.0),
        ({"bid": 1.0}, 4.0),
        ({"bid": 1.0, "ask": 2.0}, 1.5),
    ]
    for said, mid in steps:
        told.board.take(told.stream, [Tick(symbol=told.leg.symbol, event_ms=WALL, **said)], 100.0, WALL)
        assert told.cell.mid() == mid


@pytest.mark.parametrize(
    ("bid", "ask", "crossed"), [(1.0, 2.0, False), (2.0, 2.0, False), (2.1, 2.0, True), (1.0, EMPTY, False)]
)
def test_a_book_is_crossed_when_the_bid_stands_above_the_ask(bid: float, ask: float, crossed: bool) -> None:
    told = Told()
    told.streams(100.0, bid, ask)
    assert told.cell.is_crossed() is crossed
