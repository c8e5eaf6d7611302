"""Everything the simulated Bybit says has the keys and types of what the venue says."""

from typing import Any

import pytest

from frmon.feeds.sim.dialects.bybit import BYBIT, envelope
from tests.feeds.sim.likeness import FRAMES, differences, frame
from tests.feeds.sim.stage import Stage

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FRAMES.is_dir(), reason="the real frames are not beside this checkout"),
]
INFO, TICKERS = "/v5/market/instruments-info", "/v5/market/tickers"


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(BYBIT)


def real(name: str) -> Any:
    return frame("bybit", name)


def hear(stage: Stage, path: str, topics: list[str], seconds: float = 0.0) -> list[Any]:
    client = stage.connect(path)
    said = client.send({"req_id": "s1", "op": "subscribe", "args": topics})
    return said + client.wait(seconds)


def test_server_time(stage: Stage) -> None:
    assert differences(real("rest_server_time.json"), stage.get("/v5/market/time")) == []


@pytest.mark.parametrize("category", ["linear", "spot"])
def test_instruments(stage: Stage, category: str) -> None:
    made = stage.get(INFO, category=category, limit="1000")
    assert len(made["result"]["list"]) > 50
    assert differences(real(f"rest_instruments_{category}_full_row.json"), made) == []


def test_instruments_to_come(stage: Stage) -> None:
    made = stage.get(INFO, category="linear", status="PreLaunch")
    assert made["result"]["list"]
    assert differences(real("rest_instruments_linear_prelaunch.json"), made) == []


@pytest.mark.parametrize(("category", "name"), [("linear", "linear_btc"), ("spot", "spot_2023")])
def test_tickers(stage: Stage, category: str, name: str) -> None:
    made = stage.get(TICKERS, category=category)
    assert len(made["result"]["list"]) > 50
    assert differences(real(f"rest_tickers_{name}.json"), made) == []


def test_funding_history(stage: Stage) -> None:
    i = next(i for i in stage.rows("perp") if i.funding_h)
    made = stage.get("/v5/market/funding/history", category="linear", symbol=i.symbol)
    assert made["result"]["list"]
    assert differences(real("rest_funding_history.json"), made) == []


def test_refusals(stage: Stage) -> None:
    assert differences(real("rest_error_10006.json"), stage.get(TICKERS, category="nope")) == []
    assert envelope({}, 1, 10006, "Too many visits!").body.startswith(b'{"retCode":10006,')


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("normal", "ws_linear_ticker_snapshot.json"),
        ("usdc", "ws_linear_ticker_snapshot.json"),
        ("tradfi", "ws_linear_ticker_snapshot.json"),
        ("dated", "ws_linear_ticker_snapshot_dated_future.json"),
    ],
)
def test_linear_ticker_snapshots(stage: Stage, kind: str, name: str) -> None:
    made = hear(stage, "/v5/public/linear", [f"tickers.{i.symbol}" for i in stage.rows("perp", kind)])[1:]
    assert made
    for snapshot in made:
        assert differences(real(name), snapshot) == []
        assert list(snapshot) == list(real(name))
        assert list(snapshot["data"]) == list(real(name)["data"])


def test_linear_ticker_deltas(stage: Stage) -> None:
    whole = real("ws_linear_ticker_snapshot.json")
    topics = [f"tickers.{i.symbol}" for i in stage.rows("perp")]
    deltas = [said for said in hear(stage, "/v5/public/linear", topics, 10.0) if said.get("type") == "delta"]
    assert len(deltas) > 100
    for delta in deltas:
        assert list(delta) == list(whole)
        assert next(iter(delta["data"])) == "symbol"
        assert differences(whole["data"], delta["data"], partial=True) == []


@pytest.mark.parametrize("name", ["bbo", "index_only", "mark_oi", "one_side"])
def test_real_deltas_are_parts_of_our_snapshots(stage: Stage, name: str) -> None:
    (made,) = hear(stage, "/v5/public/linear", [f"tickers.{stage.rows('perp')[0].symbol}"])[1:]
    assert differences(made, real(f"ws_linear_ticker_delta_{name}.json"), partial=True) == []


def test_spot_tickers(stage: Stage) -> None:
    for made in hear(stage, "/v5/public/spot", [f"tickers.{i.symbol}" for i in stage.rows("spot")[:10]], 3.0)[1:]:
        assert differences(real("ws_spot_ticker.json"), made) == []
        assert list(made) == list(real("ws_spot_ticker.json"))


@pytest.mark.parametrize(("path", "market"), [("linear", "perp"), ("spot", "spot")])
def test_books(stage: Stage, path: str, market: str) -> None:
    whole = real("ws_linear_orderbook1.json")
    topics = [f"orderbook.1.{i.symbol}" for i in stage.rows(market)[:10]]
    made = hear(stage, f"/v5/public/{path}", topics, 4.0)[1:]
    assert len(made) > 10
    for book in made:
        assert differences(whole, book) == []
        assert list(book) == list(whole)


def test_acks_and_pongs(stage: Stage) -> None:
    linear_ack, pong, spot_ack = real("ws_acks_and_pongs.json")
    assert differences(linear_ack, hear(stage, "/v5/public/linear", ["tickers.BTCUSDT"])[0]) == []
    client = stage.connect("/v5/public/spot")
    assert differences(spot_ack, client.send({"op": "subscribe", "args": ["tickers.BTCUSDT"]})[0]) == []
    assert differences(pong, client.send({"req_id": "p1", "op": "ping"})[0]) == []


def test_errors(stage: Stage) -> None:
    unknown, again, too_many = real("ws_errors.json")
    assert differences(unknown, hear(stage, "/v5/public/linear", ["tickers.NOPEUSDT"])[0]) == []
    assert differences(again, hear(stage, "/v5/public/linear", ["tickers.BTCUSDT"] * 2)[0]) == []
    client = stage.connect("/v5/public/spot")
    assert differences(too_many, client.send({"op": "subscribe", "args": ["tickers.BTCUSDT"] * 11})[0]) == []
