"""Binance: what its frames say, how it is asked, what its refusals mean."""

import json

import pytest

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.venues.binance import VENUE
from frmon.model import EMPTY, Tick
from tests.feeds.venues.binance_given import DATA_FRAMES, MARKET, PUBLIC, SPOT, STREAMS, frame, harmless, hear, names
from tests.feeds.venues.given import HOSTILE_VALUES, MALFORMED, ODD, is_sane, leaves, with_value, without


def test_a_spot_ticker_tells_quote_last_and_turnover() -> None:
    tick = Tick(
        symbol="WIFUSDT",
        event_ms=1795325580015,
        bid=0.808,
        ask=0.8082,
        bid_size=1204.5,
        ask_size=933.1,
        last=0.8081,
        volume_usd=4163343.65671,
    )
    assert hear("spot ticker") == ("ticker", [tick])


def test_a_side_at_zero_is_an_empty_side_and_an_unreadable_one_is_not_mentioned() -> None:
    tick = Tick(symbol="OLDUSDT", event_ms=1795325580016, bid=EMPTY, ask=0.12, ask_size=5.0, last=0.1)
    assert hear("spot ticker one-sided") == ("ticker", [tick])
    for bad in ('""', "null", '"NaN"', "-1", "[]"):
        _, (read,) = SPOT.parse(with_value(frame("spot ticker"), ("data", "b"), bad))
        assert (read.bid, read.ask, read.last) == (None, 0.8082, 0.8081)


def test_a_spot_book_has_neither_name_nor_time() -> None:
    tick = Tick(symbol="WIFUSDT", seq=71200334, bid=0.808, ask=0.8082, bid_size=1200.0, ask_size=930.0)
    assert hear("spot book") == ("book", [tick])


def test_a_mini_ticker_tells_last_and_turnover_of_usdt_pairs_only() -> None:
    tick = Tick(symbol="WIFUSDT", event_ms=1795325580020, last=0.8081, volume_usd=4163343.65671)
    assert hear("spot mini") == ("ticker", [tick])
    assert [t.symbol for t in hear("spot mini array")[1]] == ["WIFUSDT"]


def test_marks_leave_out_coin_margined_and_dated_contracts_and_state_no_rate_where_none_is_due() -> None:
    assert hear("perp marks") == (
        "mark",
        [
            Tick(
                symbol="1000WIFUSDT",
                event_ms=1795325581000,
                mark=808.1,
                index=808.4,
                funding_rate=-0.000125,
                next_funding_ms=1795334400000,
            ),
            Tick(symbol="GONEUSDT", event_ms=1795325581000, mark=0.01, next_funding_ms=0),
            Tick(
                symbol="牛牛USDT",
                event_ms=1795325581000,
                mark=0.0502,
                index=0.0501,
                funding_rate=0.00005,
                next_funding_ms=1795334400000,
            ),
        ],
    )
    assert hear("perp mark")[1][0].funding_rate == 0.0001


def test_a_perp_ticker_has_no_quote() -> None:
    tick = Tick(symbol="WIFUSDT", event_ms=1795325582307, last=0.8081, volume_usd=57895440.55)
    assert hear("perp tickers") == ("ticker", [tick])


def test_a_perp_book_is_timed_and_numbered_and_coin_margined_ones_only_show_life() -> None:
    tick = Tick(
        symbol="WIFUSDT",
        event_ms=1795325582660,
        seq=11990000630476,
        bid=0.808,
        ask=0.8081,
        bid_size=8215.0,
        ask_size=763.0,
    )
    assert hear("perp book") == ("book", [tick])
    assert hear("coin-m book") == ("book", [])


@pytest.mark.parametrize("name", ["ack", "list", "trade", "liquidation", "depth", "coin-m contract info"])
def test_what_is_no_data_says_nothing(name: str) -> None:
    assert hear(name) == ("", [])


def test_raw_payloads_read_like_combined_ones() -> None:
    for name in ("spot ticker", "spot book", "perp marks", "perp tickers", "perp book"):
        bare = json.dumps(STREAMS[name]["data"], ensure_ascii=False).encode()
        assert SPOT.parse(bare) == SPOT.parse(frame(name))


@pytest.mark.parametrize(
    ("name", "why", "request_id", "closing"),
    [
        ("too many streams", "4 Too many subscriptions", "9", True),
        ("unknown method", "2 Invalid request: unknown variant `NO_METHOD`", "2", False),
        ("bare error", "2 Invalid request: no method", "7", False),
    ],
)
def test_both_shapes_of_errors_are_refusals(name: str, why: str, request_id: str, closing: bool) -> None:
    with pytest.raises(Refused) as caught:
        SPOT.parse(frame(name))
    refused = caught.value
    assert (refused.why, refused.request, refused.closing, refused.symbol) == (why, request_id, closing, None)


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("shutdown", "shutdown", "the venue closes this line soon"),
        ("shutdown combined", "shutdown", "the venue closes this line soon"),
        ("contract info", "listing", "NEWUSDT PENDING_TRADING"),
    ],
)
def test_announcements_are_notices(name: str, kind: str, text: str) -> None:
    with pytest.raises(Notice) as caught:
        MARKET.parse(frame(name))
    assert (caught.value.kind, caught.value.text) == (kind, text)


@pytest.mark.parametrize("name", DATA_FRAMES)
def test_hostile_values_in_frames_harm_nothing(name: str) -> None:
    raw = frame(name)
    for path in leaves(STREAMS[name]):
        for bad in [with_value(raw, path, value) for value in HOSTILE_VALUES] + [without(raw, path)]:
            assert all(is_sane(t) and not t.symbol.endswith("_PERP") for t in harmless(bad))


@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: repr(raw[:12]))
def test_what_is_no_json_is_one_clean_error(raw: bytes) -> None:
    reads = [SPOT.parse, VENUE.server_times[0].parse]
    reads += [d.parse for d in VENUE.directories] + [s.parse for s in VENUE.snapshots]
    for read in reads:
        with pytest.raises(DecodeError) as caught:
            read(raw)
        assert 0 < len(str(caught.value)) <= 80
        assert str(caught.value).isprintable()


def test_bytes_that_are_no_text_are_unreadable_wherever_they_stand() -> None:
    with pytest.raises(DecodeError):
        SPOT.parse(b'{"unknown":"\xff"}')


@pytest.mark.parametrize("raw", ODD, ids=lambda raw: repr(raw[:20]))
def test_json_that_says_nothing_makes_no_tick(raw: bytes) -> None:
    assert harmless(raw) == []


def test_every_spot_symbol_is_asked_once_in_lower_case_200_at_a_time() -> None:
    symbols = [f"C{i}USDT" for i in range(449)] + ["币安人生USDT"]
    asks = SPOT.ask(symbols, 7)
    assert [a.request for a in asks] == ["7", "8", "9"]
    assert [len(names(a)) for a in asks] == [200, 200, 50]
    assert [s for a in asks for s in a.symbols] == symbols
    assert [n for a in asks for n in names(a)] == [f"{s.lower()}@ticker" for s in symbols]
    assert "币安人生usdt@ticker".encode() in asks[2].frame
    assert max(len(a.frame) for a in asks) < 16_384


def test_the_whole_market_is_asked_in_one_frame() -> None:
    (market,), (public,) = MARKET.ask((), 0), PUBLIC.ask((), 1)
    assert names(market) == ["!markPrice@arr@1s", "!ticker@arr", "!contractInfo"]
    assert names(public) == ["!bookTicker"]
    assert (market.request, public.request) == ("0", "1")
    assert (SPOT.path, MARKET.path, PUBLIC.path) == ("/stream", "/market/stream", "/public/stream")


def test_what_was_asked_can_be_unasked() -> None:
    assert SPOT.unask is not None
    (unask,) = SPOT.unask(["WIFUSDT"], 12)
    assert json.loads(unask.frame) == {"method": "UNSUBSCRIBE", "params": ["wifusdt@ticker"], "id": 12}
