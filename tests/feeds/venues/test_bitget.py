"""Bitget's frames and requests, value by value."""

import json

import msgspec
import pytest

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.venues.bitget import VENUE
from frmon.model import EMPTY, Tick
from tests.feeds.venues.given import HOSTILE_VALUES, each, is_sane, leaves, own, real, ticks_of, with_value

PERP, SPOT = VENUE.streams
FRAMES = "protocols/bitget/frames"
SOL = Tick(
    symbol="SOLUSDT",
    event_ms=1795325580120,
    bid=150.11,
    ask=150.13,
    bid_size=12.5,
    ask_size=7.3,
    last=150.12,
    mark=150.115,
    index=150.0925,
    volume_usd=987654.321,
    funding_rate=-0.00012,
    next_funding_ms=1795334400000,
)


def refusal(frame: dict[str, object]) -> Refused:
    with pytest.raises(Refused) as caught:
        PERP.parse(json.dumps({"event": "error", **frame}).encode())
    return caught.value


def test_a_futures_ticker_says_everything_but_the_interval() -> None:
    assert PERP.parse(own("bitget", "ws_perp_ticker")) == ("ticker", [SOL])


def test_a_spot_ticker_has_no_reference_and_no_funding() -> None:
    tick = Tick(
        symbol="龙虾USDT",
        event_ms=1795325580220,
        bid=0.1234,
        ask=0.1236,
        bid_size=500.0,
        ask_size=80.5,
        last=0.1235,
        volume_usd=123.5,
    )
    assert SPOT.parse(own("bitget", "ws_spot_ticker")) == ("ticker", [tick])


def test_the_same_name_of_the_other_market_is_not_ours() -> None:
    assert SPOT.parse(own("bitget", "ws_perp_ticker")) == ("", ())
    assert PERP.parse(own("bitget", "ws_spot_ticker")) == ("", ())
    other = with_value(own("bitget", "ws_perp_ticker"), ("arg", "channel"), '"books1"')
    assert PERP.parse(other) == ("", ())


@pytest.mark.parametrize("nothing", ['""', "null", '"0"', "0"])
def test_an_empty_side_is_stated_and_zero_is_no_other_price(nothing: str) -> None:
    raw = own("bitget", "ws_perp_ticker")
    for key, field in [("bidPr", "bid"), ("askPr", "ask")]:
        assert PERP.parse(with_value(raw, ("data", 0, key), nothing))[1] == [
            msgspec.structs.replace(SOL, **{field: EMPTY})
        ]
    for key, field in [
        ("lastPr", "last"),
        ("markPrice", "mark"),
        ("indexPrice", "index"),
        ("quoteVolume", "volume_usd"),
    ]:
        assert PERP.parse(with_value(raw, ("data", 0, key), nothing))[1] == [
            msgspec.structs.replace(SOL, **{field: None})
        ]
    assert PERP.parse(with_value(raw, ("data", 0, "nextFundingTime"), nothing))[1][0].next_funding_ms == 0


def test_an_empty_book_is_read() -> None:
    _, (tick,) = PERP.parse(own("bitget", "ws_perp_empty_book"))
    assert (tick.bid, tick.ask, tick.bid_size, tick.ask_size) == (EMPTY, EMPTY, None, None)
    assert (tick.last, tick.mark, tick.volume_usd, tick.funding_rate, tick.next_funding_ms) == (0.5, 0.51, None, 0.0, 0)


def test_an_update_says_only_what_it_mentions() -> None:
    tick = Tick(symbol="SOLUSDT", event_ms=1795325580420, bid=150.1)
    assert PERP.parse(own("bitget", "ws_perp_update")) == ("ticker", [tick])


def test_a_row_without_time_has_the_time_of_its_frame() -> None:
    _, (tick,) = PERP.parse(with_value(own("bitget", "ws_perp_ticker"), ("data", 0, "ts"), '""'))
    assert tick.event_ms == 1795325580123


def test_pongs_and_acknowledgements_are_no_data() -> None:
    assert PERP.parse(b"pong") == ("", ())
    for frame in each(own("bitget", "ws_answers")):
        assert PERP.parse(frame) == ("", ())


def test_a_refusal_names_the_symbol_where_the_venue_does() -> None:
    arg = {"instType": "USDT-FUTURES", "channel": "ticker", "instId": "NOPEUSDT"}
    no = refusal({"arg": arg, "code": 30001, "msg": "doesn't exist", "op": "subscribe"})
    assert (no.symbol, no.topic, no.closing) == ("NOPEUSDT", "USDT-FUTURES:ticker:NOPEUSDT", False)
    assert (
        refusal({"code": "30001", "msg": '{"symbol":"NOPEUSDT","topic":"ticker"} doesn\'t exist'}).symbol == "NOPEUSDT"
    )
    assert refusal({"code": 30001, "msg": "instType:SPOT,channel:ticker,instId:NOPEUSDT,x:y"}).symbol == "NOPEUSDT"
    burst, closing = (
        refusal({"code": 30006, "msg": "request too many"}),
        refusal({"code": "30007", "msg": "over limit"}),
    )
    assert (burst.symbol, burst.closing, closing.closing) == (None, False, True)


def test_a_hostile_refusal_is_cleaned() -> None:
    no = refusal({"arg": {"instId": "A\x1b[2J"}, "code": [], "msg": "\x1b]0;x\x07" + "y" * 100_000})
    assert no.symbol is None
    assert "\x1b" not in no.why + no.topic
    assert len(no.why) < 140


@pytest.mark.parametrize("code", ["30033", '"30033"'])
def test_an_upgrade_is_announced(code: str) -> None:
    with pytest.raises(Notice) as caught:
        PERP.parse(b'{"event":"error","code":%s,"msg":"upgrade"}' % code.encode())
    assert caught.value.kind == "shutdown"


@pytest.mark.parametrize("name", ["{}USDT", "币安人生币安人生{}USDT", "X" * 30 + "{}USDT"])
def test_messages_keep_within_args_and_bytes(name: str) -> None:
    symbols = [name.format(i) for i in range(130)]
    asks = PERP.ask(symbols, 7)
    assert [symbol for ask in asks for symbol in ask.symbols] == symbols
    assert max(len(ask.symbols) for ask in asks) <= 50
    assert max(len(ask.frame) for ask in asks) <= 4096
    for ask in asks:
        told = json.loads(ask.frame)
        assert told["op"] == "subscribe"
        assert [arg["instId"] for arg in told["args"]] == list(ask.symbols)
        assert {(arg["instType"], arg["channel"]) for arg in told["args"]} == {("USDT-FUTURES", "ticker")}


def test_a_full_line_of_ordinary_names_is_one_message() -> None:
    assert len(PERP.ask([f"COIN{i}USDT" for i in range(PERP.symbols_per_line)], 0)) == 1
    (ask,) = SPOT.unask(["SOLUSDT"], 3)  # type: ignore[misc]
    assert json.loads(ask.frame) == {
        "op": "unsubscribe",
        "args": [{"instType": "SPOT", "channel": "ticker", "instId": "SOLUSDT"}],
    }


@pytest.mark.parametrize("value", HOSTILE_VALUES)
@pytest.mark.parametrize("name", ["ws_perp_ticker", "ws_spot_ticker"])
def test_one_bad_value_costs_that_value_alone(name: str, value: str) -> None:
    raw = own("bitget", name)
    parse = PERP.parse if "perp" in name else SPOT.parse
    whole = msgspec.structs.asdict(parse(raw)[1][0])
    for path in leaves(json.loads(raw)):
        if path[0] in {"arg", "action"} or path[-1] in {"instId", "symbol"}:
            continue
        kind, (tick,) = parse(with_value(raw, path, value))
        changed = [key for key, told in msgspec.structs.asdict(tick).items() if told != whole[key]]
        assert kind
        assert is_sane(tick)
        assert len(changed) <= 1, (path, changed)


@pytest.mark.parametrize("name", ['"A\\u001b[2J"', '"\\u202eTDSU"', '"A B"', '"[/]"', '"' + "A" * 41 + '"'])
def test_a_hostile_symbol_never_enters(name: str) -> None:
    raw = own("bitget", "ws_perp_ticker")
    assert ticks_of(PERP.parse, with_value(raw, ("data", 0, "instId"), name)) == []


def test_a_bad_row_does_not_cost_the_others() -> None:
    raw = own("bitget", "ws_perp_ticker")
    row = json.dumps(json.loads(raw)["data"][0])
    _, ticks = PERP.parse(with_value(raw, ("data",), f"[null,{row},5]"))
    assert ticks == [SOL]
    with pytest.raises(DecodeError):
        PERP.parse(with_value(raw, ("data",), "null"))


@pytest.mark.shared
def test_real_frames_are_read_exactly() -> None:
    _, (btc,) = PERP.parse(real(f"{FRAMES}/ws_v2_futures_ticker.json"))
    assert (btc.bid, btc.ask, btc.bid_size, btc.ask_size) == (83692.3, 83692.4, 1.2043, 4.5377)
    assert (btc.last, btc.mark, btc.index, btc.volume_usd) == (83692.3, 83692.3, 83720.9225, 2588367727.81816)
    assert (btc.funding_rate, btc.next_funding_ms, btc.event_ms) == (0.0001, 1790380800000, 1790358794983)
    _, (birb,) = PERP.parse(real(f"{FRAMES}/ws_v2_futures_ticker_birb_negative_funding.json"))
    assert (birb.symbol, birb.bid, birb.ask, birb.funding_rate) == ("BIRBUSDT", 0.07615, 0.0762, -0.006439)
    _, (spot,) = SPOT.parse(real(f"{FRAMES}/ws_v2_spot_ticker.json"))
    assert (spot.bid, spot.ask, spot.volume_usd, spot.funding_rate) == (83715.69, 83715.7, 225237773.321358, None)
    assert PERP.parse(real(f"{FRAMES}/ws_v2_coinm_delivery_ticker.json")) == ("", ())


@pytest.mark.shared
def test_real_answers_and_errors_are_understood() -> None:
    ack, *errors, upgrade = each(real(f"{FRAMES}/ws_v2_acks_and_errors.json"))
    assert PERP.parse(ack) == ("", ())
    found = [refusal(json.loads(frame)) for frame in errors]
    assert [(no.symbol, no.closing) for no in found] == [
        ("NOPEUSDT", False),
        ("BTCUSDT", False),
        (None, False),
        (None, True),
        (None, False),
    ]
    assert refusal(json.loads(real(f"{FRAMES}/ws_v3_error_unknown_symbol.json"))).symbol == "NOPEUSDT"
    with pytest.raises(Notice):
        PERP.parse(upgrade)


@pytest.mark.shared
def test_recorded_sessions_are_parsed_without_loss() -> None:
    expected = found = 0
    for name in ("tardis_bitget", "tardis_bitget-futures"):
        for line in real(f"recordings/bitget/ws/{name}.jsonl").splitlines():
            frame = json.loads(line)["frame"]
            arg = frame["arg"]
            ours = arg["channel"] == "ticker" and arg["instType"] in {"SPOT", "USDT-FUTURES"}
            expected += len(frame["data"]) if ours and "data" in frame else 0
            raw = json.dumps(frame).encode()
            found += len(PERP.parse(raw)[1]) + len(SPOT.parse(raw)[1])
    assert found == expected == 1


@pytest.mark.shared
@pytest.mark.parametrize(
    ("sample", "frame"),
    [("ws_perp_ticker", "ws_v2_futures_ticker"), ("ws_spot_ticker", "ws_v2_spot_ticker")],
)
def test_our_samples_have_the_shape_of_the_real_frames(sample: str, frame: str) -> None:
    assert list(leaves(json.loads(own("bitget", sample)))) == list(leaves(json.loads(real(f"{FRAMES}/{frame}.json"))))
