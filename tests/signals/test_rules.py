"""The rule against a brute-force oracle, and against every fault that such a rule is known to have had."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from frmon.board import Board
from frmon.config import SignalSettings
from frmon.model import Leg, Market, Signal, Tick
from frmon.signals.episodes import Episode
from frmon.signals.rules import Rule, iso
from frmon.signals.trigger import Limits, Trigger
from frmon.spread import Terms
from tests.given import FEES, TERMS, WALL, Desk, leg, line
from tests.signals.oracle import Asked, Found, Saw, run

GONE = "gone"
Quote = tuple[str, str, str] | str | None  # bid, ask, last as text; GONE: not listed any more; None: says nothing
Step = tuple[str, tuple[Quote, Quote, Quote]]  # seconds since the step before, what each venue says

NAMES = ("binance", "bybit", "okx")


class Market3:
    """Three venues that list one coin, each with a clock of its own, and how the program and the oracle see them."""

    def __init__(self, config: SignalSettings, skews: Sequence[int] = (0, 0, 0), terms: Terms = TERMS) -> None:
        self.board = Board()
        self.rule = Rule(config, terms)
        self.now = Decimal(1000)
        self.seen: list[tuple[Decimal, dict[str, list[Saw]]]] = []
        self.signals: list[tuple[int, tuple[str, str, str]]] = []
        self.wall = WALL
        self._skews = dict(zip(NAMES, skews, strict=True))
        self._legs = {name: leg(name) for name in NAMES}
        self._lines = {name: line(name) for name in NAMES}
        self._said: dict[str, tuple[Decimal, tuple[str, str, str]]] = {}
        for one in self._legs.values():
            self.board.seat(one)

    def step(self, wait: str, quotes: Sequence[Quote], wall_step: int = 0) -> None:
        """Time passes, the wall clock is set, the venues speak, a sample is taken."""
        self.now += Decimal(wait)
        self.wall += wall_step
        for name, quote in zip(NAMES, quotes, strict=True):
            self._take(name, quote)
        self.seen.append((self.now, {"PEPE": [self._saw(c.key.venue) for c in self.cells()]}))
        fired = self.rule.sample(self.board.rows.values(), float(self.now), self.wall)
        self.signals += [(len(self.seen) - 1, (s.symbol, s.short_exchange, s.long_exchange)) for s in fired]

    def cells(self) -> list[Any]:
        return [c for row in self.board.rows.values() for c in row.cells]

    def _take(self, name: str, quote: Quote) -> None:
        if quote is None:
            return
        if quote == GONE:
            self.board.unseat(self._legs[name].key)
            self._said.pop(name, None)
            return
        self.board.seat(self._legs[name])
        assert isinstance(quote, tuple)
        bid, ask, last = map(float, quote)
        event_ms = WALL + round(self.now * 1000) + self._skews[name]
        tick = Tick(symbol="PEPEUSDT", bid=bid, ask=ask, last=last, event_ms=event_ms)
        self.board.take(self._lines[name], [tick], float(self.now), self.wall)
        self._said[name] = self.now, quote

    def _saw(self, name: str) -> Saw:
        if name not in self._said:
            return Saw(name, "perp", None, None, None)
        at, texts = self._said[name]
        bid, ask, last = map(Decimal, texts)
        return Saw(name, "perp", bid, ask, last, allowed=self.now - at <= 5)


def asked_by(config: SignalSettings) -> Asked:
    threshold = Decimal(str(config.threshold_pct))
    return Asked(
        threshold=threshold,
        close=Decimal(str(config.close_pct)) or threshold * 3 / 4,
        samples=config.samples,
        gap=Decimal(str(config.max_gap_s)),
        cooldown=Decimal(str(config.cooldown_s)),
        executable=config.basis == "executable",
    )


def compare(market: Market3, config: SignalSettings) -> None:
    """Signals and episodes are those that the oracle demands."""
    expected = run(market.seen, asked_by(config))
    assert sorted(market.signals) == [(f.opened, f.key) for f in expected]
    episodes = market.rule.episodes
    found = [told(e, market) for e in (*episodes.open, *episodes.closed)]
    if config.basis == "last":
        assert found == []
        return
    assert len(episodes.closed) <= 50
    first = min((f[2] for f in found if f[2] is not None), default=0) if len(episodes.closed) == 50 else 0
    demanded = [f for f in expected if f.closed is None or f.closed > first]
    found = [f for f in found if f.closed is None or f.closed > first]
    for one, other in zip(sorted(found, key=by_key), sorted(demanded, key=by_key), strict=True):
        assert one[:4] == other[:4]
        assert one[4:] == pytest.approx(other[4:])


def by_key(found: Found) -> tuple[int, tuple[str, str, str]]:
    return found.opened, found.key


def told(episode: Episode, market: Market3) -> Found:
    """An episode in the oracle's words."""
    at = {float(time): n for n, (time, _) in enumerate(market.seen)}
    return Found(
        at[episode.opened_at],
        episode.key,
        None if episode.closed_at is None else at[episode.closed_at],
        episode.reason or "",
        episode.peak_pct,
        episode.area,
        episode.samples,
    )


PRICES = ["99.4", "100.0", "100.3", "100.449", "100.45", "100.599", "100.6", "100.7", "101.2", "130"]
QUOTES = st.one_of(
    st.just(("100.0",) * 3),
    st.just(("100.6",) * 3),
    st.just(("101.2",) * 3),
    st.tuples(st.sampled_from(PRICES), st.sampled_from(PRICES), st.sampled_from(PRICES)),
    st.just(("0", "100.0", "100.0")),
    st.just(GONE),
    st.none(),
)
WAITS = ["2", "2", "2", "2", "1.5", "4.5", "5", "7.5", "8", "26", "900", "901"]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(WAITS), st.tuples(QUOTES, QUOTES, QUOTES)), max_size=40
)
RULES = st.builds(
    SignalSettings,
    samples=st.integers(1, 4),
    cooldown_s=st.sampled_from([0.0, 6.0, 30.0]),
    close_pct=st.sampled_from([0.0, 0.1, 0.59]),
    basis=st.sampled_from(["executable", "executable", "last"]),
)
SKEWS = st.tuples(*[st.sampled_from([0, 0, -300_000, 300_000])] * 3)
WALL_STEPS = st.lists(st.sampled_from([0, 0, -3_600_000, 3_600_000, -120_000]), min_size=40, max_size=40)


@settings(max_examples=400, deadline=None)
@given(STEPS, RULES, SKEWS, WALL_STEPS)
@example([("2", (("100.6",) * 3, ("100.0",) * 3, None))] * 20, SignalSettings(basis="last"), (0, 0, 0), [0] * 40)
@example([("2", (("100.6",) * 3, ("100.0",) * 3, None))] * 20, SignalSettings(cooldown_s=0.0), (0, 0, 0), [0] * 40)
def test_signals_and_episodes_are_exactly_those_of_the_wording_of_the_rule(
    steps: list[Step], config: SignalSettings, skews: tuple[int, int, int], wall_steps: list[int]
) -> None:
    market = Market3(config, skews)
    for (wait, quotes), wall_step in zip(steps, wall_steps, strict=False):
        market.step(wait, quotes, wall_step)
    compare(market, config)


@given(STEPS)
def test_remembers_nothing_once_everything_is_calm_and_cool(steps: list[Step]) -> None:
    legs = [leg(name) for name in NAMES]
    desk = Desk(*legs)
    rule = Rule(SignalSettings(), TERMS)
    now = 1000.0
    for wait, quotes in steps:
        now += float(wait)
        for one, quote in zip(legs, quotes, strict=True):
            if isinstance(quote, tuple):
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
        observed_mono=signal.observed_mono,
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


@pytest.mark.parametrize(("wait", "count"), [(19.8, 0), (20.0, 1)])
def test_the_cooldown_is_over_when_it_is_over(wait: float, count: int) -> None:
    pair = Pair(SignalSettings(basis="last", samples=1, max_gap_s=60.0))
    assert pair.samples(101, 100, 1) == 1
    assert len(pair.sample(101, 100, wait=10.0)) == 0
    assert len(pair.sample(101, 100, wait=wait)) == count


def test_of_several_legs_of_a_venue_the_dearest_is_sold_and_the_cheapest_bought() -> None:
    prices = {("binance", "A"): 101.0, ("binance", "B"): 100.8, ("okx", "A"): 100.0, ("okx", "B"): 100.1}
    legs = {name: leg(name[0], symbol=name[1]) for name in prices}
    desk = Desk(*legs.values())
    for name, one in legs.items():
        desk.say(one, prices[name], prices[name], 1000.0)
    [signal] = Rule(SignalSettings(samples=1), TERMS).sample(desk.board.rows.values(), 1000.0, WALL)
    assert (signal.price_short, signal.price_long) == (101.0, 100.0)


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


def test_a_gap_of_exactly_the_limit_breaks_a_row_whatever_binary_floats_say() -> None:
    limits = Limits(threshold_pct=0.6, samples=2, max_gap_s=0.3, cooldown_s=30.0)
    late = 1000.1 + 0.3
    assert late - 1000.1 < 0.3
    key = ("PEPE", "binance", "okx")
    broken = Trigger(limits)
    assert [broken.take([key], at) for at in (1000.1, late)] == [[], []]
    whole = Trigger(limits)
    assert [whole.take([key], at) for at in (1000.1, late - 0.001)] == [[], [key]]


@pytest.mark.parametrize(("basis", "executable"), [("executable", True), ("last", False)])
def test_the_standing_says_what_the_rule_compares(basis: Literal["executable", "last"], executable: bool) -> None:
    assert Rule(SignalSettings(basis=basis), TERMS).standing(("A", "b", "c"), None, 0.0, 0).executable is executable
