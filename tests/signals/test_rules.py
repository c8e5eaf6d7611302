"""The rule against a brute-force oracle, and against every fault that such a rule is known to have had."""

from collections import defaultdict
from datetime import UTC, datetime
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from frmon.config import SignalSettings
from frmon.model import Leg, Market, Signal
from frmon.signals.rules import Rule, iso
from frmon.spread import Terms
from tests.given import FEES, TERMS, WALL, Desk, leg

Quote = tuple[str, str, str] | None  # bid, ask, last as text; None: the venue says nothing
Step = tuple[str, tuple[Quote, Quote, Quote]]  # seconds since the step before, what each venue says

NAMES = ("binance", "bybit", "okx")


def fired(steps: list[Step], config: SignalSettings) -> list[tuple[int, str, str]]:
    """What the program fires: (step, short, long)."""
    legs = [leg(name) for name in NAMES]
    desk = Desk(*legs)
    rule = Rule(config, TERMS)
    now = 1000.0
    found = []
    for number, (wait, quotes) in enumerate(steps):
        now += float(wait)
        for one, quote in zip(legs, quotes, strict=True):
            if quote is not None:
                bid, ask, last = map(float, quote)
                desk.say(one, bid, ask, now, last=last)
        signals = rule.sample(desk.board.rows.values(), now, WALL)
        found += [(number, s.short_exchange, s.long_exchange) for s in signals]
    return sorted(found)


def oracle(steps: list[Step], config: SignalSettings) -> list[tuple[int, str, str]]:
    """The same from the wording of the rule, on fractions, looking back over the whole history at every step."""
    times: list[Fraction] = []
    spreads: dict[tuple[str, str], list[Fraction | None]] = defaultdict(list)
    held: dict[str, tuple[Fraction, tuple[Fraction, ...]]] = {}
    now = Fraction(0)
    for wait, quotes in steps:
        now += Fraction(wait)
        times.append(now)
        for name, quote in zip(NAMES, quotes, strict=True):
            if quote is not None:
                held[name] = (now, tuple(Fraction(text) for text in quote))
        sane = {n: q for n, (at, q) in held.items() if now - at <= 5 and 0 < q[0] <= q[1]}
        for short, long in permutations(NAMES, 2):
            known = short in sane and long in sane
            spreads[short, long].append(spread_of(sane[short], sane[long], config.basis) if known else None)
    fires = [(n, *key) for key, told in spreads.items() for n in fires_of(times, told, config)]
    return sorted(fires)


def spread_of(short: tuple[Fraction, ...], long: tuple[Fraction, ...], basis: str) -> Fraction:
    high, low = (short[0], long[1]) if basis == "executable" else (short[2], long[2])
    return (high - low) / low * 100


def fires_of(times: list[Fraction], told: list[Fraction | None], config: SignalSettings) -> list[int]:
    threshold = Fraction(str(config.threshold_pct))
    is_wide = [value is not None and value >= threshold for value in told]
    fires: list[int] = []
    for n in range(config.samples - 1, len(told)):
        window = range(n - config.samples + 1, n + 1)
        in_row = all(is_wide[i] for i in window)
        close = all(times[i] - times[i - 1] < Fraction(str(config.max_gap_s)) for i in window[1:])
        cool = not fires or times[n] - times[fires[-1]] >= Fraction(str(config.cooldown_s))
        armed = config.basis == "last" or not fires or not all(is_wide[fires[-1] : n + 1])
        if in_row and close and cool and armed:
            fires.append(n)
    return fires


PRICES = ["99.4", "100.0", "100.3", "100.599", "100.6", "100.7", "101.2"]
QUOTES = st.one_of(
    st.just(("100.0",) * 3),
    st.just(("100.6",) * 3),
    st.just(("101.2",) * 3),
    st.tuples(st.sampled_from(PRICES), st.sampled_from(PRICES), st.sampled_from(PRICES)),
    st.just(("0", "100.0", "100.0")),
    st.none(),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["2", "2", "2", "2", "1.5", "4.5", "5", "7.5", "8", "26"]), st.tuples(QUOTES, QUOTES, QUOTES)
    ),
    max_size=40,
)
RULES = st.builds(
    SignalSettings,
    samples=st.integers(1, 4),
    cooldown_s=st.sampled_from([0.0, 6.0, 30.0]),
    basis=st.sampled_from(["executable", "last"]),
)


@settings(max_examples=400, deadline=None)
@given(STEPS, RULES)
@example([("2", (("100.6",) * 3, ("100.0",) * 3, None))] * 20, SignalSettings(basis="last"))
@example([("2", (("100.6",) * 3, ("100.0",) * 3, None))] * 20, SignalSettings(cooldown_s=0.0))
def test_fires_exactly_what_the_wording_of_the_rule_says(steps: list[Step], config: SignalSettings) -> None:
    assert fired(steps, config) == oracle(steps, config)


@given(STEPS)
def test_remembers_nothing_once_everything_is_calm_and_cool(steps: list[Step]) -> None:
    legs = [leg(name) for name in NAMES]
    desk = Desk(*legs)
    rule = Rule(SignalSettings(), TERMS)
    now = 1000.0
    for wait, quotes in steps:
        now += float(wait)
        for one, quote in zip(legs, quotes, strict=True):
            if quote is not None:
                desk.say(one, float(quote[0]), float(quote[1]), now)
        rule.sample(desk.board.rows.values(), now, WALL)
        assert len(rule) <= len(NAMES) * (len(NAMES) - 1)
    rule.sample([], now + 31, WALL)
    assert len(rule) == 0


class Pair:
    """Two venues, sampled every two seconds."""

    def __init__(self, config: SignalSettings | None = None, terms: Terms = TERMS, **more: Any) -> None:
        self.a, self.b = leg("binance", **more), leg("okx")
        self.desk = Desk(self.a, self.b)
        self.rule = Rule(config or SignalSettings(), terms)
        self.now = 1000.0

    def sample(self, a: float | None, b: float | None, wait: float = 2.0) -> list[Signal]:
        """Both venues quote (None: say nothing), then a sample is taken."""
        self.now += wait
        for one, price in ((self.a, a), (self.b, b)):
            if price is not None:
                self.desk.say(one, price, price, self.now, last=price)
        return self.rule.sample(self.desk.board.rows.values(), self.now, WALL)

    def samples(self, a: float | None, b: float | None, count: int) -> int:
        """How many signals `count` samples gave."""
        return sum(len(self.sample(a, b)) for _ in range(count))


def test_the_third_wide_sample_fires_and_says_what_was_seen() -> None:
    pair = Pair()
    assert pair.samples(100.7, 100.0, 2) == 0
    [signal] = pair.sample(100.7, 100.0)
    assert signal.spread_percent == pytest.approx(0.7)
    assert signal == Signal(
        symbol="PEPE",
        short_exchange="binance",
        long_exchange="okx",
        spread_percent=signal.spread_percent,
        price_short=100.7,
        price_long=100.0,
        observed_at="2026-11-22T05:33:00.000Z",
        observed_ms=WALL,
    )


def test_a_hundred_and_a_hundred_point_six_are_wide_enough() -> None:
    assert (100.6 - 100.0) / 100.0 * 100 < 0.6
    assert Pair().samples(100.6, 100.0, 3) == 1


def test_a_hair_under_the_threshold_is_not_wide_enough() -> None:
    assert Pair().samples(100.59999, 100.0, 10) == 0


@pytest.mark.parametrize("basis", ["executable", "last"])
def test_a_frozen_feed_stops_signalling_once_its_quote_is_stale(basis: Any) -> None:
    pair = Pair(SignalSettings(basis=basis))
    pair.sample(100.7, 100.0)
    assert pair.samples(None, 100.0, 100) == 1


def test_an_equal_price_between_breaks_the_row() -> None:
    pair = Pair()
    assert [pair.samples(a, 100.0, 1) for a in (101, 101, 100, 101, 101, 101)] == [0, 0, 0, 0, 0, 1]


def test_a_flip_of_direction_breaks_the_row() -> None:
    pair = Pair()
    assert [pair.samples(a, 100.0, 1) for a in (101, 101, 99, 101, 101, 101)] == [0, 0, 0, 0, 0, 1]


def test_each_direction_has_its_own_row_and_its_own_cooldown() -> None:
    pair = Pair()
    assert pair.samples(101, 100, 3) == 1
    assert pair.samples(99, 100, 3) == 1


def test_a_leg_that_leaves_between_breaks_the_row() -> None:
    pair = Pair()
    assert pair.samples(101, 100, 2) == 0
    pair.desk.board.unseat(pair.a.key)
    assert pair.samples(None, 100, 1) == 0
    pair.desk.board.seat(pair.a)
    assert pair.samples(101, 100, 2) == 0
    assert pair.samples(101, 100, 1) == 1


def test_a_leg_that_went_stale_between_breaks_the_row() -> None:
    pair = Pair()
    assert pair.samples(101, 100, 2) == 0
    pair.sample(None, 100, wait=5.5)
    assert [pair.samples(101, 100, 1) for _ in range(3)] == [0, 0, 1]


def test_a_crossed_book_breaks_the_row() -> None:
    pair = Pair()
    assert pair.samples(101, 100, 2) == 0
    pair.now += 2
    pair.desk.say(pair.a, 101.0, 100.9, pair.now)
    assert pair.rule.sample(pair.desk.board.rows.values(), pair.now, WALL) == []
    assert [pair.samples(101, 100, 1) for _ in range(3)] == [0, 0, 1]


@pytest.mark.parametrize(("gap", "count"), [(7.999, 1), (8.0, 0), (60.0, 0)])
def test_samples_are_in_a_row_while_less_than_the_gap_lies_between(gap: float, count: int) -> None:
    pair = Pair()
    assert pair.samples(101, 100, 2) == 0
    assert len(pair.sample(101, 100, wait=gap)) == count


def test_a_single_bad_print_gives_no_signal() -> None:
    pair = Pair()
    assert [pair.samples(a, 100.0, 1) for a in (100, 100, 10_000, 100, 100)] == [0] * 5


@pytest.mark.parametrize(
    "more",
    [{"quarantine": "price is 8x the others"}, {"halted": True}, {"off_ms": WALL}],
    ids=["quarantine", "halted", "delisted"],
)
def test_a_leg_that_does_not_qualify_gives_no_signal(more: dict[str, Any]) -> None:
    assert Pair(**more).samples(101, 100, 10) == 0


def test_a_leg_that_will_be_delisted_still_signals() -> None:
    assert Pair(off_ms=WALL + 1).samples(101, 100, 3) == 1


def test_an_episode_signals_once_however_long_it_lasts() -> None:
    assert Pair().samples(101, 100, 200) == 1


def test_an_episode_that_closed_signals_again_after_three_samples_and_the_cooldown() -> None:
    pair = Pair()
    assert pair.samples(101, 100, 3) == 1
    assert pair.samples(100, 100, 1) == 0
    assert [pair.samples(101, 100, 1) for _ in range(14)] == [0] * 13 + [1]


def test_a_row_that_broke_during_the_cooldown_starts_anew() -> None:
    pair = Pair()
    assert pair.samples(101, 100, 3) == 1
    assert pair.samples(101, 100, 13) == 0
    assert pair.samples(100, 100, 1) == 0
    assert [pair.samples(101, 100, 1) for _ in range(3)] == [0, 0, 1]


def test_by_last_prices_a_lasting_spread_signals_at_every_cooldown() -> None:
    pair = Pair(SignalSettings(basis="last"))
    times = [n for n in range(60) if pair.sample(101, 100)]
    assert times == [2, 17, 32, 47]


def test_by_last_prices_the_book_between_does_not_matter_but_must_be_sane() -> None:
    pair = Pair(SignalSettings(basis="last", samples=1))
    pair.desk.say(pair.a, 90.0, 110.0, pair.now, last=101.0)
    pair.desk.say(pair.b, 90.0, 110.0, pair.now, last=100.0)
    assert len(pair.rule.sample(pair.desk.board.rows.values(), pair.now, WALL)) == 1
    assert Pair(SignalSettings(samples=1)).rule.sample(pair.desk.board.rows.values(), pair.now, WALL) == []


def test_by_last_prices_a_leg_that_never_traded_gives_no_signal() -> None:
    pair = Pair(SignalSettings(basis="last", samples=1))
    pair.desk.say(pair.a, 101.0, 101.0, pair.now)
    pair.desk.say(pair.b, 100.0, 100.0, pair.now, last=100.0)
    assert pair.rule.sample(pair.desk.board.rows.values(), pair.now, WALL) == []


def both_markets(*, borrow: bool, markets: list[Any], venue: str = "okx") -> list[tuple[str, str]]:
    """binance spot is cheap, okx perp dear, okx spot dearer still: which keys fire."""
    quotes: dict[Leg, float] = {
        leg("binance", market=Market.SPOT): 100.0,
        leg("binance"): 100.5,
        leg(venue, symbol="PEPE-USDT-SWAP"): 101.2,
        leg(venue, market=Market.SPOT, symbol="PEPE-USDT"): 105.0,
    }
    desk = Desk(*quotes)
    for one, price in quotes.items():
        desk.say(one, price, price, 1000.0)
    rule = Rule(SignalSettings(samples=1, markets=markets), Terms(fees=FEES, allow_borrow=borrow))
    found = rule.sample(desk.board.rows.values(), 1000.0, WALL)
    return [(f"{s.short_exchange} {s.price_short:g}", f"{s.long_exchange} {s.price_long:g}") for s in found]


def test_perpetuals_alone_are_compared_by_default() -> None:
    assert SignalSettings().markets == ["perp"]
    assert both_markets(borrow=False, markets=["perp"]) == [("okx 101.2", "binance 100.5")]


def test_with_spot_the_cheapest_leg_is_bought_and_the_dearest_perpetual_is_sold() -> None:
    assert both_markets(borrow=False, markets=["perp", "spot"]) == [("okx 101.2", "binance 100")]


def test_spot_is_sold_only_where_the_user_allows_borrowing() -> None:
    assert both_markets(borrow=False, markets=["spot"]) == []
    assert both_markets(borrow=True, markets=["spot"]) == [("okx 105", "binance 100")]


def test_the_legs_of_one_venue_are_not_compared_with_each_other() -> None:
    assert both_markets(borrow=True, markets=["perp", "spot"], venue="binance") == []


def test_prices_so_far_apart_that_the_spread_is_no_number_give_no_signal() -> None:
    assert Pair(SignalSettings(samples=1)).samples(1e308, 1e-300, 3) == 0


@given(st.integers(0, 253_402_300_799_999))
@example(951_782_400_000)  # 29 February 2000
@example(4_107_542_399_999)  # last moment of 28 February 2100, no leap year
def test_times_read_as_iso_8601(ms: int) -> None:
    seconds, milli = divmod(ms, 1000)
    assert (
        iso(ms) == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + f".{milli:03}Z"
    )
