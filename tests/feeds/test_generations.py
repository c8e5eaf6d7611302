"""What an old connection still says, what rides where after a change of lines, and lines that bring only notices."""

import asyncio

from msgspec.structs import replace

from frmon.board import Board, Freshness
from frmon.feeds.contract import Rule
from frmon.model import Carrier, Leg, LegKey, Market, Status, Tick
from tests.feeds import toy
from tests.feeds.test_line import Rig, running
from tests.feeds.toy import Stage, until
from tests.leaping import clock_here

LEG = Leg(venue="toy", market=Market.PERP, symbol="AUSDT", coin="A")


async def test_frames_of_a_connection_that_was_given_up_are_dropped_and_counted() -> None:
    async with Stage() as stage, running(stage, scale=0.5) as rig:
        peer = await stage.peer()
        await peer.quote("AUSDT", 1.0, 1.1)
        await until(lambda: rig.bid("AUSDT") == 1.0)
        rig.line.redial()
        await peer.quote("AUSDT", 9.0, 9.1)
        await stage.peer()
        assert rig.bid("AUSDT") == 1.0
        assert rig.line.state.outdated >= 1
        assert not rig.line.carriers["book"].live


async def test_every_change_of_a_line_is_told_once_however_short_it_was() -> None:
    async with Stage() as stage, running(stage, scale=0.02) as rig:
        for _ in range(2):
            peer = await stage.peer()
            await peer.quote("AUSDT", 1.0, 1.1)
            await until(lambda: rig.line.look().status is Status.LIVE)
            await peer.connection.close(1012, "restart")
            await until(lambda: rig.line.look().status is Status.RECONNECT)
        told = [line.split(" (")[0].removeprefix("toy perp 1: ") for line in rig.told if "→" in line]
        assert told == ["CONNECTING → LIVE", "LIVE → RECONNECT", "RECONNECT → LIVE", "LIVE → RECONNECT"]


async def test_a_line_of_notices_whose_pings_stay_unanswered_is_dialled_again() -> None:
    notices = toy.changed(toy.STREAM, channels=(replace(toy.BOOK, parts=frozenset()),), per_symbol=False)
    async with Stage(pongs=False) as stage, running(stage, notices, scale=0.02) as rig:
        await stage.peer()
        await until(lambda: rig.line.look().status is Status.LIVE)
        await stage.peer()
        assert any("no pong for" in line for line in rig.told)
    async with Stage() as stage, running(stage, notices, scale=0.02) as rig:
        peer = await stage.peer()
        await until(lambda: peer.pings > 8)
        assert stage.connects == 1


def test_what_rode_on_the_old_carrier_rides_on_the_new_one_and_outlives_the_old() -> None:
    board = Board()
    board.seat(LEG)
    old, new = (Carrier("toy", Market.PERP, "book", pushes_changes=True) for _ in range(2))
    for carrier in (old, new):
        carrier.generation, carrier.live, carrier.up_at, carrier.heard_at = 1, True, 0.0, 100.0
    board.take(old, [Tick(symbol="AUSDT", event_ms=1, bid=1.0, ask=2.0, last=1.5)], 10.0, 10_000)
    board.carry(old, ["AUSDT"], 10.0)
    board.pass_on(old, new)
    old.live = False
    cell = board.cell(LegKey("toy", Market.PERP, "AUSDT"))
    assert cell is not None
    assert cell.quote.confirmed_at(100.0, 300.0) == 100.0
    assert cell.trade.rides()
    assert (cell.carried.by, cell.carried.generation, cell.carried.at) == (new, new.generation, 10.0)


def test_what_a_connection_said_is_confirmed_no_more_once_it_ended() -> None:
    board = Board()
    board.seat(LEG)
    carrier = Carrier("toy", Market.PERP, "book", pushes_changes=True)
    carrier.generation, carrier.live, carrier.up_at, carrier.heard_at = 1, True, 0.0, 100.0
    board.take(carrier, [Tick(symbol="AUSDT", event_ms=1, bid=1.0, ask=2.0)], 100.0, 10_000)
    cell = board.cell(LegKey("toy", Market.PERP, "AUSDT"))
    assert cell is not None
    freshness = Freshness()
    assert cell.is_fresh(100.5, freshness)
    carrier.live = False
    assert not cell.is_fresh(100.5, freshness)
    assert [cell.age_s(t, freshness) for t in (100.5, 110.0)] == [None, 10.0]


async def test_a_reply_rides_on_a_line_only_once_its_symbol_was_asked_for_on_the_present_connection() -> None:
    slow = toy.changed(toy.STREAM, channels=(toy.PUSHED,), subscribe_rules=(Rule("subscribes", 1, 6.0),))
    rest = Carrier("toy", Market.PERP, "book", source="rest")

    def rides(rig: Rig, bid: float) -> bool:
        at = clock_here().mono()
        rig.board.take(rest, [Tick(symbol="DUSDT", event_ms=int(bid), bid=bid, ask=bid + 1)], at, int(bid), at)
        return rig.fresh("DUSDT")

    async with Stage() as stage, running(stage, slow, scale=1.0) as rig:
        for bid in (10.0, 20.0):
            peer = await stage.peer()
            assert await peer.asked() == ["AUSDT", "BUSDT", "CUSDT"]
            await peer.quote("AUSDT", 1.0, 1.1)
            await until(rig.line.is_live)
            await asyncio.sleep(4.0)
            assert not rides(rig, bid), "a change of D would not be told before it is asked for"
            assert await peer.asked() == ["DUSDT"]
            await until(rig.line.has_all)
            assert not rides(rig, bid + 1), "the reply may be older than the asking"
            await asyncio.sleep(2.5)
            assert rides(rig, bid + 2)
            rig.line.redial()
