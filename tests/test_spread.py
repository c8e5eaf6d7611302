"""Spreads against a brute force over all pairs on exact fractions."""

from fractions import Fraction
from itertools import permutations
from math import isclose
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Row
from frmon.model import EMPTY, Flag, Leg, LegKey, Market, Spread
from frmon.spread import DAY_MS, Terms, best, flags, qualifies
from tests.given import FEES, TERMS, VENUES, WALL, Desk, leg

NOW = 1000.0


class Given(msgspec.Struct, frozen=True):
    """One leg and what is known of it."""

    venue: str
    market: Market
    symbol: str
    bid: int
    ask: int
    said_at: float = NOW
    rate: int | None = None  # in hundredths of a percent per interval
    hours: int | None = None
    quarantine: str = ""
    halted: bool = False
    off_ms: int | None = None

    @property
    def key(self) -> LegKey:
        """The name of the leg."""
        return LegKey(self.venue, self.market, self.symbol)

    def leg(self) -> Leg:
        """The leg to seat."""
        more: dict[str, Any] = {f: getattr(self, f) for f in ("symbol", "quarantine", "halted", "off_ms")}
        return leg(self.venue, market=self.market, **more)


def row_of(legs: list[Given]) -> Row:
    desk = Desk()
    for one in legs:
        desk.board.seat(one.leg())
        rate = None if one.rate is None else one.rate / 10_000
        more: dict[str, Any] = {"funding_rate": rate, "funding_interval_h": one.hours}
        desk.say(one.leg(), float(one.bid), float(one.ask), one.said_at, **more)
    return desk.board.rows.get("PEPE", Row("PEPE"))


def oracle(legs: list[Given], *, borrow: bool) -> tuple[LegKey, LegKey, Fraction] | None:
    """The wording: the highest gross of all pairs, ties to the alphabetically first (buy, sell)."""
    fit = [g for g in legs if is_fit(g)]
    pairs = [
        (-(Fraction(sell.bid - buy.ask, buy.ask) * 100), buy.key, sell.key)
        for buy, sell in permutations(fit, 2)
        if borrow or sell.market == "perp"
    ]
    if not pairs:
        return None
    gross, buy, sell = min(pairs)
    return buy, sell, -gross


def is_fit(one: Given) -> bool:
    is_trading = not one.halted and not one.quarantine and (one.off_ms is None or one.off_ms > WALL)
    return is_trading and 0 < one.bid <= one.ask and NOW - one.said_at <= 5


LEGS = st.builds(
    Given,
    st.sampled_from(VENUES),
    st.sampled_from(Market),
    st.sampled_from(["A", "B"]),
    bid=st.integers(0, 7),
    ask=st.integers(0, 9),
    said_at=st.sampled_from([NOW, NOW, NOW, NOW - 5, NOW - 5.001]),
    rate=st.none() | st.integers(-300, 300),
    hours=st.sampled_from([None, 1, 2, 4, 8]),
    quarantine=st.sampled_from(["", "", "", "too far off"]),
    halted=st.sampled_from([False, False, False, True]),
    off_ms=st.sampled_from([None, None, WALL, WALL + 1]),
)
ROWS = st.lists(LEGS, max_size=9, unique_by=lambda g: g.key)


@given(ROWS, st.booleans())
def test_the_best_pair_is_the_best_of_all_pairs(legs: list[Given], borrow: bool) -> None:
    terms = Terms(fees=FEES, allow_borrow=borrow)
    found = best(row_of(legs), terms, NOW, WALL)
    expected = oracle(legs, borrow=borrow)
    assert (found is None) == (expected is None)
    if found is None or expected is None:
        return
    assert (found.buy, found.sell) == expected[:2]
    assert isclose(found.gross_pct, expected[2], rel_tol=1e-12, abs_tol=1e-12)
    check_the_rest(found, legs)


def check_the_rest(found: Spread, legs: list[Given]) -> None:
    by_key = {g.key: g for g in legs}
    buy, sell = by_key[found.buy], by_key[found.sell]
    fees = 200 * sum(Fraction(1, 1000) if g.market == "spot" else Fraction(5, 10_000) for g in (buy, sell))
    assert (found.buy_price, found.sell_price) == (buy.ask, sell.bid)
    assert isclose(found.fees_pct, fees, rel_tol=1e-12)
    assert found.net_pct == found.gross_pct - found.fees_pct
    assert found.needs_borrow is (sell.market == "spot")
    paid, received = hourly(buy), hourly(sell)
    if paid is None or received is None:
        assert found.carry_per_hour is None
        assert found.carry_apr_pct is None
    else:
        assert found.carry_per_hour is not None
        assert isclose(found.carry_per_hour, received - paid, rel_tol=1e-12, abs_tol=1e-18)
        assert isclose(found.carry_apr_pct or 0.0, (received - paid) * 8760 * 100, rel_tol=1e-12, abs_tol=1e-9)


def hourly(one: Given) -> Fraction | None:
    if one.market == "spot":
        return Fraction(0)
    if one.rate is None or one.hours is None:
        return None
    return Fraction(one.rate, 10_000) / one.hours


def test_a_single_leg_makes_no_pair_with_itself() -> None:
    assert best(row_of([Given("okx", Market.PERP, "A", 1, 1)]), TERMS, NOW, WALL) is None


def test_equal_pairs_go_to_the_alphabetically_first_buy_and_then_sell() -> None:
    found = best(row_of([Given(v, Market.PERP, s, 5, 5) for v in VENUES for s in "AB"]), TERMS, NOW, WALL)
    assert found is not None
    assert (found.buy, found.sell) == (LegKey("binance", Market.PERP, "A"), LegKey("binance", Market.PERP, "B"))


def test_selling_spot_is_left_out_unless_it_is_switched_on() -> None:
    legs = [Given("okx", Market.SPOT, "A", 9, 9), Given("okx", Market.PERP, "A", 5, 5)]
    default, borrowed = (best(row_of(legs), Terms(fees=FEES, allow_borrow=b), NOW, WALL) for b in (False, True))
    assert default is not None
    assert borrowed is not None
    assert (default.sell.market, default.needs_borrow) == (Market.PERP, False)
    assert (borrowed.sell.market, borrowed.needs_borrow, borrowed.gross_pct) == (Market.SPOT, True, 80.0)


def test_an_unknown_interval_is_an_unknown_carry_and_not_eight_hours() -> None:
    legs = [Given("okx", Market.PERP, "A", 5, 5, rate=1), Given("bybit", Market.PERP, "A", 5, 5, rate=1, hours=8)]
    found = best(row_of(legs), TERMS, NOW, WALL)
    assert found is not None
    assert found.carry_per_hour is None


@pytest.mark.parametrize(("bid", "ask"), [(EMPTY, 2.0), (1.0, EMPTY), (2.1, 2.0), (None, 2.0), (1.0, None)])
def test_a_book_with_one_side_or_crossed_does_not_qualify(bid: float | None, ask: float | None) -> None:
    desk = Desk(leg("okx"))
    desk.say(leg("okx"), bid, ask, NOW)
    cell = desk.board.cell(leg("okx").key)
    assert cell is not None
    assert not qualifies(cell, TERMS, NOW, WALL)


def test_a_locked_book_qualifies() -> None:
    [cell] = row_of([Given("okx", Market.PERP, "A", 5, 5)]).cells
    assert qualifies(cell, TERMS, NOW, WALL)


FLAGGED: list[tuple[dict[str, Any], int, int, float, list[Flag]]] = [
    ({}, 5, 5, 0.0, []),
    ({"quarantine": "other coin"}, 5, 5, 0.0, [Flag.QUARANTINE]),
    ({"off_ms": WALL + DAY_MS}, 5, 5, 0.0, [Flag.DELISTING]),
    ({"halted": True}, 5, 5, 60.0, [Flag.HALTED]),
    ({"on_ms": WALL - DAY_MS + 1}, 5, 5, 0.0, [Flag.NEW]),
    ({"on_ms": WALL - DAY_MS}, 5, 5, 0.0, []),
    ({"on_ms": WALL + 1}, 5, 5, 0.0, []),
    ({}, 5, 5, 5.1, [Flag.STALE]),
    ({}, 6, 5, 0.0, [Flag.CROSSED]),
    (
        {"quarantine": "x", "off_ms": 1, "on_ms": WALL},
        6,
        5,
        9.0,
        [f for f in Flag if f not in {Flag.HALTED, Flag.OUTLIER}],
    ),
]


@pytest.mark.parametrize(("more", "bid", "ask", "later", "expected"), FLAGGED)
def test_a_row_warns_of_what_its_legs_have(
    more: dict[str, Any], bid: int, ask: int, later: float, expected: list[Flag]
) -> None:
    one = leg("okx", **more)
    desk = Desk(one)
    desk.say(one, float(bid), float(ask), NOW)
    assert flags(desk.board.rows["PEPE"], TERMS, NOW + later, WALL) == expected


def test_a_stale_leg_leaves_the_spread_and_comes_back_with_its_next_quote() -> None:
    legs = [leg("okx"), leg("bybit")]
    desk = Desk(*legs)
    for one in legs:
        desk.say(one, 1.0, 1.0, NOW)
    row = desk.board.rows["PEPE"]
    assert best(row, TERMS, NOW, WALL) is not None
    desk.say(legs[0], 1.0, 1.0, NOW + 10)
    assert best(row, TERMS, NOW + 10, WALL) is None
    desk.say(legs[1], 1.0, 1.0, NOW + 10)
    assert best(row, TERMS, NOW + 10, WALL) is not None
