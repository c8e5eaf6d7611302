"""What venues announce and refuse, in their own words."""

from typing import Any

import aiohttp
import pytest

from frmon.feeds.sim.dialects import Dialect, all_dialects
from frmon.feeds.sim.fates import Fates
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.sim.turns import Turn
from tests.feeds.sim.stage import Stage
from tests.leaping import clock_here

PATHS = {
    "binance spot": "/stream", "binance perp": "/public/stream", "okx": "/ws/v5/public", "bybit": "/v5/public/linear",
    "bitget": "/v2/ws/public",
}  # fmt: skip


def _dialect(name: str) -> Dialect:
    return next(d for d in all_dialects() if d.name == name)


def _asked(name: str, symbols: list[str]) -> dict[str, Any]:
    """A subscription to these symbols."""
    if name == "bybit":
        return {"op": "subscribe", "args": [f"tickers.{s}" for s in symbols], "req_id": "1"}
    if name == "okx":
        return {"op": "subscribe", "args": [{"channel": "tickers", "instId": s} for s in symbols]}
    if name == "bitget":
        args = [{"instType": "USDT-FUTURES", "channel": "ticker", "instId": s} for s in symbols]
        return {"op": "subscribe", "args": args}
    return {"method": "SUBSCRIBE", "params": [f"{s.lower()}@bookTicker" for s in symbols], "id": 1}


@pytest.mark.parametrize("name", PATHS)
def test_a_refused_symbol_is_refused_in_the_venues_style(name: str) -> None:
    stage = Stage(_dialect(name))
    market = "spot" if name == "binance spot" else "perp"
    good, bad = [i.symbol for i in stage.rows(market)][:2]
    stage.refused = {bad}
    client = stage.connect(PATHS[name])
    said = client.send(_asked(name, [good, bad])) + client.wait(5.0)
    text = str(said)
    if name == "bybit":
        assert said[0]["success"] is False
        assert said[0]["ret_msg"] == f"error:handler not found,topic:tickers.{bad}"
        assert len(said) == 1
    elif name == "okx":
        assert [s["code"] for s in said if s.get("event") == "error"] == ["60018"]
        assert f"'instId': '{good}', 'last'" in text
    elif name == "bitget":
        assert [s["code"] for s in said if s.get("event") == "error"] == [30001]
        assert f"'instId': '{good}', 'lastPr'" in text
    else:
        assert said[0] == {"result": None, "id": 1}
        assert f"'s': '{good}'" in text
        assert f"'s': '{bad}'" not in text
    assert f"'instId': '{bad}', 'last'" not in text


def test_bybit_refuses_a_whole_request_for_a_topic_that_it_has_already() -> None:
    stage = Stage(_dialect("bybit"))
    first, second = [i.symbol for i in stage.rows("perp")][:2]
    client = stage.connect(PATHS["bybit"])
    client.send(_asked("bybit", [first]))
    said = client.send(_asked("bybit", [second, first]))
    assert (said[0]["success"], said[0]["ret_msg"]) == (False, f"error:already subscribed,topic:tickers.{first}")
    assert second not in str(client.wait(2.0))


SHUTDOWNS: dict[str, Any] = {
    "binance spot": lambda said: said[0]["data"]["e"] == "serverShutdown",
    "binance perp": lambda said: said == [],
    "okx": lambda said: (said[0]["event"], said[0]["code"]) == ("notice", "64008"),
    "bybit": lambda said: said == [],
    "bitget": lambda said: (said[0]["code"], said[0]["msg"]) == ("30033", "upgrade"),
}


@pytest.mark.parametrize("name", PATHS)
async def test_the_end_of_a_line_is_announced_where_the_venue_does_so_and_comes(name: str) -> None:
    async with (
        Sim(SimOptions(coins=40, venues=(name.split(maxsplit=1)[0],)), clock_here()) as sim,
        aiohttp.ClientSession() as http,
    ):
        port = next(p for p in sim.ports if p.dialect.name == name)
        url = next(u for key, u in sim.endpoints[port.dialect.venue].items() if key.endswith("ws"))
        if name == "binance spot":
            url = sim.endpoints["binance"]["spot_ws"]
        elif name == "binance perp":
            url = sim.endpoints["binance"]["perp_ws"]
        async with http.ws_connect(url + PATHS[name]) as line:
            sim.fault(Fault(kind="notice", how="shutdown", delay_s=0.3, code=1001))
            said = []
            while (message := await line.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                said.append(message.json())
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)
            assert SHUTDOWNS[name](said)


def test_okx_pushes_what_changes_on_its_lists() -> None:
    stage = Stage(_dialect("okx"))
    fates = Fates(stage.world)
    client = stage.connect(PATHS["okx"])
    client.send({"op": "subscribe", "args": [{"channel": "instruments", "instType": "SWAP"}]})
    symbol = stage.rows("perp")[2].symbol
    pushed = []
    for kind in ("halt", "resume", "delist", "list"):
        fates.add(Turn(kind=kind, venue="okx", market="perp", symbol=symbol), stage.now_ms)
        rows = [r for said in client.wait(6.0) for r in said["data"]]
        pushed.append([r["state"] for r in rows if r["instId"] == symbol])
    assert pushed == [["suspend"], ["live"], ["expired"], ["live"]]


def test_a_maintenance_rests_everything_and_ends() -> None:
    words = {"binance spot": "BREAK", "okx": "suspend"}
    for name, path, query in (
        ("binance spot", "/api/v3/exchangeInfo", {}),
        ("okx", "/api/v5/public/instruments", {"instType": "SWAP"}),
        ("bitget", "/api/v2/mix/market/contracts", {"productType": "USDT-FUTURES"}),
    ):
        stage = Stage(_dialect(name))
        fates = Fates(stage.world)
        fates.rest(stage.dialect.venue, 10.0, stage.now_ms)
        told = stage.get(path, **query)
        if name == "bitget":
            assert (told["code"], told["data"]) == ("45001", None)
        else:
            rows = told.get("symbols") or told["data"]
            states = {r.get("status") or r.get("state") for r in rows}
            assert words[name] in states
            assert not states & {"TRADING", "live"}
        stage.clock.advance(10.0)
        stage.world.advance(stage.now_ms)
        fates.live(stage.now_ms)
        assert len(stage.rows("spot")) > 10
        assert "45001" not in str(stage.get(path, **query))


async def test_lines_end_after_their_lifetime() -> None:
    options = SimOptions(coins=40, venues=("bybit",), lifetime_s=0.2)
    async with (
        Sim(options, clock_here()) as sim,
        aiohttp.ClientSession() as http,
        http.ws_connect(sim.endpoints["bybit"]["ws"] + PATHS["bybit"]) as line,
    ):
        await line.receive(timeout=5)
        assert line.close_code == 1001


async def test_turns_are_ordered_over_http_and_bad_ones_refused_with_a_reason() -> None:
    async with Sim(SimOptions(coins=40, venues=("bybit",)), clock_here()) as sim, aiohttp.ClientSession() as http:
        url = sim.endpoints["bybit"]["rest"] + "/_sim/turn"
        order = {"kind": "halt", "venue": "bybit", "market": "perp", "symbol": "BTCUSDT"}
        async with http.post(url, json=order) as answer:
            assert answer.status == 200
        assert sim.world.instruments("bybit", "perp")["BTCUSDT"].state == "halted"
        for bad, why in (({"symbol": "NOPE"}, "not listed"), ({"kind": "explode"}, "kind"), ({"colour": 1}, "colour")):
            async with http.post(url, json=order | bad) as answer:
                assert answer.status == 400
                assert why in (await answer.json())["error"]


def test_an_unrouted_futures_line_opens_and_says_nothing_of_the_market() -> None:
    stage = Stage(_dialect("binance perp"))
    client = stage.connect("/stream")
    assert client.send({"method": "SUBSCRIBE", "params": ["!markPrice@arr@1s"], "id": 1}) == [{"result": None, "id": 1}]
    assert client.wait(5.0) == []
