from typing import Any

import pytest

from frmon.feeds.sim.dialects import Close, Reply
from frmon.feeds.sim.dialects.okx import DIALECTS
from tests.feeds.sim.stage import Client, Stage

WS = "/ws/v5/public"
HOUR_MS = 3_600_000


@pytest.fixture
def stage() -> Stage:
    return Stage(DIALECTS[0])


def ask(client: Client, channel: str, *names: str, number: str = "n1", op: str = "subscribe") -> list[Any]:
    args = [{"channel": channel, "instId": name} for name in names]
    return client.send({"id": number, "op": op, "args": args})


def test_one_ack_per_argument_and_a_snapshot_each(stage: Stage) -> None:
    names = [i.symbol for i in stage.rows("perp")[:5]]
    said = ask(stage.connect(WS), "tickers", *names)
    assert [s["arg"]["instId"] for s in said if s.get("event") == "subscribe"] == names
    assert [s["data"][0]["instId"] for s in said if "data" in s] == names


def test_asking_again_is_acknowledged_again(stage: Stage) -> None:
    client = stage.connect(WS)
    ask(client, "tickers", "BTC-USDT")
    assert [s["event"] for s in ask(client, "tickers", "BTC-USDT")] == ["subscribe"]


def test_an_unknown_instrument_is_refused_with_the_id_and_the_others_go_on(stage: Stage) -> None:
    client = stage.connect(WS)
    said = ask(client, "tickers", "NOPE-USDT", "BTC-USDT", number="b7")
    refusal = next(s for s in said if s.get("event") == "error")
    assert (refusal["code"], refusal["id"], "arg" in refusal) == ("60018", "b7", False)
    assert "instId:NOPE-USDT doesn't exist" in refusal["msg"]
    assert {s["arg"]["instId"] for s in client.wait(3.0)} == {"BTC-USDT"}


def test_a_symbol_speaks_at_most_ten_times_a_second() -> None:
    stage = Stage(DIALECTS[0], rate=20.0)
    client = stage.connect(WS)
    ask(client, "tickers", "BTC-USDT-SWAP")
    assert 20 < len(client.wait(3.0)) <= 30


def test_ping_is_answered_and_keeps_a_silent_line(stage: Stage) -> None:
    client = stage.connect(WS)
    for _ in range(3):
        assert client.send("ping") == ["pong"]
        assert client.wait(25.0, 0.5) == []
    assert client.wait(6.0, 0.5)[0] == Close(4004, "No data received in 30s")
    assert stage.violations["idle 30 s"] >= 1


def test_the_481st_request_of_an_hour_is_refused(stage: Stage) -> None:
    client = stage.connect(WS)
    for _ in range(480):
        assert ask(client, "tickers", "BTC-USDT")[0]["event"] == "subscribe"
    assert ask(client, "tickers", "BTC-USDT")[0]["code"] == "60014"
    assert stage.violations == {"requests per hour": 1}
    client.wait(8.0, 0.5)
    assert ask(client, "tickers", "BTC-USDT")[0]["event"] == "subscribe"


def test_funding_says_the_coming_settlement_and_the_one_after(stage: Stage) -> None:
    rows = {r["instId"]: r for r in stage.get("/api/v5/public/funding-rate", instId="ANY")["data"]}
    for i in stage.rows("perp"):
        row = rows[i.symbol] if i.funding_h else None
        if row:
            assert int(row["fundingTime"]) == i.quote.next_funding_ms
            assert int(row["nextFundingTime"]) - int(row["fundingTime"]) == i.funding_h * HOUR_MS
            assert int(row["fundingTime"]) - int(row["prevFundingTime"]) == i.funding_h * HOUR_MS


def test_sizes_of_swaps_are_contracts(stage: Stage) -> None:
    i = next(i for i in stage.rows("perp") if i.contract != 1)
    row = next(r for r in stage.get("/api/v5/market/tickers", instType="SWAP")["data"] if r["instId"] == i.symbol)
    assert float(row["volCcy24h"]) == pytest.approx(float(row["vol24h"]) * i.contract, rel=1e-3)
    assert float(row["bidSz"]) == i.quote.bid_size


def test_an_empty_side_is_an_empty_string() -> None:
    stage = Stage(DIALECTS[0], coins=400)
    rows = stage.get("/api/v5/market/tickers", instType="SWAP")["data"]
    assert any(r["bidPx"] == "" and r["bidSz"] == "" and r["askPx"] for r in rows)


def test_announced_pairs_lack_almost_everything() -> None:
    rows = Stage(DIALECTS[0], coins=400).get("/api/v5/public/instruments", instType="SPOT")["data"]
    announced = [r for r in rows if r["state"] == "preopen"]
    assert announced
    assert {(r["baseCcy"], r["quoteCcy"]) for r in announced} == {("", "")}


def test_the_list_channel_tells_what_is_new() -> None:
    stage = Stage(DIALECTS[0], scene="listing")
    client = stage.connect(WS)
    said = client.send({"op": "subscribe", "args": [{"channel": "instruments", "instType": "SWAP"}]})
    assert len(said[1]["data"]) > 30
    new = [s for s in client.wait(22.0, 0.1) if s.get("arg", {}).get("channel") == "instruments"]
    assert len(new) == 1
    assert all(r["state"] == "live" for r in new[0]["data"])


def test_bad_requests(stage: Stage) -> None:
    client = stage.connect(WS)
    assert client.send("nonsense")[0]["code"] == "60012"
    assert client.send({"op": "subscribe", "argss": []})[0]["code"] == "60012"
    assert isinstance(DIALECTS[0].connect(stage, "/ws/nope", {}, 0), Reply)
