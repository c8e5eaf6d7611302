"""Binance: spot and USDⓈ-M perpetuals, as their public market data was in November 2026."""

from collections.abc import Mapping
from functools import partial
from re import search
from urllib.parse import quote

import msgspec

from frmon.errors import DecodeError, Unreachable
from frmon.feeds.contract import (
    Channel,
    Depth,
    Directory,
    FundingHistory,
    Past,
    Request,
    Rule,
    ServerTime,
    Snapshot,
    Stream,
    Venue,
)
from frmon.feeds.text import positive
from frmon.feeds.venues._answers import refusal
from frmon.feeds.venues._binance_rest import (
    book_row,
    depth,
    interval_row,
    mark_row,
    page,
    server_time,
    settled,
    snapshot,
    ticker_row,
)
from frmon.feeds.venues._binance_stream import ask, ask_all, parse
from frmon.feeds.venues._reading import dated, members, retry_after, word
from frmon.model import Market

LIFETIME_S = 23 * 3600.0  # the venue closes lines after 24 h


def verdict(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable | None:
    """403 is the web application firewall, 451 the country, 404 a host without this path; going on after 429 leads to
    418: banned for minutes to days."""
    why = refusal(status, headers, body)
    if why is None:
        return None
    text = f"HTTP {status} {_said(body)}".strip()
    if status in {403, 404, 451}:
        return Unreachable("BLOCKED", text, 1800.0)
    if status == 418:
        return Unreachable("BANNED", text, retry_after(headers, _until(headers, body) or 120.0))
    if status == 429 or b"-1003" in body[:200]:
        return Unreachable("BANNED", text, retry_after(headers, 16.0))
    return Unreachable(why.status, text, why.retry_s)


def _said(body: bytes) -> str:
    """The message of an error body, else the start of its text."""
    try:
        told = members(body)
    except DecodeError:
        return word(msgspec.json.encode(body[:200].decode("utf-8", "replace")))
    return f"{word(told.get('code'))} {word(told.get('msg'))}".strip()


def _until(headers: Mapping[str, str], body: bytes) -> float | None:
    """Seconds from the server's own clock to the "banned until <ms>" of its message."""
    until = search(rb"until (\d{13})", body[:400])
    now = dated(headers, "date")
    if until is None or now is None:
        return None
    return positive(int(until[1]) / 1000 - now)


def _spot(path: str, weight: int, query: str = "") -> Request:
    return Request(endpoint="spot_rest", path=path, query=query, costs=(("spot weight", weight),))


def _perp(path: str, weight: int, query: str = "") -> Request:
    return Request(endpoint="perp_rest", path=path, query=query, costs=(("perp weight", weight),))


DEPTH_LEVELS = 500  # weighs 25 on spot (5 up to 100 levels, 50 up to 1,000), 10 on futures (2 up to 50, 5 for 100)


def _spot_depth(symbol: str) -> Request:
    return _spot("/api/v3/depth", 25, f"symbol={quote(symbol, safe='')}&limit={DEPTH_LEVELS}")


def _perp_depth(symbol: str) -> Request:
    return _perp("/fapi/v1/depth", 10, f"symbol={quote(symbol, safe='')}&limit={DEPTH_LEVELS}")


HISTORY_ROWS = 1000  # at most; in the order of time


def _history(past: Past) -> Request:
    """`endTime` is within the span. Names of the times as ccxt 4.5.90 has them."""
    span = f"startTime={past.since_ms}&endTime={past.until_ms - 1}"
    return Request(
        endpoint="perp_rest",
        path="/fapi/v1/fundingRate",
        query=f"symbol={quote(past.symbol, safe='')}&{span}&limit={HISTORY_ROWS}",
        costs=(("funding info", 1),),  # one budget for both
    )


VENUE = Venue(
    name="binance",
    title="Binance",
    code="BN",
    endpoints={
        "spot_rest": "https://api.binance.com",
        "spot_ws": "wss://stream.binance.com:443",
        "perp_rest": "https://fapi.binance.com",
        "perp_ws": "wss://fstream.binance.com",
    },
    taker_fee_spot=0.001,
    taker_fee_perp=0.0005,
    rules=(
        Rule("spot weight", 6000, 60.0),
        Rule("perp weight", 2400, 60.0),
        Rule("funding info", 500, 300.0),
        Rule("spot connects", 300, 300.0),
        Rule("perp connects", 300, 300.0),
    ),
    directories=(
        Directory(
            market=Market.SPOT,
            request=_spot("/api/v3/exchangeInfo", 20, "permissions=SPOT&symbolStatus=TRADING&showPermissionSets=false"),
            parse=partial(page, Market.SPOT),
            only_trading=True,
        ),
        Directory(
            market=Market.PERP,
            request=_perp("/fapi/v1/exchangeInfo", 1),
            parse=partial(page, Market.PERP),
        ),
    ),
    snapshots=(
        Snapshot(
            kind="book",
            market=Market.SPOT,
            request=_spot("/api/v3/ticker/bookTicker", 4),
            parse=partial(snapshot, book_row),
            parts=frozenset({"quote"}),
            stamped=False,
        ),
        Snapshot(
            kind="ticker",
            market=Market.SPOT,
            request=_spot("/api/v3/ticker/24hr", 80, "type=MINI"),
            parse=partial(snapshot, ticker_row),
            parts=frozenset({"last", "turnover"}),
            cover_s=30.0,
        ),
        Snapshot(
            kind="book",
            market=Market.PERP,
            request=_perp("/fapi/v1/ticker/bookTicker", 5),
            parse=partial(snapshot, book_row),
            parts=frozenset({"quote"}),
            every_s=2.5,
        ),
        Snapshot(
            kind="ticker",
            market=Market.PERP,
            request=_perp("/fapi/v1/ticker/24hr", 40),
            parse=partial(snapshot, ticker_row),
            parts=frozenset({"last", "turnover"}),
            cover_s=10.0,
        ),
        Snapshot(
            kind="mark",
            market=Market.PERP,
            request=_perp("/fapi/v1/premiumIndex", 10),
            parse=partial(snapshot, mark_row),
            parts=frozenset({"ref", "funding"}),
            cover_s=5.0,
        ),
        Snapshot(
            kind="interval",
            market=Market.PERP,
            request=Request(endpoint="perp_rest", path="/fapi/v1/fundingInfo", costs=(("funding info", 1),)),
            parse=partial(snapshot, interval_row),
            parts=frozenset({"funding"}),
            absent_interval_h=8.0,
            every_s=600.0,
            cover_s=None,
            stamped=False,
        ),
    ),
    streams=(
        Stream(
            name="spot",
            market=Market.SPOT,
            endpoint="spot_ws",
            path="/stream",
            channels=(
                Channel(kind="ticker", parts=frozenset({"quote", "last", "turnover"}), cadence_s=1.0),
                Channel(kind="book"),
            ),
            ask=partial(ask, "SUBSCRIBE"),
            unask=partial(ask, "UNSUBSCRIBE"),
            parse=parse,
            symbols_per_line=1000,  # of 1024
            ask_rules=(Rule("messages", 1, 0.3),),  # 5/s with our pongs; bursts at the edge are cut off
            connect_costs=(("spot connects", 1),),
            lifetime_s=LIFETIME_S,
        ),
        Stream(
            name="perp market",
            market=Market.PERP,
            endpoint="perp_ws",
            path="/market/stream",
            channels=(
                Channel(
                    kind="mark",
                    parts=frozenset({"ref", "funding"}),
                    quiet_after_s=5.0,
                    pushes_changes=False,
                    cadence_s=1.0,
                ),
                Channel(kind="ticker", parts=frozenset({"last", "turnover"}), cadence_s=1.0),
                Channel(kind="listing"),
            ),
            ask=partial(ask_all, ("!markPrice@arr@1s", "!ticker@arr", "!contractInfo")),
            parse=parse,
            per_symbol=False,
            ask_rules=(Rule("messages", 1, 0.25),),  # 10/s
            connect_costs=(("perp connects", 1),),
            lifetime_s=LIFETIME_S,
        ),
        Stream(
            name="perp public",
            market=Market.PERP,
            endpoint="perp_ws",
            path="/public/stream",
            channels=(Channel(kind="book", parts=frozenset({"quote"}), cadence_s=5.0),),
            ask=partial(ask_all, ("!bookTicker",)),
            parse=parse,
            per_symbol=False,
            ask_rules=(Rule("messages", 1, 0.25),),
            connect_costs=(("perp connects", 1),),
            lifetime_s=LIFETIME_S,
        ),
    ),
    server_times=(
        ServerTime(
            _spot("/api/v3/time", 1),
            server_time,
        ),
        ServerTime(
            _perp("/fapi/v1/time", 1),
            server_time,
        ),
    ),
    verdict=verdict,
    depths=(
        Depth(Market.SPOT, _spot_depth, depth, DEPTH_LEVELS),
        Depth(Market.PERP, _perp_depth, depth, DEPTH_LEVELS),
    ),
    funding_histories=(FundingHistory(Market.PERP, _history, settled, HISTORY_ROWS),),
)
