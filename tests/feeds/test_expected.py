"""What is expected on a line: what it was asked for, was not refused, and spoke where all speak at once."""

import asyncio
import gc

import pytest

from frmon.errors import Unreachable
from frmon.feeds.content import Replies
from frmon.model import Carrier, Market, Tick
from tests.feeds.test_line import SYMBOLS, Rig, running
from tests.feeds.toy import Peer, Stage, until
from tests.leaping import clock_here

REST = Carrier("toy", Market.PERP, "book", source="rest")


def replied(rig: Rig, symbol: str, bid: float) -> bool:
    """REST states a quote, dated later than what the stream says: whether it rides on that."""
    at, now_ms = clock_here().mono(), clock_here().now_ms()
    rig.board.take(REST, [Tick(symbol=symbol, event_ms=now_ms + 60_000, bid=bid, ask=bid + 1)], at, now_ms, at)
    return rig.fresh(symbol)


def wires() -> int:
    """How many connections there are in memory."""
    gc.collect()
    return sum(type(one).__name__ == "Wire" for one in gc.get_objects())


async def say(peer: Peer, symbol: str, ms: int) -> None:
    """Quote it with this time."""
    await peer.say(rows=[{"s": symbol, "b": 1.0, "a": 1.1, "t": ms}])


async def test_refusals_of_one_frame_have_the_rest_asked_for_once() -> None:
    async with Stage() as stage, running(stage, symbols=["AUSDT", "BUSDT", "CUSDT"]) as rig:
        peer = await stage.peer()
        assert await peer.asked() == ["AUSDT", "BUSDT", "CUSDT"]
        await peer.say(no="AUSDT", id="0")
        assert await peer.asked() == ["BUSDT", "CUSDT"]
        await peer.say(no="BUSDT", id="0")
        await until(lambda: "BUSDT" in rig.line.rejected)
        await peer.say(no="BUSDT", id="1")
        assert await peer.asked() == ["CUSDT"]
        await peer.quote("CUSDT", 1.0, 1.1)
        await until(rig.line.has_all)
        assert set(rig.line.rejected) == {"AUSDT", "BUSDT"}
        assert rig.line.lacking() == {"AUSDT", "BUSDT"}


async def test_a_reply_rides_on_no_line_on_which_its_symbol_did_not_speak_though_all_speak_at_once() -> None:
    async with Stage() as stage, running(stage, scale=1.0) as rig:
        peer = await stage.peer()
        await peer.asked_all(4)
        await peer.quote("AUSDT", 1.0, 1.1)
        await until(rig.line.is_live)
        await asyncio.sleep(3.0)
        assert not replied(rig, "BUSDT", 10.0)
        await peer.quote("BUSDT", 10.0, 11.0)
        await until(lambda: "BUSDT" not in rig.line.lacking())
        assert not replied(rig, "BUSDT", 10.0), "what it says may be older than the first picture"
        await asyncio.sleep(3.0)
        assert replied(rig, "BUSDT", 10.0)


async def test_who_repeats_itself_and_then_goes_on_is_dialled_again_for_what_it_left_out() -> None:
    async with Stage() as stage, running(stage, scale=1.0) as rig:
        peer = await stage.peer()
        await peer.asked_all(4)
        for symbol in SYMBOLS:
            await say(peer, symbol, 5)
        await until(rig.line.has_all)
        for _ in range(8):
            await asyncio.sleep(1.0)
            await say(peer, "AUSDT", 5)
        assert not rig.fresh("BUSDT")
        await say(peer, "AUSDT", 6)
        second = await stage.peer()
        assert await second.asked_all(4) == set(SYMBOLS)
        assert not rig.fresh("BUSDT"), "what changed meanwhile was not told"
        assert "toy perp 1: book goes on, dialling again for what it left out" in rig.told


def test_a_reply_that_comes_again_is_no_news_and_after_a_while_an_error() -> None:
    """Its rows may be those of the last one: in a calm market nothing changes but the time of the reply."""
    replies = Replies(1.0)

    def told(ms: int) -> bytes:
        return b'{"requestTime":%d,"data":[{"symbol":"AUSDT","lastPr":"1.5","ts":"77"}]}' % ms

    news = [(10.0, 100, True), (11.0, 100, False), (12.0, 90, True), (13.0, 100, False), (17.0, 90, False)]
    assert [replies.is_news(told(ms), at) for at, ms, _ in news] == [is_news for *_, is_news in news]
    with pytest.raises(Unreachable, match="content frozen: the same answer for 5 s"):
        replies.is_news(told(100), 17.1)
    assert replies.is_news(told(101), 18.0)


async def test_a_line_that_ended_by_itself_keeps_nothing_of_its_last_connection() -> None:
    """The reason is kept, the frames of code that raised it are not."""
    before = wires()
    async with Stage() as stage, running(stage, scale=1.0) as rig:
        for _ in range(3):
            peer = await stage.peer()
            await peer.asked_all(4)
            rig.line.redial()
        await (await stage.peer()).asked_all(4)
        assert wires() == before + 1
