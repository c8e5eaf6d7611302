"""OKX: what its frames and replies say, how it is asked, what its refusals mean."""

import gzip
import json
from typing import Any

import pytest

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Ask, Heard, Page, Snapshot
from frmon.feeds.text import positive
from frmon.feeds.venues.okx import VENUE, verdict
from frmon.model import EMPTY, Listing, Market, Tick
from tests.feeds.venues.given import HOSTILE_VALUES, MALFORMED, ODD, is_sane, leaves, own, real, with_value, without

SPOT, PERP, NOTICES = VENUE.streams
FRAMES = "protocols/okx/frames"
SNAPSHOTS = {(s.market, s.kind): s for s in VENUE.snapshots}
STREAMS: dict[str, Any] = json.loads(own("okx", "streams"))
REPLIES: dict[str, Any] = json.loads(own("okx", "replies"))
DATA_FRAMES = [name for name, frame in STREAMS.items() if "data" in frame]
ERRORS = ["too many", "busy", "unknown"]


def frame(name: str) -> bytes:
    return json.dumps(STREAMS[name]).encode()


def reply(name: str) -> bytes:
    return json.dumps(REPLIES[name]).encode()


def hear(name: str) -> Heard:
    kind, ticks = SPOT.parse(frame(name))
    return kind, list(ticks)


def harmless(raw: bytes) -> list[Tick]:
    """The ticks of a frame that may also be refused as unreadable, or read as a notice or refusal."""
    try:
        return list(SPOT.parse(raw)[1])
    except (DecodeError, Notice, Refused):
        return []


def page(market: Market, raw: bytes) -> Page:
    (directory,) = [d for d in VENUE.directories if d.market is market]
    return directory.parse(raw)


def listed(found: Page) -> dict[str, Listing]:
    return {listing.symbol: listing for listing in found.listings}


def snapshot(market: Market, kind: str, name: str) -> list[Tick]:
    return list(SNAPSHOTS[market, kind].parse(reply(name)))


def refused(name: str) -> Refused:
    with pytest.raises(Refused) as caught:
        SPOT.parse(frame(name))
    return caught.value


def test_a_spot_ticker_tells_quote_last_and_turnover() -> None:
    tick = Tick(
        symbol="WIF-USDT",
        event_ms=1795325580077,
        bid=0.8082,
        ask=0.8084,
        bid_size=653.5,
        ask_size=250.25,
        last=0.8083,
        volume_usd=903124.05,
    )
    assert hear("spot ticker") == ("ticker", [tick])


def test_a_swap_ticker_counts_turnover_in_coins_and_sizes_in_contracts() -> None:
    tick = Tick(
        symbol="WIF-USDT-SWAP", event_ms=1795325580177, bid=0.8083, ask=0.8085, last=0.8, volume_usd=4_000_000.0
    )
    assert hear("swap ticker") == ("ticker", [tick])


def test_empty_text_is_an_empty_side_and_an_unreadable_one_is_not_mentioned() -> None:
    tick = Tick(symbol="THIN-USDT", event_ms=1795325580277, bid=0.4, ask=EMPTY, bid_size=3.0, last=0.5)
    assert hear("one-sided") == ("ticker", [tick])
    for bad in ("null", '"NaN"', '"-1"', "[]"):
        _, (read,) = SPOT.parse(with_value(frame("one-sided"), ("data", 0, "askPx"), bad))
        assert (read.bid, read.ask, read.last) == (0.4, None, 0.5)


def test_other_channels_of_an_instrument_are_read_too() -> None:
    funding = Tick(
        symbol="WIF-USDT-SWAP",
        event_ms=1795325580915,
        funding_rate=-0.0000263463215391,
        funding_interval_h=4.0,
        next_funding_ms=1795334400000,
        settled_rate=0.0000341625964238,
    )
    assert hear("funding") == ("funding", [funding])
    assert hear("mark") == ("mark", [Tick(symbol="WIF-USDT-SWAP", event_ms=1795325580300, mark=0.8086)])
    assert hear("index") == ("index", [Tick(symbol="WIF-USDT-SWAP", event_ms=1795325580301, index=0.8087)])


def test_inverse_instruments_show_life_but_make_no_tick() -> None:
    assert hear("inverse") == ("ticker", [])


@pytest.mark.parametrize(
    "name",
    ["ack", "unack", "book", "other notice", "maintenance scheduled", "maintenance of bots", "maintenance of demo"],
)
def test_what_is_no_data_says_nothing(name: str) -> None:
    assert hear(name) == ("", [])


def test_a_pong_says_nothing() -> None:
    assert SPOT.parse(b"pong") == ("", ())
    assert {s.ping for s in VENUE.streams} == {b"ping"}
    assert all(s.ping_every_s < 30 for s in VENUE.streams)


def test_a_refusal_names_instrument_and_request() -> None:
    why = refused("no such instrument")
    assert (why.symbol, why.topic, why.request, why.closing) == ("NOPE-USDT", "tickers", "12", False)
    assert why.why.startswith("60018 Subscribe failed")
    assert SPOT.refusal_voids_ask


def test_a_refusal_for_haste_names_nothing() -> None:
    why = refused("too frequent")
    assert (why.why, why.symbol, why.request, why.closing) == ("60014 Requests too frequent", None, None, False)


def test_a_refusal_with_hostile_text_is_clean() -> None:
    told = STREAMS["no such instrument"] | {"msg": "channel:tickers,instId:\x1b[2J\u202e doesn't exist\n", "id": [1]}
    with pytest.raises(Refused) as caught:
        SPOT.parse(json.dumps(told).encode())
    assert (caught.value.symbol, caught.value.request) == (None, None)
    assert caught.value.why.isprintable()


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("upgrade", "shutdown", "The connection will soon be closed for a service upgrade. Please reconnect."),
        ("instruments", "listing", "instruments changed"),
        ("maintenance", "maintenance", "Spot trading upgrade"),
    ],
)
def test_announcements_are_notices(name: str, kind: str, text: str) -> None:
    with pytest.raises(Notice) as caught:
        NOTICES.parse(frame(name))
    assert (caught.value.kind, caught.value.text) == (kind, text)


def test_the_spot_directory_keeps_usdt_pairs() -> None:
    found = page(Market.SPOT, reply("spot instruments"))
    listings = listed(found)
    assert {s: (one.base, one.status, one.asset_class) for s, one in listings.items()} == {
        "WIF-USDT": ("WIF", "trading", "crypto"),
        "BYE-USDT": ("BYE", "halted", "crypto"),
        "XAPL-USDT": ("XAPL", "trading", "stock"),
        "SOON-USDT": ("SOON", "prelaunch", "crypto"),
        "ODD-USDT": ("ODD", "trading", "crypto"),
    }
    assert found.skipped == 2  # a hostile name, no row at all
    assert listings["WIF-USDT"] == Listing(
        venue="okx",
        market=Market.SPOT,
        symbol="WIF-USDT",
        base="WIF",
        on_ms=1711907686000,
        tick=0.0001,
        contract=1.0,
    )
    assert listings["BYE-USDT"].off_ms == 1795766400000


def test_the_swap_directory_keeps_linear_usdt_swaps_with_their_class_and_contract() -> None:
    listings = listed(page(Market.PERP, reply("swap instruments")))
    assert {s: (one.base, one.status, one.asset_class) for s, one in listings.items()} == {
        "WIF-USDT-SWAP": ("WIF", "trading", "crypto"),
        "XAU-USDT-SWAP": ("XAU", "trading", "commodity"),
        "NET-USDT-SWAP": ("NET", "trading", "stock"),
        "FXX-USDT-SWAP": ("FXX", "trading", "other"),
        "IPO-USDT-SWAP": ("IPO", "trading", "premarket"),
        "SPLIT-USDT-SWAP": ("SPLIT", "halted", "crypto"),
    }
    assert listings["WIF-USDT-SWAP"] == Listing(
        venue="okx",
        market=Market.PERP,
        symbol="WIF-USDT-SWAP",
        base="WIF",
        on_ms=1711916860000,
        tick=0.0001,
        contract=10.0,
    )


def test_ticker_replies_read_like_frames() -> None:
    assert snapshot(Market.PERP, "ticker", "tickers") == hear("swap ticker")[1]
    assert {SNAPSHOTS[market, "ticker"].request.query for market in Market} == {"instType=SPOT", "instType=SWAP"}


def test_funding_replies_tell_the_coming_settlement_and_the_interval() -> None:
    assert snapshot(Market.PERP, "funding", "funding") == [
        Tick(
            symbol="WIF-USDT-SWAP",
            event_ms=1795325543998,
            funding_rate=0.0001,
            funding_interval_h=8.0,
            next_funding_ms=1795334400000,
            settled_rate=0.00007,
        ),
        Tick(
            symbol="FAST-USDT-SWAP",
            event_ms=1795325545248,
            funding_rate=-0.0018087460514744,
            funding_interval_h=1.0,
            next_funding_ms=1795327200000,
        ),
        Tick(
            symbol="MUTE-USDT-SWAP",
            event_ms=1795325545248,
            funding_interval_h=4.0,
            next_funding_ms=1795334400000,
        ),
    ]


def test_marks_and_indexes_belong_to_swaps() -> None:
    assert snapshot(Market.PERP, "mark", "marks") == [Tick(symbol="WIF-USDT-SWAP", event_ms=1795325580300, mark=0.8086)]
    assert snapshot(Market.PERP, "index", "indexes") == [
        Tick(symbol="WIF-USDT-SWAP", event_ms=1795325580301, index=0.8087)
    ]


def test_the_server_time_is_in_milliseconds() -> None:
    (clock,) = VENUE.server_times
    assert clock.parse(reply("time")) == 1795325580123
    for bad in (reply("nothing"), b'{"code":"0","data":[{"ts":"1795325580"}]}', reply("busy"), b"{}"):
        with pytest.raises(DecodeError):
            clock.parse(bad)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("one", VENUE.snapshots, ids=lambda s: f"{s.market} {s.kind}")
def test_a_success_with_an_error_code_is_an_error(one: Snapshot, name: str) -> None:
    with pytest.raises(DecodeError, match=f"^{REPLIES[name]['code']} {REPLIES[name]['msg']}$"):
        one.parse(reply(name))


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("market", list(Market))
def test_an_error_is_no_empty_directory(market: Market, name: str) -> None:
    with pytest.raises(DecodeError, match=REPLIES[name]["code"]):
        page(market, reply(name))


def test_no_data_is_an_empty_reply() -> None:
    assert all(list(s.parse(reply("nothing"))) == [] for s in VENUE.snapshots)
    assert page(Market.SPOT, reply("nothing")) == Page([])


def test_one_bad_row_costs_only_itself() -> None:
    rows = [
        *REPLIES["tickers"]["data"],
        None,
        {"instId": 5},
        {"instId": "x" * 50_000 + "-USDT"},
        {"instId": "A\x1b-USDT"},
    ]
    raw = json.dumps({"code": "0", "msg": "", "data": rows}).encode()
    assert [t.symbol for t in SNAPSHOTS[Market.PERP, "ticker"].parse(raw)] == ["WIF-USDT-SWAP"]
    told = STREAMS["spot ticker"] | {"data": [*STREAMS["spot ticker"]["data"], 7]}
    assert SPOT.parse(json.dumps(told).encode()) == SPOT.parse(frame("spot ticker"))


@pytest.mark.parametrize("name", DATA_FRAMES)
def test_hostile_values_in_frames_harm_nothing(name: str) -> None:
    raw = frame(name)
    for path in leaves(STREAMS[name]):
        for bad in [with_value(raw, path, value) for value in HOSTILE_VALUES] + [without(raw, path)]:
            assert all(map(is_sane, harmless(bad)))


@pytest.mark.parametrize(
    ("kind", "name"), [("ticker", "tickers"), ("funding", "funding"), ("mark", "marks"), ("index", "indexes")]
)
def test_hostile_values_in_replies_cost_at_most_their_row(kind: str, name: str) -> None:
    read, raw = SNAPSHOTS[Market.PERP, kind].parse, reply(name)
    whole = len(read(raw))
    for path in leaves(REPLIES[name]):
        if path[0] != "data":
            continue
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


def args(ask: Ask) -> list[dict[str, str]]:
    told = json.loads(ask.frame)
    assert told["op"] == "subscribe"
    assert told["id"] == ask.request
    assert ask.request.isalnum()
    assert len(ask.request) <= 32
    return list(told["args"])


def test_every_symbol_is_asked_once_100_at_a_time() -> None:
    symbols = [f"C{i}-USDT-SWAP" for i in range(249)] + ["牛" * 30 + "-USDT"]
    asks = PERP.ask(symbols, 5)
    assert [a.request for a in asks] == ["5", "6", "7"]
    assert [len(args(a)) for a in asks] == [100, 100, 50]
    assert [s for a in asks for s in a.symbols] == symbols
    assert [one for a in asks for one in args(a)] == [{"channel": "tickers", "instId": s} for s in symbols]
    assert max(len(a.frame) for a in asks) < 65_536
    assert PERP.symbols_per_line == 250


def test_what_was_asked_can_be_unasked() -> None:
    assert PERP.unask is not None
    (unask,) = PERP.unask(["WIF-USDT-SWAP"], 9)
    assert json.loads(unask.frame) == {
        "id": "9",
        "op": "unsubscribe",
        "args": [{"channel": "tickers", "instId": "WIF-USDT-SWAP"}],
    }


def test_notices_are_asked_in_one_frame() -> None:
    (ask,) = NOTICES.ask((), 0)
    assert [one["channel"] for one in args(ask)] == ["instruments", "instruments", "status"]
    assert not NOTICES.per_symbol


def test_every_cost_names_a_budget() -> None:
    rules = {rule.name for rule in VENUE.rules}
    requests = [d.request for d in VENUE.directories] + [s.request for s in VENUE.snapshots]
    requests += [t.request for t in VENUE.server_times]
    costs = [c for r in requests for c in r.costs] + [c for s in VENUE.streams for c in s.connect_costs]
    assert {name for name, _ in costs} == rules
    assert all(r.costs for r in requests)


@pytest.mark.parametrize(
    ("status", "headers", "name", "shown", "wait"),
    [
        (429, {}, "too many", "BANNED", 3.0),
        (429, {"retry-after": "7"}, "too many", "BANNED", 7.0),
        (503, {}, "down", "MAINT", 30.0),
        (404, {}, "unknown", "BLOCKED", 1800.0),
        (500, {}, "busy", "RECONNECT", None),
        (400, {}, "unknown", "RECONNECT", None),
    ],
)
def test_answers_that_are_none(status: int, headers: dict[str, str], name: str, shown: str, wait: float | None) -> None:
    why = verdict(status, headers, reply(name))
    assert why is not None
    assert (why.status, why.retry_s) == (shown, wait)
    assert why.why == f"HTTP {status} {REPLIES[name]['code']} {REPLIES[name]['msg']}"


def test_a_wall_is_blocked_and_success_is_an_answer() -> None:
    for status in (403, 451):
        why = verdict(status, {}, b"<html>no</html>")
        assert why is not None
        assert why.status == "BLOCKED"
    assert verdict(200, {}, reply("busy")) is None
    assert verdict(101, {}, b"") is None


def recorded(path: str) -> bytes:
    raw = real(path)
    return gzip.decompress(raw) if path.endswith(".gz") else raw


@pytest.mark.shared
def test_real_frames_are_read() -> None:
    told = json.loads(real(f"{FRAMES}/ws_frames_2026-09-25.json"))
    heard = {}
    for name, one in told.items():
        if one.get("event") != "error":
            heard[name] = SPOT.parse(json.dumps(one).encode())
    assert {name: kind for name, (kind, _) in heard.items() if kind} == {
        "tickers_spot": "ticker",
        "tickers_swap_shape": "ticker",
        "funding_rate": "funding",
        "mark_price": "mark",
        "index_tickers": "index",
    }
    (spot,) = heard["tickers_spot"][1]
    assert (spot.bid, spot.ask, spot.last, spot.ask_size) == (83774.1, 83774.2, 83766.8, 0.25697131)
    (funding,) = heard["funding_rate"][1]
    assert (funding.funding_rate, funding.funding_interval_h) == (0.0000263463215391, 8.0)
    assert (funding.next_funding_ms, funding.settled_rate) == (1790380800000, 0.0000341625964238)


@pytest.mark.shared
def test_real_control_frames_are_read() -> None:
    told = json.loads(real(f"{FRAMES}/ws_control_frames.json"))
    assert SPOT.parse(json.dumps(told["ack_one_per_arg"]).encode()) == ("", ())
    with pytest.raises(Refused) as caught:
        SPOT.parse(json.dumps(told["error_with_id"]).encode())
    assert (caught.value.symbol, caught.value.request) == ("NOPE-USDT", "ob1")
    with pytest.raises(Refused) as caught:
        SPOT.parse(json.dumps(told["error_60012_doc"]).encode())
    assert (caught.value.symbol, caught.value.request) == (None, "1512")
    with pytest.raises(Notice, match="service upgrade"):
        SPOT.parse(json.dumps(told["notice_64008_doc"]).encode())


@pytest.mark.shared
def test_real_replies_are_read() -> None:
    swaps = SNAPSHOTS[Market.PERP, "ticker"].parse(real(f"{FRAMES}/rest_tickers_SWAP_trimmed.json"))
    assert [(t.symbol, t.bid, t.ask) for t in swaps] == [
        ("BTC-USDT-SWAP", 80352.5, 80352.6),
        ("DOGE-USDT-SWAP", 0.08539, 0.0854),
    ]
    assert swaps[1].volume_usd == pytest.approx(4500729030 * 0.0854)
    funding = SNAPSHOTS[Market.PERP, "funding"].parse(real(f"{FRAMES}/rest_funding_rate_ANY.json"))
    assert [(t.symbol, t.funding_interval_h, t.next_funding_ms) for t in funding] == [
        ("BTC-USDT-SWAP", 8.0, 1789833600000),
        ("OKB-USDT-SWAP", 4.0, 1789833600000),
        ("ONE-USDT-SWAP", 1.0, 1789826400000),
    ]
    (mark,) = SNAPSHOTS[Market.PERP, "mark"].parse(real(f"{FRAMES}/rest_mark_price_SWAP.json"))
    (index,) = SNAPSHOTS[Market.PERP, "index"].parse(real(f"{FRAMES}/rest_index_tickers_USDT.json"))
    assert (mark.symbol, mark.mark, index.symbol, index.index) == (
        "SOPH-USDT-SWAP",
        0.004128,
        "SOPH-USDT-SWAP",
        0.004147,
    )


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["200_missing_instId", "200_bad_instId", "200_unknown_instrument", "429_public", "busy"]
)
def test_real_errors_are_errors(name: str) -> None:
    told = json.loads(real(f"{FRAMES}/rest_errors.json"))[name]
    with pytest.raises(DecodeError, match=told["code"]):
        SNAPSHOTS[Market.SPOT, "ticker"].parse(json.dumps(told).encode())


@pytest.mark.shared
@pytest.mark.parametrize("path", ["recordings/okx/ws/cf_20220513.raw.gz", f"{FRAMES}/ws_tickers_recorded_2022.txt"])
def test_no_recorded_ticker_is_lost(path: str) -> None:
    heard, expected = [], []
    for line in recorded(path).splitlines():
        _, found, rest = line.partition(b": {")
        if line.startswith(b"wss") or not found:
            continue
        kind, ticks = SPOT.parse(b"{" + rest)
        heard += [(kind, t.symbol, t.bid, t.ask, t.last, t.event_ms) for t in ticks]
        told = json.loads(b"{" + rest)
        for row in told.get("data", []) if told["arg"]["channel"] == "tickers" else []:
            if row["instId"].endswith(("-USDT", "-USDT-SWAP")):
                prices = (float(row["bidPx"]), float(row["askPx"]), float(row["last"]))
                expected.append(("ticker", row["instId"], *prices, int(row["ts"])))
    assert len(expected) > 5
    assert heard == expected


@pytest.mark.shared
@pytest.mark.parametrize("name", ["tardis_okx", "tardis_okx-swap", "tardis_okx-futures"])
def test_frames_of_all_years_are_read_or_left_alone(name: str) -> None:
    ours = {"tickers", "mark-price", "index-tickers", "funding-rate"}
    for line in recorded(f"recordings/okx/ws/{name}.jsonl").splitlines():
        told = json.loads(line)["frame"]
        kind, ticks = SPOT.parse(json.dumps(told).encode())
        arg = told.get("arg", {})
        wanted = "data" in told and arg.get("channel") in ours
        assert bool(kind) == wanted, arg
        swap_only = {"-USDT-SWAP"} if arg.get("channel") == "funding-rate" else {"-USDT", "-USDT-SWAP"}
        assert bool(ticks) == (wanted and arg["instId"].endswith(tuple(swap_only))), arg
        assert all(map(is_sane, ticks))


@pytest.mark.shared
def test_no_recorded_row_of_the_tickers_is_lost() -> None:
    told = json.loads(recorded("recordings/okx/tickers_all/tat3_spot_20221121T0636Z.json.gz"))
    infos = [row["info"] for row in told["tickers"].values()]
    expected = [
        (r["instId"], positive(r["bidPx"]), positive(r["askPx"]), positive(r["last"]), positive(r["volCcy24h"]))
        for r in infos
        if r["instId"].endswith("-USDT")
    ]
    raw = json.dumps({"code": "0", "msg": "", "data": infos}).encode()
    ticks = SNAPSHOTS[Market.SPOT, "ticker"].parse(raw)
    assert [(t.symbol, t.bid or None, t.ask or None, t.last, t.volume_usd) for t in ticks] == expected
    assert len(expected) > 250


@pytest.mark.shared
def test_recorded_directories_keep_exactly_what_trades() -> None:
    spot = page(Market.SPOT, real(f"{FRAMES}/rest_instruments_SPOT_USDT_recorded_2022.json"))
    assert (len(spot.listings), spot.skipped) == (350, 0)
    raw = real(f"{FRAMES}/rest_instruments_SWAP_recorded_2022_all.json")
    linear = {
        row["instId"]: float(row["ctVal"]) * float(row["ctMult"])
        for row in json.loads(raw)["data"]
        if row["settleCcy"] == "USDT" and row["ctType"] == "linear"
    }
    swaps = page(Market.PERP, raw)
    assert {one.symbol: one.contract for one in swaps.listings} == linear
    assert (len(linear), swaps.skipped) == (126, 0)
