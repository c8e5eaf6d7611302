"""Everything the simulated OKX says has the keys and types of what the venue says."""

import json
from typing import Any

import pytest

from frmon.feeds.sim.dialects.okx import DIALECTS
from tests.feeds.sim.likeness import FRAMES, differences, frame
from tests.feeds.sim.stage import Stage

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FRAMES.is_dir(), reason="the real frames are not beside this checkout"),
]
WS = "/ws/v5/public"


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(DIALECTS[0])


def real(name: str) -> Any:
    return frame("okx", name)


def ask(stage: Stage, *args: dict[str, str]) -> list[Any]:
    return stage.connect(WS).send({"op": "subscribe", "args": list(args)})


@pytest.mark.parametrize("inst_type", ["SPOT", "SWAP"])
def test_instruments(stage: Stage, inst_type: str) -> None:
    made = stage.get("/api/v5/public/instruments", instType=inst_type)
    assert len(made["data"]) > 25
    assert differences(real(f"rest_instruments_{inst_type}.json"), made) == []


def test_tickers_have_the_field_set_of_the_channel(stage: Stage) -> None:
    recorded = {"code": "0", "data": real("ws_frames_2026-09-25.json")["tickers_swap_shape"]["data"], "msg": ""}
    for inst_type in ("SPOT", "SWAP"):
        assert differences(recorded, stage.get("/api/v5/market/tickers", instType=inst_type)) == []


def test_funding_of_any(stage: Stage) -> None:
    made = stage.get("/api/v5/public/funding-rate", instId="ANY")
    assert {row["instType"] for row in made["data"]} == {"SWAP", "FUTURES"}
    assert differences(real("rest_funding_rate_ANY.json"), made) == []


def test_marks_and_indices(stage: Stage) -> None:
    marks = stage.get("/api/v5/public/mark-price", instType="SWAP")
    assert differences(real("rest_mark_price_SWAP.json"), marks) == []
    indices = stage.get("/api/v5/market/index-tickers", quoteCcy="USDT")
    assert differences(real("rest_index_tickers_USDT.json"), indices) == []


def test_rest_refusals(stage: Stage) -> None:
    recorded = real("rest_errors.json")
    assert stage.get("/api/v5/public/funding-rate") == recorded["200_missing_instId"]
    assert stage.get("/api/v5/public/funding-rate", instId="A,B") == recorded["200_bad_instId"]
    assert stage.get("/api/v5/public/funding-rate", instId="NOPE-USDT-SWAP") == recorded["200_unknown_instrument"]
    refused = DIALECTS[0].quotas[0].refuse(1.0)
    assert (refused.status, json.loads(refused.body)) == (429, recorded["429_public"])


@pytest.mark.parametrize(
    ("name", "channel", "inst_id"),
    [
        ("tickers_spot", "tickers", "BTC-USDT"),
        ("tickers_swap_shape", "tickers", "BTC-USDT-SWAP"),
        ("funding_rate", "funding-rate", "BTC-USDT-SWAP"),
        ("mark_price", "mark-price", "BTC-USDT-SWAP"),
        ("index_tickers", "index-tickers", "BTC-USDT"),
        ("books5", "books5", "BTC-USDT"),
    ],
)
def test_pushes(stage: Stage, name: str, channel: str, inst_id: str) -> None:
    client = stage.connect(WS)
    said = client.send({"op": "subscribe", "args": [{"channel": channel, "instId": inst_id}]})
    for _ in range(4):
        said += client.wait(16.0, 0.25) + client.send("ping")
    pushed = [s for s in said if "data" in s]
    assert len(pushed) > 1
    assert [d for s in pushed for d in differences(real("ws_frames_2026-09-25.json")[name], s)] == []


def test_acks_and_refusals(stage: Stage) -> None:
    recorded = real("ws_frames_2026-09-25.json")
    assert differences(recorded["ack"], ask(stage, {"channel": "tickers", "instId": "BTC-USDT"})[0]) == []
    unknown = ask(stage, {"channel": "candle1m", "instId": "BTC-USDT"})[0]
    assert differences(recorded["error_wrong_url_60018"], unknown) == []
    assert unknown["msg"] == recorded["error_wrong_url_60018"]["msg"]


def test_control_frames(stage: Stage) -> None:
    recorded = real("ws_control_frames.json")
    client = stage.connect(WS)
    said = client.send(recorded["subscribe"])
    acks = [s for s in said if "event" in s]
    assert len(acks) == 2
    assert differences([recorded["ack_one_per_arg"]], acks) == []
    assert differences(recorded["unsubscribe_ack"], client.send(recorded["unsubscribe"])[0]) == []
    nope = {"id": "ob1", "op": "subscribe", "args": [{"channel": "books", "instId": "NOPE-USDT"}]}
    assert differences(recorded["error_with_id"], client.send(nope)[0]) == []
    assert client.send(recorded["ping_text"]) == [recorded["pong_text"]]
