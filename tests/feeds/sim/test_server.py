import asyncio
import gzip

import aiohttp
import pytest
from aiohttp import WSMsgType

from frmon.errors import ConfigError
from frmon.feeds.sim.frames import framed
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from tests.feeds.sim.dial import closed, heard, let, order, url


async def test_every_venue_has_its_endpoints_of_scheme_host_and_port(sim: Sim) -> None:
    assert {venue: set(urls) for venue, urls in sim.endpoints.items()} == {
        "binance": {"spot_rest", "spot_ws", "perp_rest", "perp_ws"},
        "okx": {"rest", "ws"},
        "bybit": {"rest", "ws"},
        "bitget": {"rest", "ws"},
    }
    for name, address in ((n, a) for urls in sim.endpoints.values() for n, a in urls.items()):
        assert address.startswith("ws://127.0.0.1:" if name.endswith("ws") else "http://127.0.0.1:")
        assert address.count("/") == 2


async def test_acks_and_data_come_over_a_real_socket(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "okx", "ws", "/ws/v5/public")) as socket:
        await socket.send_json({"op": "subscribe", "args": [{"channel": "tickers", "instId": "BTC-USDT"}]})
        assert (await heard(socket))["event"] == "subscribe"
        assert (await heard(socket))["data"][0]["instId"] == "BTC-USDT"
        let(sim, 5.0)
        said = await heard(socket)
        i = sim.world.instruments("okx", "spot")["BTC-USDT"]
        assert float(said["data"][0]["bidPx"]) == i.quote.bid
    assert sim.counters["connects okx"] == 1
    assert sim.counters["messages out"] >= 3


async def test_replies_are_compressed_where_the_client_wants_it(sim: Sim) -> None:
    path = url(sim, "binance", "perp_rest", "/fapi/v1/exchangeInfo")
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        async with http.get(path, headers={"Accept-Encoding": "gzip"}) as packed:
            assert packed.headers["Content-Encoding"] == "gzip"
            small = await packed.read()
        async with http.get(path, headers={"Accept-Encoding": "identity"}) as plain:
            assert gzip.decompress(small) == await plain.read()


async def test_the_weight_of_the_minute_is_told_then_refused_then_banned(sim: Sim, http: aiohttp.ClientSession) -> None:
    path = url(sim, "binance", "spot_rest", "/api/v3/ticker/24hr")
    statuses = []
    for _ in range(82):
        async with http.get(path) as reply:
            statuses.append(reply.status)
            used, wait = reply.headers["X-MBX-USED-WEIGHT-1M"], reply.headers.get("Retry-After")
    assert statuses[:75] == [200] * 75  # 75 x 80 = 6,000
    assert statuses[75:] == [429, 429, 429, 418, 418, 418, 418]
    assert int(used) > 6_000
    assert wait is not None
    assert 100 < int(wait) <= 121
    assert sim.violations["binance: REST weight"] == 7
    let(sim, 70.0)
    async with http.get(path) as reply:
        assert reply.status == 418  # the ban outlasts the minute
    let(sim, 60.0)
    async with http.get(path) as reply:
        assert (reply.status, reply.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "80")


async def test_okx_counts_requests_per_path_in_a_rolling_window(sim: Sim, http: aiohttp.ClientSession) -> None:
    marks = url(sim, "okx", "rest", "/api/v5/public/mark-price?instType=SWAP")
    statuses = []
    for _ in range(11):
        async with http.get(marks) as reply:
            statuses.append(reply.status)
            said = await reply.json()
    assert statuses == [200] * 10 + [429]
    assert said == {"msg": "Too Many Requests", "code": "50011"}
    async with http.get(url(sim, "okx", "rest", "/api/v5/public/time")) as reply:
        assert reply.status == 200
    let(sim, 2.1)
    async with http.get(marks) as reply:
        assert reply.status == 200
    assert sim.violations == {"okx: REST 10 in 2 s *": 1}


async def test_connects_beyond_the_window_are_refused_and_counted(sim: Sim, http: aiohttp.ClientSession) -> None:
    path = url(sim, "okx", "ws", "/ws/v5/public")
    sockets = [await http.ws_connect(path) for _ in range(3)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(path)
    assert refused.value.status == 429
    assert sim.violations == {"okx: connects": 1}
    let(sim, 1.1)
    sockets.append(await http.ws_connect(path))
    for socket in sockets:
        await socket.close()


async def test_too_many_messages_a_second_close_the_line_control_frames_included(
    sim: Sim, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect(url(sim, "binance", "spot_ws", "/stream")) as socket:
        for n in range(3):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": n})
        for _ in range(3):
            await socket.ping()
        assert await closed(socket) == (1008, "Too many requests")
    assert sim.violations == {"binance: messages per second": 1}


async def test_five_messages_a_second_are_fine(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "binance", "spot_ws", "/stream")) as socket:
        for n in range(10):
            if n == 5:
                let(sim, 1.1)
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": n})
            assert await heard(socket) == {"result": [], "id": n}
    assert not sim.violations


async def test_too_long_a_message_closes_the_line(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "okx", "ws", "/ws/v5/public")) as socket:
        await socket.send_str('"' + "x" * 65_600 + '"')
        assert await closed(socket) == (1009, "Message too long")
    assert sim.violations == {"okx: bytes per message": 1}


async def test_the_1025th_stream_is_refused_and_closes(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "binance", "perp_ws", "/market/stream")) as socket:
        names = [f"s{n}@ticker" for n in range(1_025)]
        await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 9})
        assert await heard(socket) == {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 9}
        assert await closed(socket) == (1008, "Invalid request")
    assert sim.violations == {"binance: streams per connection": 1}


async def test_an_idle_okx_line_is_cut(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "okx", "ws", "/ws/v5/public")) as socket:
        let(sim, 31.0)
        assert await closed(socket) == (4004, "No data received in 30s")


async def test_server_pings_come_on_time_and_client_pings_are_answered(sim: Sim, http: aiohttp.ClientSession) -> None:
    path = url(sim, "binance", "spot_ws", "/stream")
    async with http.ws_connect(path, autoping=False) as socket:
        await socket.ping(b"are you there")
        answer = await asyncio.wait_for(socket.receive(), 10)
        assert (answer.type, answer.data) == (WSMsgType.PONG, b"are you there")
        let(sim, 20.5)
        ping = await asyncio.wait_for(socket.receive(), 10)
        assert (ping.type, ping.data.isdigit()) == (WSMsgType.PING, True)


async def test_status_tells_what_was_counted(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.get(url(sim, "okx", "rest", "/api/v5/public/time")) as reply:
        assert reply.status == 200
    assert len(sim.status_urls) == 5
    for address in sim.status_urls:
        async with http.get(address) as reply:
            said = await reply.json()
        assert (said["simulated"], said["seed"], said["scene"], said["violations"]) == (True, 7, "calm", {})
        assert said["counters"]["rest okx /api/v5/public/time"] == 1


async def test_unknown_faults_are_refused(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="earthquake") == 400
    assert await order(sim, http, kind="mute", strength=9) == 400


async def test_rest_faults_last_as_long_as_they_were_ordered(sim: Sim, http: aiohttp.ClientSession) -> None:
    path = url(sim, "okx", "rest", "/api/v5/public/time")
    assert await order(sim, http, kind="rest_status", venue="okx", status=502, match="/public/", for_s=5) == 200
    statuses = []
    for wait in (0.0, 4.9, 0.2):
        let(sim, wait)
        async with http.get(path) as reply:
            statuses.append(reply.status)
    assert statuses == [502, 502, 200]


async def test_frozen_replies_repeat_the_last_one(sim: Sim, http: aiohttp.ClientSession) -> None:
    async def now() -> str:
        async with http.get(url(sim, "okx", "rest", "/api/v5/public/time")) as reply:
            return str((await reply.json())["data"][0]["ts"])

    first = await now()
    assert await order(sim, http, kind="freeze", venue="okx", for_s=60) == 200
    let(sim, 30.0)
    assert await now() == first
    let(sim, 31.0)
    assert await now() != first


async def test_muted_channels_say_nothing_and_others_go_on(sim: Sim, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(url(sim, "binance", "perp_ws", "/market/stream")) as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["!ticker@arr", "!markPrice@arr@1s"], "id": 1})
        await heard(socket)
        assert await order(sim, http, kind="mute", venue="binance", match="!ticker@arr", for_s=1_000) == 200
        streams = set()
        for _ in range(4):
            let(sim, 1.0)
            streams.add((await heard(socket))["stream"])
    assert streams == {"!markPrice@arr@1s"}


async def test_dropped_lines_are_cut_and_refused_ones_do_not_come_back(sim: Sim, http: aiohttp.ClientSession) -> None:
    path = url(sim, "okx", "ws", "/ws/v5/public")
    async with http.ws_connect(path) as socket:
        assert await order(sim, http, kind="drop", venue="okx") == 200
        assert (await closed(socket))[0] == 1006
    assert await order(sim, http, kind="refuse", venue="okx", status=503, for_s=5) == 200
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(path)
    assert refused.value.status == 503


async def test_a_delayed_reply_comes_later(sim: Sim, http: aiohttp.ClientSession) -> None:
    assert await order(sim, http, kind="delay_rest", venue="okx", delay_s=30.0) == 200
    with pytest.raises(TimeoutError):
        await http.get(url(sim, "okx", "rest", "/api/v5/public/time"), timeout=aiohttp.ClientTimeout(total=0.3))


async def test_a_taken_port_is_one_clear_line(sim: Sim) -> None:
    taken = int(sim.endpoints["okx"]["rest"].rsplit(":", 1)[1])
    with pytest.raises(
        ConfigError, match=rf"port {taken} on 127.0.0.1 cannot be opened \(.*\): choose another one$"
    ) as error:
        async with Sim(SimOptions(coins=20, port=taken, venues=("okx",))):
            raise AssertionError("never reached")
    assert isinstance(error.value.__cause__, OSError)


def test_frames_of_all_lengths_have_their_header() -> None:
    assert framed(b"x" * 125)[:2] == b"\x81\x7d"
    assert framed(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert framed(b"x" * 65_536)[:10] == b"\x81\x7f" + (65_536).to_bytes(8, "big")
