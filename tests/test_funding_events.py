"""What happened to funding: one event for each thing that happened, whatever venues and clocks do around it."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Board
from frmon.funding import Change, FundingEvent, Watcher
from frmon.model import Carrier, Leg, LegKey, Market, Tick
from tests.given import WALL, leg, line

HOUR = 3_600_000
OKX = leg("okx")


class World:
    """A board, its watcher and one stream that stamps with the venue's clock."""

    def __init__(self, *legs: Leg) -> None:
        self.board = Board()
        for one in legs or (OKX,):
            self.board.seat(one)
        self.stream = line("okx")
        self.rest = Carrier("okx", Market.PERP, "sweep", source="rest", stamped=False)
        self.watcher = Watcher()
        self.events: list[FundingEvent] = []

    def say(self, venue_ms: int, **known: Any) -> None:
        """The stream says something at this venue time."""
        names = {
            "rate": "funding_rate",
            "hours": "funding_interval_h",
            "due": "next_funding_ms",
            "settled": "settled_rate",
        }
        tick = Tick(symbol=OKX.symbol, event_ms=venue_ms, **{names[k]: v for k, v in known.items()})
        self.board.take(self.stream, [tick], venue_ms / 1000, venue_ms)

    def repeat(self, now_ms: int, **known: Any) -> None:
        """A REST reply without venue times says something."""
        self.board.take(self.rest, [Tick(symbol=OKX.symbol, **known)], now_ms / 1000, now_ms)

    def look(self, now_ms: int) -> list[FundingEvent]:
        found = self.watcher.look(self.board.rows.values(), now_ms)
        self.events += found
        return found

    def of(self, kind: Change) -> list[FundingEvent]:
        return [e for e in self.events if e.kind is kind]


def test_the_first_look_tells_nothing() -> None:
    world = World()
    world.say(WALL, rate=-0.01, hours=8, due=WALL - HOUR, settled=0.01)
    assert world.look(WALL) == []


def test_a_changed_interval_is_told_once_with_both() -> None:
    world = World()
    world.say(WALL, hours=8)
    world.look(WALL)
    world.say(WALL + 1, rate=0.0001)  # without the interval
    assert world.look(WALL + 1) == []
    world.say(WALL + 2, hours=4)
    assert world.look(WALL + 2) == [
        FundingEvent(kind=Change.INTERVAL, coin="PEPE", key=OKX.key, at_ms=WALL + 2, before=8, after=4)
    ]
    assert world.look(WALL + 3) == []
    world.say(WALL + 4, hours=1)
    assert [(e.before, e.after) for e in world.look(WALL + 4)] == [(4, 1)]


def test_an_interval_that_becomes_known_or_unknown_did_not_change() -> None:
    world = World()
    world.say(WALL, rate=0.0001)
    world.look(WALL)
    world.say(WALL + 1, hours=8)
    assert world.look(WALL + 1) == []
    cell = world.board.cell(OKX.key)
    assert cell is not None
    cell.reset(OKX)
    assert world.look(WALL + 2) == []
    world.say(WALL + 3, hours=8)
    assert world.look(WALL + 3) == []


FLIPS: list[tuple[list[float | None], list[tuple[float, float]]]] = [
    ([0.0001, -0.0001], [(0.0001, -0.0001)]),
    ([-0.0001, 0.0001, -0.0002], [(-0.0001, 0.0001), (0.0001, -0.0002)]),
    ([0.0001, 0.0, 0.000009, -0.000009, 0.0001], []),
    ([0.0001, -0.000009, -0.00001], [(0.0001, -0.00001)]),
    ([0.000009, -0.0001], []),
    ([None, -0.0001, 0.0002], [(-0.0001, 0.0002)]),
]


@pytest.mark.parametrize(("said", "expected"), FLIPS)
def test_a_sign_flips_only_through_the_dead_band(said: list[float | None], expected: list[tuple[float, float]]) -> None:
    world = World()
    for n, rate in enumerate(said):
        world.say(WALL + n, rate=rate)
        world.look(WALL + n)
    assert [(e.before, e.after) for e in world.events] == expected
    assert {e.kind for e in world.events} <= {Change.FLIP}


def test_a_dead_band_of_nothing_still_gives_zero_no_sign() -> None:
    world = World()
    world.watcher = Watcher(dead_band=0.0)
    for n, rate in enumerate([1e-9, 0.0, 1e-9, -1e-9]):
        world.say(WALL + n, rate=rate)
        world.look(WALL + n)
    assert [(e.before, e.after) for e in world.events] == [(1e-9, -1e-9)]


def settle(world: World, lag_s: int, skew_s: int = 0, **stated: Any) -> None:
    """One settlement at WALL, looked at every second from two minutes before to three after; `skew_s`: how far our clock
    is ahead of the venue's."""
    for second in range(-120, 181):
        venue = WALL + second * 1000
        is_on = second >= lag_s
        rate = 0.0003 if is_on else 0.0001
        world.say(venue, rate=rate, hours=8, due=WALL + (8 * HOUR if is_on else 0), **(stated if is_on else {}))
        world.look(venue + skew_s * 1000)


@pytest.mark.parametrize("skew_s", [-30, 0, 30])
@pytest.mark.parametrize("lag_s", [0, 1, 30, 90])
def test_a_settlement_is_told_once_however_late_the_venue_goes_on(lag_s: int, skew_s: int) -> None:
    world = World()
    settle(world, lag_s, skew_s)
    assert world.events == [
        FundingEvent(
            kind=Change.SETTLEMENT,
            coin="PEPE",
            key=OKX.key,
            at_ms=WALL,
            before=0.0001,
            after=0.0003,
            stated=False,
            interval_h=8,
        )
    ]


def test_what_was_paid_is_the_venues_word_where_it_says_it() -> None:
    world = World()
    settle(world, 30, settled=0.00012)
    [event] = world.events
    assert (event.before, event.after, event.stated) == (0.00012, 0.0003, True)


def test_a_settled_rate_from_before_the_settlement_is_not_what_that_paid() -> None:
    world = World()
    world.say(WALL - 1000, rate=0.0001, hours=8, due=WALL, settled=0.0007)
    world.look(WALL - 1000)
    world.say(WALL + 1000, rate=0.0003, due=WALL + 8 * HOUR)
    [event] = world.look(WALL + 1000)
    assert (event.before, event.stated) == (0.0001, False)


def test_what_was_paid_is_the_prediction_of_before_the_settlement_and_not_of_after_it() -> None:
    world = World()
    world.say(WALL - 1000, rate=0.0001, hours=8, due=WALL)
    world.look(WALL - 1000)
    world.say(WALL + 1000, rate=0.0005)  # already for the next, while the stated time still lags
    world.look(WALL + 1000)
    world.say(WALL + 30_000, due=WALL + 8 * HOUR)
    [event] = world.look(WALL + 30_000)
    assert (event.before, event.after) == (0.0001, 0.0005)


def test_a_rate_that_was_never_known_was_not_observed() -> None:
    world = World()
    world.say(WALL - 1000, hours=8, due=WALL)
    world.look(WALL - 1000)
    world.say(WALL, due=WALL + 8 * HOUR)
    [event] = world.look(WALL)
    assert (event.before, event.after) == (None, None)


@given(st.lists(st.integers(-40 * HOUR, 40 * HOUR), max_size=20))
def test_steps_of_our_clock_settle_nothing(steps: list[int]) -> None:
    world = World()
    world.say(WALL - 1000, rate=0.0001, hours=8, due=WALL)
    for step in steps:
        world.look(WALL + step)
    assert world.events == []
    world.say(WALL + 1000, rate=0.0003, due=WALL + 8 * HOUR)
    world.look(WALL - 40 * HOUR)
    assert [(e.at_ms, e.before) for e in world.events] == ([(WALL, 0.0001)] if steps else [])


@given(st.lists(st.booleans(), max_size=12))
def test_a_late_reply_that_repeats_the_old_time_settles_nothing_again(stale: list[bool]) -> None:
    world = World()
    world.repeat(WALL - 1000, funding_rate=0.0001, funding_interval_h=8.0, next_funding_ms=WALL)
    world.look(WALL - 1000)
    for n, is_old in enumerate([False, *stale]):
        due = WALL if is_old else WALL + 8 * HOUR
        world.repeat(WALL + n * 1000, funding_rate=0.0002, next_funding_ms=due)
        world.look(WALL + n * 1000)
    assert [(e.kind, e.at_ms) for e in world.events] == [(Change.SETTLEMENT, WALL)]


def test_a_venue_without_times_whose_clock_is_half_a_minute_ahead_settles_all_the_same() -> None:
    world = World()
    world.repeat(WALL - 60_000, funding_rate=0.0001, funding_interval_h=8.0, next_funding_ms=WALL)
    world.look(WALL - 60_000)
    world.repeat(WALL - 30_000, funding_rate=0.0002, next_funding_ms=WALL + 8 * HOUR)
    assert [(e.at_ms, e.before) for e in world.look(WALL - 30_000)] == [(WALL, 0.0001)]


def test_a_late_reply_while_the_venue_lags_settles_nothing() -> None:
    world = World()
    world.repeat(WALL - 1000, funding_rate=0.0001, funding_interval_h=8.0, next_funding_ms=WALL)
    world.look(WALL - 1000)
    world.repeat(WALL + 1000, next_funding_ms=WALL - 8 * HOUR)
    assert world.look(WALL + 1000) == []
    world.repeat(WALL + 2000, next_funding_ms=WALL)
    assert world.look(WALL + 2000) == []
    world.repeat(WALL + 3000, next_funding_ms=WALL + 8 * HOUR)
    assert [e.at_ms for e in world.look(WALL + 3000)] == [WALL]


def test_after_a_silence_a_venue_that_lags_again_has_settled_what_it_went_on_from() -> None:
    world = World()
    world.say(WALL - 1000, rate=0.0001, hours=8, due=WALL)
    world.look(WALL - 1000)
    world.say(WALL + 8 * HOUR + 10_000, rate=0.0002, due=WALL + 8 * HOUR)
    assert [(e.at_ms, e.before) for e in world.look(WALL + 8 * HOUR + 10_000)] == [(WALL, 0.0001)]


def test_a_repeat_settles_nothing_again_even_if_our_clock_says_that_it_is_still_to_come() -> None:
    world = World()
    now = WALL - 30_000
    for due in (WALL, WALL + 8 * HOUR, WALL, WALL + 8 * HOUR):
        world.repeat(now, funding_rate=0.0001, funding_interval_h=8.0, next_funding_ms=due)
        world.look(now)
    assert [e.at_ms for e in world.events] == [WALL]


def test_a_settlement_that_is_moved_to_an_earlier_time_is_told_when_that_has_come() -> None:
    world = World()
    world.say(WALL, rate=0.0001, hours=8, due=WALL + 50_000)
    world.look(WALL)
    world.say(WALL + 1, due=WALL + 20_000)
    assert world.look(WALL + 1) == []
    world.say(WALL + 20_000, due=WALL + 8 * HOUR)
    assert [e.at_ms for e in world.look(WALL + 20_000)] == [WALL + 20_000]


def test_a_settlement_that_is_only_moved_is_none() -> None:
    world = World()
    world.say(WALL, rate=0.0001, hours=8, due=WALL + 4 * HOUR)
    world.look(WALL)
    world.say(WALL + 1, due=WALL + 8 * HOUR)
    assert world.look(WALL + 1) == []
    world.say(WALL + 2, due=WALL + 2 * HOUR, hours=1)
    assert [e.kind for e in world.look(WALL + 2)] == [Change.INTERVAL]


def test_an_interval_that_changes_with_a_settlement_gives_both() -> None:
    world = World()
    world.say(WALL - 1, rate=0.0001, hours=8, due=WALL)
    world.look(WALL - 1)
    world.say(WALL + 1, rate=0.00005, hours=4, due=WALL + 4 * HOUR)
    assert [(e.kind, e.at_ms) for e in world.look(WALL + 1)] == [
        (Change.SETTLEMENT, WALL),
        (Change.INTERVAL, WALL + 1),
    ]


def test_after_a_long_silence_the_last_settlement_is_told_and_what_it_paid_is_unknown() -> None:
    world = World()
    world.say(WALL - 1, rate=0.0001, hours=8, due=WALL)
    world.look(WALL - 1)
    now = WALL + 20 * HOUR
    world.say(now, rate=0.0002, due=WALL + 24 * HOUR)
    [event] = world.look(now)
    assert (event.at_ms, event.before, event.after) == (WALL + 16 * HOUR, None, 0.0002)


def test_settlements_that_follow_each_other_are_all_told() -> None:
    world = World()
    for hour in range(10):
        world.say(WALL + hour * HOUR, rate=0.0001 * hour, hours=1, due=WALL + (hour + 1) * HOUR)
        world.look(WALL + hour * HOUR)
    assert [e.at_ms for e in world.events] == [WALL + h * HOUR for h in range(1, 10)]
    assert [e.before for e in world.events] == [0.0001 * h for h in range(9)]


def test_a_schedule_that_ends_settles_nothing() -> None:
    world = World()
    world.say(WALL - 1, rate=0.0001, hours=8, due=WALL)
    world.look(WALL - 1)
    world.say(WALL + 1, due=0)
    assert world.look(WALL + 1) == []


def keys(events: Iterable[FundingEvent]) -> list[LegKey]:
    return [e.key for e in events]


def test_only_perps_that_are_there_are_remembered() -> None:
    others = [leg("okx", coin) for coin in ("AAA", "ZZZ")]
    world = World(OKX, *others, leg("okx", "AAA", Market.SPOT))
    world.say(WALL, hours=8)
    world.look(WALL)
    assert len(world.watcher) == 3
    world.board.unseat(OKX.key)
    world.look(WALL)
    assert len(world.watcher) == 2
    world.board.seat(OKX)
    world.say(WALL + 1, hours=4)
    assert keys(world.look(WALL + 1)) == []
