from typing import Any

import pytest

from frmon.feeds.sim.dialects import Close
from frmon.feeds.sim.dialects.bitget import BITGET
from tests.feeds.sim.stage import Client, Stage

PATH = "/v2/ws/public"
MIX, SPOT = "/api/v2/mix/market/", "/api/v2/spot/"
FUTURES = "USDT-FUTURES"


@pytest.fixture
def stage() -> Stage:
    return Stage(BITGET)


def arg(symbol: str, inst_type: str = FUTURES, channel: str = "ticker") -> dict[str, str]:
    return {"instType": inst_type, "channel": channel, "instId": symbol}


def subscribe(client: Client, *args: dict[str, str]) -> list[Any]:
    return client.send({"op": "subscribe", "args": list(args)})


def test_one_ack_per_arg_then_a_ticker_each(stage: Stage) -> None:
    perp, spot = arg(stage.rows("perp")[0].symbol), arg(stage.rows("spot")[0].symbol, "SPOT")
    said = subscribe(stage.connect(PATH), perp, spot)
    assert said[:2] == [{"event": "subscribe", "arg": perp}, {"event": "subscribe", "arg": spot}]
    assert [(s["action"], s["arg"]) for s in said[2:]] == [("snapshot", perp), ("snapshot", spot)]


def test_an_unknown_symbol_is_refused_alone(stage: Stage) -> None:
    good = arg(stage.rows("perp")[0].symbol)
    refusal, ack, _ = subscribe(stage.connect(PATH), arg("NOPEUSDT"), good)
    assert (refusal["event"], refusal["arg"], refusal["code"]) == ("error", arg("NOPEUSDT"), 30001)
    assert refusal["msg"] == "instType:USDT-FUTURES,channel:ticker,instId:NOPEUSDT,precision:null doesn't exist"
    assert ack == {"event": "subscribe", "arg": good}


def test_an_unknown_channel_is_a_parameter_error(stage: Stage) -> None:
    (refusal,) = subscribe(stage.connect(PATH), arg(stage.rows("perp")[0].symbol, channel="candle1h"))
    assert (refusal["code"], refusal["msg"]) == (30016, "Param error")


def test_the_wrong_product_of_a_known_symbol_is_acked_and_silent(stage: Stage) -> None:
    spot = {i.symbol for i in stage.world.instruments("bitget", "spot").values()}
    only_perp = next(i.symbol for i in stage.rows("perp") if i.symbol not in spot)
    client = stage.connect(PATH)
    assert subscribe(client, arg(only_perp, "SPOT")) == [{"event": "subscribe", "arg": arg(only_perp, "SPOT")}]
    assert client.wait(2.0) == []


def test_unchanged_tickers_are_pushed_too_every_100_to_200_ms(stage: Stage) -> None:
    i = next(i for i in stage.world.instruments("bitget", "perp").values() if i.state == "halted")
    client = stage.connect(PATH)
    subscribe(client, arg(i.symbol))
    heard = client.wait(15.0)
    assert 70 < len(heard) < 150
    assert len({said["data"][0]["bidPr"] for said in heard}) == 1
    assert [said["ts"] for said in heard] == sorted({said["ts"] for said in heard})


def test_a_slower_world_pushes_less() -> None:
    stage = Stage(BITGET, rate=0.1)
    client = stage.connect(PATH)
    subscribe(client, arg(stage.rows("perp")[0].symbol))
    assert 5 < len(client.wait(15.0)) < 16


def test_the_ticker_says_what_the_world_holds(stage: Stage) -> None:
    i = next(i for i in stage.rows("perp") if i.funding_h)
    data = subscribe(stage.connect(PATH), arg(i.symbol))[1]["data"][0]
    q = i.quote
    assert (float(data["bidPr"]), float(data["askPr"]), float(data["lastPr"])) == (q.bid, q.ask, q.last)
    assert (float(data["fundingRate"]), int(data["nextFundingTime"])) == (q.funding_rate, q.next_funding_ms)


def test_an_empty_side_is_empty_text(stage: Stage) -> None:
    i = next(i for i in stage.world.instruments("bitget", "perp").values() if i.flaw == "no_ask")
    data = subscribe(stage.connect(PATH), arg(i.symbol))[1]["data"][0]
    assert (data["askPr"], data["askSz"]) == ("", "")


def test_names_in_other_scripts_come_as_they_are() -> None:
    stage = Stage(BITGET, coins=1_200)
    i = next(i for i in stage.rows("spot") if not i.symbol.isascii())
    said = subscribe(stage.connect(PATH), arg(i.symbol, "SPOT"))
    assert said[1]["data"][0]["instId"] == i.symbol


def test_ping_and_pong_are_bare_texts(stage: Stage) -> None:
    client = stage.connect(PATH)
    assert client.send("ping") == ["pong"]
    assert client.send('{"op":"ping"}') == [
        {"event": "error", "code": 30002, "msg": 'Unrecognized request:{"op":"ping"}'}
    ]
    assert client.send("hello")[0]["code"] == 30002


def test_two_minutes_without_a_ping_end_a_connection_that_streams() -> None:
    stage = Stage(BITGET, coins=60, rate=0.05)
    client = stage.connect(PATH)
    subscribe(client, arg(stage.rows("perp")[0].symbol))
    heard = client.wait(119.5, step=0.5)
    assert len(heard) > 20
    assert Close(1006) not in heard
    assert client.wait(0.5, step=0.5) == [Close(1006)]


def test_a_ping_keeps_it_open(stage: Stage) -> None:
    client = stage.connect(PATH)
    for _ in range(20):
        stage.clock.advance(25)
        assert client.send("ping") == ["pong"]
        assert client.hear() == []


def test_more_than_ten_messages_a_second_are_told_once_and_then_end_it(stage: Stage) -> None:
    client = stage.connect(PATH)
    assert all(client.send("ping") == ["pong"] for _ in range(10))
    assert client.send("ping") == [{"event": "error", "code": 30006, "msg": "request too many"}]
    error, close = client.send("ping")
    assert (error["code"], error["msg"], close) == (30007, "request over limit,connection close", Close(1006))
    assert stage.violations == {"10 messages per second and connection": 2}


def test_ten_messages_a_second_go_on_for_ever(stage: Stage) -> None:
    client = stage.connect(PATH)
    for _ in range(100):
        stage.clock.advance(0.1)
        assert client.send("ping") == ["pong"]
    assert not stage.violations


def test_240_subscribes_an_hour_are_the_end(stage: Stage) -> None:
    client, wanted = stage.connect(PATH), arg(stage.rows("perp")[0].symbol)
    for _ in range(240):
        stage.clock.advance(1)
        client.send("ping")
        assert subscribe(client, wanted)[0]["event"] == "subscribe"
    stage.clock.advance(1)
    assert subscribe(client, wanted)[-1] == Close(1006)
    assert stage.violations == {"240 subscribe requests per hour and connection": 1}


def test_a_connection_takes_1000_channels() -> None:
    stage = Stage(BITGET, coins=1_200)
    args = [arg(i.symbol, "SPOT") for i in stage.rows("spot")] + [arg(i.symbol) for i in stage.rows("perp")]
    client = stage.connect(PATH)
    for start in range(0, 1_000, 50):
        stage.clock.advance(1)
        assert {said.get("event", "subscribe") for said in subscribe(client, *args[start : start + 50])} == {
            "subscribe"
        }
    stage.clock.advance(1)
    assert subscribe(client, args[1_000])[0]["code"] == 30006
    assert stage.violations == {"1000 channels per connection": 1}


def test_an_unsubscribed_ticker_is_silent(stage: Stage) -> None:
    client, wanted = stage.connect(PATH), arg(stage.rows("perp")[0].symbol)
    subscribe(client, wanted)
    assert client.send({"op": "unsubscribe", "args": [wanted]}) == [{"event": "unsubscribe", "arg": wanted}]
    assert client.wait(1.0) == []


def test_a_coin_that_leaves_the_lists_falls_silent() -> None:
    stage = Stage(BITGET, scene="listing", rate=0.2)
    before = [i.symbol for i in stage.rows("perp")]
    client = stage.connect(PATH)
    for start in range(0, len(before), 40):
        subscribe(client, *map(arg, before[start : start + 40]))
    client.wait(25.0)
    gone = {s for s in before if s not in stage.world.instruments("bitget", "perp")}
    assert gone
    assert not gone & {said["arg"]["instId"] for said in client.wait(5.0)}


def test_frames_above_4096_bytes_and_the_101st_connection_are_too_much() -> None:
    assert (BITGET.message_bytes, BITGET.bytes_close) == (4_096, Close(1006))
    assert BITGET.connections == 100
    assert (BITGET.connects.limit, BITGET.connects.window_s) == (300, 300.0)


def test_lists_hold_every_status(stage: Stage) -> None:
    contracts = stage.get(MIX + "contracts", productType=FUTURES)["data"]
    assert {"normal", "listed", "off"} < {row["symbolStatus"] for row in contracts}
    assert {row["isRwa"] for row in contracts} == {"YES", "NO"}
    pairs = stage.get(SPOT + "public/symbols")["data"]
    assert {row["status"] for row in pairs} == {"online", "offline", "gray", "halt"}
    assert any(row["symbol"] == "RAAPLUSDT" and row["baseCoin"] == "rAAPL" for row in pairs)


def test_an_announced_end_is_in_both_lists(stage: Stage) -> None:
    contracts = stage.get(MIX + "contracts", productType=FUTURES)["data"]
    pairs = stage.get(SPOT + "public/symbols")["data"]
    for rows, none in ((contracts, "-1"), (pairs, "")):
        ends = [int(row["offTime"]) for row in rows if row["offTime"] != none]
        assert max(ends) > stage.now_ms


def test_usdc_contracts_are_a_product_of_their_own(stage: Stage) -> None:
    assert {row["quoteCoin"] for row in stage.get(MIX + "contracts", productType="usdt-futures")["data"]} == {"USDT"}
    assert {row["quoteCoin"] for row in stage.get(MIX + "contracts", productType="USDC-FUTURES")["data"]} == {"USDC"}
    assert stage.get(MIX + "contracts", productType="COIN-FUTURES")["data"] == []


def test_funding_has_rows_of_what_is_not_listed_yet_without_caps(stage: Stage) -> None:
    rows = {row["symbol"]: row for row in stage.get(MIX + "current-fund-rate", productType=FUTURES)["data"]}
    listed = {row["symbol"] for row in stage.get(MIX + "contracts", productType=FUTURES)["data"]}
    extra = rows.keys() - listed
    assert len(extra) == 12
    assert all(rows[symbol]["maxFundingRate"] is None for symbol in extra)
    i = next(i for i in stage.rows("perp") if i.funding_h)
    said = rows[i.symbol]
    assert (float(said["fundingRate"]), int(said["fundingRateInterval"])) == (i.quote.funding_rate, i.funding_h)
    assert (int(said["nextUpdate"]), said["maxFundingRate"]) == (i.quote.next_funding_ms, "0.003")


def test_past_funding_is_newest_first_in_pages_of_at_most_100(stage: Stage) -> None:
    i = next(i for i in stage.rows("perp") if i.funding_h)
    query = {"productType": FUTURES, "symbol": i.symbol}
    first = stage.get(MIX + "history-fund-rate", **query, pageSize="500")["data"]
    assert len(first) == 100
    assert int(first[0]["fundingTime"]) == i.quote.prev_funding_ms
    assert float(first[0]["fundingRate"]) == i.quote.settled_rate
    second = stage.get(MIX + "history-fund-rate", **query, pageSize="10", pageNo="2")["data"]
    assert second == first[10:20]


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        (MIX + "tickers", {"productType": "NOPE-FUTURES"}, "40019"),
        (MIX + "contracts", {}, "40019"),
        (MIX + "tickers", {"productType": FUTURES, "symbol": "NOPEUSDT"}, "40034"),
        (SPOT + "market/tickers", {"symbol": "NOPEUSDT"}, "40034"),
        (MIX + "history-fund-rate", {"productType": FUTURES, "symbol": "BTCUSDT", "pageSize": "x"}, "400172"),
    ],
)
def test_bad_requests_are_http_400_in_the_envelope(stage: Stage, path: str, query: dict[str, str], code: str) -> None:
    assert stage.reply(path, **query).status == 400
    answer = stage.get(path, **query)
    assert (answer["code"], answer["data"]) == (code, None)


def test_twenty_requests_a_second_and_path_and_6000_a_minute() -> None:
    per_path, overall = BITGET.quotas
    assert (per_path.name[-1], per_path.limit, per_path.window_s) == ("*", 20, 1.0)
    assert (overall.limit, overall.window_s, overall.ban_s) == (6_000, 60.0, 300.0)
    assert per_path.refuse(1.0).status == 429
    assert all(set(route.quotas) == {per_path.name, overall.name} for route in BITGET.routes.values())
