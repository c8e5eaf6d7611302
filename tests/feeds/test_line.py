"""A line against a scripted loopback server: real sockets, timers a hundred times faster."""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

from frmon.board import Board
from frmon.errors import Notice
from frmon.feeds.access import Access
from frmon.feeds.contract import Rule, Stream
from frmon.feeds.line import Line
from frmon.feeds.pacer import Pacer
from frmon.feeds.sim.frames import framed
from frmon.model import Leg, LegKey, Market, Status
from tests.feeds import toy
from tests.feeds.toy import Peer, Stage, until
from tests.leaping import clock_here

SYMBOLS = ["AUSDT", "BUSDT", "CUSDT", "DUSDT"]


class Rig:
    """A line that runs, its board, what it told."""

    def __init__(self, stage: Stage, stream: Stream, symbols: list[str], scale: float, url: str = "") -> None:
        self.board = Board()
        for symbol in symbols:
            self.board.seat(Leg(venue="toy", market=Market.PERP, symbol=symbol, coin=symbol[:-4]))
        self.told: list[str] = []
        self.notices: list[str] = []
        clock = clock_here()
        self.pacer = Pacer(clock, [Rule("connects", 100_000, 1.0)])
        access = Access(
            venue=toy.VENUE,
            endpoints={"ws": url or stage.url},
            pacer=self.pacer,
            spent=lambda: None,
            clock=clock,
            sink=self.board,
            tell=self.told.append,
            notice=self._notice,
            time_scale=scale,
        )
        self.line = Line(access, stream, "toy perp 1", symbols)

    def _notice(self, _line: Line, notice: Notice) -> None:
        self.notices.append(notice.kind)

    def bid(self, symbol: str) -> float | None:
        cell = self.board.cell(LegKey("toy", Market.PERP, symbol))
        assert cell is not None
        return cell.bid

    def fresh(self, symbol: str) -> bool:
        cell = self.board.cell(LegKey("toy", Market.PERP, symbol))
        assert cell is not None
        return cell.quote.rides()


@asynccontextmanager
async def running(
    stage: Stage, stream: Stream = toy.STREAM, symbols: list[str] = SYMBOLS, scale: float = 0.5
) -> AsyncIterator[Rig]:
    rig = Rig(stage, stream, symbols, scale)
    task = asyncio.create_task(rig.line.run())
    try:
        yield rig
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def heartbeat(peer: Peer, symbol: str, every_s: float = 0.02) -> AsyncIterator[None]:
    """Meanwhile this symbol is quoted again and again."""

    async def speak() -> None:
        while True:
            await peer.quote(symbol, 1.0, 1.1)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()


async def test_it_asks_for_every_symbol_once_and_pours_what_it_hears() -> None:
    async with Stage() as stage, running(stage) as rig:
        peer = await stage.peer()
        assert sorted(await peer.asked() + await peer.asked()) == SYMBOLS
        await peer.say(ok=1)
        assert rig.line.look().status is Status.CONNECTING
        await peer.quote("AUSDT", 1.0, 1.1)
        await until(lambda: rig.bid("AUSDT") == 1.0)
        state = rig.line.look()
        assert (state.status, state.messages, state.symbols) == (Status.LIVE, 1, 4)
        assert rig.fresh("AUSDT")


async def test_acks_and_pongs_are_no_data_so_a_silent_line_is_dialled_again() -> None:
    async with Stage() as stage, running(stage, scale=0.02) as rig:
        peer = await stage.peer()
        await peer.asked_all(4)
        for _ in range(3):
            await peer.say(ok=1)
        second = await stage.peer()
        assert await second.asked_all(4) == set(SYMBOLS)
        assert rig.line.look().reconnects == 1
        assert rig.line.look().last_message_age_s is None


async def test_quotes_do_not_ride_on_a_line_that_dropped_and_a_new_generation_starts_unheard() -> None:
    async with Stage() as stage, running(stage, scale=0.05) as rig:
        peer = await stage.peer()
        await peer.quote("AUSDT", 1.0, 1.1)
        await until(lambda: rig.fresh("AUSDT"))
        await peer.connection.close(1001, "going")
        await until(lambda: not rig.fresh("AUSDT"))
        second = await stage.peer()
        await second.quote("BUSDT", 2.0, 2.1)
        await until(lambda: rig.fresh("BUSDT"))
        assert not rig.fresh("AUSDT"), "it did not speak on the new connection"


async def test_a_refused_symbol_is_dropped_and_the_rest_of_its_frame_asked_again() -> None:
    async with Stage() as stage, running(stage, symbols=["AUSDT", "BUSDT", "CUSDT"]) as rig:
        peer = await stage.peer()
        assert await peer.asked() == ["AUSDT", "BUSDT", "CUSDT"]
        await peer.say(no="BUSDT", id="0")
        assert await peer.asked() == ["AUSDT", "CUSDT"]
        await peer.quote("AUSDT", 1.0, 1.1)
        await until(lambda: rig.line.look().status is Status.LIVE)
        assert rig.line.rejected == {"BUSDT": "unknown"}
        assert rig.line.look().detail == "1 refused (BUSDT)"


async def test_symbols_whose_turn_to_be_asked_for_comes_late_are_not_taken_for_silent() -> None:
    slow = toy.changed(toy.STREAM, subscribe_rules=(Rule("subscribes", 1, 15.0),))
    async with Stage() as stage, running(stage, slow, scale=1.0) as rig:
        peer = await stage.peer()
        for symbol in await peer.asked():
            await peer.quote(symbol, 1.0, 1.1)
        async with heartbeat(peer, "AUSDT", 1.0):
            assert await peer.asked() == ["DUSDT"]
            await peer.quote("DUSDT", 1.0, 1.1)
            await until(rig.line.has_all)
        assert [line for line in rig.told if "LIVE" in line] == ["toy perp 1: CONNECTING → LIVE"]


async def test_symbols_that_stay_silent_are_asked_once_more_and_then_named() -> None:
    async with Stage() as stage, running(stage, scale=0.02) as rig:
        peer = await stage.peer()
        await peer.asked_all(4)
        async with heartbeat(peer, "AUSDT"):
            assert await peer.asked_all(3) == {"BUSDT", "CUSDT", "DUSDT"}
            await until(lambda: rig.line.look().status is Status.PARTIAL)
        assert rig.line.look().detail == "3 of 4 silent"
        assert rig.line.look().reconnects == 0


async def test_one_silent_channel_is_named_while_the_other_lives_on() -> None:
    stream = toy.changed(toy.STREAM, channels=(toy.BOOK, toy.MARK), per_symbol=False)
    async with Stage() as stage, running(stage, stream, scale=0.02) as rig:
        peer = await stage.peer()
        await peer.say(kind="mark", rows=[{"s": "AUSDT", "m": 1.0}])
        async with heartbeat(peer, "AUSDT"):
            await until(lambda: rig.line.carriers["mark"].live)
            assert rig.line.is_live()
            await until(lambda: rig.line.look().status is Status.NO_DATA)
        assert rig.line.look().detail == "no data on mark"
        assert not rig.line.carriers["mark"].live
        assert rig.line.carriers["book"].live
        assert rig.line.look().reconnects == 0


async def test_an_unreadable_frame_and_a_parser_bug_cost_one_frame_each() -> None:
    async with Stage() as stage, running(stage) as rig:
        peer = await stage.peer()
        await peer.connection.send("{")
        await peer.connection.send(b"\xff\xfe")
        await peer.say(bug=1)
        await peer.quote("AUSDT", 1.0, 1.1)
        await until(lambda: rig.bid("AUSDT") == 1.0)
        assert rig.line.reader.unread.total == 3
        assert rig.line.look().reconnects == 0
        assert [t for t in rig.told if "PARSE" in t] == ["toy perp 1: PARSE 1: frame 1 (not JSON)"]
        assert (rig.line.look().status, rig.line.look().detail) == ("LIVE", "PARSE 3: frame 3")


async def test_notices_are_handed_on() -> None:
    async with Stage() as stage, running(stage) as rig:
        peer = await stage.peer()
        await peer.say(notice="listing")
        await until(lambda: rig.notices == ["listing"])


async def test_symbols_may_come_and_go_without_a_new_connection() -> None:
    async with Stage() as stage, running(stage, symbols=["AUSDT"]) as rig:
        peer = await stage.peer()
        assert await peer.asked() == ["AUSDT"]
        rig.board.seat(Leg(venue="toy", market=Market.PERP, symbol="EUSDT", coin="E"))
        rig.line.change(["EUSDT"], ["AUSDT"])
        assert await peer.asked() == ["EUSDT"]
        assert rig.line.symbols == {"EUSDT"}
        assert stage.connects == 1


async def test_what_was_never_asked_for_is_no_symbol_of_the_line_that_was_refused() -> None:
    """A venue may refuse whatever it likes for as long as a line stands: nothing is kept of it."""
    async with Stage() as stage, running(stage, scale=0.5) as rig:
        peer = await stage.peer()
        await peer.quote("AUSDT", 1.0, 1.1)
        for n in range(300):
            await peer.say(no=f"X{n}USDT", id=None)
        await until(lambda: any("unknown" in text for text in rig.told))
        await peer.quote("AUSDT", 2.0, 2.1)
        await until(lambda: rig.bid("AUSDT") == 2.0)
        assert rig.line.rejected == {}
        assert "refused" not in rig.line.look().detail


async def test_a_refused_handshake_is_classified_and_waited_out() -> None:
    answers: Iterator[int | None] = iter([429, None])
    async with Stage(refuse=lambda: next(answers)) as stage, running(stage, scale=0.02) as rig:
        await until(lambda: rig.line.look().status is Status.BANNED)
        assert re.fullmatch(r"too many; until \d\d:\d\d:\d\d UTC; again in 1 s", rig.line.look().detail)
        await stage.peer()
        assert stage.connects == 2


async def test_back_off_grows_while_the_venue_accepts_and_closes() -> None:
    async with Stage() as stage, running(stage, scale=0.02) as rig:
        waits = []
        for _ in range(5):
            peer = await stage.peer()
            waits.append(asyncio.get_running_loop().time())
            await peer.quote("AUSDT", 1.0, 1.1)
            await peer.connection.close(1012)
        gaps = [b - a for a, b in pairwise(waits)]
        assert gaps[3] > 2 * gaps[0], "data for a moment must not reset the back-off"
        await until(lambda: rig.line.look().reconnects >= 4)


async def test_redial_drops_the_connection_and_dials_again() -> None:
    async with Stage() as stage, running(stage, scale=0.02) as rig:
        await stage.peer()
        rig.line.redial()
        await stage.peer()
        assert rig.line.look().reconnects == 1


async def test_pings_are_sent_as_the_venue_wants_them_and_never_above_its_message_rate() -> None:
    stream = toy.changed(toy.STREAM, ask_rules=(Rule("messages", 2, 0.4),), ping_every_s=0.1)
    async with Stage() as stage, running(stage, stream, scale=1.0):
        peer = await stage.peer()
        seen: list[float] = []
        loop = asyncio.get_running_loop()
        original = peer.say

        async def note(**frame: Any) -> None:
            seen.append(loop.time())
            await original(**frame)

        peer.say = note  # type: ignore[method-assign]
        await until(lambda: len(seen) >= 6)
        windows = [sum(1 for t in seen if start <= t < start + 0.4) for start in seen]
        assert max(windows) <= 2


async def test_symbols_that_speak_late_end_the_warning() -> None:
    async with Stage() as stage, running(stage, scale=0.02) as rig:
        peer = await stage.peer()
        await peer.asked_all(4)
        others: list[str] = []

        async def speak() -> None:
            while True:
                for symbol in ["AUSDT", *others]:
                    await peer.quote(symbol, 1.0, 1.1)
                await asyncio.sleep(0.02)

        task = asyncio.create_task(speak())
        await until(lambda: rig.line.look().status is Status.PARTIAL)
        others += ["BUSDT", "CUSDT", "DUSDT"]
        await until(lambda: rig.line.look().status is Status.LIVE)
        task.cancel()


async def test_a_symbol_that_was_refused_is_asked_again_when_it_is_listed_again_and_on_a_new_connection() -> None:
    async with Stage() as stage, running(stage, symbols=["AUSDT", "BUSDT"]) as rig:
        peer = await stage.peer()
        assert await peer.asked() == ["AUSDT", "BUSDT"]
        await peer.say(no="BUSDT", id="0")
        assert await peer.asked() == ["AUSDT"]
        rig.line.change([], ["BUSDT"])
        rig.line.change(["BUSDT"], [])
        assert await peer.asked() == ["BUSDT"]
        await peer.say(no="BUSDT", id="2")
        await until(lambda: "BUSDT" in rig.line.rejected)
        rig.line.redial()
        assert await (await stage.peer()).asked() == ["AUSDT", "BUSDT"]


async def test_a_price_from_the_future_does_not_outlive_the_true_ones_after_it() -> None:
    async with Stage() as stage, running(stage) as rig:
        peer = await stage.peer()
        now = clock_here().now_ms()
        await peer.say(rows=[{"s": "AUSDT", "b": 101.0, "a": 102.0, "t": now + 300_000}])
        await until(lambda: rig.bid("AUSDT") == 101.0)
        await asyncio.sleep(0.01)
        await peer.quote("AUSDT", 50.0, 51.0)
        await until(lambda: rig.bid("AUSDT") == 50.0)


async def test_pings_do_not_wait_for_a_used_up_budget_of_subscriptions_and_a_new_connection_has_its_own() -> None:
    stream = toy.changed(toy.STREAM, subscribe_rules=(Rule("subscribes", 2, 3600.0),), ping_every_s=0.1)
    async with Stage() as stage, running(stage, stream, symbols=["AUSDT"], scale=1.0) as rig:
        peer = await stage.peer()
        assert await peer.asked() == ["AUSDT"]
        rig.board.seat(Leg(venue="toy", market=Market.PERP, symbol="BUSDT", coin="B"))
        rig.line.change(["BUSDT"], [])
        await asyncio.sleep(0.5)
        assert peer.heard.empty(), "the budget of this connection is used up"
        before = peer.pings
        await until(lambda: peer.pings > before + 2)
        rig.line.redial()
        assert await (await stage.peer()).asked() == ["AUSDT", "BUSDT"]


async def test_a_ban_of_one_line_bars_its_siblings_too() -> None:
    async with Stage(refuse=lambda: 429) as stage, running(stage, scale=0.02) as rig:
        await until(lambda: rig.line.look().status is Status.BANNED)
        assert rig.pacer.wait_s([("connects", 1)]) > 0.5


async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A venue whose first data are in one piece with its answer to the handshake."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}"
    said = [{"s": symbol, "b": 1.0, "a": 1.1, "t": clock_here().now_ms()} for symbol in SYMBOLS]
    writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{upgrade}\r\n\r\n".encode())
    writer.write(framed(json.dumps({"rows": said}).encode()))
    await reader.read()
    writer.close()


async def test_a_line_that_heard_all_it_waited_for_with_the_handshake_is_live_at_once() -> None:
    async with await asyncio.start_server(hasty, "127.0.0.1", 0) as server, Stage() as stage:
        rig = Rig(stage, toy.STREAM, SYMBOLS, 1.0, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        task = asyncio.create_task(rig.line.run())
        await until(lambda: rig.bid("DUSDT") == 1.0)
        await clock_here().sleep(0.5)
        assert (rig.line.look().status, rig.line.has_all()) == (Status.LIVE, True)
        task.cancel()
        await asyncio.wait([task])
