"""Bybit's lists, sweeps and answers, value by value."""

import msgspec
import pytest

from frmon.errors import DecodeError
from frmon.feeds.venues.bybit import VENUE
from frmon.model import EMPTY, Listing, Market
from tests.feeds.venues.given import own, real, with_value, without

PERP = VENUE.streams[0]
PERP_LIST, SPOT_LIST = VENUE.directories
PERP_SWEEP, SPOT_SWEEP = VENUE.snapshots
FRAMES = "protocols/bybit/frames"


def listed(raw: bytes) -> dict[str, Listing]:
    return {listing.symbol: listing for listing in PERP_LIST.parse(raw).listings}


def test_the_linear_list_keeps_usdt_perpetuals_with_class_and_status() -> None:
    raw = own("bybit", "rest_instruments_linear")
    found = listed(raw)
    assert {s: (x.base, x.asset_class, x.status) for s, x in found.items()} == {
        "SOLUSDT": ("SOL", "crypto", "trading"),
        "1000PEPEUSDT": ("1000PEPE", "crypto", "trading"),
        "SHIB1000USDT": ("SHIB1000", "crypto", "trading"),
        "AAPLUSDT": ("AAPL", "stock", "trading"),
        "XAUUSDT": ("XAU", "commodity", "trading"),
        "FRESHUSDT": ("FRESH", "premarket", "prelaunch"),
        "GROWNUSDT": ("GROWN", "crypto", "trading"),
    }
    sol, pepe = found["SOLUSDT"], found["1000PEPEUSDT"]
    assert (sol.funding_h, sol.on_ms, sol.off_ms, sol.tick) == (4.0, 1634000000000, None, 0.01)
    assert (pepe.funding_h, pepe.off_ms, pepe.tick) == (8.0, 1796000000000, 1e-06)
    assert found["SHIB1000USDT"].funding_h == 1.0
    assert PERP_LIST.parse(raw).skipped == 2


def test_the_next_page_takes_the_cursor_as_it_stands() -> None:
    raw = own("bybit", "rest_instruments_linear")
    following = PERP_LIST.parse(raw).next
    assert following is not None
    assert following.query == "category=linear&limit=1000&cursor=first%3DSOLUSDT%26last%3DEVIL"
    assert PERP_LIST.parse(with_value(raw, ("result", "nextPageCursor"), '""')).next is None
    assert PERP_LIST.parse(with_value(raw, ("result", "list"), "[]")).next is None
    assert PERP_LIST.parse(without(raw, ("result", "nextPageCursor"))).next is None
    hostile = PERP_LIST.parse(with_value(raw, ("result", "nextPageCursor"), '"a&category=spot#\\r\\nHost: x"')).next
    assert hostile is not None
    assert hostile.query == "category=linear&limit=1000&cursor=a%26category%3Dspot%23%0D%0AHost%3A%20x"


def test_the_spot_list_is_one_page_of_usdt_pairs() -> None:
    page = SPOT_LIST.parse(own("bybit", "rest_instruments_spot"))
    assert [(x.symbol, x.asset_class, x.tick) for x in page.listings] == [
        ("SOLUSDT", "crypto", 0.01),
        ("AAPLXUSDT", "stock", 0.01),
        ("WILDUSDT", "crypto", 0.0001),
        ("ODDUSDT", "other", None),
    ]
    assert (page.next, page.skipped) == (None, 0)
    assert all(x.market is Market.SPOT for x in page.listings)


def test_a_sweep_reads_every_row_that_can_be_read() -> None:
    sol, thin, dated = PERP_SWEEP.parse(own("bybit", "rest_tickers_linear"))
    whole = PERP.parse(own("bybit", "ws_perp_snapshot"))[1][0]
    assert sol == msgspec.structs.replace(whole, event_ms=1795325580000, seq=None)
    assert (sol.bid, sol.ask, sol.funding_interval_h, sol.next_funding_ms) == (150.11, 150.13, 4.0, 1795334400000)
    assert (thin.bid, thin.ask, thin.ask_size, thin.volume_usd) == (0.49, EMPTY, None, None)
    assert (dated.symbol, dated.funding_rate, dated.funding_interval_h, dated.next_funding_ms) == (
        "SOLUSDT-25DEC26",
        None,
        None,
        0,
    )
    (spot,) = SPOT_SWEEP.parse(own("bybit", "rest_tickers_spot"))
    assert (spot.bid, spot.ask, spot.last, spot.volume_usd, spot.event_ms) == (
        150.04,
        150.06,
        150.05,
        481735.525,
        1795325580000,
    )
    assert not PERP_SWEEP.stamped


def test_the_server_tells_its_time() -> None:
    assert VENUE.server_times[0].parse(own("bybit", "rest_time")) == 1795325580123


@pytest.mark.parametrize("code", ["10006", '"10006"', "null", "-1"])
def test_only_code_zero_is_success(code: str) -> None:
    for name, parse in [
        ("rest_tickers_linear", PERP_SWEEP.parse),
        ("rest_instruments_linear", PERP_LIST.parse),
        ("rest_time", VENUE.server_times[0].parse),
    ]:
        with pytest.raises(DecodeError, match="retCode"):
            parse(with_value(own("bybit", name), ("retCode",), code))


def test_answers_tell_a_country_block_from_a_rate_ban() -> None:
    geo = b'{"error":"The Amazon CloudFront distribution is configured to block access from your country"}'
    judged = [
        VENUE.verdict(403, {}, geo),
        VENUE.verdict(403, {}, b"<html>ERROR: The request could not be satisfied</html>"),
        VENUE.verdict(403, {}, b"403, Access too frequent."),
        VENUE.verdict(429, {"retry-after": "7"}, b""),
        VENUE.verdict(502, {}, b""),
        VENUE.verdict(404, {}, b""),
        VENUE.verdict(200, {}, b'{"retCode":10006,"retMsg":"Too many visits!"}'),
        VENUE.verdict(200, {}, b'{"retCode":10016,"retMsg":""}'),
    ]
    assert [(x.status, x.retry_s) for x in judged if x is not None] == [
        ("BLOCKED", 600.0),
        ("BLOCKED", 600.0),
        ("BANNED", 600.0),
        ("BANNED", 7.0),
        ("RECONNECT", None),
        ("RECONNECT", None),
        ("BANNED", 5.0),
        ("MAINT", 5.0),
    ]
    assert VENUE.verdict(200, {}, b'{"retCode":0,"retMsg":"OK"}') is None
    assert VENUE.verdict(101, {}, b"") is None


@pytest.mark.shared
def test_real_lists_and_sweeps_are_read() -> None:
    assert list(listed(real(f"{FRAMES}/rest_instruments_linear_2026_trimmed.json"))) == [
        "BTCUSDT",
        "1000PEPEUSDT",
        "DOGEUSDT",
    ]
    full = listed(real(f"{FRAMES}/rest_instruments_linear_full_row.json"))["BTCUSDT"]
    assert (full.funding_h, full.on_ms, full.off_ms, full.tick) == (8.0, 1585526400000, None, 0.1)
    new = PERP_LIST.parse(real(f"{FRAMES}/rest_instruments_linear_prelaunch.json"))
    assert [(x.base, x.status, x.asset_class) for x in new.listings] == [("BIO", "prelaunch", "premarket")]
    spot = SPOT_LIST.parse(real(f"{FRAMES}/rest_instruments_spot_2026_trimmed.json"))
    assert [x.symbol for x in spot.listings] == ["BTCUSDT", "PEPEUSDT", "DOGEUSDT"]
    (btc,) = PERP_SWEEP.parse(real(f"{FRAMES}/rest_tickers_linear_btc.json"))
    assert (btc.bid, btc.ask, btc.funding_rate, btc.event_ms) == (107089.1, 107089.2, 0.00001938, 1762220791908)
    assert [t.bid for t in SPOT_SWEEP.parse(real(f"{FRAMES}/rest_tickers_spot_2023.json"))] == [25920.44, 1739.06]
    assert VENUE.server_times[0].parse(real(f"{FRAMES}/rest_server_time.json")) == 1688639403423
