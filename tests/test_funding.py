"""Funding against a brute force that walks every settlement on exact fractions."""

from fractions import Fraction
from math import inf, isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon import funding
from frmon.board import Board, Cell, Row
from frmon.model import Carrier, LegKey, Market, Spread, Tick
from tests.given import VENUES, WALL, Desk, leg, line

HOUR = 3_600_000


def perp(venue: str = "okx", **known: Any) -> Cell:
    """A perp of which this is known: rate, hours, due."""
    names = {"rate": "funding_rate", "hours": "funding_interval_h", "due": "next_funding_ms"}
    desk = Desk(leg(venue))
    desk.say(leg(venue), 1.0, 1.0, 0.0, **{names.get(k, k): v for k, v in known.items()})
    return desk.board.rows["PEPE"].cells[0]


def spot() -> Cell:
    desk = Desk(leg("okx", market=Market.SPOT))
    return desk.board.rows["PEPE"].cells[0]


@pytest.mark.parametrize(
    ("hours", "per_8h", "apr"), [(8, 0.01, 10.95), (4, 0.02, 21.9), (1, 0.08, 87.6), (2, 0.04, 43.8)]
)
def test_rates_are_comparable_over_intervals(hours: float, per_8h: float, apr: float) -> None:
    found = funding.rates(perp(rate=0.0001, hours=hours))
    assert found is not None
    assert found.per_8h_pct == pytest.approx(per_8h)
    assert found.per_hour_pct == pytest.approx(per_8h / 8)
    assert found.apr_pct == pytest.approx(apr)


def test_an_unknown_rate_or_interval_is_unknown_and_spot_pays_nothing() -> None:
    assert funding.rates(perp(rate=0.0001)) is None
    assert funding.rates(perp(hours=8)) is None
    assert funding.rates(spot()) == funding.Rates(per_hour_pct=0.0, per_8h_pct=0.0, apr_pct=0.0)


@pytest.mark.parametrize("hours", [None, 0.0, -8.0, inf, float("nan"), 1e-12])
def test_an_interval_that_is_none_is_unknown(hours: float | None) -> None:
    cell = perp()
    cell.funding_interval_h = hours
    assert funding.interval_ms(cell) is None


class Schedule:
    """The truth of one leg, walked step by step."""

    def __init__(self, due: int | None, hours: Fraction | None, rate: int | None) -> None:
        self.due = due
        self.hours = hours
        self.rate = rate

    def cell(self, venue: str) -> Cell:
        rate = None if self.rate is None else self.rate / 1_000_000
        hours = None if self.hours is None else float(self.hours)
        return perp(venue, rate=rate, hours=hours, due=self.due)

    def next(self, now: int) -> int | None:
        due = self.due
        while due is not None and due <= now:
            due = None if self.hours is None else due + int(self.hours * HOUR)
        return due

    def times(self, now: int, until: int) -> list[int] | None:
        due = self.next(now)
        if due is None:
            return None
        if self.hours is None:
            return None if due < until else [t for t in [due] if t <= until]
        found = []
        while due <= until:
            found.append(due)
            due += int(self.hours * HOUR)
        return found

    def paid(self, now: int, until: int) -> Fraction | None:
        times = self.times(now, until)
        if times is None or (times and self.rate is None):
            return None
        return Fraction(self.rate or 0, 1_000_000) * len(times)


QUARTERS = st.integers(1, 40).map(lambda n: Fraction(n, 4))
SCHEDULES = st.builds(
    Schedule,
    st.none()
    | st.integers(-30 * HOUR, 30 * HOUR).map(lambda n: WALL + n)
    | st.integers(-9, 9).map(lambda n: WALL + n * HOUR),
    st.none() | st.sampled_from([Fraction(1), Fraction(2), Fraction(4), Fraction(8)]) | QUARTERS,
    st.none() | st.integers(-5000, 5000),
)
HORIZONS = st.sampled_from([0, 1, HOUR - 1, HOUR, 8 * HOUR, 24 * HOUR]) | st.integers(0, 48 * HOUR)


@given(SCHEDULES, HORIZONS)
def test_settlements_are_those_in_the_time_span(one: Schedule, horizon: int) -> None:
    found = funding.settlements(one.cell("okx"), WALL, WALL + horizon)
    expected = one.times(WALL, WALL + horizon)
    assert (None if found is None else list(found)) == expected


@given(SCHEDULES, st.integers(0, 100 * HOUR))
def test_the_next_settlement_is_never_past_and_the_countdown_at_most_one_interval(one: Schedule, later: int) -> None:
    cell, now = one.cell("okx"), WALL + later
    due, left = funding.next_settlement_ms(cell, now), funding.countdown_s(cell, now)
    assert due == one.next(now)
    assert (left is None) == (due is None)
    if due is not None and left is not None:
        assert due > now
        assert 0 < left <= (due - now) / 1000
        if one.hours is None:
            assert left == (due - now) / 1000
        else:
            assert left <= one.hours * 3600
            assert left == min(due - now, int(one.hours * HOUR)) / 1000


@pytest.mark.parametrize("lag_s", [0, 30, 90])
def test_the_countdown_goes_on_while_the_venue_still_states_the_settlement_that_was(lag_s: int) -> None:
    cell = perp(rate=0.0001, hours=8, due=WALL)
    for second in range(-2, lag_s + 1):
        left = funding.countdown_s(cell, WALL + 1000 * second)
        assert left == (-second if second < 0 else 8 * 3600 - second)


def test_a_passed_time_without_an_interval_says_nothing_of_the_next() -> None:
    cell = perp(rate=0.0001, due=WALL)
    assert funding.countdown_s(cell, WALL - 1000) == 1
    assert funding.countdown_s(cell, WALL) is None
    assert funding.settlements(cell, WALL, WALL + HOUR) is None


@given(SCHEDULES, SCHEDULES, HORIZONS)
def test_the_carry_is_what_each_legs_own_settlements_pay(long: Schedule, short: Schedule, horizon: int) -> None:
    paid, received = (s.paid(WALL, WALL + horizon) for s in (long, short))
    found = funding.carry(long.cell("okx"), short.cell("bybit"), WALL, horizon)
    if paid is None or received is None:
        assert found is None
    else:
        assert found is not None
        assert isclose(found, received - paid, rel_tol=1e-12, abs_tol=1e-15)


@given(SCHEDULES, SCHEDULES)
def test_the_carry_to_the_next_settlement_is_to_the_first_of_both(long: Schedule, short: Schedule) -> None:
    buy, sell = long.cell("okx"), short.cell("bybit")
    found = funding.carries(buy, sell, WALL)
    dues = [s.next(WALL) for s in (long, short)]
    if None in dues:
        assert (found.next_ms, found.to_next) == (None, None)
    else:
        assert found.next_ms == min(d for d in dues if d is not None)
        assert found.to_next == funding.carry(buy, sell, WALL, found.next_ms - WALL)
    assert found.in_8h == funding.carry(buy, sell, WALL, 8 * HOUR)
    assert found.in_24h == funding.carry(buy, sell, WALL, 24 * HOUR)


def test_a_leg_that_settles_in_ten_minutes_is_not_one_that_settles_in_seven_hours() -> None:
    soon = perp("okx", rate=0.002, hours=8, due=WALL + HOUR // 6)
    late = perp("bybit", rate=0.001, hours=1, due=WALL + 7 * HOUR)
    found = funding.carries(late, soon, WALL)
    assert found.next_ms == WALL + HOUR // 6
    assert found.to_next == pytest.approx(0.002)
    assert found.in_8h == pytest.approx(0.002 - 2 * 0.001)
    assert found.in_24h == pytest.approx(3 * 0.002 - 18 * 0.001)


def test_a_rate_is_only_needed_where_something_settles() -> None:
    silent = perp("okx", hours=8, due=WALL + 2 * HOUR)
    assert funding.carry(spot(), silent, WALL, HOUR) == 0
    assert funding.carry(spot(), silent, WALL, 2 * HOUR) is None


def test_spot_pays_nothing_and_two_spots_have_no_settlement() -> None:
    assert funding.carry(spot(), perp(rate=0.001, hours=8, due=WALL + 1), WALL, HOUR) == 0.001
    found = funding.carries(spot(), spot(), WALL)
    assert (found.next_ms, found.to_next, found.in_8h, found.in_24h) == (None, 0, 0, 0)


def test_cash_and_carry_is_to_the_perps_settlement() -> None:
    found = funding.carries(spot(), perp(rate=0.001, due=WALL + HOUR), WALL)
    assert (found.next_ms, found.to_next) == (WALL + HOUR, 0.001)
    assert (found.in_8h, found.in_24h) == (None, None)


def priced(gross: float, leaving: float | None, fees: float, carry: float | None) -> Spread:
    buy, sell = LegKey("okx", Market.PERP, "A"), LegKey("bybit", Market.PERP, "A")
    return Spread(
        buy=buy,
        sell=sell,
        buy_price=1.0,
        sell_price=1.0,
        gross_pct=gross,
        fees_pct=fees,
        net_pct=gross - fees,
        carry_per_hour=carry,
        needs_borrow=False,
        exit_pct=leaving,
    )


HUNDREDTHS = st.integers(-300, 300)


@given(HUNDREDTHS, HUNDREDTHS, st.integers(0, 100), st.none() | st.integers(-1000, 1000))
def test_break_even_hours_are_cost_over_carry(entry: int, leaving: int, fees: int, carry: int | None) -> None:
    spread = priced(entry / 64, leaving / 64, fees / 64, None if carry is None else carry / 2**20)
    hold, converge = funding.break_even_hold_h(spread), funding.break_even_converge_h(spread)
    for found, cost in ((hold, fees - entry + leaving), (converge, fees - entry)):
        if carry is None:
            assert found is None
        elif cost <= 0:
            assert found == 0
        elif carry <= 0:
            assert found == inf
        else:
            exact = Fraction(cost, 6400) / Fraction(carry, 2**20)
            assert found is not None
            assert isclose(found, exact, rel_tol=1e-12)


def test_holding_takes_a_known_exit() -> None:
    spread = priced(0.1, None, 0.2, 0.001)
    assert funding.break_even_hold_h(spread) is None
    assert funding.break_even_converge_h(spread) == pytest.approx(1.0)


RATED = st.lists(st.tuples(st.none() | st.integers(-3, 3), st.sampled_from([None, 1, 2, 4, 8])), max_size=4)


@given(RATED)
def test_the_widest_difference_is_that_of_all_pairs(known: list[tuple[int | None, int | None]]) -> None:
    row = Row("PEPE")
    exact = {}
    for venue, (rate, hours) in zip(VENUES, known, strict=False):
        row.cells.append(perp(venue, rate=None if rate is None else rate / 1000, hours=hours))
        if rate is not None and hours is not None:
            exact[venue] = Fraction(rate * 8, 1000 * hours)
    found = funding.difference_8h(row)
    if len(exact) < 2:
        assert found is None
        return
    assert found is not None
    assert isclose(found.pct, 100 * (max(exact.values()) - min(exact.values())), rel_tol=1e-12, abs_tol=1e-12)
    assert found.high != found.low
    assert exact[found.high.venue] == max(exact.values())
    assert exact[found.low.venue] == min(exact.values())


def test_a_difference_is_only_between_perps_that_may_be_compared() -> None:
    row = Row("PEPE")
    row.cells = [perp("bybit", rate=0.0003, hours=8), perp("okx", rate=0.0001, hours=8), spot()]
    quarantined = leg("bitget", quarantine="other coin", funding_h=8.0)
    row.cells.append(Cell(quarantined, row))
    row.cells[-1].funding_rate = 0.05
    found = funding.difference_8h(row)
    assert found is not None
    assert (found.high.venue, found.low.venue) == ("bybit", "okx")
    assert found.pct == pytest.approx(0.02)


class Spoken:
    """A perp whose stream said its rate once, at second 0."""

    def __init__(self, *, pushes_changes: bool) -> None:
        self.stream = line("okx", pushes_changes=pushes_changes)
        self.rest = Carrier("okx", Market.PERP, "funding", source="rest", stamped=False)
        self.board = Board()
        self.board.seat(leg("okx"))
        self.cell = self.board.rows["PEPE"].cells[0]
        self.say(self.stream, 0.0, 0.0001)

    def say(self, carrier: Carrier, at: float, rate: float) -> None:
        stamp = WALL + round(at * 1000) if carrier is self.stream else None
        carrier.heard_at = at
        self.board.take(carrier, [Tick(symbol="PEPEUSDT", funding_rate=rate, event_ms=stamp)], at, WALL)


def test_a_rate_is_fresh_for_ten_minutes_and_spot_always_is() -> None:
    one = Spoken(pushes_changes=False)
    assert funding.funding_is_fresh(one.cell, funding.MAX_AGE_S)
    assert not funding.funding_is_fresh(one.cell, funding.MAX_AGE_S + 1)
    one.say(one.stream, 500.0, 0.0001)
    assert funding.funding_is_fresh(one.cell, funding.MAX_AGE_S + 1)
    assert funding.funding_is_fresh(spot(), 1e9)
    assert not funding.funding_is_fresh(perp(), 0.0), "never stated"


def test_silence_on_a_live_stream_that_pushes_changes_confirms_a_rate() -> None:
    one = Spoken(pushes_changes=True)
    one.stream.heard_at = 9000.0
    assert funding.funding_is_fresh(one.cell, 9000.0 + funding.MAX_AGE_S)
    assert not funding.funding_is_fresh(one.cell, 9001.0 + funding.MAX_AGE_S)
    one.stream.heard_at = 1e6
    assert not funding.funding_is_fresh(one.cell, 1e6), "not for ever"
    one.stream.heard_at = 9000.0
    one.stream.generation += 1
    assert not funding.funding_is_fresh(one.cell, 9000.0), "not over a new connection"


def test_a_reply_that_repeats_a_rate_confirms_it_and_leaves_it_to_its_stream() -> None:
    one = Spoken(pushes_changes=True)
    one.stream.heard_at = 1000.0
    one.say(one.rest, 1000.0, 0.0001)
    assert (one.cell.funding.by, one.cell.funding.at) == (one.stream, 1000.0)
    one.say(one.rest, 1500.0, 0.0002)
    assert (one.cell.funding_rate, one.cell.funding.by, one.cell.funding.at) == (0.0002, one.rest, 1500.0)


def test_what_is_not_fresh_is_left_out_where_one_asks() -> None:
    desk = Desk(leg("okx"), leg("bybit"))
    for venue, rate, at in (("okx", 0.0001, 0.0), ("bybit", 0.0003, 500.0)):
        desk.say(leg(venue), 1.0, 1.0, at, funding_rate=rate, funding_interval_h=8.0, next_funding_ms=WALL + HOUR)
    row = desk.board.rows["PEPE"]
    buy, sell = (next(c for c in row.cells if c.key.venue == v) for v in ("okx", "bybit"))
    assert funding.difference_8h(row, lambda cell: funding.funding_is_fresh(cell, 600.0)) == funding.difference_8h(row)
    assert funding.difference_8h(row, lambda cell: funding.funding_is_fresh(cell, 601.0)) is None
    assert funding.carries(buy, sell, WALL, 600.0).in_8h == pytest.approx(0.0002)
    assert funding.carries(buy, sell, WALL, 601.0) == funding.Carries(
        next_ms=None, to_next=None, in_8h=None, in_24h=None
    )
    assert funding.carries(buy, sell, WALL).in_8h == pytest.approx(0.0002)
