"""Funding in the event log: few lines however much happens, and what settlements paid."""

import pytest

from frmon.clock import ManualClock
from frmon.funding import Change, FundingEvent
from frmon.fundingnews import MOST_S, QUIET_S, FundingNews, Settled
from frmon.model import Leg, LegKey, Market
from tests.given import WALL, Desk, leg

HOUR = 3_600_000


class Room:
    """Legs, a watch over them, and what it told."""

    def __init__(self, *legs: Leg) -> None:
        self.desk = Desk(*legs)
        self.clock = ManualClock(WALL, 0.0)
        self.told: list[str] = []
        self.news = FundingNews(self.desk.board, self.clock, self.told.append)

    def say(self, one: Leg, rate: float | None = None, hours: float | None = None, due: int | None = None) -> None:
        """State funding of a leg now."""
        more = {"funding_rate": rate, "funding_interval_h": hours, "next_funding_ms": due}
        self.desk.say(one, None, None, self.clock.mono(), **more)

    def wait(self, seconds: float) -> None:
        """Let time pass; looks every second."""
        for _ in range(round(seconds)):
            self.clock.advance(1.0)
            self.news.look()


def settle(room: Room, legs: list[Leg], spread_s: float) -> None:
    """All legs settle at WALL + 60 s; the venues go on from it one after the other within `spread_s`."""
    at = WALL + 60_000
    for one in legs:
        room.say(one, rate=0.0001, hours=8.0, due=at)
    room.wait(60)
    step = max(1, round(len(legs) / spread_s))
    for n in range(0, len(legs), step):
        for one in legs[n : n + step]:
            room.say(one, rate=0.0002, due=at + 8 * HOUR)
        room.wait(1)


@pytest.mark.parametrize("spread_s", [1, 20])
def test_a_settlement_of_a_whole_market_is_one_line(spread_s: float) -> None:
    okx, bybit = [leg("okx", f"C{n}") for n in range(400)], [leg("bybit", f"C{n}") for n in range(31)]
    room = Room(*okx, *bybit)
    settle(room, okx + bybit, spread_s)
    room.wait(QUIET_S + 1)
    assert sorted(room.told) == ["bybit perp: 31 settled", "okx perp: 400 settled"]
    assert room.news.settled[okx[0].key] == Settled(0.0001, WALL + 60_000, stated=False)
    assert len(room.news.settled) == 431


def test_few_settlements_name_their_coins() -> None:
    legs = [leg("okx", "AAA"), leg("okx", "BBB")]
    room = Room(*legs)
    settle(room, legs, 1)
    room.wait(QUIET_S + 1)
    assert room.told == ["okx perp: 2 settled (AAA, BBB)"]


def test_what_the_venue_says_it_paid_is_kept_as_its_word() -> None:
    one = leg("okx")
    room = Room(one)
    room.say(one, rate=0.0001, hours=8.0, due=WALL + 1000)
    room.wait(2)
    room.desk.say(one, None, None, room.clock.mono(), settled_rate=0.00013, next_funding_ms=WALL + 1000 + 8 * HOUR)
    room.wait(1)
    assert room.news.settled == {one.key: Settled(0.00013, WALL + 1000, stated=True)}


def test_a_leg_that_leaves_the_board_is_forgotten() -> None:
    legs = [leg("okx", "AAA"), leg("okx", "BBB")]
    room = Room(*legs)
    settle(room, legs, 1)
    room.desk.board.unseat(legs[0].key)
    room.wait(1)
    assert set(room.news.settled) == {LegKey("okx", Market.PERP, "BBBUSDT")}


def test_flips_and_intervals_are_told_in_words() -> None:
    one = leg("okx")
    room = Room(one)
    room.say(one, rate=0.0001, hours=8.0)
    room.wait(1)
    room.say(one, rate=-0.00025, hours=4.0)
    room.wait(1)
    assert room.told == []
    room.wait(QUIET_S)
    assert sorted(room.told) == [
        "PEPE: okx perp funding turned from +0.0100 % to -0.0250 %",
        "PEPE: okx perp settles every 4 h, before every 8 h",
    ]


def test_many_flips_are_one_line_and_the_next_ones_wait() -> None:
    legs = [leg("okx", f"C{n}") for n in range(50)]
    room = Room(*legs)
    for turn in range(60):
        for one in legs:
            room.say(one, rate=0.0001 if turn % 2 else -0.0001)
        room.wait(2)
    room.wait(MOST_S)
    assert all(line.startswith("okx perp: ") and line.endswith(" funding rates changed sign") for line in room.told)
    assert sum(int(line.split()[2]) for line in room.told) == 59 * 50
    assert 2 <= len(room.told) <= 1 + 180 / MOST_S


def test_every_settlement_is_heard_at_once_with_the_interval_that_it_ended() -> None:
    legs = [leg("okx", f"C{n}") for n in range(3)]
    room = Room(*legs)
    heard: list[FundingEvent] = []
    room.news.hear = heard.append
    settle(room, legs, 1.0)
    assert sorted(e.coin for e in heard) == ["C0", "C1", "C2"]
    assert {(e.kind, e.at_ms, e.before, e.interval_h) for e in heard} == {
        (Change.SETTLEMENT, WALL + 60_000, 0.0001, 8.0)
    }
