"""A venue's clock: looked at every five minutes, and soon where its times are odd."""

from frmon.board import Board
from frmon.feeds.lateness import AHEAD_MS, believe
from frmon.feeds.venueclock import DOUBTED_S, EVERY_S
from frmon.model import Carrier, Leg, Market, Tick


def test_a_time_ahead_of_the_venues_clock_is_taken_back_and_told() -> None:
    ticks = [
        Tick(symbol="A", event_ms=1_000_000 + AHEAD_MS),
        Tick(symbol="B", event_ms=1_000_001 + AHEAD_MS),
        Tick(symbol="C"),
    ]
    assert believe(ticks[:1], 1_000_000.0)
    assert not believe(ticks, 1_000_000.0)
    assert [t.event_ms for t in ticks] == [1_000_000 + AHEAD_MS, 1_000_000, None]


def test_what_was_said_by_a_clock_that_was_set_back_gives_way() -> None:
    board = Board()
    board.seat(Leg(venue="a", market=Market.PERP, symbol="X", coin="X"))
    board.seat(Leg(venue="b", market=Market.PERP, symbol="X", coin="X"))
    carriers = {venue: Carrier(venue, Market.PERP, "book") for venue in "ab"}
    for carrier in carriers.values():
        board.take(carrier, [Tick(symbol="X", event_ms=5_000, bid=1.0, ask=2.0, last=1.5)], 1.0, 5_000)
    board.set_back("a", 2_000)
    for carrier in carriers.values():
        board.take(carrier, [Tick(symbol="X", event_ms=2_001, bid=1.1, ask=2.1, last=1.6)], 2.0, 5_100)
    told = {cell.key.venue: (cell.bid, cell.ask, cell.last) for cell in board.cells()}
    assert told == {"a": (1.1, 2.1, 1.6), "b": (1.0, 2.0, 1.5)}


def test_doubt_is_cheap() -> None:
    assert EVERY_S >= 10 * DOUBTED_S >= 60
