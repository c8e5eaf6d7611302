"""One leg: when it is fresh, and who wins when stream and REST speak of it. Times are seconds on the monotonic clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Board, Cell
from frmon.cell import Freshness
from frmon.merge import SPEAKING_S
from frmon.model import Carrier, Market, Tick
from tests.given import WALL, leg, line

FRESH = Freshness(max_age_s=5.0, max_quiet_s=300.0)


class Told:
    """One leg that a stream and a REST snapshot speak of."""

    def __init__(self, *, pushes_changes: bool = True, stamped: bool = True, multiplier: int = 1) -> None:
        self.leg = leg("okx", multiplier=multiplier)
        self.board = Board()
        self.board.seat(self.leg)
        self.stream = line("okx", pushes_changes=pushes_changes)
        self.rest = Carrier("okx", Market.PERP, "ticker", source="rest", stamped=stamped)

    @property
    def cell(self) -> Cell:
        """The leg's cell."""
        found = self.board.cell(self.leg.key)
        assert found is not None
        return found

    @property
    def quote(self) -> tuple[float | None, float | None]:
        """What it holds."""
        return self.cell.bid, self.cell.ask

    def streams(self, at: float, bid: float | None = 1.0, ask: float | None = 2.0, ms: int | None = 0) -> None:
        """The stream states the quote at `at`; `ms`: venue time after the start, None for none."""
        self.stream.heard_at = at
        event = None if ms is None else WALL + (ms or round(at * 1000))
        self.board.take(self.stream, [Tick(symbol=self.leg.symbol, event_ms=event, bid=bid, ask=ask)], at, WALL)

    def replies(
        self, at: float, bid: float = 1.0, ask: float = 2.0, *, ms: int | None = None, asked_at: float | None = None
    ) -> None:
        """A REST reply states the quote at `at`; `ms`: venue time after the start, None for none."""
        event = None if ms is None else WALL + ms
        tick = Tick(symbol=self.leg.symbol, event_ms=event, bid=bid, ask=ask)
        self.board.take(self.rest, [tick], at, WALL, asked_at)

    def hears_others(self, at: float) -> None:
        """The stream states something about another symbol."""
        self.stream.heard_at = at

    def is_fresh(self, now: float) -> bool:
        """Whether the leg is fresh."""
        return self.cell.is_fresh(now, FRESH)


def test_a_leg_without_a_quote_is_not_fresh_and_has_no_age() -> None:
    told = Told()
    assert not told.is_fresh(0.0)
    assert told.cell.age_s(0.0, FRESH) is None


def test_a_stated_quote_is_fresh_for_max_age() -> None:
    told = Told(pushes_changes=False)
    told.streams(100.0)
    assert [told.is_fresh(t) for t in (100.0, 105.0, 105.001)] == [True, True, False]
    assert told.cell.age_s(103.0, FRESH) == 3.0


def test_quiet_on_a_live_carrier_that_pushes_changes_is_fresh() -> None:
    told = Told()
    told.streams(100.0)
    told.hears_others(200.0)
    assert told.is_fresh(203.0)
    assert told.cell.age_s(203.0, FRESH) == 3.0


def test_quiet_on_a_carrier_that_repeats_itself_is_stale() -> None:
    told = Told(pushes_changes=False)
    told.streams(100.0)
    told.hears_others(200.0)
    assert not told.is_fresh(200.0)


def test_quiet_for_longer_than_max_quiet_is_stale_however_lively_the_carrier() -> None:
    told = Told()
    told.streams(100.0)
    told.hears_others(400.001)
    assert [told.is_fresh(t) for t in (400.0, 400.001)] == [True, False]


def test_a_silent_carrier_confirms_nothing_after_max_age() -> None:
    told = Told()
    told.streams(100.0)
    told.hears_others(110.0)
    assert [told.is_fresh(t) for t in (115.0, 115.001)] == [True, False]


def test_a_dead_carrier_confirms_nothing() -> None:
    told = Told()
    told.streams(100.0)
    told.hears_others(110.0)
    told.stream.live = False
    assert not told.is_fresh(110.0)


def test_a_new_connection_confirms_nothing_until_it_states_the_quote_itself() -> None:
    told = Told()
    told.streams(100.0)
    told.stream.generation += 1
    told.hears_others(110.0)
    assert not told.is_fresh(110.0)
    told.streams(111.0)
    told.hears_others(120.0)
    assert told.is_fresh(120.0)


def test_news_of_other_fields_do_not_confirm_the_quote() -> None:
    told = Told(pushes_changes=False)
    told.streams(100.0)
    tick = Tick(symbol=told.leg.symbol, event_ms=WALL + 110_000, mark=1.5, funding_rate=0.0001, last=1.4)
    told.board.take(told.stream, [tick], 110.0, WALL)
    assert not told.is_fresh(110.0)


def test_a_statement_that_comes_late_confirms_nothing() -> None:
    told = Told(pushes_changes=False)
    told.streams(100.0, 1.0, 2.0, ms=9)
    told.streams(110.0, 7.0, 8.0, ms=8)
    assert told.quote == (1.0, 2.0)
    assert not told.is_fresh(110.0)


def test_an_agreeing_sweep_confirms_a_quiet_leg_beyond_max_quiet() -> None:
    told = Told()
    told.streams(100.0)
    told.hears_others(450.0)
    assert not told.is_fresh(450.0)
    told.replies(450.0, ms=100_000)
    told.hears_others(700.0)
    assert told.is_fresh(700.0)
    assert told.cell.source == "ws"


def test_a_contradicting_sweep_of_newer_venue_time_wins_and_the_stream_is_trusted_no_more_until_it_speaks() -> None:
    told = Told()
    told.board.carry(told.stream, [told.leg.symbol], 0.0)
    told.streams(100.0, 1.0, 2.0)
    told.replies(102.0, 3.0, 4.0, ms=101_500)
    told.hears_others(120.0)
    assert (told.quote, told.cell.source, told.stream.contradicted_at) == ((3.0, 4.0), "rest", 102.0)
    assert not told.is_fresh(120.0)
    told.streams(121.0, 3.5, 4.5)
    told.hears_others(140.0)
    assert told.is_fresh(140.0)


def test_a_sweep_of_older_venue_time_changes_nothing_and_confirms_nothing() -> None:
    told = Told(pushes_changes=False)
    told.streams(100.0, 1.0, 2.0)
    told.replies(110.0, 3.0, 4.0, ms=99_999)
    assert (told.quote, told.cell.source) == ((1.0, 2.0), "ws")
    assert not told.is_fresh(110.0)


@given(st.permutations([("ws", 5), ("rest", 7), ("ws", 9), ("rest", 11), ("ws", 8)]))
def test_with_venue_times_the_newest_wins_whatever_arrives_first(arriving: list[tuple[str, int]]) -> None:
    told = Told()
    for n, (source, ms) in enumerate(arriving):
        if source == "ws":
            told.streams(100.0 + n, ms, ms + 1, ms=ms)
        else:
            told.replies(100.0 + n, ms, ms + 1, ms=ms)
    assert told.quote == (11.0, 12.0)


def test_without_venue_times_a_reply_never_replaces_what_a_speaking_stream_carries() -> None:
    told = Told(stamped=False)
    told.streams(100.0, 1.0, 2.0)
    told.hears_others(110.0)
    told.replies(110.5, 3.0, 4.0, asked_at=110.1)
    assert (told.quote, told.cell.source) == ((1.0, 2.0), "ws")


def test_without_venue_times_a_reply_fills_in_what_the_stream_never_said() -> None:
    told = Told(stamped=False)
    told.streams(100.0)
    tick = Tick(symbol=told.leg.symbol, bid=3.0, ask=4.0, last=5.0, volume_usd=6.0)
    told.board.take(told.rest, [tick], 100.5, WALL, 100.1)
    assert (*told.quote, told.cell.last, told.cell.volume_usd) == (1.0, 2.0, 5.0, 6.0)
    told.board.take(told.stream, [Tick(symbol=told.leg.symbol, event_ms=WALL + 1, last=7.0)], 101.0, WALL)
    told.board.take(told.rest, [Tick(symbol=told.leg.symbol, bid=3.0, ask=4.0, last=5.0)], 101.5, WALL, 101.1)
    assert told.cell.last == 7.0


def test_without_venue_times_an_agreeing_reply_confirms_what_a_stream_carries() -> None:
    told = Told(stamped=False)
    told.streams(100.0)
    told.hears_others(450.0)
    told.replies(450.0, asked_at=449.9)
    assert told.is_fresh(450.0)


def test_without_venue_times_a_reply_replaces_a_dead_streams_quote_if_asked_after_its_last_receipt() -> None:
    told = Told(stamped=False)
    told.streams(100.0, 1.0, 2.0)
    told.stream.live = False
    told.replies(101.0, 3.0, 4.0, asked_at=99.9)
    assert told.quote == (1.0, 2.0)
    told.replies(102.0, 5.0, 6.0, asked_at=100.1)
    assert (told.quote, told.cell.source, told.is_fresh(105.0)) == ((5.0, 6.0), "rest", True)


def test_without_venue_times_a_reply_replaces_a_silent_streams_quote() -> None:
    told = Told(stamped=False)
    told.streams(100.0, 1.0, 2.0)
    told.replies(104.0, 3.0, 4.0, asked_at=100.0 + SPEAKING_S + 0.5)
    assert (told.quote, told.cell.source, told.stream.contradicted_at) == ((3.0, 4.0), "rest", 104.0)


def test_the_stream_takes_over_again_from_a_reply_without_venue_time() -> None:
    told = Told(stamped=False)
    told.replies(100.0, 3.0, 4.0)
    told.streams(101.0, 1.0, 2.0)
    assert (told.quote, told.cell.source) == ((1.0, 2.0), "ws")


def test_a_seed_rides_on_the_stream_that_was_live_when_the_oldest_that_it_may_say_was_true() -> None:
    told = Told()
    told.board.carry(told.stream, [told.leg.symbol], 99.5 - SPEAKING_S)
    told.stream.up_at = 99.5 - SPEAKING_S
    told.replies(100.0, ms=99_500, asked_at=99.5)
    told.hears_others(200.0)
    assert told.is_fresh(200.0)
    assert told.cell.source == "rest"


@pytest.mark.parametrize(
    "change", ["just up", "just asked for", "asked for on an earlier connection", "dead", "repeats", "not subscribed"]
)
def test_a_seed_rides_on_no_other_stream(change: str) -> None:
    told = Told(pushes_changes=change != "repeats")
    if change != "not subscribed":
        told.board.carry(told.stream, [told.leg.symbol], 98.0 if change == "just asked for" else 90.0)
    if change == "asked for on an earlier connection":
        told.stream.generation += 1
    told.stream.up_at = 98.0 if change == "just up" else 90.0
    told.stream.live = change != "dead"
    told.replies(100.0, ms=99_500, asked_at=99.5)
    told.hears_others(200.0)
    assert told.is_fresh(104.5)
    assert not told.is_fresh(200.0)


@pytest.mark.parametrize("stamped", [True, False])
def test_a_reply_is_as_old_as_its_question(stamped: bool) -> None:
    """Nobody knows when on its long way the venue said it."""
    told = Told(stamped=stamped)
    told.replies(104.0, 1.0, 2.0, ms=100_500, asked_at=100.0)
    assert told.cell.age_s(104.0, FRESH) == 4.0
    assert [told.is_fresh(t) for t in (105.0, 105.1)] == [True, False]
    told.streams(110.0, 1.0, 2.0)
    told.replies(111.0, 1.0, 2.0, ms=109_000, asked_at=108.0)
    assert told.cell.quote.at == 110.0, "an agreeing one that was asked for before makes nothing older"


def test_a_stream_that_goes_back_to_what_it_said_before_a_newer_reply_has_not_moved() -> None:
    told = Told()
    told.streams(100.0, 1.0, 2.0)
    moves = told.cell.moves
    told.replies(101.0, 3.0, 4.0, ms=100_900)
    assert told.quote == (3.0, 4.0)
    told.streams(102.0, 1.0, 2.0)
    assert (told.quote, told.cell.moves) == ((1.0, 2.0), moves)
    told.streams(103.0, 1.0, 2.5)
    assert told.cell.moves == moves + 1


@pytest.mark.parametrize("step_ms", [-3_600_000, -120_000, 3_600_000])
def test_a_step_of_the_wall_clock_stops_no_stream_that_states_no_venue_time(step_ms: int) -> None:
    told = Told(pushes_changes=False)
    tick = Tick(symbol=told.leg.symbol, bid=1.0, ask=2.0, last=1.5, mark=1.6, funding_rate=0.1)
    told.board.take(told.stream, [tick], 100.0, WALL)
    for n, now_ms in enumerate((WALL + step_ms, WALL)):
        new = 3.0 + n
        tick = Tick(symbol=told.leg.symbol, bid=new, ask=new, last=new, mark=new, funding_rate=new)
        told.board.take(told.stream, [tick], 110.0 + n, now_ms)
        cell = told.cell
        assert (*told.quote, cell.last, cell.mark, cell.funding_rate) == (new,) * 5
        assert told.is_fresh(110.0 + n)


def test_a_leg_whose_stream_was_contradicted_rides_on_it_again_only_after_it_spoke() -> None:
    told = Told()
    told.board.carry(told.stream, [told.leg.symbol], 0.0)
    told.streams(100.0, 1.0, 2.0)
    told.replies(102.0, 3.0, 4.0, ms=101_500)
    told.replies(104.0, 3.0, 4.0, ms=103_500)
    told.hears_others(120.0)
    assert not told.is_fresh(120.0)


def told_last(told: Told, carrier: Carrier, at: float, last: float, *, stamped: bool = True) -> None:
    carrier.heard_at = at
    event = WALL + round(at * 1000) if stamped else None
    told.board.take(carrier, [Tick(symbol=told.leg.symbol, event_ms=event, last=last)], at, WALL)


def test_a_last_price_is_confirmed_by_who_repeats_it_and_by_no_quote() -> None:
    told = Told(pushes_changes=False)
    told_last(told, told.stream, 10.0, 3.0)
    told.streams(16.0)
    assert told.cell.is_fresh(16.0, FRESH)
    assert told.cell.is_last_fresh(15.0, FRESH)
    assert not told.cell.is_last_fresh(16.0, FRESH)
    told_last(told, told.stream, 16.0, 3.0)
    assert told.cell.is_last_fresh(21.0, FRESH)
    told_last(told, told.rest, 20.0, 3.0, stamped=False)
    assert told.cell.is_last_fresh(25.0, FRESH)


def test_a_last_price_rides_on_a_live_stream_that_pushes_changes() -> None:
    told = Told()
    told_last(told, told.stream, 10.0, 3.0)
    told.hears_others(100.0)
    assert told.cell.is_last_fresh(105.0, FRESH)
    assert not told.cell.is_last_fresh(106.0, FRESH)
    told_last(told, told.rest, 200.0, 3.0)
    told.hears_others(450.0)
    assert told.cell.is_last_fresh(450.0, FRESH), "a reply that agrees leaves it to its stream"
    told.hears_others(510.0)
    assert not told.cell.is_last_fresh(510.0, FRESH), "not for ever"


def test_a_last_price_that_only_a_reply_stated_is_as_old_as_that() -> None:
    told = Told()
    told_last(told, told.stream, 10.0, 3.0)
    told_last(told, told.rest, 20.0, 4.0)
    told.hears_others(30.0)
    assert told.cell.is_last_fresh(25.0, FRESH)
    assert not told.cell.is_last_fresh(26.0, FRESH)


def test_without_times_a_line_says_nothing_beside_the_one_that_takes_over_from_it() -> None:
    told = Told()
    old, told.stream = told.stream, line("okx", pushes_changes=True, up_at=50.0)
    told.streams(100.0, 3.0, 4.0, ms=None)
    told.board.take(old, [Tick(symbol=told.leg.symbol, bid=1.0, ask=2.0)], 100.1, WALL)
    assert told.quote == (3.0, 4.0), "it may have been on its way for longer"
    told.stream.live = False
    told.board.take(old, [Tick(symbol=told.leg.symbol, bid=1.0, ask=2.0)], 100.2, WALL)
    assert told.quote == (1.0, 2.0)
