"""Tables of samples and what they make of an episode."""

from typing import Any

import pytest

from frmon.config import SignalSettings
from frmon.model import Market, Signal
from frmon.signals.episodes import KEPT, SUSPENDED_S, Episode, Reason, State
from frmon.signals.rules import Rule
from tests.given import TERMS, WALL, Desk, leg


class Played:
    """Two venues, sampled every two seconds; 101 against 100 is an episode after three samples."""

    def __init__(self, config: SignalSettings | None = None, **more: Any) -> None:
        self.legs = [leg("binance", **more), leg("okx")]
        self.desk = Desk(*self.legs)
        self.rule = Rule(config or SignalSettings(), TERMS)
        self.now = 1000.0

    def sample(self, *quotes: float | None, wait: float = 2.0) -> list[Signal]:
        self.now += wait
        for one, price in zip(self.legs, quotes, strict=True):
            if price is not None:
                self.desk.say(one, price, price, self.now)
        return self.rule.sample(self.desk.board.rows.values(), self.now, WALL + round(self.now * 1000))

    def play(self, *prices: float | None) -> int:
        """A sample for each price of the short venue (None: it says nothing); how many signals they gave."""
        return sum(len(self.sample(price, 100.0)) for price in prices)

    @property
    def open(self) -> Episode:
        [found] = self.rule.episodes.open
        return found

    @property
    def closed(self) -> Episode:
        assert self.rule.episodes.open == ()
        return self.rule.episodes.closed[0]

    def opened(self) -> "Played":
        assert self.play(101, 101, 101) == 1
        return self


def test_an_episode_opens_with_its_signal_and_not_before() -> None:
    played = Played()
    assert played.play(101, 101) == 0
    assert played.rule.episodes.open == ()
    played.play(101)
    one = played.open
    assert (one.coin, one.kind, one.short, one.long) == ("PEPE", "spread", "binance", "okx")
    assert (one.state, one.reason, one.samples, one.duration_s, one.area) == (State.OPEN, None, 1, 0.0, 0.0)
    assert one.opened_ms == one.peak_ms == WALL + 1_006_000
    assert one.opened_pct == one.live_pct == one.peak_pct == pytest.approx(1.0)


def test_it_follows_value_peak_area_and_duration() -> None:
    played = Played().opened()
    played.play(102, 101.5)
    one = played.open
    assert one.live_pct == pytest.approx(1.5)
    assert one.peak_pct == pytest.approx(2.0)
    assert one.peak_ms == WALL + 1_008_000
    assert one.area == pytest.approx(2 * 1.5 + 2 * 1.75)
    assert (one.duration_s, one.samples) == (4.0, 3)


@pytest.mark.parametrize(
    ("price", "is_open"), [(100.6, True), (100.5, True), (100.45, True), (100.4499, False), (99.0, False)]
)
def test_it_closes_below_three_quarters_of_the_threshold(price: float, is_open: bool) -> None:
    played = Played().opened()
    played.play(price)
    assert bool(played.rule.episodes.open) is is_open
    if not is_open:
        assert (played.closed.state, played.closed.reason) == (State.CLOSED, Reason.NARROW)
        assert played.closed.closed_ms == WALL + 1_008_000


def test_a_closing_level_is_met_whatever_binary_floats_say() -> None:
    assert (1004.5 - 1000) / 1000 * 100 < 0.45
    played = Played()
    for price in (1010.0, 1010.0, 1010.0, 1004.5):
        played.sample(price, 1000.0)
    assert played.open.samples == 2


def test_the_first_of_equal_peaks_counts() -> None:
    played = Played().opened()
    played.play(102, 101, 102)
    assert played.open.peak_ms == WALL + 1_008_000


def test_the_closing_level_can_be_set() -> None:
    played = Played(SignalSettings(close_pct=0.1)).opened()
    played.play(100.11)
    assert played.open.state is State.OPEN
    played.play(100.09)
    assert played.closed.reason is Reason.NARROW


def test_between_both_levels_it_goes_on_and_signals_no_more() -> None:
    played = Played(SignalSettings(cooldown_s=1.0)).opened()
    assert played.play(*[100.5, 101, 101, 101, 101] * 10) == 0
    assert played.open.samples == 51


def test_it_rearms_only_after_it_closed() -> None:
    played = Played(SignalSettings(cooldown_s=1.0)).opened()
    assert played.play(101, 101, 101, 100.3, 101, 101) == 0
    assert played.play(101) == 1
    assert len(played.rule.episodes.closed) == 1
    assert played.open.opened_ms > played.rule.episodes.closed[0].opened_ms


def test_a_stale_leg_suspends_it_and_its_return_goes_on_without_a_signal() -> None:
    played = Played(SignalSettings(cooldown_s=1.0)).opened()
    played.play(None, None)
    quiet = played.open
    assert quiet.state is State.OPEN, "quiet for four seconds is fresh"
    played.play(None)
    before = played.open
    assert before.state is State.SUSPENDED
    played.play(None, None)
    assert played.open == before, "nothing is added while it is not seen"
    assert played.play(*[103] * 5) == 0
    one = played.open
    assert one.state is State.OPEN
    assert one.area == pytest.approx(before.area + 4 * 2 * 3.0), "no trapezoid over what was not seen"
    assert one.duration_s == 20.0
    assert one.peak_pct == pytest.approx(3.0)


def test_a_suspended_one_that_comes_back_narrow_closes() -> None:
    played = Played().opened()
    played.play(None, None, None, None, 100.0)
    assert (played.closed.reason, played.closed.live_pct) == (Reason.NARROW, 0.0)


@pytest.mark.parametrize("fault", ["crossed", "halted", "quarantine", "outlier"])
def test_every_way_not_to_qualify_suspends_and_resets_the_row(fault: str) -> None:
    played = Played(SignalSettings(cooldown_s=1.0)).opened()
    board, one = played.desk.board, played.legs[0]
    if fault == "crossed":
        played.now += 2
        played.desk.say(one, 101.0, 100.9, played.now)
        played.sample(None, 100.0, wait=0.0)
    elif fault == "outlier":
        for name in ("bybit", "bitget"):
            other = leg(name)
            board.seat(other)
            played.desk.say(other, 100.0, 100.0, played.now + 2)
        played.sample(130.0, 100.0)
    else:
        board.seat(leg("binance", **({"halted": True} if fault == "halted" else {"quarantine": "why"})))
        played.sample(101, 100.0)
    assert played.rule.episodes.open[0].state is State.SUSPENDED
    assert played.rule.standing(("PEPE", "binance", "okx"), None, played.now, WALL).samples == 0


def test_one_that_is_not_seen_for_a_quarter_of_an_hour_closes_and_rearms() -> None:
    played = Played().opened()
    played.play(*[None] * int(SUSPENDED_S / 2 + 2))
    assert played.open.state is State.SUSPENDED, "the last sample that saw it was four seconds after it opened"
    played.play(None)
    assert played.closed.reason is Reason.STALE
    assert played.closed.duration_s == 4.0
    assert played.play(101, 101) == 0
    assert played.play(101) == 1


def test_a_pause_between_samples_adds_no_area_and_a_long_one_ends_it() -> None:
    played = Played().opened()
    played.sample(101, 100.0, wait=600.0)
    assert (played.open.area, played.open.samples, played.open.duration_s) == (0.0, 2, 600.0)
    played.sample(101, 100.0, wait=SUSPENDED_S + 1)
    assert played.closed.reason is Reason.STALE
    assert played.play(101) == 0, "the row began anew"
    assert played.play(101) == 1


@pytest.mark.parametrize("which", [0, 1])
def test_a_leg_that_leaves_the_board_ends_it(which: int) -> None:
    played = Played().opened()
    played.desk.board.unseat(played.legs[which].key)
    played.sample(101, 100.0)
    assert played.closed.reason is Reason.GONE
    assert played.closed.live_pct == pytest.approx(1.0)


def test_a_coin_that_leaves_the_board_ends_it() -> None:
    played = Played().opened()
    for one in played.legs:
        played.desk.board.unseat(one.key)
    played.sample(101, 100.0)
    assert played.closed.reason is Reason.GONE


def test_a_venue_that_keeps_only_its_spot_pair_has_left() -> None:
    played = Played().opened()
    played.desk.board.seat(leg("binance", market=Market.SPOT))
    played.desk.board.unseat(played.legs[0].key)
    played.sample(101, 100.0)
    assert played.closed.reason is Reason.GONE


def test_by_last_prices_there_are_no_episodes() -> None:
    played = Played(SignalSettings(basis="last"))
    for price in (101.0,) * 5:
        played.now += 2
        played.desk.say(played.legs[0], price, price, played.now, last=price)
        played.desk.say(played.legs[1], 100.0, 100.0, played.now, last=100.0)
        played.rule.sample(played.desk.board.rows.values(), played.now, WALL)
    assert played.rule.episodes.open == ()


def test_open_ones_come_latest_first_and_fifty_closed_ones_are_kept_latest_first() -> None:
    coins = [f"C{n}" for n in range(70)]
    legs = {coin: (leg("binance", coin), leg("okx", coin)) for coin in coins}
    desk = Desk(*[one for pair in legs.values() for one in pair])
    rule = Rule(SignalSettings(samples=1), TERMS)
    for n in range(90):
        now = 1000.0 + 2 * n
        for m, (a, b) in enumerate(legs.values()):
            price = 101.0 if m <= n < m + 15 else 100.0
            desk.say(a, price, price, now)
            desk.say(b, 100.0, 100.0, now)
        rule.sample(desk.board.rows.values(), now, WALL)
        if n == 40:
            assert [e.coin for e in rule.episodes.open] == coins[40:25:-1]
    assert rule.episodes.open == ()
    assert KEPT == 50
    assert [e.coin for e in rule.episodes.closed] == coins[:19:-1]


def test_what_is_published_is_never_changed_afterwards() -> None:
    played = Played().opened()
    published = played.rule.episodes.open
    copy = tuple(published)
    played.play(102, 103)
    assert published == copy
    assert played.rule.episodes.open is not published
