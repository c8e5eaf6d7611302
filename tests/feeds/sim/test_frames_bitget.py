"""Everything the simulated Bitget says has the keys and types of what the venue says."""

import json
from typing import Any

import pytest

from frmon.feeds.sim.dialects.bitget import BITGET
from tests.feeds.sim.likeness import FRAMES, differences, frame
from tests.feeds.sim.stage import Client, Stage

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FRAMES.is_dir(), reason="the real frames are not beside this checkout"),
]
MIX, SPOT = "/api/v2/mix/market/", "/api/v2/spot/"
FUTURES = "USDT-FUTURES"


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(BITGET)


def real(name: str) -> Any:
    return frame("bitget", name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("rest_v2_time.json", "/api/v2/public/time"),
        ("rest_v2_spot_symbols.json", SPOT + "public/symbols"),
        ("rest_v2_spot_tickers.json", SPOT + "market/tickers"),
        ("rest_v2_mix_contracts.json", MIX + "contracts"),
        ("rest_v2_mix_tickers.json", MIX + "tickers"),
    ],
)
def test_replies(stage: Stage, name: str, path: str) -> None:
    made = stage.get(path, productType=FUTURES)
    assert made["data"]
    assert differences(real(name), made) == []


def test_funding_of_what_trades(stage: Stage) -> None:
    made = stage.get(MIX + "current-fund-rate", productType=FUTURES)
    listed = {i.symbol for i in stage.rows("perp")}
    made["data"] = [row for row in made["data"] if row["symbol"] in listed]
    assert made["data"]
    assert differences(real("rest_v2_mix_current_fund_rate.json"), made) == []


def test_funding_of_what_is_to_come_differs_by_absent_caps_only(stage: Stage) -> None:
    made = stage.get(MIX + "current-fund-rate", productType=FUTURES)
    (row,) = real("rest_v2_mix_current_fund_rate.json")["data"]
    coming = [one for one in made["data"] if one["maxFundingRate"] is None]
    assert coming
    for one in coming:
        assert [d.split(":")[0] for d in sorted(differences(row, one))] == ["$.maxFundingRate", "$.minFundingRate"]


def test_past_funding(stage: Stage) -> None:
    i = next(i for i in stage.rows("perp") if i.funding_h)
    made = stage.get(MIX + "history-fund-rate", productType=FUTURES, symbol=i.symbol)
    assert differences(real("rest_v2_mix_history_fund_rate.json"), made) == []


def test_refusals(stage: Stage) -> None:
    errors = real("rest_errors.json")
    unknown = stage.get(MIX + "tickers", productType=FUTURES, symbol="NOPEUSDT")
    assert differences(errors["http_400_bad_symbol_v2"], unknown) == []
    assert (unknown["code"], unknown["msg"]) == ("40034", errors["http_400_bad_symbol_v2"]["msg"])
    product = stage.get(MIX + "tickers", productType="NOPE-FUTURES")
    assert (product["code"], product["msg"]) == ("40019", errors["http_400_bad_product_v2"]["msg"])


def test_the_answer_to_too_many_requests() -> None:
    made = json.loads(BITGET.quotas[0].refuse(1.0).body)
    assert differences(real("rest_errors.json")["http_429"], made) == []
    assert made["msg"] == "Too Many Requests"


@pytest.mark.parametrize(
    ("market", "inst_type", "name"),
    [("perp", FUTURES, "ws_v2_futures_ticker.json"), ("spot", "SPOT", "ws_v2_spot_ticker.json")],
)
def test_tickers(stage: Stage, market: str, inst_type: str, name: str) -> None:
    client: Client = stage.connect("/v2/ws/public")
    args = [{"instType": inst_type, "channel": "ticker", "instId": i.symbol} for i in stage.rows(market)[:50]]
    made = client.send({"op": "subscribe", "args": args})[len(args) :] + client.wait(1.0)
    assert len(made) > len(args)
    for ticker in made:
        assert differences(real(name), ticker) == []
        assert list(ticker) == list(real(name))
        assert list(ticker["data"][0]) == list(real(name)["data"][0])


def test_acks_and_errors(stage: Stage) -> None:
    ack, unknown, channel, fast, faster, op, _ = real("ws_v2_acks_and_errors.json")
    client: Client = stage.connect("/v2/ws/public")
    arg = {"instType": "SPOT", "channel": "ticker", "instId": "BTCUSDT"}
    assert differences(ack, client.send({"op": "subscribe", "args": [arg]})[0]) == []
    assert differences(unknown, client.send({"op": "subscribe", "args": [arg | {"instId": "NOPEUSDT"}]})[0]) == []
    assert client.send({"op": "subscribe", "args": [channel["arg"]]}) == [channel]
    assert client.send('{"op":"ping"}') == [op]
    for _ in range(6):
        client.send("ping")
    assert client.send("ping") == [fast]
    assert client.send("ping")[0] == faster
