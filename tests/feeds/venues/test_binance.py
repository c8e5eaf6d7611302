"""Binance: what its frames and replies say, how it is asked, what its refusals mean."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Ask, Heard, Page, Snapshot
from frmon.feeds.text import positive
from frmon.feeds.venues.binance import VENUE, verdict
from frmon.model import EMPTY, Listing, Market, Tick
from tests.feeds.venues.given import (
    HOSTILE_VALUES,
    MALFORMED,
    ODD,
    each,
    is_sane,
    leaves,
    own,
    real,
    with_value,
    without,
)

SPOT, MARKET, PUBLIC = VENUE.streams
FRAMES = "protocols/binance/frames"
SNAPSHOTS = {(s.market, s.kind): s for s in VENUE.snapshots}
STREAMS: dict[str, Any] = json.loads(own("binance", "streams"))
REPLIES: dict[str, Any] = json.loads(own("binance", "replies"))
DATA_FRAMES = [name for name, frame in STREAMS.items() if "data" in frame]


def frame(name: str) -> bytes:
    return json.dumps(STREAMS[name], ensure_ascii=False).encode()


def reply(name: str) -> bytes:
    return json.dumps(REPLIES[name], ensure_ascii=False).encode()


def hear(name: str) -> Heard:
    kind, ticks = SPOT.parse(frame(name))
    return kind, list(ticks)


def harmless(raw: bytes) -> list[Tick]:
    """The ticks of a frame that may also be refused as unreadable, or read as a notice or refusal."""
    try:
        return list(MARKET.parse(raw)[1])
    except (DecodeError, Notice, Refused):
        return []


def page(market: Market, raw: bytes) -> Page:
    (directory,) = [d for d in VENUE.directories if d.market is market]
    return directory.parse(raw)


def listed(found: Page) -> dict[str, Listing]:
    return {listing.symbol: listing for listing in found.listings}


def snapshot(market: Market, kind: str, name: str) -> list[Tick]:
    return list(SNAPSHOTS[market, kind].parse(reply(name)))


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


def test_the_spot_directory_keeps_usdt_pairs_that_trade_or_stand_still() -> None:
    found = page(Market.SPOT, reply("spot instruments"))
    listings = listed(found)
    assert {s: one.status for s, one in listings.items()} == {
        "WIFUSDT": "trading",
        "HALTUSDT": "halted",
        "STOPUSDT": "halted",
        "1000CATUSDT": "trading",
    }
    assert found.skipped == 3  # a hostile name, a missing base, no row at all
    assert listings["WIFUSDT"] == Listing(
        venue="binance", market=Market.SPOT, symbol="WIFUSDT", base="WIF", tick=0.0001, contract=1.0
    )


def test_the_perp_directory_keeps_usdt_perpetuals_with_their_class_and_dates() -> None:
    listings = listed(page(Market.PERP, reply("perp instruments")))
    assert {s: (one.asset_class, one.status) for s, one in listings.items()} == {
        "1000WIFUSDT": ("crypto", "trading"),
        "DYINGUSDT": ("crypto", "trading"),
        "SOONUSDT": ("crypto", "prelaunch"),
        "XAGUSDT": ("commodity", "trading"),
        "SEOULUSDT": ("stock", "trading"),
        "EURUSDT": ("forex", "trading"),
        "ALLUSDT": ("index", "trading"),
        "IPOUSDT": ("premarket", "trading"),
        "BONDUSDT": ("other", "trading"),
    }
    assert listings["1000WIFUSDT"] == Listing(
        venue="binance",
        market=Market.PERP,
        symbol="1000WIFUSDT",
        base="1000WIF",
        funding_h=8.0,
        on_ms=1765440300000,
        tick=0.01,
        contract=1.0,
    )
    assert listings["DYINGUSDT"].off_ms == 1795766400000


def test_book_replies_are_timed_on_perp_only() -> None:
    assert snapshot(Market.SPOT, "book", "spot books") == [
        Tick(symbol="WIFUSDT", bid=0.808, ask=0.8082, bid_size=1204.5, ask_size=933.1),
        Tick(symbol="OLDUSDT", bid=EMPTY, ask=EMPTY),
    ]
    assert snapshot(Market.PERP, "book", "perp books") == [
        Tick(symbol="WIFUSDT", event_ms=1795325582657, bid=0.808, ask=0.8081, bid_size=8215.0, ask_size=763.0)
    ]
    assert not SNAPSHOTS[Market.SPOT, "book"].stamped
    assert SNAPSHOTS[Market.PERP, "book"].stamped


def test_day_tickers_tell_last_and_turnover() -> None:
    assert snapshot(Market.SPOT, "ticker", "spot tickers") == [
        Tick(symbol="WIFUSDT", event_ms=1795325580014, last=0.8081, volume_usd=4163343.65671)
    ]
    assert snapshot(Market.PERP, "ticker", "perp tickers") == [
        Tick(symbol="WIFUSDT", event_ms=1795325579826, last=0.8081, volume_usd=57895440.55)
    ]


def test_mark_replies_tell_the_predicted_rate_and_its_settlement() -> None:
    assert snapshot(Market.PERP, "mark", "marks") == [
        Tick(
            symbol="WIFUSDT",
            event_ms=1795325581000,
            mark=0.8081,
            index=0.8084,
            funding_rate=-0.000125,
            next_funding_ms=1795334400000,
        ),
        Tick(symbol="DEADUSDT", event_ms=1795325581000, mark=0.01, next_funding_ms=0),
    ]


def test_intervals_come_from_their_own_reply() -> None:
    ticks = snapshot(Market.PERP, "interval", "intervals")
    assert [(t.symbol, t.funding_interval_h) for t in ticks] == [("WIFUSDT", 4.0), ("HOURUSDT", 1.0)]


def test_the_server_time_is_in_milliseconds() -> None:
    for clock in VENUE.server_times:
        assert clock.parse(reply("time")) == 1795325580123
        for bad in (b'{"serverTime":1795325580}', b'{"serverTime":null}', b"{}", reply("too much weight")):
            with pytest.raises(DecodeError):
                clock.parse(bad)


@pytest.mark.parametrize("one", VENUE.snapshots, ids=lambda s: f"{s.market} {s.kind}")
def test_an_error_instead_of_a_reply_is_named(one: Snapshot) -> None:
    with pytest.raises(DecodeError, match=r"^-1121 Invalid symbol\.$"):
        one.parse(reply("unknown symbol"))
    assert list(one.parse(b"[]")) == []


@pytest.mark.parametrize("market", list(Market))
def test_an_error_instead_of_a_directory_is_named(market: Market) -> None:
    with pytest.raises(DecodeError, match="-1121 Invalid symbol"):
        page(market, reply("unknown symbol"))


def test_one_bad_row_costs_only_itself() -> None:
    rows = [
        *REPLIES["spot books"][:1],
        None,
        {"symbol": 5},
        {"symbol": "x" * 50_000 + "USDT"},
        {"symbol": "A\x1b[2JUSDT"},
    ]
    assert [t.symbol for t in SNAPSHOTS[Market.SPOT, "book"].parse(json.dumps(rows).encode())] == ["WIFUSDT"]
    marks = {"stream": "!markPrice@arr@1s", "data": [*STREAMS["perp marks"]["data"], 7, {"e": "markPriceUpdate"}]}
    assert [t.symbol for t in MARKET.parse(json.dumps(marks).encode())[1]] == ["1000WIFUSDT", "GONEUSDT", "牛牛USDT"]


@pytest.mark.parametrize("name", DATA_FRAMES)
def test_hostile_values_in_frames_harm_nothing(name: str) -> None:
    raw = frame(name)
    for path in leaves(STREAMS[name]):
        for bad in [with_value(raw, path, value) for value in HOSTILE_VALUES] + [without(raw, path)]:
            assert all(is_sane(t) and not t.symbol.endswith("_PERP") for t in harmless(bad))


@pytest.mark.parametrize(
    ("market", "kind", "name"),
    [
        (Market.SPOT, "book", "spot books"),
        (Market.SPOT, "ticker", "spot tickers"),
        (Market.PERP, "book", "perp books"),
        (Market.PERP, "ticker", "perp tickers"),
        (Market.PERP, "mark", "marks"),
        (Market.PERP, "interval", "intervals"),
    ],
)
def test_hostile_values_in_replies_cost_at_most_their_row(market: Market, kind: str, name: str) -> None:
    read, raw = SNAPSHOTS[market, kind].parse, reply(name)
    whole = len(read(raw))
    for path in leaves(REPLIES[name]):
        for bad in [with_value(raw, path, value) for value in HOSTILE_VALUES] + [without(raw, path)]:
            ticks = read(bad)
            assert whole - 1 <= len(ticks) <= whole
            assert all(map(is_sane, ticks))


@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: repr(raw[:12]))
def test_what_is_no_json_is_one_clean_error(raw: bytes) -> None:
    reads = [SPOT.parse, VENUE.server_times[0].parse]
    reads += [d.parse for d in VENUE.directories] + [s.parse for s in VENUE.snapshots]
    for read in reads:
        with pytest.raises(DecodeError) as caught:
            read(raw)
        assert 0 < len(str(caught.value)) <= 80
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("raw", ODD, ids=lambda raw: repr(raw[:20]))
def test_json_that_says_nothing_makes_no_tick(raw: bytes) -> None:
    assert harmless(raw) == []


def names(ask: Ask) -> list[str]:
    told = json.loads(ask.frame)
    assert told["method"] == "SUBSCRIBE"
    assert str(told["id"]) == ask.request
    return list(told["params"])


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


def test_every_cost_names_a_budget() -> None:
    rules = {rule.name: rule.limit for rule in VENUE.rules}
    requests = [d.request for d in VENUE.directories] + [s.request for s in VENUE.snapshots]
    costs = [c for r in requests for c in r.costs] + [c for s in VENUE.streams for c in s.connect_costs]
    assert all(0 < units < rules[name] for name, units in costs)


@pytest.mark.parametrize(
    ("status", "headers", "name", "shown", "wait"),
    [
        (451, {}, "restricted", "BLOCKED", 1800.0),
        (403, {}, "restricted", "BLOCKED", 1800.0),
        (404, {}, "unknown symbol", "BLOCKED", 1800.0),
        (418, {"retry-after": "240"}, "banned", "BANNED", 240.0),
        (418, {}, "too much weight", "BANNED", 120.0),
        (418, {"date": "Sun, 22 Nov 2026 05:33:00 GMT"}, "banned", "BANNED", 300.0),
        (429, {"retry-after": "9"}, "too much weight", "BANNED", 9.0),
        (429, {}, "too much weight", "BANNED", 16.0),
        (400, {}, "unknown symbol", "RECONNECT", None),
        (502, {}, "unknown symbol", "RECONNECT", None),
    ],
)
def test_answers_that_are_none(status: int, headers: dict[str, str], name: str, shown: str, wait: float | None) -> None:
    why = verdict(status, headers, reply(name))
    assert why is not None
    assert (why.status, why.retry_s) == (shown, wait)
    assert why.why.startswith(f"HTTP {status} ")


def test_success_is_no_reason_to_stay_away_and_bodies_are_cleaned() -> None:
    assert verdict(200, {}, reply("unknown symbol")) is None
    assert verdict(101, {}, b"") is None
    why = verdict(503, {}, b"<html>\x1b[2J\xff")
    assert why is not None
    assert why.why == "HTTP 503 <html>[2J\ufffd"


def recorded(path: str) -> bytes:
    raw = real(path)
    return gzip.decompress(raw) if path.endswith(".gz") else raw


def payloads(raw: bytes) -> Iterator[bytes]:
    """The JSON of each recorded line `<time>: {...}` or `<time> {...}`; connects are left out."""
    for line in raw.splitlines():
        _, found, rest = line.partition(b" {")
        if found and not line.startswith(b"wss"):
            yield b"{" + rest


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("um_ws_all_markPrice_arr_1s_tradfi_frame", ("mark", ["XAUUSDT", "XAGUSDT"])),
        ("um_ws_all_ticker_arr", ("ticker", ["XPTUSDT"])),
        ("um_ws_btcusdt_bookTicker", ("book", ["BTCUSDT"])),
        ("um_ws_btcusdt_markPrice_1s", ("mark", ["BTCUSDT"])),
        ("um_ws_btcusdt_ticker", ("ticker", ["BTCUSDT"])),
    ],
)
def test_real_frames_are_read(file: str, expected: tuple[str, list[str]]) -> None:
    kind, ticks = MARKET.parse(real(f"{FRAMES}/{file}.json"))
    assert (kind, [t.symbol for t in ticks]) == expected
    assert all(map(is_sane, ticks))


@pytest.mark.shared
def test_real_values_are_read_exactly() -> None:
    _, (mark,) = MARKET.parse(real(f"{FRAMES}/um_ws_btcusdt_markPrice_1s.json"))
    assert (mark.mark, mark.index, mark.funding_rate) == (83084.3, 83123.65891304, 7.8e-7)
    assert (mark.next_funding_ms, mark.event_ms) == (1791388800000, 1791382993000)
    _, (book,) = PUBLIC.parse(real(f"{FRAMES}/um_ws_btcusdt_bookTicker.json"))
    assert (book.bid, book.ask, book.bid_size, book.ask_size) == (83091.6, 83091.7, 4.215, 3.763)
    heard = [SPOT.parse(raw) for raw in each(real(f"{FRAMES}/spot_ws_btcusdt_miniTicker_2026.json"))]
    assert [(kind, ticks[0].last) for kind, ticks in heard] == [("ticker", 86128.01), ("ticker", 84028.01)]
    kinds = [SPOT.parse(raw)[0] for raw in each(real(f"{FRAMES}/um_ws_misc_2026-09-27.json"))]
    assert kinds == ["", "mark", ""]


@pytest.mark.shared
def test_real_replies_are_read() -> None:
    marks = SNAPSHOTS[Market.PERP, "mark"].parse(real(f"{FRAMES}/um_rest_premiumIndex.json"))
    assert [(t.symbol, t.mark) for t in marks] == [("BTCUSDT", 83067.3), ("XAUUSDT", 4102.86), ("币安人生USDT", 0.4762)]
    days = SNAPSHOTS[Market.PERP, "ticker"].parse(real(f"{FRAMES}/um_rest_ticker_24hr.json"))
    assert [t.volume_usd for t in days] == [2241110732.05, 3427981.55024, 14378633588.65]
    hours = SNAPSHOTS[Market.PERP, "interval"].parse(real(f"{FRAMES}/um_rest_fundingInfo.json"))
    assert [t.funding_interval_h for t in hours] == [4.0, 4.0, 8.0]
    listings = listed(page(Market.PERP, real(f"{FRAMES}/um_rest_exchangeInfo.json")))
    assert {s: (one.base, one.asset_class, one.tick) for s, one in listings.items()} == {
        "BTCUSDT": ("BTC", "crypto", 0.1),
        "XAUUSDT": ("XAU", "commodity", 0.01),
        "币安人生USDT": ("币安人生", "crypto", 0.0001),
    }


@pytest.mark.shared
@pytest.mark.parametrize(
    "path",
    [
        "recordings/binance/ws/cf_spot_20211012.raw",
        "recordings/binance/ws/hft_spot_btcusdt_20240808.log.gz",
        f"{FRAMES}/spot_ws_bookTicker_recorded_2021.txt",
        f"{FRAMES}/um_ws_bookTicker_recorded_2021.txt",
    ],
)
def test_no_recorded_book_is_lost(path: str) -> None:
    heard, expected = [], []
    for raw in payloads(recorded(path)):
        kind, ticks = PUBLIC.parse(raw)
        heard += [(kind, t.symbol, t.bid, t.ask, t.bid_size, t.ask_size, t.seq) for t in ticks]
        told = json.loads(raw)
        row = told.get("data", told)
        if "@bookTicker" in told.get("stream", "") and row["s"].endswith("USDT"):
            sizes = (positive(row["B"]), positive(row["A"]))
            expected.append(("book", row["s"], float(row["b"]), float(row["a"]), *sizes, row["u"]))
    assert len(expected) > 30
    assert heard == expected


@pytest.mark.shared
@pytest.mark.parametrize("name", ["tardis_binance", "tardis_binance-futures"])
def test_frames_of_all_years_are_read_or_left_alone(name: str) -> None:
    ours = {"bookTicker", "24hrTicker", "markPriceUpdate"}
    for line in recorded(f"recordings/binance/ws/{name}.jsonl").splitlines():
        told = json.loads(line)["frame"]
        kind, ticks = MARKET.parse(json.dumps(told).encode())
        stream, row = told["stream"], told["data"]
        wanted = (row.get("e") in ours or "@bookTicker" in stream) and row["s"].endswith("USDT")
        assert bool(kind and ticks) == wanted, stream
        assert all(map(is_sane, ticks))


@pytest.mark.shared
def test_no_recorded_row_of_the_replies_is_lost() -> None:
    raw = recorded("recordings/binance/rest/bitvigil_premiumIndex_20241127.json.gz")
    rows = [row for row in json.loads(raw) if row["symbol"].endswith("USDT")]
    ticks = SNAPSHOTS[Market.PERP, "mark"].parse(raw)
    assert [(t.symbol, t.mark) for t in ticks] == [(r["symbol"], positive(r["markPrice"])) for r in rows]
    for market in Market:
        told = json.loads(recorded(f"recordings/binance/tickers_all/tat3_{market}_20221121T0636Z.json.gz"))
        infos = [row["info"] for row in told["tickers"].values()]
        expected = [(r["symbol"], positive(r["lastPrice"])) for r in infos if r["symbol"].endswith("USDT")]
        found = SNAPSHOTS[market, "ticker"].parse(json.dumps(infos).encode())
        assert [(t.symbol, t.last) for t in found] == expected
        assert len(expected) > 140


@pytest.mark.shared
def test_recorded_directories_keep_exactly_what_trades() -> None:
    raw = recorded("recordings/binance/rest/ctemkar_perp_exchangeInfo_20260518.slice.json.gz")
    rows = json.loads(raw)["symbols"]
    trading = {
        r["symbol"]
        for r in rows
        if r["status"] == "TRADING"
        and r["quoteAsset"] == r["marginAsset"] == "USDT"
        and r["contractType"] in {"PERPETUAL", "TRADIFI_PERPETUAL"}
    }
    found = page(Market.PERP, raw)
    assert {one.symbol for one in found.listings if one.status == "trading"} == trading
    assert {one.status for one in found.listings} <= {"trading", "prelaunch", "halted"}
    assert found.skipped == 0
    assert len(trading) > 10
    spot = page(Market.SPOT, real(f"{FRAMES}/spot_rest_exchangeInfo_recorded_2021_120usdt.json"))
    assert (len(spot.listings), spot.skipped) == (120, 0)
