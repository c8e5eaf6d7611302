"""OKX: what its replies say."""

import json

import pytest

from frmon.errors import DecodeError
from frmon.feeds.contract import Page, Past, Snapshot
from frmon.feeds.venues.okx import VENUE, verdict
from frmon.model import Listing, Market, Tick
from tests.feeds.venues.given import HOSTILE_VALUES, is_sane, leaves, with_value, without
from tests.feeds.venues.okx_given import (
    ERRORS,
    REPLIES,
    SNAPSHOTS,
    SPOT,
    STREAMS,
    frame,
    hear,
    listed,
    page,
    reply,
    snapshot,
)


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


def test_every_cost_names_a_budget() -> None:
    rules = {rule.name for rule in VENUE.rules}
    requests = [d.request for d in VENUE.directories] + [s.request for s in VENUE.snapshots]
    requests += [t.request for t in VENUE.server_times] + [d.request("BTC-USDT") for d in VENUE.depths]
    requests += [h.request(Past("BTC-USDT-SWAP", 0, 1)) for h in VENUE.funding_histories]
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
