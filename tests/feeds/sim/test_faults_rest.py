import asyncio
import json

import aiohttp
import pytest

from frmon.feeds.sim.server import Sim
from tests.feeds.sim.dial import let, order, url
from tests.leaping import clock_here

TICKERS = "/v5/market/tickers?category=linear"
SPOT = "/v5/market/tickers?category=spot"


def at(sim: Sim, path: str = TICKERS, venue: str = "bybit") -> str:
    return url(sim, venue, "rest", path)


async def said_at(http: aiohttp.ClientSession, address: str) -> int:
    """The venue's time in an answer."""
    async with http.get(address) as reply:
        return int((await reply.json())["time"])


async def test_a_refused_request_has_status_headers_and_payload_on_its_market_only(
    sim: Sim, http: aiohttp.ClientSession
) -> None:
    fault = {"status": 429, "headers": {"Retry-After": "7"}, "payload": '{"code":-1003}'}
    assert await order(sim, http, kind="rest_status", venue="bybit", market="perp", **fault) == 200
    async with http.get(at(sim)) as reply:
        assert (reply.status, reply.headers["Retry-After"], await reply.read()) == (429, "7", b'{"code":-1003}')
    async with http.get(at(sim, SPOT)) as reply:
        assert reply.status == 200


async def test_a_refused_handshake_has_status_headers_and_payload(sim: Sim, http: aiohttp.ClientSession) -> None:
    fault = {"status": 418, "headers": {"Retry-After": "120"}, "payload": "banned"}
    assert await order(sim, http, kind="refuse", venue="bybit", line="/linear", **fault) == 200
    ask = {"Upgrade": "websocket", "Connection": "Upgrade"}
    address = url(sim, "bybit", "ws", "/v5/public/linear").replace("ws://", "http://")
    async with http.get(address, headers=ask) as reply:
        assert (reply.status, reply.headers["Retry-After"], await reply.text()) == (418, "120", "banned")
    socket = await http.ws_connect(url(sim, "bybit", "ws", "/v5/public/spot"))
    await socket.close()


async def test_spoilt_bodies_reach_the_client(sim: Sim, http: aiohttp.ClientSession) -> None:
    async def body(how: str) -> tuple[int, str, bytes]:
        sim.faults.clear()
        assert await order(sim, http, kind="rest_body", how=how, match="tickers") == 200
        async with http.get(at(sim)) as reply:
            return reply.status, reply.content_type, await reply.read()

    async with http.get(at(sim)) as reply:
        whole = len((await reply.json())["result"]["list"])
    assert (await body("html"))[:2] == (200, "text/html")
    assert (await body("empty"))[::2] == (204, b"")
    assert (await body("mime"))[:2] == (200, "text/html")
    with pytest.raises(json.JSONDecodeError):
        json.loads((await body("truncated"))[2])
    assert json.loads((await body("none"))[2])["result"]["list"] == []
    assert len(json.loads((await body("half"))[2])["result"]["list"]) == whole // 2
    assert len(json.loads((await body("malformed"))[2])["result"]["list"]) == whole
    assert len((await body("bomb"))[2]) > 200 << 20
    assert len((await body("huge"))[2]) > 50_000_000
    async with http.get(at(sim, "/v5/market/time")) as reply:
        assert (await reply.json())["retCode"] == 0


async def test_a_dripping_body_comes_one_byte_a_second(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="rest_body", how="drip", venue="bybit") == 200
    started = clock_here().mono()
    async with http.get(at(sim, "/v5/market/time")) as reply:
        assert await reply.content.readexactly(2) == b'{"'
        assert 0.9 < clock_here().mono() - started < 1.1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reply.content.readexactly(8), 0.5)


async def test_late_answers_state_what_was_true_then(sim: Sim, http: aiohttp.ClientSession) -> None:
    first = await said_at(http, at(sim))
    assert await order(sim, http, kind="late_rest", venue="bybit", delay_s=8.0, for_s=60) == 200
    told = []
    for _ in range(24):
        let(sim, 1.0)
        await asyncio.sleep(0.06)  # the simulator notes what is true
        told.append(await said_at(http, at(sim)) - first)
    assert told[7] == 0
    assert all(0 <= (n + 1) * 1_000 - 8_000 - ms <= 2_000 for n, ms in enumerate(told) if n > 8)
    let(sim, 60)
    assert await said_at(http, at(sim)) - first == 84_000


async def test_skewed_replies_tell_another_time(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="skew", venue="bybit", delay_s=-300.0) == 200
    async with http.get(at(sim, "/v5/market/time")) as reply:
        said = await reply.json()
    assert said["time"] == sim.now_ms() - 300_000
    assert int(said["result"]["timeSecond"]) == said["time"] // 1000
    async with http.get(url(sim, "okx", "rest", "/api/v5/public/time")) as reply:
        assert int((await reply.json())["data"][0]["ts"]) == sim.now_ms()


async def test_a_frozen_peer_answers_no_request_until_it_thaws(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="hold", venue="bybit", for_s=30) == 200
    waiting = asyncio.create_task(said_at(http, at(sim)))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    let(sim, 31)
    assert await asyncio.wait_for(waiting, 5) == sim.now_ms()


async def test_requests_of_a_failing_venue_still_cost(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="rest_status", venue="okx", status=503) == 200
    for _ in range(11):
        async with http.get(url(sim, "okx", "rest", "/api/v5/public/mark-price?instType=SWAP")) as reply:
            assert reply.status == 503
    assert sim.violations == {"okx: REST 10 in 2 s *": 1}


async def test_late_answers_need_no_requests_in_between(sim: Sim, http: aiohttp.ClientSession) -> None:
    first = await said_at(http, at(sim))
    assert await order(sim, http, kind="late_rest", venue="bybit", delay_s=8.0, for_s=60) == 200
    for _ in range(20):
        let(sim, 1.0)
        await asyncio.sleep(0.06)
    assert 10_000 <= await said_at(http, at(sim)) - first <= 12_000
