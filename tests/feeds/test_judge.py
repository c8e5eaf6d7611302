"""Which legs of one name are one coin, judged by price."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.feeds.judge import GOOD_LOOKS, MILD_LOOKS, Sight, Standing, judge
from frmon.model import LegKey, Market
from tests.feeds.trade import PERP
from tests.given import leg


def sight(venue: str, price: float | None, volume: float | None = None, market: Market = PERP, **more: Any) -> Sight:
    return Sight(leg(venue, "A", market, **more), price, volume)


def judged(sights: list[Sight], looks: int = 1, before: dict[LegKey, Standing] | None = None) -> dict[str, Standing]:
    """Standings by venue (and market, for spot) after so many looks at the same prices."""
    standings = before or {}
    for _ in range(looks):
        standings = judge(sights, standings)
    return {k.venue + (" spot" if k.market is Market.SPOT else ""): v for k, v in standings.items()}


def out(standings: dict[str, Standing]) -> list[str]:
    return [venue for venue, standing in standings.items() if standing.quarantine]


def test_a_gap_between_a_fifth_and_a_half_is_a_verdict_after_several_looks() -> None:
    sights = [sight("binance", 1.0), sight("bybit", 1.0), sight("okx", 1.3)]
    assert out(judged(sights, MILD_LOOKS - 1)) == []
    assert out(judged(sights, MILD_LOOKS)) == ["okx"]


def test_a_slow_drift_is_no_verdict_below_a_fifth_and_one_beyond_it() -> None:
    standings: dict[LegKey, Standing] = {}
    verdict_at = None
    for step in range(60):
        price = 1.0 + step * 0.005
        standings = judge([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", price)], standings)
        if verdict_at is None and any(s.quarantine for s in standings.values()):
            verdict_at = price
    assert verdict_at == pytest.approx(1.205 + (MILD_LOOKS - 1) * 0.005)


def test_between_release_and_verdict_nothing_changes() -> None:
    apart = judge([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", 9.0)], {})
    assert out(judged([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", 1.17)], 20, apart)) == ["okx"]
    fine = judge([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", 1.0)], {})
    assert out(judged([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", 1.17)], 20, fine)) == []


def test_the_larger_group_stays_whatever_its_turnover() -> None:
    assert out(judged([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", 5.0, 1e9)])) == ["okx"]


def test_of_equal_groups_that_of_more_venues_stays() -> None:
    sights = [sight("okx", 5.0, 1e9), sight("okx", 5.0, 1e9, Market.SPOT), sight("binance", 1.0), sight("bybit", 1.0)]
    assert out(judged(sights)) == ["okx", "okx spot"]


def test_of_equal_groups_that_with_a_plain_name_stays() -> None:
    assert out(judged([sight("binance", 1.0, 1e9, multiplier=1000, ambiguous=True), sight("okx", 5.0)])) == ["binance"]


def test_of_equal_groups_the_one_that_was_believed_stays_even_if_the_other_becomes_busier() -> None:
    first = judge([sight("binance", 1.0, 2e6), sight("okx", 5.0, 1e6)], {})
    assert out(judged([sight("binance", 1.0, 2e6), sight("okx", 5.0, 9e6)], 20, first)) == ["okx"]


def test_where_nothing_tells_who_is_right_nobody_is_let_in_until_something_does() -> None:
    tied = judge([sight("binance", 1.0), sight("okx", 5.0)], {})
    assert out(judged([sight("binance", 1.0), sight("okx", 5.0)], 20, tied)) == ["binance", "okx"]
    assert out(judged([sight("binance", 1.0, 7.0), sight("okx", 5.0)], GOOD_LOOKS, tied)) == ["okx"]


def test_of_two_the_quarantined_one_is_measured_against_the_other() -> None:
    apart = judge([sight("binance", 5.0, 1e6), sight("okx", 1.0, 2e6)], {})
    assert out(judged([sight("binance", 1.17), sight("okx", 1.0)], 20, apart)) == ["binance"]


def test_of_tied_groups_those_furthest_apart_are_out_at_once() -> None:
    sights = [sight("binance", 1.0), sight("bitget", 1.19), sight("bybit", 1.45), sight("okx", 1.6)]
    assert out(judged(sights)) == ["binance", "okx"]


def test_a_leg_without_a_price_keeps_its_verdict_and_one_that_is_alone_loses_it() -> None:
    apart = judge([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", 9.0)], {})
    assert out(judged([sight("binance", 1.0), sight("bybit", 1.0), sight("okx", None)], 20, apart)) == ["okx"]
    assert out(judged([sight("binance", None), sight("bybit", None), sight("okx", 9.0)], 20, apart)) == ["okx"]
    assert out(judged([sight("okx", 9.0)], 1, apart)) == []


def test_prices_of_any_size_are_judged_and_written_without_exponents() -> None:
    tiny, huge = judged([sight("binance", 1e-300), sight("okx", 1e300)]).values()
    assert tiny.quarantine
    assert huge.quarantine
    [_, text] = judged([sight("binance", 1.234567e-8, 1.0), sight("okx", 93_123.4)]).values()
    assert text.quarantine.endswith("others (93120 vs 0.00000001235)")


some_price = st.none() | st.sampled_from([0.7, 1.0, 1.1, 1.18, 1.3, 1.45, 2.0, 10.0, 111.0])
moments = st.lists(st.lists(some_price, min_size=5, max_size=5), min_size=1, max_size=12)
FIVE = [("binance", PERP), ("binance", Market.SPOT), ("bybit", PERP), ("okx", PERP), ("okx", Market.SPOT)]


@given(moments)
def test_whatever_happened_before_legs_far_apart_are_not_both_let_in_for_long(
    history: list[list[float | None]],
) -> None:
    standings: dict[LegKey, Standing] = {}
    for prices in [*history, *[history[-1]] * MILD_LOOKS]:
        sights = [sight(v, price, market=m) for (v, m), price in zip(FIVE, prices, strict=True)]
        standings = judge(sights, standings)
        assert standings.keys() == {s.leg.key for s in sights}
    let_in = [s.price for s in sights if s.price and not standings[s.leg.key].quarantine]
    assert not let_in or max(let_in) <= 1.5 * min(let_in)


@given(moments)
def test_the_order_of_legs_changes_no_verdict(history: list[list[float | None]]) -> None:
    one: dict[LegKey, Standing] = {}
    other: dict[LegKey, Standing] = {}
    for prices in history:
        sights = [sight(v, price, market=m) for (v, m), price in zip(FIVE, prices, strict=True)]
        one, other = judge(sights, one), judge(sights[::-1], other)
    assert one == other


@given(st.lists(st.floats(0.94, 1.06), min_size=2, max_size=5))
def test_legs_that_agree_are_confirmed_and_never_parted(prices: list[float]) -> None:
    sights = [sight(v, price, market=m) for (v, m), price in zip(FIVE, prices, strict=False)]
    assert all(standing == Standing(confirmed=True) for standing in judged(sights, 9).values())
