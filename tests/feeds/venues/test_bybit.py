"""Bybit's frames and requests, value by value."""

import json
from typing import Any

import msgspec
import pytest

from frmon.errors import Notice, Refused
from frmon.feeds.venues.bybit import VENUE
from frmon.model import EMPTY, Tick
from tests.feeds.venues.given import HOSTILE_VALUES, each, is_sane, leaves, own, real, ticks_of, with_value

PERP, SPOT, NOTICES = VENUE.streams
FRAMES = "protocols/bybit/frames"


def refusal(frame: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        SPOT.parse(json.dumps({"success": False, "op": "subscribe", **frame}).encode())
    return caught.value


def test_a_snapshot_of_a_perpetual_says_everything() -> None:
    assert PERP.parse(own("bybit", "ws_perp_snapshot")) == (
        "ticker",
        (
            Tick(
                symbol="SOLUSDT",
                event_ms=1795325580123,
                seq=5000000001,
                bid=150.11,
                ask=150.13,
                bid_size=12.5,
                ask_size=7.2,
                last=150.12,
                mark=150.115,
                index=150.09,
                volume_usd=987654.321,
                funding_rate=-0.00012,
                funding_interval_h=4.0,
                next_funding_ms=1795334400000,
            ),
        ),
    )


def test_a_delta_says_only_what_it_mentions() -> None:
    one_side = Tick(symbol="SOLUSDT", event_ms=1795325580223, seq=5000000002, delta=True, ask=150.14, ask_size=3.1)
    index = Tick(symbol="SOLUSDT", event_ms=1795325580323, seq=5000000003, delta=True, index=150.101)
    assert PERP.parse(own("bybit", "ws_perp_delta_one_side")) == ("ticker", (one_side,))
    assert PERP.parse(own("bybit", "ws_perp_delta_index_only")) == ("ticker", (index,))


def test_a_spot_book_is_whole_and_has_wide_names() -> None:
    tick = Tick(
        symbol="币安人生USDT",
        event_ms=1795325580456,
        seq=9000000001,
        bid=0.1234,
        ask=0.1236,
        bid_size=500.0,
        ask_size=80.5,
    )
    assert SPOT.parse(own("bybit", "ws_spot_book")) == ("book", (tick,))


def test_a_missing_side_of_a_whole_book_is_empty_and_of_a_delta_unchanged() -> None:
    whole = own("bybit", "ws_spot_book_no_bids")
    _, (tick,) = SPOT.parse(whole)
    assert (tick.bid, tick.bid_size, tick.ask, tick.ask_size, tick.delta) == (EMPTY, None, 150.2, 4.0, False)
    _, (tick,) = SPOT.parse(with_value(whole, ("type",), '"delta"'))
    assert (tick.bid, tick.ask, tick.delta) == (None, 150.2, True)


@pytest.mark.parametrize(
    ("levels", "best"),
    [
        ('[["10","0"],["9","3"]]', (9.0, 3.0)),
        ('[["10","0"]]', (EMPTY, None)),
        ('[["NaN","1"]]', (None, None)),
        ('[["10","NaN"]]', (None, None)),
        ('[["10"]]', (None, None)),
        ('"10"', (None, None)),
        ("null", (None, None)),
    ],
)
def test_the_best_level_is_the_first_that_stands(levels: str, best: tuple[float | None, float | None]) -> None:
    _, (tick,) = SPOT.parse(with_value(own("bybit", "ws_spot_book"), ("data", "b"), levels))
    assert (tick.bid, tick.bid_size) == best
    assert tick.ask == 0.1236


def test_a_spot_ticker_says_last_and_turnover_and_no_quote() -> None:
    tick = Tick(symbol="SOLUSDT", event_ms=1795325580500, seq=9000000009, last=150.05, volume_usd=481735.525)
    assert SPOT.parse(own("bybit", "ws_spot_ticker")) == ("ticker", (tick,))


def test_acknowledgements_and_both_kinds_of_pong_are_no_data() -> None:
    for frame in each(own("bybit", "ws_answers")):
        assert PERP.parse(frame) == ("", ())
        assert SPOT.parse(frame) == ("", ())


def test_a_refusal_names_symbol_topic_and_request() -> None:
    no = refusal({"ret_msg": "error:handler not found,topic:orderbook.1.NOPEUSDT", "req_id": "17"})
    assert (no.symbol, no.topic, no.request, no.duplicate) == ("NOPEUSDT", "orderbook.1.NOPEUSDT", "17", False)
    no = refusal({"ret_msg": "error:already subscribed,topic:tickers.SOLUSDT", "req_id": "18"})
    assert (no.symbol, no.topic, no.request, no.duplicate) == ("SOLUSDT", "tickers.SOLUSDT", "18", True)
    no = refusal({"ret_msg": "Invalid symbol :[tickers.龙虾USDT]"})
    assert (no.symbol, no.topic, no.request) == ("龙虾USDT", "tickers.龙虾USDT", None)
    no = refusal({"ret_msg": "args size >10"})
    assert (no.symbol, no.request, no.why) == (None, None, "args size >10")


def test_a_hostile_refusal_is_cleaned() -> None:
    no = refusal({"ret_msg": "error:handler not found,topic:tickers.A\x1b[2J" + "x" * 100_000, "req_id": "\x07" * 9})
    assert no.symbol is None
    assert no.request is None
    assert "\x1b" not in no.why + no.topic
    assert len(no.why) <= 120


def test_both_topics_of_a_spot_symbol_stand_in_one_request_of_at_most_ten() -> None:
    asks = SPOT.ask([f"C{i}USDT" for i in range(12)], 40)
    frames = [json.loads(ask.frame) for ask in asks]
    assert [len(frame["args"]) for frame in frames] == [10, 10, 4]
    assert frames[0]["args"][:4] == ["orderbook.1.C0USDT", "tickers.C0USDT", "orderbook.1.C1USDT", "tickers.C1USDT"]
    assert [(frame["req_id"], frame["op"]) for frame in frames] == [(str(n), "subscribe") for n in (40, 41, 42)]
    assert [ask.request for ask in asks] == ["40", "41", "42"]


def test_a_perp_request_has_at_most_fifty_topics_and_a_line_fits_its_characters() -> None:
    symbols = [f"1000000COIN{i:03}USDT" for i in range(PERP.symbols_per_line)]
    asks = PERP.ask(symbols, 1)
    assert [len(ask.symbols) for ask in asks] == [50, 50, 50, 50, 20]
    told = sum(len(ask.frame[ask.frame.index(b"[") :]) for ask in asks)
    assert told <= sum(map(PERP.topic_chars, symbols)) + 2 * len(asks)
    assert sum(map(PERP.topic_chars, symbols)) <= 21_000
    assert json.loads(PERP.unask(["SOLUSDT"], 5)[0].frame) == {  # type: ignore[misc]
        "req_id": "5",
        "op": "unsubscribe",
        "args": ["tickers.SOLUSDT"],
    }


@pytest.mark.parametrize("value", HOSTILE_VALUES)
@pytest.mark.parametrize("name", ["ws_perp_snapshot", "ws_spot_book", "ws_spot_ticker"])
def test_one_bad_value_costs_that_value_alone(name: str, value: str) -> None:
    raw = own("bybit", name)
    parse = PERP.parse if "perp" in name else SPOT.parse
    whole = msgspec.structs.asdict(parse(raw)[1][0])
    for path in leaves(json.loads(raw)):
        if path[0] in {"topic", "type"} or path[-1] in {"symbol", "s"}:
            continue
        kind, (tick,) = parse(with_value(raw, path, value))
        changed = [key for key, told in msgspec.structs.asdict(tick).items() if told != whole[key]]
        assert kind
        assert is_sane(tick)
        assert len(changed) <= 2, (path, changed)


@pytest.mark.parametrize(
    "name", ["null", "5", "[]", '""', '"A\\u001b[2J"', '"\\u202eTDSU"', '"A B"', '"[/]"', '"' + "A" * 41 + '"']
)
@pytest.mark.parametrize(
    ("sample", "key"), [("ws_perp_snapshot", "symbol"), ("ws_spot_book", "s"), ("ws_spot_ticker", "symbol")]
)
def test_a_hostile_symbol_never_enters(sample: str, key: str, name: str) -> None:
    parse = PERP.parse if "perp" in sample else SPOT.parse
    assert ticks_of(parse, with_value(own("bybit", sample), ("data", key), name)) == []


@pytest.mark.shared
def test_real_frames_are_read_exactly() -> None:
    _, (btc,) = PERP.parse(real(f"{FRAMES}/ws_linear_ticker_snapshot.json"))
    assert (btc.bid, btc.ask, btc.bid_size, btc.ask_size) == (63561.5, 63561.6, 1.76, 4.69)
    assert (btc.last, btc.mark, btc.index, btc.volume_usd) == (63561.6, 63560.8, 63585.51, 3515096831.964)
    assert (btc.funding_rate, btc.funding_interval_h, btc.next_funding_ms) == (0.00005013, 8.0, 1786665600000)
    assert (btc.event_ms, btc.seq, btc.delta) == (1786659827683, 764144442982, False)
    _, (aave,) = PERP.parse(real(f"{FRAMES}/ws_linear_ticker_delta_bbo.json"))
    assert (aave.bid, aave.ask, aave.last, aave.delta) == (112.89, 112.9, None, True)
    _, (side,) = PERP.parse(real(f"{FRAMES}/ws_linear_ticker_delta_one_side.json"))
    assert (side.bid, side.ask, side.mark) == (61873.9, None, 61875.06)
    _, (book,) = SPOT.parse(real(f"{FRAMES}/ws_linear_orderbook1.json"))
    assert (book.bid, book.ask, book.event_ms) == (63561.5, 63561.6, 1786659828109)
    _, (atom,) = SPOT.parse(real(f"{FRAMES}/ws_spot_ticker_atom.json"))
    assert (atom.last, atom.volume_usd, atom.bid) == (4.166, 3512005.8668082, None)


@pytest.mark.shared
def test_old_deltas_of_a_spot_book_are_read() -> None:
    frames = each(real(f"{FRAMES}/ws_spot_orderbook1_2023_snapshot_then_delta.json"))
    ticks = [SPOT.parse(frame)[1][0] for frame in frames]
    assert [(t.delta, t.bid, t.ask) for t in ticks] == [
        (False, 28165.07, 28165.08),
        (True, 28165.07, None),
        (True, 27991.7, 27994.4),
    ]


@pytest.mark.shared
def test_real_answers_and_errors_are_understood() -> None:
    for frame in each(real(f"{FRAMES}/ws_acks_and_pongs.json")):
        assert PERP.parse(frame) == ("", ())
    found = [refusal(json.loads(frame)) for frame in each(real(f"{FRAMES}/ws_errors.json"))]
    assert [(no.symbol, no.request, no.duplicate) for no in found] == [
        ("NOPEUSDT", "e1", False),
        ("ETHUSDT", "e6", True),
        (None, None, False),
    ]


@pytest.mark.shared
def test_a_recorded_session_is_parsed_without_loss() -> None:
    expected = found = 0
    for name in ("tardis_bybit", "tardis_bybit-spot"):
        stream = SPOT if "spot" in name else PERP
        for line in real(f"recordings/bybit/ws/{name}.jsonl").splitlines():
            frame = json.loads(line)["frame"]
            topic = frame.get("topic", "")
            expected += topic.startswith("tickers.") or (stream is SPOT and topic.startswith("orderbook.1."))
            found += len(stream.parse(json.dumps(frame).encode())[1])
    assert found == expected == 7


@pytest.mark.shared
@pytest.mark.parametrize(
    ("sample", "frame"),
    [
        ("ws_perp_snapshot", "ws_linear_ticker_snapshot"),
        ("ws_spot_ticker", "ws_spot_ticker"),
        ("ws_spot_book", "ws_linear_orderbook1"),
    ],
)
def test_our_samples_have_the_shape_of_the_real_frames(sample: str, frame: str) -> None:
    assert list(leaves(json.loads(own("bybit", sample)))) == list(leaves(json.loads(real(f"{FRAMES}/{frame}.json"))))


@pytest.mark.parametrize(
    ("state", "env", "is_told"), [("ongoing", 1, True), ("completed", 1, False), ("ongoing", 2, False)]
)
def test_only_a_maintenance_that_is_going_on_where_we_trade_is_told(state: str, env: int, is_told: bool) -> None:
    row = {"id": "4d95", "title": "t\x1b06", "state": state, "begin": "1751596902000", "end": "", "env": env}
    raw = msgspec.json.encode({"topic": "system.status", "ts": 1751858399649, "data": [row]})
    if not is_told:
        assert NOTICES.parse(raw) == ("", ())
        return
    with pytest.raises(Notice) as caught:
        NOTICES.parse(raw)
    assert (caught.value.kind, caught.value.text) == ("maintenance", "t06")


def test_the_line_of_notices_asks_for_one_topic_and_hears_a_no() -> None:
    [asked] = NOTICES.ask((), 7)
    assert msgspec.json.decode(asked.frame) == {"req_id": "7", "op": "subscribe", "args": ["system.status"]}
    assert NOTICES.parse(b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}') == ("", ())
    with pytest.raises(Refused, match="handler not found"):
        NOTICES.parse(b'{"success":false,"ret_msg":"error:handler not found","req_id":"7","op":"subscribe"}')
