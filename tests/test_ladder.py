"""Fills and capacities, against an oracle that counts in decimals, coin by coin."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from frmon.ladder import Capacity, Fill, capacity, comparable_usdt, fill, is_first_thinner, per_coin, slip
from frmon.model import Book, Level
from tests.given import leg

PRICES = st.decimals("0.0001", "99999", places=4)
SIZES = st.decimals("0.001", "5000", places=3)


def side(falling: bool) -> st.SearchStrategy[tuple[Level, ...]]:
    levels = st.lists(st.tuples(PRICES, SIZES), max_size=12, unique_by=lambda level: level[0])
    return levels.map(lambda told: tuple((float(p), float(s)) for p, s in sorted(told, reverse=falling)))


def near(falling: bool) -> st.SearchStrategy[tuple[Level, ...]]:
    """Prices around 100, so that two books often cross."""
    prices = st.decimals("95", "105", places=2)
    levels = st.lists(st.tuples(prices, SIZES), max_size=8, unique_by=lambda level: level[0])
    return levels.map(lambda told: tuple((float(p), float(s)) for p, s in sorted(told, reverse=falling)))


def exact(levels: tuple[Level, ...]) -> list[tuple[Decimal, Decimal]]:
    """The decimals that the floats stand for."""
    return [(Decimal(repr(price)), Decimal(repr(size))) for price, size in levels]


def bought_for(levels: tuple[Level, ...], usdt: Decimal) -> tuple[Decimal, Decimal]:
    """(USDT spent, coins) of a market order."""
    spent = coins = Decimal(0)
    for price, size in exact(levels):
        take = min(size, (usdt - spent) / price)
        spent += take * price
        coins += take
    return spent, coins


def worth_of(levels: tuple[Level, ...], coins: Decimal) -> Decimal:
    """What so many coins cost or bring, from the top."""
    total = Decimal(0)
    for price, size in exact(levels):
        take = min(size, coins)
        total += take * price
        coins -= take
    return total


@given(side(False), st.decimals("0.01", "1000000", places=2))
def test_a_fill_takes_the_levels_from_the_top(levels: tuple[Level, ...], usdt: Decimal) -> None:
    with localcontext(prec=50):
        spent, coins = bought_for(levels, usdt)
        there = sum((p * s for p, s in exact(levels)), Decimal(0))
    found = fill(levels, float(usdt))
    assert found.filled_usdt == pytest.approx(float(spent))
    assert found.price == (pytest.approx(float(spent / coins)) if coins else None)
    assume(abs(there - usdt) > Decimal("1e-6") * usdt)
    assert found.complete == (there >= usdt)


@given(side(False), st.floats(1, 1e6))
def test_a_larger_order_never_gets_a_better_price(levels: tuple[Level, ...], usdt: float) -> None:
    first, second = fill(levels, usdt), fill(levels, usdt * 2)
    if first.price is not None and second.price is not None:
        assert levels[0][0] * (1 - 1e-12) <= first.price <= second.price * (1 + 1e-12)


@given(near(False), near(True), st.decimals("-3", "3", places=2))
def test_capacity_is_the_largest_amount_that_keeps_the_edge(
    asks: tuple[Level, ...], bids: tuple[Level, ...], edge: Decimal
) -> None:
    found = capacity(Book((), asks), Book(bids, ()), float(edge))
    with localcontext(prec=60):
        coins, whole = Decimal(found.coins), min(sum(s for _, s in exact(asks)), sum(s for _, s in exact(bids)))

        def surplus(amount: Decimal) -> Decimal:
            return worth_of(bids, amount) - worth_of(asks, amount) * (1 + edge / 100)

        slack = Decimal("1e-7") * (1 + worth_of(asks, coins))
        assert coins <= whole + Decimal("1e-6")
        assert found.usdt == pytest.approx(float(worth_of(asks, coins)), abs=1e-6)
        assert surplus(coins) >= -slack, "the edge is kept"
        if found.bounded:
            for more in (Decimal("1.001"), Decimal("1.1"), Decimal(2)):
                amount = min(Decimal(whole), coins * more + Decimal("0.0005"))
                assert surplus(amount) <= slack, "and by no larger amount"
        else:
            assert coins == pytest.approx(whole)


@given(near(False), near(True), st.floats(-3, 3), st.floats(0, 3))
def test_a_higher_edge_never_has_more_capacity(
    asks: tuple[Level, ...], bids: tuple[Level, ...], edge: float, more: float
) -> None:
    books = Book((), asks), Book(bids, ())
    assert capacity(*books, edge + more).usdt <= capacity(*books, edge).usdt * (1 + 1e-9) + 1e-9


def test_a_capacity_counted_by_hand() -> None:
    buy, sell = Book((), ((100.0, 1.0), (101.0, 10.0))), Book(((102.0, 2.0), (100.5, 10.0)), ())
    # one coin earns 2, another 1, and every further one loses 0.5: six more use up the 3
    assert capacity(buy, sell, 0.0) == Capacity(0.0, 100 + 101 * 7, 8.0, True)
    assert capacity(buy, sell, 2.0) == Capacity(2.0, 100.0, 1.0, True)
    assert capacity(buy, sell, 2.1) == Capacity(2.1, 0.0, 0.0, True)
    assert capacity(buy, sell, -5.0) == Capacity(-5.0, 100 + 101 * 10, 11.0, False)


def test_without_levels_nothing_fits_and_nothing_is_known() -> None:
    none = Book((), ())
    some = Book(((1.0, 1.0),), ((2.0, 1.0),))
    assert fill((), 10.0) == Fill(None, 0.0, False)
    assert [capacity(*pair, 0.0) for pair in ((none, some), (some, none), (none, none))] == [
        Capacity(0.0, 0.0, 0.0, False)
    ] * 3


def test_the_last_level_may_be_used_up_exactly() -> None:
    assert fill(((2.0, 5.0), (4.0, 5.0)), 30.0) == Fill(3.0, 30.0, True)
    assert capacity(Book((), ((1.0, 4.0),)), Book(((2.0, 4.0),), ()), 100.0) == Capacity(100.0, 4.0, 4.0, False)


@pytest.mark.parametrize(
    ("asks", "bids", "first"),
    [
        (((1.0, 100.0),), ((1.0, 500.0),), True),  # takes less
        (((1.0, 500.0),), ((1.0, 100.0),), False),
        (((1.0, 500.0), (1.1, 5000.0)), ((1.0, 5000.0),), True),  # moves further
        (((1.0, 5000.0),), ((1.0, 500.0), (0.9, 5000.0)), False),
        (((1.0, 5000.0),), ((2.0, 5000.0),), None),
        ((), (), None),
        ((), ((1.0, 1.0),), True),
    ],
)
def test_the_thinner_leg_takes_less_or_moves_further(
    asks: tuple[Level, ...], bids: tuple[Level, ...], first: bool | None
) -> None:
    assert is_first_thinner(asks, bids, 1000.0) is first


def test_a_ladder_that_its_venue_cut_is_not_thinner_for_that() -> None:
    asks = tuple((100.0 + n * 0.01, 0.5) for n in range(400))  # 50 USDT a level, the whole side
    bids = tuple((99.99 - n * 0.01, 5.0) for n in range(50))  # 500 USDT a level, of which the venue tells 50
    size = comparable_usdt(50_000.0, (asks, 1000), (bids, 50))
    assert size == fill(bids, 50_000.0).filled_usdt < 50_000
    assert is_first_thinner(asks, bids, size) is True
    assert comparable_usdt(50_000.0, (asks, 1000), (bids, 51)) == 50_000.0, "fewer than it tells are the whole side"
    assert comparable_usdt(10_000.0, (asks, 400), (bids, 0)) == 10_000.0, "both tell more than that"


def test_slip_is_a_fraction_of_the_best_price() -> None:
    levels = ((100.0, 1.0), (110.0, 1.0))
    assert slip(levels, fill(levels, 210.0)) == pytest.approx(0.05)


@given(side(False), st.sampled_from([1, 1000, 1_000_000]), st.sampled_from([0.01, 1.0, 1000.0]))
def test_per_coin_keeps_what_a_level_is_worth(levels: tuple[Level, ...], multiplier: int, contract: float) -> None:
    one = leg("okx", multiplier=multiplier, contract=contract)
    found = per_coin(Book(levels, levels, 5), one)
    assert found is not None
    assert found.event_ms == 5
    for (price, size), *sides in zip(levels, found.bids, found.asks, strict=True):
        for coin_price, coins in sides:
            assert coin_price == pytest.approx(float(Fraction(price) / multiplier))
            assert coin_price * coins == pytest.approx(price * size * contract)


def test_a_thousand_of_a_coin_in_contracts_of_ten() -> None:
    found = per_coin(Book(((0.5, 3.0),), ()), leg("okx", multiplier=1000, contract=10.0))
    assert found == Book(((0.0005, 30_000.0),), ())


def test_without_a_contract_size_there_is_no_book() -> None:
    assert per_coin(Book(((1.0, 1.0),), ()), leg("okx")) is None
