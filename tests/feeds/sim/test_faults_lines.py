import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from frmon.feeds.sim.ledger import Sent
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from tests.feeds.sim.dial import closed, heard, let, order, url
from tests.leaping import clock_here

Socket = aiohttp.ClientWebSocketResponse
MARKS = "!markPrice@arr@1s"


@pytest.fixture
async def live() -> AsyncIterator[Sim]:
    """A small lively market by the clock of the loop."""
    async with Sim(SimOptions(coins=40, rate=2.0), clock_here()) as sim:
        yield sim


async def bitget(sim: Sim, http: aiohttp.ClientSession, kind: str = "USDT-FUTURES", symbol: str = "BTCUSDT") -> Socket:
    """A line with one ticker, which is pushed several times a second whether it changed or not."""
    socket = await http.ws_connect(url(sim, "bitget", "ws", "/v2/ws/public"), max_msg_size=0)
    await ask(socket, kind, symbol)
    return socket


async def ask(socket: Socket, kind: str, symbol: str) -> None:
    arg = {"instType": kind, "channel": "ticker", "instId": symbol}
    await socket.send_json({"op": "subscribe", "args": [arg]})


async def all_of(socket: Socket, seconds: float) -> list[aiohttp.WSMessage]:
    """Every message of so many seconds."""
    found: list[aiohttp.WSMessage] = []
    until = asyncio.get_running_loop().time() + seconds
    while (left := until - asyncio.get_running_loop().time()) > 0:
        try:
            message = await asyncio.wait_for(socket.receive(), left)
        except TimeoutError:
            break
        found.append(message)
        if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR}:
            break
    return found


def texts(messages: list[aiohttp.WSMessage]) -> list[str]:
    return [m.data for m in messages if m.type is WSMsgType.TEXT]


def data(messages: list[aiohttp.WSMessage]) -> list[dict[str, Any]]:
    return [json.loads(text)["data"][0] for text in texts(messages) if '"data":' in text]


# streams


async def test_a_zombie_pings_acks_and_answers_and_says_no_data(live: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(live, http, kind="zombie", venue="bitget", rate=200.0, for_s=60) == 200
    socket = await http.ws_connect(url(live, "bitget", "ws", "/v2/ws/public"), autoping=False)
    await ask(socket, "SPOT", "BTCUSDT")
    await socket.send_str("ping")
    heard_now = await all_of(socket, 1.0)
    assert [json.loads(t)["event"] if t != "pong" else t for t in texts(heard_now)] == ["subscribe", "pong"]
    assert 120 < sum(m.type is WSMsgType.PING for m in heard_now) < 260
    live.faults.clear()
    assert data(await all_of(socket, 0.5))


async def test_a_zombie_may_say_the_same_words_once_a_second(live: Sim, http: aiohttp.ClientSession) -> None:
    socket = await bitget(live, http)
    assert await order(live, http, kind="zombie", venue="bitget", payload="pong", for_s=60) == 200
    await all_of(socket, 0.2)
    assert texts(await all_of(socket, 2.0)) in (["pong"] * 2, ["pong"] * 3)


async def test_an_ack_may_be_all_that_a_mute_line_says_and_a_deep_one_says_nothing(
    live: Sim, http: aiohttp.ClientSession
) -> None:
    assert await order(live, http, kind="mute", venue="bitget", for_s=60) == 200
    socket = await bitget(live, http)
    assert [json.loads(t)["event"] for t in texts(await all_of(socket, 0.6))] == ["subscribe"]
    assert await order(live, http, kind="mute", venue="bitget", deep=True, for_s=60) == 200
    await socket.send_str("ping")
    await socket.ping()
    assert await all_of(socket, 0.4) == []


async def test_a_frozen_line_repeats_what_it_said_last(live: Sim, http: aiohttp.ClientSession) -> None:
    async with await bitget(live, http) as socket, await bitget(live, http, "SPOT", "ETHUSDT") as other:
        before = data(await all_of(socket, 1.0))
        await asyncio.sleep(0)
        assert await order(live, http, kind="freeze", venue="bitget", market="perp", for_s=60) == 200
        before += data(await all_of(socket, 0.1))
        frozen = data(await all_of(socket, 1.0))
        assert len(frozen) > 10
        assert all(row == frozen[0] for row in frozen)
        assert frozen[0] in before
        assert len({row["ts"] for row in data(await all_of(other, 1.0))[-5:]}) == 5


async def test_a_frozen_line_may_tell_the_time_of_now_and_then_rest_goes_on(
    live: Sim, http: aiohttp.ClientSession
) -> None:
    async with await bitget(live, http) as socket:
        await all_of(socket, 0.5)
        assert await order(live, http, kind="freeze", venue="bitget", bump=True, for_s=60) == 200
        await all_of(socket, 0.1)
        frozen = data(await all_of(socket, 1.0))
        times = [int(row.pop("ts")) for row in frozen]
        assert times == sorted(times)
        assert times[-1] - times[0] > 500
        assert all(row == frozen[0] for row in frozen)
        told = []
        for _ in range(2):
            async with http.get(url(live, "bitget", "rest", "/api/v2/public/time")) as reply:
                told.append((await reply.json())["data"]["serverTime"])
            await asyncio.sleep(0.01)
        assert told[0] != told[1]


async def test_some_frames_are_lost_those_that_match_only(live: Sim, http: aiohttp.ClientSession) -> None:
    async with await bitget(live, http) as socket:
        await ask(socket, "USDT-FUTURES", "ETHUSDT")
        assert await order(live, http, kind="lose", venue="bitget", match="ETHUSDT", share=0.7, for_s=60) == 200
        await all_of(socket, 0.1)
        rows = [row["instId"] for row in data(await all_of(socket, 3.0))]
    lost, kept = rows.count("ETHUSDT"), rows.count("BTCUSDT")
    assert 0.05 * kept < lost < 0.6 * kept


async def test_acks_are_lost_pongs_and_data_are_not(live: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(live, http, kind="lose_acks", venue="bitget", for_s=60) == 200
    async with await bitget(live, http) as socket:
        await socket.send_str("ping")
        said = texts(await all_of(socket, 0.5))
    assert "pong" in said
    assert not any('"event"' in text for text in said)
    assert any('"data"' in text for text in said)


@pytest.mark.parametrize("how", ["truncate", "junk", "bom", "utf8", "binary", "duplicate", "numbers"])
async def test_garbled_frames_arrive_as_they_are(live: Sim, http: aiohttp.ClientSession, how: str) -> None:
    async with await bitget(live, http) as socket, await bitget(live, http, "SPOT") as other:
        assert await order(live, http, kind="garble", how=how, venue="bitget", market="perp", for_s=60) == 200
        await all_of(socket, 0.1)
        live.log = deque()
        messages = await all_of(socket, 0.5)
        assert len(data(await all_of(other, 0.3))) > 1
    kinds, said = {m.type for m in messages}, texts(messages)
    if how == "binary":
        assert kinds == {WSMsgType.BINARY}
        assert b'"data"' in messages[0].data
    elif how == "utf8":
        assert WSMsgType.TEXT not in kinds  # a client that checks ends the line
    elif how == "duplicate":
        assert said[0] == said[1] or said[1] == said[2]
    elif how == "numbers":
        assert any(
            word in "".join(said) for word in (":null", ':""', "NaN", "Infinity", "1e999", "1_000", ":true", ":[]")
        )
    else:
        for text in said:
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)


async def test_frames_of_a_turn_may_come_in_another_order(sim: Sim, http: aiohttp.ClientSession) -> None:
    """By the log, where the frames of one moment belong to one turn."""
    names = [f"{coin}usdt@markPrice@1s" for coin in ("btc", "eth", "sol", "xrp", "doge", "ada", "bnb")]
    async with http.ws_connect(url(sim, "binance", "perp_ws", "/market/stream")) as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
        await heard(socket)
        assert await order(sim, http, kind="garble", how="shuffle", venue="binance", for_s=1_000) == 200
        orders = set()
        for _ in range(5):
            let(sim, 1.0)
            first = (await heard(socket))["stream"]
            rest = [(await heard(socket))["stream"] for _ in names[1:]]
            orders.add((first, *rest))
    assert len(orders) > 1
    assert {frozenset(one) for one in orders} == {frozenset(names)}


async def test_what_is_injected_comes_at_once_on_every_line_it_is_meant_for(
    sim: Sim, http: aiohttp.ClientSession
) -> None:
    lines = {kind: await bitget(sim, http, kind) for kind in ("USDT-FUTURES", "SPOT")}
    for line in lines.values():
        await heard(line)
        await heard(line)
    assert await order(sim, http, kind="inject", venue="bitget", market="perp", payload='{"a":1}', count=2) == 200
    assert await order(sim, http, kind="inject", venue="bitget", payload="00ff", hex=True, opcode=2) == 200
    assert await order(sim, http, kind="inject", venue="bitget", size=20 << 20, fragments=10_000) == 200
    said = [await asyncio.wait_for(lines["USDT-FUTURES"].receive(), 5) for _ in range(4)]
    assert [m.data for m in said[:3]] == ['{"a":1}', '{"a":1}', b"\0\xff"]
    assert len(said[3].data) == 20 << 20
    assert json.loads(said[3].data)
    spot = [await asyncio.wait_for(lines["SPOT"].receive(), 5) for _ in range(2)]
    assert spot[0].data == b"\0\xff"
    for line in lines.values():
        await line.close()
    assert sim.counters["slow clients"] == 0


async def test_skewed_frames_tell_another_time_of_the_event_only(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "binance", "perp_ws", "/market/stream"), max_msg_size=0) as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": [MARKS], "id": 1})
        await heard(socket)
        let(sim, 1.0)
        true = (await heard(socket))["data"][0]
        assert await order(sim, http, kind="skew", venue="binance", delay_s=300.0, for_s=60) == 200
        await heard(socket)
        let(sim, 1.0)
        told = (await heard(socket))["data"][0]
    assert told["E"] - true["E"] == 301_000
    assert told["T"] == true["T"]


async def test_pongs_that_a_zombie_provokes_break_no_limit(live: Sim, http: aiohttp.ClientSession) -> None:
    async with await http.ws_connect(url(live, "okx", "ws", "/ws/v5/public")) as socket:
        assert await order(live, http, kind="zombie", venue="okx", rate=1_000.0, for_s=0.8) == 200
        assert await all_of(socket, 1.2) == []
        assert live.counters["messages in"] > 300
    assert not live.violations


# connections


async def test_so_many_lines_of_a_market_are_dropped_with_code_and_reason(
    sim: Sim, http: aiohttp.ClientSession
) -> None:
    sockets = [await http.ws_connect(url(sim, "bybit", "ws", f"/v5/public/{m}")) for m in ("spot", "linear", "linear")]
    fault = {"kind": "drop", "venue": "bybit", "market": "perp", "code": 1012, "reason": "restart"}
    assert await order(sim, http, **fault, count=1) == 200
    assert await closed(sockets[1]) == (1012, "restart")
    assert await order(sim, http, kind="drop", line="/public/spot") == 200
    assert (await closed(sockets[0]))[0] == 1006
    assert sim.counters["closes"] == 2
    await sockets[2].ping()
    await sockets[2].close()


async def test_flapping_lines_are_closed_after_a_while_again_and_again(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="flap", venue="okx", delay_s=2.0, code=1001, reason="bye", for_s=60) == 200
    for _ in range(2):
        async with http.ws_connect(url(sim, "okx", "ws", "/ws/v5/public")) as socket:
            let(sim, 1.9)
            assert await all_of(socket, 0.15) == []
            let(sim, 0.2)
            assert await closed(socket) == (1001, "bye")


async def test_hanging_handshakes_are_never_answered(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="hang", venue="okx", for_s=5) == 200
    dialled = asyncio.create_task(http.ws_connect(url(sim, "okx", "ws", "/ws/v5/public")))
    await asyncio.sleep(0.1)
    let(sim, 6)
    await asyncio.sleep(0.2)
    assert not dialled.done()
    dialled.cancel()
    socket = await asyncio.wait_for(http.ws_connect(url(sim, "okx", "ws", "/ws/v5/public")), 5)
    await socket.close()


async def test_what_arrives_just_as_a_peer_freezes_waits_too(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "okx", "ws", "/ws/v5/public")) as socket:
        assert await order(sim, http, kind="hold", venue="okx", for_s=5) == 200
        await socket.send_str("ping")  # before the next turn
        assert await all_of(socket, 0.2) == []
        let(sim, 6)
        assert (await asyncio.wait_for(socket.receive(), 5)).data == "pong"


async def test_a_frozen_peer_neither_reads_nor_writes_and_thaws(live: Sim, http: aiohttp.ClientSession) -> None:
    async with await bitget(live, http) as socket:
        await all_of(socket, 0.3)
        assert await order(live, http, kind="hold", venue="bitget", for_s=60) == 200
        dialled = asyncio.create_task(http.ws_connect(url(live, "bitget", "ws", "/v2/ws/public")))
        await all_of(socket, 0.1)
        messages = live.counters["messages in"]
        await socket.send_str("ping")
        await socket.ping()
        assert await all_of(socket, 0.6) == []
        assert not dialled.done()
        assert live.counters["messages in"] == messages
        live.faults.clear()
        thawed = texts(await all_of(socket, 0.6))
        assert "pong" in thawed
        assert any('"data"' in text for text in thawed)
        assert await asyncio.wait_for((await asyncio.wait_for(dialled, 5)).close(), 5)


# the log


async def test_every_data_frame_is_logged_with_line_and_fate(live: Sim, http: aiohttp.ClientSession) -> None:
    assert live.log is None
    async with await bitget(live, http) as socket, await bitget(live, http) as other:
        await all_of(other, 0.2)
        live.log = log = deque[Sent]()
        came = texts(await all_of(socket, 1.0))
        assert await order(live, http, kind="lose", venue="bitget", share=0.5, for_s=60) == 200
        came += texts(await all_of(socket, 1.0))
        live.log = None
    assert [s.number for s in log] == list(range(1, len(log) + 1))
    assert all(s.at_ms >= log[0].at_ms and s.venue == "bitget" and b'"data"' in s.frame for s in log)
    lines = {s.line for s in log}
    assert len(lines) == 2
    mine = [s.frame.decode() for s in log if s.line == min(lines) and s.delivered]
    assert set(mine[:-2]) <= set(came)
    assert len(came) - len(mine) < 20
    assert any(not s.delivered for s in log)
