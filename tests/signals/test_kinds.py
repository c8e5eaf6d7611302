"""Rules beside the seed's: basis, funding, intervals; and what keeps a leg out of all of them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.board import Board
from frmon.config import KindSettings, RuleSettings, SignalSettings
from frmon.model import Leg, Market, Signal, Tick
from frmon.signals.rules import Rule
from frmon.signals.trigger import Limits
from frmon.snapshot import signal_line, signal_part
from tests.given import FEES, TERMS, WALL, Desk, leg
from tests.signals.oracle import Asked, D, Saw, run

ON = KindSettings(on=True)
SPOT = Market.SPOT


class Played:
    """Legs with prices and funding, sampled every two seconds."""

    def __init__(self, *legs: Leg, signals: SignalSettings | None = None, **kinds: KindSettings) -> None:
        self.desk = Desk(*legs)
        self.rule = Rule(signals or SignalSettings(), TERMS, RuleSettings(**kinds))
        self.now = 1000.0

    def sample(self, quotes: dict[Leg, float | None], **more: Any) -> list[tuple[str, str, str]]:
        """(kind, short, long) of what fires. None: the leg says nothing."""
        return [(s.kind, s.short_exchange, s.long_exchange) for s in self.signals(quotes, **more)]

    def signals(self, quotes: dict[Leg, float | None], **more: Any) -> list[Signal]:
        self.now += 2
        for one, price in quotes.items():
            if price is not None:
                self.desk.say(one, price, price, self.now, **more)
        return self.rule.sample(self.desk.board.rows.values(), self.now, WALL)

    def fund(self, one: Leg, rate: float | None = None, hours: float | None = None) -> None:
        tick = Tick(symbol=one.symbol, event_ms=WALL + int(self.now * 1000), funding_rate=rate)
        tick.funding_interval_h = hours
        self.desk.board.take(self.desk.line(one.venue, one.market), [tick], self.now, WALL)


def quotes(spot: float, perp: float) -> dict[Leg, float | None]:
    return {leg("okx", market=SPOT): spot, leg("okx"): perp}


def test_basis_is_off_unless_switched_on() -> None:
    played = Played(*quotes(1, 1))
    assert [played.sample(quotes(100.0, 105.0)) for _ in range(5)] == [[]] * 5


def test_basis_buys_spot_and_sells_the_perpetual_also_on_one_venue() -> None:
    played = Played(*quotes(1, 1), basis=ON)
    assert [played.sample(quotes(100.0, 100.6)) for _ in range(4)] == [[], [], [("basis", "okx", "okx")], []]
    [episode] = played.rule.episodes.open
    assert (episode.kind, episode.short, episode.long) == ("basis", "okx", "okx")
    assert played.sample(quotes(100.0, 100.44)) == []
    assert [e.kind for e in played.rule.episodes.closed] == ["basis"]


def test_basis_never_sells_spot() -> None:
    played = Played(*quotes(1, 1), basis=ON)
    assert [played.sample(quotes(105.0, 100.0)) for _ in range(4)] == [[]] * 4


def test_every_kind_has_its_own_threshold_samples_and_cooldown() -> None:
    kind = KindSettings(on=True, threshold_pct=2.0, samples=2, cooldown_s=100.0)
    spot, perp, other = leg("okx", market=SPOT), leg("okx"), leg("binance")
    played = Played(spot, perp, other, basis=kind)
    found = [played.sample({spot: 100.0, perp: 101.0, other: 102.0}) for _ in range(3)]
    assert found == [[], [("basis", "binance", "okx")], [("spread", "binance", "okx")]]
    played.sample({spot: 100.0, perp: 100.0, other: 100.0})
    found = [played.sample({spot: 100.0, perp: 100.0, other: 102.0}) for _ in range(60)]
    fired = [(n, *keys) for n, keys in enumerate(found) if keys]
    assert fired[0] == (13, ("spread", "binance", "okx")), "thirty seconds after its last signal"
    assert fired[1] == (47, ("basis", "binance", "okx")), "a hundred seconds after its last signal"


VENUES = ("binance", "okx")
BASES = st.lists(st.tuples(*[st.sampled_from([None, "100", "100.5", "100.7", "101"])] * 4), min_size=3, max_size=30)


@settings(max_examples=150, deadline=None)
@given(BASES)
def test_basis_fires_exactly_what_its_wording_says(steps: list[tuple[str | None, ...]]) -> None:
    legs = [leg(v, market=m, symbol=f"PEPE{m}") for v in VENUES for m in Market]
    played = Played(*legs, basis=KindSettings(on=True, samples=2, cooldown_s=6.0))
    said: dict[Leg, tuple[float, str]] = {}
    samples, fired = [], []
    for n, step in enumerate(steps):
        found = played.sample({one: None if p is None else float(p) for one, p in zip(legs, step, strict=True)})
        said |= {one: (played.now, p) for one, p in zip(legs, step, strict=True) if p is not None}
        seen = [saw(one, said.get(one), played.now) for one in legs]
        samples.append((D(played.now), {"PEPE": seen}))
        fired += [(n, ("PEPE", short, long)) for kind, short, long in found if kind == "basis"]
    asked = Asked(samples=2, cooldown=D(6), bought=("spot",), sold=("perp",), same_venue=True)
    assert sorted(fired) == [(f.opened, f.key) for f in run(samples, asked)]


def saw(one: Leg, said: tuple[float, str] | None, now: float) -> Saw:
    price = None if said is None else D(said[1])
    return Saw(one.venue, one.market.value, price, price, price, said is not None and now - said[0] <= 5)


def test_funding_counts_what_eight_hours_pay_after_the_fees_of_a_round_trip() -> None:
    a, b = leg("binance"), leg("okx")
    played = Played(a, b, funding=KindSettings(on=True, threshold_pct=0.1, cooldown_s=4.0))
    fees = 200 * (FEES["binance", Market.PERP] + FEES["okx", Market.PERP])
    played.fund(a, 0.0016, 4.0)
    played.fund(b, 0.00001, 8.0)
    found = [s for _ in range(3) for s in played.signals({a: 100.0, b: 100.0})]
    assert [(s.kind, s.short_exchange, s.long_exchange) for s in found] == [("funding", "binance", "okx")]
    assert found[0].spread_percent == pytest.approx(0.32 - 0.001 - fees)
    assert (found[0].price_short, found[0].price_long) == (100.0, 100.0)
    played.fund(a, 0.00148, 4.0)
    played.sample({a: 100.0, b: 100.0})
    [episode] = played.rule.episodes.open
    assert episode.kind == "funding"
    played.fund(a, 0.0001, 4.0)
    played.sample({a: 100.0, b: 100.0})
    assert played.rule.episodes.open == ()


def test_funding_of_several_legs_of_a_venue_is_that_which_pays_most() -> None:
    a, twin, b, other = leg("binance"), leg("binance", symbol="B"), leg("okx"), leg("okx", symbol="B")
    played = Played(a, twin, b, other, funding=KindSettings(on=True, threshold_pct=0.1, samples=1))
    for one, rate in ((a, 0.004), (twin, 0.003), (b, 0.0), (other, 0.0005)):
        played.fund(one, rate, 8.0)
    found = played.signals(dict.fromkeys((a, twin, b, other), 100.0))
    assert [s.spread_percent for s in found] == [pytest.approx(0.4 - 0.2)]


@pytest.mark.parametrize("hours", [None, 8.0])
def test_funding_below_its_level_or_of_unknown_interval_says_nothing(hours: float | None) -> None:
    a, b = leg("binance"), leg("okx")
    played = Played(a, b, funding=KindSettings(on=True, threshold_pct=0.1))
    played.fund(a, 0.0029 if hours else 0.5, hours)
    played.fund(b, 0.0, 8.0)
    assert [played.sample({a: 100.0, b: 100.0}) for _ in range(5)] == [[]] * 5


def test_funding_compares_no_spot_and_not_two_legs_of_one_venue() -> None:
    a, twin, spot = leg("binance"), leg("binance", symbol="1000PEPEUSDT"), leg("okx", market=SPOT)
    played = Played(a, twin, spot, funding=KindSettings(on=True, threshold_pct=0.1))
    played.fund(a, 0.05, 8.0)
    played.fund(twin, 0.0, 8.0)
    assert [played.sample({a: 100.0, twin: 100.0, spot: 100.0}) for _ in range(5)] == [[]] * 5


def test_an_interval_that_changed_is_signalled_once_with_what_it_was_and_is() -> None:
    a = leg("binance")
    played = Played(a, interval=KindSettings(on=True, threshold_pct=0.0, samples=2))
    played.fund(a, -0.0001, 8.0)
    assert [played.sample({a: 100.0}) for _ in range(3)] == [[]] * 3
    played.fund(a, -0.0001, 4.0)
    found = [s for _ in range(5) for s in played.signals({a: 100.0})]
    [signal] = found
    assert (signal.kind, signal.note, signal.short_exchange) == ("interval", "8 h -> 4 h", "binance")
    assert signal.spread_percent == pytest.approx(0.02)
    assert played.rule.episodes.open == ()


def test_an_interval_that_flickers_or_whose_rate_is_small_is_no_news() -> None:
    a = leg("binance")
    played = Played(a, interval=KindSettings(on=True, threshold_pct=0.05, samples=2))
    for rate, hours in [(0.001, 8.0), (0.001, 4.0), (0.001, 8.0), (0.001, 4.0), (0.001, 8.0)]:
        played.fund(a, rate, hours)
        assert played.sample({a: 100.0}) == []
    played.fund(a, 0.0001, 4.0)
    assert [played.sample({a: 100.0}) for _ in range(3)] == [[]] * 3
    played.fund(a, 0.001, 4.0)
    assert [played.sample({a: 100.0}) for _ in range(3)] == [[]] * 3, "the change itself was taken note of"


def test_a_lone_outlier_never_signals_however_long_it_stays() -> None:
    a, b, c = leg("binance"), leg("okx"), leg("bybit")
    played = Played(a, b, c, basis=ON)
    assert [played.sample({a: 130.0, b: 100.0, c: 100.0}) for _ in range(10)] == [[]] * 10
    assert [played.sample({a: 119.9, b: 100.0, c: 100.0}) for _ in range(3)][2] == [
        ("spread", "binance", "bybit"),
        ("spread", "binance", "okx"),
    ]


def test_two_legs_alone_have_nobody_to_tell_which_one_is_wrong() -> None:
    a, b = leg("binance"), leg("okx")
    played = Played(a, b)
    assert [len(played.sample({a: 130.0, b: 100.0})) for _ in range(3)] == [0, 0, 1]


def test_the_memory_of_intervals_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from frmon.signals import kinds

    monkeypatch.setattr(kinds, "LEGS_KEPT", 10)
    limits = Limits(threshold_pct=0, samples=1, max_gap_s=8, cooldown_s=1)
    reader = kinds.Intervals(limits)
    board = Board()
    for n in range(100):
        one = leg("binance", f"C{n}", funding_h=8.0)
        board.seat(one)
        reader.may_reach(board.rows[f"C{n}"], limits)
        assert len(reader._legs) <= 11


def test_a_rate_that_nobody_repeats_gives_no_funding_signal() -> None:
    a, b = leg("binance"), leg("okx")
    played = Played(a, b, funding=KindSettings(on=True, threshold_pct=0.1, samples=1))
    for one, rate in ((a, 0.01), (b, 0.0)):
        played.fund(one, rate, 8.0)
    played.now += 3 * 86_400
    assert [played.sample({a: 100.0, b: 100.0}) for _ in range(3)] == [[]] * 3
    for one, rate in ((a, 0.01), (b, 0.0)):
        played.fund(one, rate, 8.0)
    assert played.sample({a: 100.0, b: 100.0}) == [("funding", "binance", "okx")]


def changed(played: Played, one: Leg, hours: float) -> None:
    """Three samples at 8 h, then another interval."""
    played.fund(one, 0.001, 8.0)
    assert [played.sample({one: 100.0}) for _ in range(3)] == [[]] * 3
    played.fund(one, 0.001, hours)


def test_a_change_is_not_lost_where_a_sample_lacks_the_leg() -> None:
    a = leg("binance")
    played = Played(a, interval=KindSettings(on=True, threshold_pct=0.0, samples=2))
    changed(played, a, 4.0)
    assert played.sample({a: 100.0}) == []
    played.desk.say(a, 101.0, 100.0, played.now + 2)
    assert played.sample({a: None}) == [], "crossed"
    assert [s.note for _ in range(6) for s in played.signals({a: 100.0})] == ["8 h -> 4 h"]


def test_a_change_is_not_lost_over_a_pause_between_samples() -> None:
    a = leg("binance")
    played = Played(a, interval=KindSettings(on=True, threshold_pct=0.0, samples=2))
    changed(played, a, 4.0)
    assert played.sample({a: 100.0}) == []
    played.now += 60
    assert [s.note for _ in range(6) for s in played.signals({a: 100.0})] == ["8 h -> 4 h"]


def test_a_change_within_the_cooldown_is_told_after_it() -> None:
    a = leg("binance")
    played = Played(a, interval=KindSettings(on=True, threshold_pct=0.0, samples=2, cooldown_s=30.0))
    changed(played, a, 4.0)
    assert [s.note for _ in range(3) for s in played.signals({a: 100.0})] == ["8 h -> 4 h"]
    played.fund(a, 0.001, 1.0)
    found = [[s.note for s in played.signals({a: 100.0})] for _ in range(30)]
    assert [(n, note) for n, notes in enumerate(found) for note in notes] == [(13, "4 h -> 1 h")]


def test_a_last_price_that_nobody_repeats_gives_no_signal() -> None:
    a, b = leg("binance"), leg("okx")
    played = Played(a, b, signals=SignalSettings(basis="last"))
    for one, last in ((a, 101.0), (b, 100.0)):
        played.desk.say(one, 100.0, 100.0, played.now, last=last)
    assert [len(played.sample({a: 100.0, b: 100.0})) for _ in range(30)] == [0] * 30
    found = []
    for _ in range(3):
        for one, last in ((a, 101.0), (b, 100.0)):
            played.desk.say(one, 100.0, 100.0, played.now + 2, last=last)
        found += played.sample({a: None, b: None})
    assert found == [("spread", "binance", "okx")]


def test_a_signal_knows_its_time_on_the_monotonic_clock_and_writes_it_nowhere() -> None:
    a, b = leg("binance"), leg("okx")
    played = Played(a, b)
    [signal] = [s for _ in range(3) for s in played.signals({a: 101.0, b: 100.0})]
    assert (signal.observed_mono, signal.observed_ms) == (played.now, WALL)
    for part in (signal_part(signal), signal_line(signal, simulated=False)):
        assert "mono" not in msgspec.json.encode(part).decode()
