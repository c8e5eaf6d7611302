"""Limits of the simulated Bybit and Bitget that the server holds: REST quotas, bans, frame lengths."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import WSMsgType

from frmon.clock import ManualClock
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Sim]:
    async with Sim(SimOptions(coins=60, venues=("bybit", "bitget")), clock) as sim:
        yield sim


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(http: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    async with http.get(url) as answer:
        return answer.status, await answer.read()


async def test_bybit_bans_for_ten_minutes_after_600_requests_in_five_seconds(
    sim: Sim, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    url = sim.endpoints["bybit"]["rest"] + "/v5/market/time"
    assert {(await ask(http, url))[0] for _ in range(600)} == {200}
    assert await ask(http, url) == (403, b"403, access too frequent")
    clock.advance(599)
    assert (await ask(http, url))[0] == 403
    clock.advance(2)
    assert (await ask(http, url))[0] == 200
    assert sim.violations["bybit: REST requests"] == 2


async def test_bitget_answers_429_to_the_21st_request_of_a_second_on_that_path_only(
    sim: Sim, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    base = sim.endpoints["bitget"]["rest"]
    assert {(await ask(http, base + "/api/v2/public/time"))[0] for _ in range(20)} == {200}
    status, body = await ask(http, base + "/api/v2/public/time")
    assert (status, b'"Too Many Requests"' in body) == (429, True)
    assert (await ask(http, base + "/api/v2/spot/market/tickers"))[0] == 200
    clock.advance(1.01)
    assert (await ask(http, base + "/api/v2/public/time"))[0] == 200
    assert dict(sim.violations) == {"bitget: REST 20/s:*": 1}


async def test_bitget_cuts_a_connection_that_sends_more_than_4096_bytes_at_once(
    sim: Sim, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect(sim.endpoints["bitget"]["ws"] + "/v2/ws/public") as line:
        await line.send_str(" " * 4_092 + "ping")
        assert b"30002" in (await line.receive()).data.encode()
        await line.send_str("币" * 1_366)
        assert (await line.receive()).type in (WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR)
    assert dict(sim.violations) == {"bitget: bytes per message": 1}


@pytest.mark.parametrize("venue", ["bybit", "bitget"])
async def test_unknown_paths_are_refused_on_both_doors(sim: Sim, http: aiohttp.ClientSession, venue: str) -> None:
    assert (await ask(http, sim.endpoints[venue]["rest"] + "/nope"))[0] == 404
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await http.ws_connect(sim.endpoints[venue]["ws"] + "/nope")
