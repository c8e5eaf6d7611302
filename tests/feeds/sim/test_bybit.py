from itertools import pairwise
from typing import Any

import pytest

from frmon.feeds.sim.dialects import Close
from frmon.feeds.sim.dialects.bybit import BYBIT
from frmon.feeds.sim.dialects.bybit_rows import linear_ticker
from frmon.feeds.sim.dialects.bybit_tape import Tape
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from tests.feeds.sim.stage import Client, Stage

LINEAR, SPOT = "/v5/public/linear", "/v5/public/spot"
INFO, TICKERS = "/v5/market/instruments-info", "/v5/market/tickers"


@pytest.fixture
def stage() -> Stage:
    return Stage(BYBIT)


def subscribe(client: Client, *topics: str) -> list[Any]:
    return client.send({"req_id": "s1", "op": "subscribe", "args": list(topics)})


def test_one_ack_per_request_then_a_snapshot_per_topic(stage: Stage) -> None:
    a, b = (i.symbol for i in stage.rows("perp")[:2])
    ack, *snapshots = subscribe(stage.connect(LINEAR), f"tickers.{a}", f"tickers.{b}")
    assert (ack["success"], ack["ret_msg"], ack["req_id"], ack["op"]) == (True, "", "s1", "subscribe")
    assert [(s["topic"], s["type"]) for s in snapshots] == [(f"tickers.{a}", "snapshot"), (f"tickers.{b}", "snapshot")]


def test_a_spot_ack_says_subscribe(stage: Stage) -> None:
    ack = subscribe(stage.connect(SPOT), f"orderbook.1.{stage.rows('spot')[0].symbol}")[0]
    assert (ack["success"], ack["ret_msg"]) == (True, "subscribe")


def test_an_unknown_topic_voids_the_request_and_only_the_first_is_named(stage: Stage) -> None:
    client, good = stage.connect(LINEAR), f"tickers.{stage.rows('perp')[0].symbol}"
    (ack,) = subscribe(client, good, "tickers.NOPEUSDT", "tickers.NADAUSDT")
    assert (ack["success"], ack["ret_msg"]) == (False, "error:handler not found,topic:tickers.NOPEUSDT")
    assert client.wait(1.0) == []
    assert subscribe(client, good)[0]["success"]


def test_topics_are_case_sensitive(stage: Stage) -> None:
    topic = f"tickers.{stage.rows('perp')[0].symbol.lower()}"
    assert subscribe(stage.connect(LINEAR), topic)[0]["ret_msg"] == f"error:handler not found,topic:{topic}"


def test_a_topic_that_is_there_already_voids_the_request_but_goes_on(stage: Stage) -> None:
    client, (a, b) = stage.connect(LINEAR), [f"tickers.{i.symbol}" for i in stage.rows("perp")[:2]]
    subscribe(client, a)
    (ack,) = subscribe(client, b, a)
    assert ack["ret_msg"] == f"error:already subscribed,topic:{a}"
    assert {said["topic"] for said in client.wait(3.0)} == {a}


def test_spot_takes_ten_topics_a_request(stage: Stage) -> None:
    topics = [f"tickers.{i.symbol}" for i in stage.rows("spot")[:11]]
    client = stage.connect(SPOT)
    assert subscribe(client, *topics)[0]["ret_msg"] == "args size >10"
    assert stage.violations == {"10 args per spot request": 1}
    assert subscribe(client, *topics[:10])[0]["success"]


def test_a_connection_takes_21000_characters_of_topics() -> None:
    stage = Stage(BYBIT, coins=1_600)
    topics = [f"{stem}.{i.symbol}" for i in stage.rows("perp") for stem in ("tickers", "orderbook.1")]
    client, chars = stage.connect(LINEAR), 0
    for topic in topics:
        chars += len(topic)
        ack = subscribe(client, topic)[0]
        assert ack["success"] is (chars <= 21_000)
        if chars > 21_000:
            break
    assert stage.violations == {"21000 characters of args per connection": 1}


def test_ping_is_answered_and_the_rest_refused(stage: Stage) -> None:
    client = stage.connect(LINEAR)
    (pong,) = client.send({"req_id": "p1", "op": "ping"})
    assert (pong["success"], pong["ret_msg"], pong["req_id"], pong["op"]) == (True, "pong", "p1", "ping")
    assert client.send({"op": "dance"})[0]["ret_msg"] == "error:invalid op"
    assert client.send("hello")[0]["ret_msg"].startswith(
        "Failed to decode incoming data:readObjectStart: expect { or n, but found h,"
    )
    assert client.send({"op": "ping"})[0]["ret_msg"] == "pong"


def test_deltas_carry_only_what_changed_and_lead_to_the_present_state(stage: Stage) -> None:
    i = stage.rows("perp")[0]
    client = stage.connect(LINEAR)
    state = dict(subscribe(client, f"tickers.{i.symbol}")[1]["data"])
    deltas = client.wait(60.0)
    assert len(deltas) > 50
    for delta in deltas:
        assert delta["type"] == "delta"
        news = {key: value for key, value in delta["data"].items() if key != "symbol"}
        assert news
        assert all(state[key] != value for key, value in news.items())
        state |= news
    i.coin.instruments.remove(i)  # it moves no more; what was held back comes with the next delta
    for delta in client.wait(0.5):
        state |= delta["data"]
    q = i.quote
    assert (float(state["bid1Price"]), float(state["ask1Price"]), float(state["lastPrice"])) == (q.bid, q.ask, q.last)
    assert float(state["fundingRate"]) == q.funding_rate


def test_some_deltas_have_one_side_or_only_the_index(stage: Stage) -> None:
    client = stage.connect(LINEAR)
    subscribe(client, *(f"tickers.{i.symbol}" for i in stage.rows("perp")))
    keys = [frozenset(said["data"]) for said in client.wait(30.0)]
    assert frozenset({"symbol", "indexPrice"}) in keys
    assert any("bid1Price" in k and "ask1Price" not in k and "ask1Size" not in k for k in keys)
    assert any("ask1Price" in k and "bid1Price" not in k and "bid1Size" not in k for k in keys)


def test_the_cross_sequence_never_falls_and_pushes_are_100_ms_apart(stage: Stage) -> None:
    i = stage.rows("perp")[0]
    client = stage.connect(LINEAR)
    subscribe(client, f"tickers.{i.symbol}")
    deltas = client.wait(30.0)
    numbers, times = [d["cs"] for d in deltas], [d["ts"] for d in deltas]
    assert numbers == sorted(set(numbers))
    assert min(b - a for a, b in pairwise(times)) >= 100


def test_a_second_client_starts_with_a_snapshot_and_hears_the_same_deltas(stage: Stage) -> None:
    topic = f"tickers.{stage.rows('perp')[0].symbol}"
    first, second = stage.connect(LINEAR), stage.connect(LINEAR)
    subscribe(first, topic)
    first.wait(5.0)
    assert subscribe(second, topic)[1]["type"] == "snapshot"
    late: list[object] = []
    early: list[object] = []
    for _ in range(200):
        late += second.wait(0.025)
        early += first.hear()
    assert early == late
    assert len(late) > 5


def test_an_unchanged_book_comes_again_after_three_seconds_with_the_same_u(stage: Stage) -> None:
    i = stage.rows("spot")[0]
    client = stage.connect(SPOT)
    (book,) = subscribe(client, f"orderbook.1.{i.symbol}")[1:]
    i.coin.instruments.remove(i)
    assert client.wait(2.9) == []
    (again,) = client.wait(0.2)
    assert again["data"] == book["data"]
    assert again["ts"] == book["ts"] + 3_000


def test_spot_tickers_are_snapshots_without_a_book(stage: Stage) -> None:
    client = stage.connect(SPOT)
    subscribe(client, f"tickers.{stage.rows('spot')[0].symbol}")
    heard = client.wait(30.0)
    assert len(heard) > 10
    assert {said["type"] for said in heard} == {"snapshot"}
    assert not any("bid1Price" in said["data"] for said in heard)


def test_a_book_with_one_side_has_an_empty_list(stage: Stage) -> None:
    i = next(i for i in stage.world.instruments("bybit", "spot").values() if i.flaw == "no_bid")
    book = subscribe(stage.connect(SPOT), f"orderbook.1.{i.symbol}")[1]
    assert book["data"]["b"] == []
    assert len(book["data"]["a"]) == 1


def test_a_listing_in_its_auction_has_a_ticker_but_no_book(stage: Stage) -> None:
    i = next(i for i in stage.world.instruments("bybit", "perp").values() if i.state == "prelaunch")
    client = stage.connect(LINEAR)
    assert subscribe(client, f"orderbook.1.{i.symbol}")[0]["success"] is False
    _, said = subscribe(client, f"tickers.{i.symbol}")
    assert (said["data"]["bid1Price"], said["data"]["curPreListingPhase"]) == ("", "CallAuction")


def test_a_silent_client_is_cut_after_ten_minutes_and_a_pinging_one_is_not(stage: Stage) -> None:
    silent, pinging = stage.connect(LINEAR), stage.connect(LINEAR)
    for _ in range(30):
        stage.clock.advance(20)
        pinging.send({"op": "ping"})
    assert list(silent.session.speak(stage.now_ms)) == [Close(1006)]
    assert list(pinging.session.speak(stage.now_ms)) == []


def test_the_status_socket_takes_its_one_topic(stage: Stage) -> None:
    client = stage.connect("/v5/public/misc/status")
    assert subscribe(client, "system.status")[0]["success"] is True
    assert subscribe(client, "tickers.BTCUSDT")[0]["success"] is False


def test_a_coin_that_leaves_the_lists_falls_silent() -> None:
    stage = Stage(BYBIT, scene="listing")
    before = {i.symbol: i for i in stage.rows("spot")}
    client = stage.connect(SPOT)
    for symbol in before:
        subscribe(client, f"orderbook.1.{symbol}")
    client.wait(25.0)
    gone = {f"orderbook.1.{s}" for s in before if s not in stage.world.instruments("bybit", "spot")}
    assert gone
    assert not gone & {said["topic"] for said in client.wait(5.0)}


def test_instruments_come_in_pages_sorted_by_symbol_of_500_by_default() -> None:
    stage = Stage(BYBIT, coins=1_200)
    first = stage.get(INFO, category="linear")["result"]
    assert len(first["list"]) == 500
    assert "%3D" in first["nextPageCursor"]
    decoded = first["nextPageCursor"].replace("%3D", "=").replace("%26", "&")  # what a server reads from the URL
    second = stage.get(INFO, category="linear", cursor=decoded)["result"]
    assert second["nextPageCursor"] == ""
    names = [row["symbol"] for row in first["list"] + second["list"]]
    whole = stage.get(INFO, category="linear", limit="1000")["result"]["list"]
    assert names == sorted(set(names)) == [row["symbol"] for row in whole]


def test_a_cursor_that_was_encoded_twice_finds_nothing() -> None:
    stage = Stage(BYBIT, coins=1_200)
    cursor = stage.get(INFO, category="linear")["result"]["nextPageCursor"]
    assert stage.get(INFO, category="linear", cursor=cursor)["result"]["list"] == []


def test_only_what_trades_is_listed_unless_another_status_is_asked(stage: Stage) -> None:
    trading = stage.get(INFO, category="linear", limit="1000")["result"]["list"]
    assert {row["status"] for row in trading} == {"Trading"}
    assert {row["quoteCoin"] for row in trading} == {"USDT", "USDC"}
    assert {row["contractType"] for row in trading} == {"LinearPerpetual", "LinearFutures"}
    coming = stage.get(INFO, category="linear", status="PreLaunch")["result"]
    assert {row["status"] for row in coming["list"]} == {"PreLaunch"}
    assert all(row["isPreListing"] for row in coming["list"])


def test_a_complete_page_may_carry_a_cursor_that_leads_nowhere(stage: Stage) -> None:
    coming = stage.get(INFO, category="linear", status="PreLaunch")["result"]
    cursor = coming["nextPageCursor"].replace("%3D", "=").replace("%26", "&")
    after = stage.get(INFO, category="linear", status="PreLaunch", cursor=cursor)["result"]
    assert (after["list"], after["nextPageCursor"]) == ([], "")


def test_spot_comes_on_one_page_whatever_is_asked(stage: Stage) -> None:
    result = stage.get(INFO, category="spot", limit="3")["result"]
    assert len(result["list"]) > 3
    assert "nextPageCursor" not in result


def test_an_announced_end_is_the_delivery_time_of_a_perpetual(stage: Stage) -> None:
    ends = {i.symbol: i.off_ms for i in stage.rows("perp") if i.off_ms}
    assert ends
    rows = stage.get(INFO, category="linear", limit="1000")["result"]["list"]
    assert {r["symbol"]: int(r["deliveryTime"]) for r in rows if r["symbol"] in ends} == ends


def test_tickers_hold_dated_usdc_and_coming_contracts_too(stage: Stage) -> None:
    symbols = {row["symbol"] for row in stage.get(TICKERS, category="linear")["result"]["list"]}
    assert {"BTCUSDT", "BTCPERP", "BTCUSDT-25DEC26"} <= symbols
    assert {i.symbol for i in stage.world.instruments("bybit", "perp").values() if i.kind == "premarket"} <= symbols


def test_bad_requests_are_refused_in_the_envelope(stage: Stage) -> None:
    for query in ({"category": "nope"}, {}, {"category": "spot", "symbol": "NOPEUSDT"}):
        answer = stage.reply(TICKERS, **query)
        assert answer.status == 200
        assert stage.get(TICKERS, **query)["retCode"] == 10001


def test_funding_history_is_newest_first_and_wants_an_end_with_a_start(stage: Stage) -> None:
    i = next(i for i in stage.rows("perp") if i.funding_h)
    path = "/v5/market/funding/history"
    rows = stage.get(path, category="linear", symbol=i.symbol, limit="5")["result"]["list"]
    assert [int(r["fundingRateTimestamp"]) for r in rows] == [
        i.quote.prev_funding_ms - n * i.funding_h * 3_600_000 for n in range(5)
    ]
    assert float(rows[0]["fundingRate"]) == i.quote.settled_rate
    assert stage.get(path, category="linear", symbol=i.symbol, startTime="1")["retCode"] == 10001


def test_too_many_requests_are_a_ban_of_ten_minutes_outside_the_json_of_the_api() -> None:
    (quota,) = BYBIT.quotas
    assert (quota.limit, quota.window_s, quota.ban_after, quota.ban_s) == (600, 5.0, 0, 600.0)
    refusal = quota.refuse(1.0)
    assert (refusal.status, refusal.body) == (403, b"403, access too frequent")


def test_a_tape_that_nobody_read_keeps_nothing_back() -> None:
    """Whoever comes after a while has a whole picture of now, not one side of then."""
    world = Sim(SimOptions(seed=7, coins=10, venues=("bybit",))).world
    one = next(i for i in world.instruments("bybit", "perp").values() if i.kind == "normal" and not i.flaw)
    tape = Tape(one, 0)
    for n in range(1, 50):
        one.quote.bid, one.quote.ask, one.quote.seq = one.tick * (1000 + n), one.tick * (1002 + n), one.quote.seq + 1
        one.quote.mark = one.quote.index = one.quote.bid
        tape.publish(n * 1_000)
        assert tape.shown == linear_ticker(one)
