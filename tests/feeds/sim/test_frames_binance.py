"""Everything the simulated Binance says has the keys and types of what the venue says."""

import json
from typing import Any

import pytest

from frmon.feeds.sim.dialects.binance import PERP, SPOT
from tests.feeds.sim.likeness import FRAMES, differences, frame
from tests.feeds.sim.stage import Stage

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FRAMES.is_dir(), reason="the real frames are not beside this checkout"),
]


@pytest.fixture(scope="module")
def spot() -> Stage:
    return Stage(SPOT)


@pytest.fixture(scope="module")
def perp() -> Stage:
    return Stage(PERP)


def real(name: str) -> Any:
    return frame("binance", name)


def hear(stage: Stage, path: str, streams: list[str], seconds: float = 7.0) -> dict[str, list[Any]]:
    """What came on a combined line, by stream."""
    client = stage.connect(path)
    assert client.send({"method": "SUBSCRIBE", "params": streams, "id": 1}) == [{"result": None, "id": 1}]
    heard: dict[str, list[Any]] = {}
    for said in client.wait(seconds):
        heard.setdefault(said["stream"], []).append(said)
    return heard


def test_futures_list(perp: Stage) -> None:
    recorded, made = real("um_rest_exchangeInfo.json"), perp.get("/fapi/v1/exchangeInfo")
    kinds = {f["filterType"]: f for row in recorded["symbols"] for f in row["filters"]}
    for row in made["symbols"]:
        for one in row.pop("filters"):
            assert differences(kinds[one["filterType"]], one) == []
    for row in recorded["symbols"]:
        del row["filters"]
    assert len(made["symbols"]) > 60
    assert differences(recorded, made) == []


@pytest.mark.parametrize("path", ["premiumIndex", "ticker/24hr"])
def test_futures_rows(perp: Stage, path: str) -> None:
    recorded = real("um_rest_" + path.replace("/", "_") + ".json")
    assert len(perp.get("/fapi/v1/" + path)) > 50
    assert differences(recorded, perp.get("/fapi/v1/" + path)) == []


def test_funding_intervals(perp: Stage) -> None:
    dated, undated = real("um_rest_fundingInfo.json")[0], real("um_rest_fundingInfo.json")[2]
    rows = perp.get("/fapi/v1/fundingInfo")
    assert {type(row["updateTime"]) for row in rows} == {int, type(None)}
    for row in rows:
        assert differences(undated if row["updateTime"] is None else dated, row) == []


def test_past_funding(perp: Stage) -> None:
    assert differences(real("um_rest_fundingRate.json"), perp.get("/fapi/v1/fundingRate", symbol="BTCUSDT")) == []


def test_a_refused_symbol(perp: Stage) -> None:
    said = perp.reply("/fapi/v1/ticker/bookTicker", symbol="NOPE")
    assert said.status == 400
    assert json.loads(said.body) == real("rest_errors.json")["400_unknown_symbol"]


def test_too_much_weight() -> None:
    said = PERP.quotas[0].refuse(12.0)
    assert (said.status, said.headers["Retry-After"]) == (429, "13")
    assert differences(real("rest_errors.json")["429"], json.loads(said.body)) == []


def test_spot_list_has_all_that_the_recorded_one_had(spot: Stage) -> None:
    recorded = real("spot_rest_exchangeInfo_recorded_2021_120usdt.json")
    made = spot.get("/api/v3/exchangeInfo")
    assert made.keys() == recorded.keys()
    for row in made["symbols"]:
        assert recorded["symbols"][0].keys() <= row.keys()


def test_futures_books(perp: Stage) -> None:
    recorded = real("um_ws_btcusdt_bookTicker.json")
    heard = hear(perp, "/public/stream", ["btcusdt@bookTicker", "!bookTicker"])
    assert len(heard) == 2
    for said in [s for stream in heard.values() for s in stream]:
        assert differences(recorded, said) == []


def test_futures_arrays(perp: Stage) -> None:
    heard = hear(perp, "/market/stream", ["!ticker@arr", "!markPrice@arr@1s", "btcusdt@ticker", "btcusdt@markPrice@1s"])
    for stream, name in {
        "!ticker@arr": "um_ws_all_ticker_arr.json",
        "!markPrice@arr@1s": "um_ws_all_markPrice_arr_1s_tradfi_frame.json",
        "btcusdt@ticker": "um_ws_btcusdt_ticker.json",
        "btcusdt@markPrice@1s": "um_ws_btcusdt_markPrice_1s.json",
    }.items():
        assert len(heard[stream]) >= 5
        assert [d for said in heard[stream] for d in differences(real(name), said)] == []


def test_spot_minis(spot: Stage) -> None:
    (recorded, _) = real("spot_ws_btcusdt_miniTicker_2026.json")
    heard = hear(spot, "/stream", ["btcusdt@miniTicker", "!miniTicker@arr"])
    assert differences([recorded], [said["data"] for said in heard["btcusdt@miniTicker"]]) == []
    for said in heard["!miniTicker@arr"]:
        assert differences([recorded], said["data"]) == []


def test_spot_books(spot: Stage) -> None:
    lines = (FRAMES / "binance/frames/spot_ws_bookTicker_recorded_2021.txt").read_text().splitlines()
    recorded = json.loads(lines[1].split(": ", 1)[1])
    for said in hear(spot, "/stream", ["btcusdt@bookTicker"])["btcusdt@bookTicker"]:
        assert differences(recorded, said) == []


def test_control_frames(perp: Stage) -> None:
    recorded = real("ws_control_frames.json")
    client = perp.connect("/market/ws")
    assert client.send(recorded["subscribe"]) == [recorded["ack"]]
    assert differences(recorded["list_reply"], client.send(recorded["list"])[0]) == []
    assert client.send({"method": "NOT_A_METHOD", "id": 2}) == [recorded["spot_error_unknown_method"]]
    names = [f"s{n}@ticker" for n in range(1_025)]
    assert client.send({"method": "SUBSCRIBE", "params": names, "id": 9})[0] == recorded["um_error_too_many_streams"]
