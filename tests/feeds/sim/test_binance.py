from typing import Any

import pytest

from frmon.feeds.sim.dialects import Close, Ping, Reply
from frmon.feeds.sim.dialects.binance import PERP, SPOT
from tests.feeds.sim.stage import Client, Stage


@pytest.fixture
def spot() -> Stage:
    return Stage(SPOT)


@pytest.fixture
def perp() -> Stage:
    return Stage(PERP)


def subscribe(client: Client, *streams: str) -> list[Any]:
    return client.send({"method": "SUBSCRIBE", "params": list(streams), "id": 5})


def test_everything_is_acknowledged_and_what_does_not_exist_stays_silent(perp: Stage) -> None:
    client = perp.connect("/market/stream")
    asked = ("BTCUSDT@ticker", "nopeusdt@ticker", "btcusdt@nope", "!nope@arr")
    assert subscribe(client, *asked) == [{"result": None, "id": 5}]
    assert client.wait(5.0) == []


def test_market_streams_are_silent_on_other_paths(perp: Stage) -> None:
    for path in ("/public/stream", "/stream"):
        client = perp.connect(path)
        subscribe(client, "!markPrice@arr@1s", "!ticker@arr", "btcusdt@bookTicker")
        assert {said["stream"] for said in client.wait(3.0)} == {"btcusdt@bookTicker"}


def test_raw_paths_have_no_envelope(perp: Stage) -> None:
    client = perp.connect("/market/ws/!ticker@arr")
    assert all(isinstance(said, list) for said in client.wait(3.0))


def test_unknown_paths_and_commas_are_refused(perp: Stage) -> None:
    for path, streams in (("/nope", ""), ("/market/stream", "a@ticker,b@ticker")):
        assert isinstance(PERP.connect(perp, path, {"streams": streams}, perp.now_ms), Reply)


def test_spot_tickers_come_at_most_once_a_second_and_only_when_changed(spot: Stage) -> None:
    client = spot.connect("/stream")
    rows = spot.rows("spot")
    subscribe(client, *(f"{i.symbol.lower()}@ticker" for i in rows))
    said = client.wait(10.0)
    times = [s["data"]["E"] for s in said if s["data"]["s"] == "BTCUSDT"]
    assert 8 <= len(times) <= 11
    assert len(said) < 10 * len(rows)


def test_futures_books_come_every_five_seconds_per_symbol(perp: Stage) -> None:
    client = perp.connect("/public/stream")
    subscribe(client, "!bookTicker")
    said = [s["data"] for s in client.wait(30.0)]
    assert 5 <= sum(s["s"] == "BTCUSDT" for s in said) <= 7
    assert {s["st"] for s in said} == {1, 2}


def test_marks_come_in_two_frames_a_second_and_say_what_has_no_funding(perp: Stage) -> None:
    client = perp.connect("/market/stream")
    subscribe(client, "!markPrice@arr@1s")
    coins, shares = [s["data"] for s in client.wait(1.0)]
    assert {"BTCUSDT", "BTCUSD_PERP"} <= {row["s"] for row in coins}
    assert "XAUUSDT" in {row["s"] for row in shares}
    assert any(row["T"] == 0 for row in coins)


def test_the_1025th_stream_ends_the_line(perp: Stage) -> None:
    client = perp.connect("/market/stream")
    names = [f"s{n}@ticker" for n in range(1_025)]
    assert subscribe(client, *names[:1_024]) == [{"result": None, "id": 5}]
    refusal, close = subscribe(client, names[-1])
    assert refusal == {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 5}
    assert close == Close(1008, "Invalid request")
    assert perp.violations == {"streams per connection": 1}


def test_the_server_pings_and_cuts_who_never_answers(spot: Stage) -> None:
    client, quiet = spot.connect("/stream"), spot.connect("/stream")
    for _ in range(6):
        said = client.wait(20.1, 0.1)
        assert any(isinstance(s, Ping) for s in said)
        client.session.pong(spot.now_ms)
    assert Close(1006, "no pong") in quiet.hear()
    assert not any(isinstance(s, Close) for s in client.hear())


def test_a_new_contract_is_announced() -> None:
    stage = Stage(PERP, scene="listing")
    client = stage.connect("/market/stream")
    subscribe(client, "!contractInfo")
    said = client.wait(22.0, 0.1)
    assert [s["data"]["e"] for s in said] == ["contractInfo"] * len(said)
    assert said


def test_unsubscribed_streams_end(spot: Stage) -> None:
    client = spot.connect("/stream")
    subscribe(client, "btcusdt@bookTicker")
    assert client.wait(2.0)
    client.send({"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 6})
    assert client.wait(2.0) == []


def test_the_book_reply_can_be_of_trading_symbols_only(spot: Stage) -> None:
    every = {row["symbol"] for row in spot.get("/api/v3/ticker/bookTicker")}
    trading = {row["symbol"] for row in spot.get("/api/v3/ticker/bookTicker", symbolStatus="TRADING")}
    assert trading < every


def test_not_json_is_told_so(spot: Stage) -> None:
    assert spot.connect("/ws").send("nonsense")[0]["error"]["code"] == 3
