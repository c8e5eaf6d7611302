"""Binance: what its replies say."""

import json

import pytest

from frmon.errors import DecodeError
from frmon.feeds.contract import Snapshot
from frmon.feeds.venues.binance import VENUE, verdict
from frmon.model import EMPTY, Listing, Market, Tick
from tests.feeds.venues.binance_given import MARKET, REPLIES, SNAPSHOTS, STREAMS, listed, page, reply, snapshot
from tests.feeds.venues.given import HOSTILE_VALUES, is_sane, leaves, with_value, without


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
