"""What the books of a coin's legs say about its best pair."""

import asyncio

import pytest

from frmon.clock import ManualClock
from frmon.feeds.depth import Depths, Sight
from frmon.ladder import Capacity, Fill
from frmon.model import Book, Leg, LegKey, Market
from frmon.spread import best
from frmon.study import BEAT_S, SIZES, CoinDepth, Study, flaw, leg_depth, pair_depth
from tests.given import TERMS, Desk, leg

BUY = leg("binance", contract=1.0)
SELL = leg("okx", contract=10.0)
SPOT = leg("bybit", market=Market.SPOT, contract=1.0)
CHEAP = Book(((99.0, 900.0),), ((100.0, 100.0), (101.0, 1e6)))
DEAR = Book(((103.0, 50.0), (101.0, 1e6)), ((104.0, 1e6),))


class Room:
    """A board with a coin on three legs, and a study of it whose books are handed in."""

    def __init__(self) -> None:
        self.desk = Desk(BUY, SELL, SPOT)
        self.clock = ManualClock()
        self.depths = Depths([], self.clock, self.told)
        self.study = Study(self.desk.board, TERMS, 0.6, self.clock)
        for one, (bid, ask) in {BUY: (99.0, 100.0), SELL: (103.0, 104.0), SPOT: (99.0, 101.0)}.items():
            self.desk.say(one, bid, ask, self.clock.mono())
        row = self.desk.board.rows["PEPE"]
        row.spread = best(row, TERMS, self.clock.mono(), self.clock.now_ms())
        self.job = asyncio.create_task(self.study.run(self.depths))

    def told(self, text: str) -> None:
        raise AssertionError(text)

    def look(self, coin: str | None) -> CoinDepth | None:
        self.study.coin = coin
        self.study.refresh()
        return self.study.depth

    def hand(self, one: Leg, book: Book, ago: float = 0.0) -> None:
        """A book that was asked for `ago` seconds ago."""
        sight = Sight(one, book, self.clock.mono() - ago, "", 400)
        self.depths.seen = {**self.depths.seen, one.key: sight}

    async def end(self) -> None:
        self.job.cancel()
        await asyncio.wait([self.job])


@pytest.fixture
async def room() -> Room:
    room = Room()
    await asyncio.sleep(0)
    return room


async def test_nobody_looks_nothing_is_said(room: Room) -> None:
    assert (room.study.depth, room.depths.seen) == (None, {})
    room.clock.advance(60)
    await asyncio.sleep(0)
    assert (room.study.depth, room.depths.seen) == (None, {})
    await room.end()


async def test_all_legs_of_the_coin_are_chosen_but_halted_ones(room: Room) -> None:
    room.desk.board.seat(leg("bitget", contract=1.0, halted=True))
    found = room.look("PEPE")
    assert found is not None
    assert [one.key for one in found.legs] == [BUY.key, SPOT.key, SELL.key]
    assert set(room.depths.seen) == {BUY.key, SELL.key, SPOT.key}
    assert found.pair is not None
    assert found.pair.why == "binance perp: this venue is not asked for order books"
    assert (found.pair.any_edge, found.pair.thinner) == (None, None)
    await room.end()


async def test_looking_away_ends_it_at_once(room: Room) -> None:
    room.look("PEPE")
    assert room.look(None) is None
    assert room.depths.seen == {}
    await room.end()


async def test_a_coin_that_is_not_there_has_no_legs_until_it_is(room: Room) -> None:
    found = room.look("NEW")
    assert found == CoinDepth(coin="NEW", at_ms=room.clock.now_ms(), legs=(), pair=None)
    room.desk.board.seat(leg("okx", "NEW", contract=1.0))
    await asyncio.sleep(0)
    room.clock.advance(BEAT_S)
    for _ in range(3):
        await asyncio.sleep(0)
    assert room.study.depth is not None
    assert [one.key.symbol for one in room.study.depth.legs] == ["NEWUSDT"]
    await room.end()


async def test_the_best_pair_is_measured_with_the_books_of_both_legs(room: Room) -> None:
    room.look("PEPE")
    room.hand(BUY, CHEAP, 1.0)
    room.hand(SELL, DEAR, 2.5)
    found = room.look("PEPE")
    assert found is not None
    assert found.pair is not None
    assert (found.pair.buy, found.pair.sell, found.pair.why) == (BUY.key, SELL.key, "")
    assert [one.age_s for one in found.legs] == [1.0, None, 2.5]
    assert found.pair.any_edge == Capacity(0.0, 100 * 100 + 101 * (1e6 - 50), 1e6 + 50, False)
    assert found.pair.break_even is not None
    assert found.pair.break_even.edge_pct == found.pair.fees_pct == pytest.approx(0.2)
    assert found.pair.threshold is not None
    assert found.pair.threshold.edge_pct == 0.6
    assert 0 < found.pair.threshold.usdt < found.pair.break_even.usdt < found.pair.any_edge.usdt
    assert found.pair.thinner == SELL.key
    await room.end()


async def test_an_old_book_is_not_reckoned_with(room: Room) -> None:
    room.look("PEPE")
    room.hand(BUY, CHEAP)
    room.hand(SELL, DEAR, TERMS.freshness.max_age_s + 0.1)
    found = room.look("PEPE")
    assert found is not None
    assert found.pair is not None
    assert found.pair.why == "okx perp: the book is old"
    assert found.pair.break_even is None
    assert len(found.legs[2].buys) == 3, "but shown with its age"
    await room.end()


async def test_the_end_of_the_job_ends_the_asking(room: Room) -> None:
    room.look("PEPE")
    await room.end()
    assert (room.study.depth, room.depths.seen) == (None, {})
    assert room.look("PEPE") is None


def test_a_leg_without_a_book_says_why() -> None:
    found = leg_depth(Sight(BUY, None, None, "BANNED: too many", 400), 10.0)
    assert (found.age_s, found.why, found.buys, found.sells, found.levels) == (None, "BANNED: too many", (), (), 400)


def test_fills_are_computed_for_all_sizes_on_both_sides() -> None:
    found = leg_depth(Sight(BUY, CHEAP, 7.0, "", 400), 10.0)
    assert (found.age_s, found.bids, found.asks) == (3.0, 1, 2)
    assert SIZES == (1_000.0, 10_000.0, 50_000.0)
    assert found.buys[:2] == (Fill(100.0, 1_000.0, True), Fill(100.0, 10_000.0, True))
    assert found.buys[2].price == pytest.approx(50_000 / (100 + 40_000 / 101))
    assert found.sells == (Fill(99.0, 1_000.0, True), Fill(99.0, 10_000.0, True), Fill(99.0, 50_000.0, True))


def test_a_pair_of_equally_deep_books_has_no_thinner_leg() -> None:
    room = Desk(BUY, SELL)
    for one, (bid, ask) in {BUY: (99.0, 100.0), SELL: (103.0, 104.0)}.items():
        room.say(one, bid, ask, 1.0)
    spread = best(room.board.rows["PEPE"], TERMS, 1.0, 0)
    assert spread is not None
    deep = Book(((103.0, 1e9),), ((100.0, 1e9),))
    found = pair_depth(spread, Sight(BUY, deep, 0.0, "", 400), Sight(SELL, deep, 0.0, "", 400), 0.6)
    assert found.thinner is None
    assert found.threshold == Capacity(0.6, 1e11, 1e9, False)
    small = Book((), ((100.0, 1.0),))
    sold = Sight(SELL, deep, 0.0, "", 400)
    assert pair_depth(spread, Sight(BUY, small, 0.0, "", 400), sold, 0.6).thinner == BUY.key
    for levels in (0, 1):
        cut = pair_depth(spread, Sight(BUY, small, 0.0, "", levels), sold, 0.6)
        assert (cut.thinner, cut.compared_usdt) == (None, 100.0), "behind the last level that is told there may be more"


def test_what_is_wrong_with_a_leg_is_told_with_its_name() -> None:
    key = LegKey("okx", Market.SPOT, "A")
    one = leg("okx", symbol="A", market=Market.SPOT)
    assert flaw(key, {}, 0.0) == "okx spot: no book yet"
    assert flaw(key, {key: Sight(one)}, 0.0) == "okx spot: asked"
    assert flaw(key, {key: Sight(one, CHEAP, 1.0, "HTTP 503")}, 2.0) == "okx spot: the book is old"
    assert flaw(key, {key: Sight(one, CHEAP, 2.0, "HTTP 503")}, 2.0) == ""
