"""OKX: spot and USDT swaps, as its public market data (API v5) was in November 2026.

WebSockets only on port 443: 8443 takes none since 2026-10-31. A line on which nothing is pushed for 30 s is cut, so it
is kept by a text ping. Funding, mark and index prices come by REST: their channels speak slowly or for each instrument.
"""

import re
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

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
from frmon.feeds.venues._answers import refusal
from frmon.feeds.venues._okx_listings import page
from frmon.feeds.venues._okx_rows import depth, server_time, settled, snapshot
from frmon.feeds.venues._okx_stream import ask, ask_notices, parse
from frmon.feeds.venues._reading import members, retry_after, word
from frmon.model import Market

BACK_OFF_S = 3.0  # after "too many requests" of 20 or 10 in 2 s; the venue names no time
_TOO_MANY = re.compile(rb'"code"\s*:\s*"50011"')
DOWN = "50001"  # code of "service temporarily unavailable"
WS_PATH = "/ws/v5/public"
QUOTE = frozenset({"quote", "last", "turnover"})


def verdict(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable | None:
    """429, or its code with whatever status, stops one kind of request for seconds; HTTP 200 with another error code is
    left to the parsers."""
    why = refusal(status, headers, body)
    too_many = _TOO_MANY.search(body[:200]) is not None
    if why is None and not too_many:
        return None
    code, text = _said(body)
    said = f"HTTP {status} {code} {text}".strip() if code or why is None else why.why
    if too_many or why is None:
        return Unreachable("BANNED", said, retry_after(headers, BACK_OFF_S))
    if code == DOWN:
        return Unreachable("MAINT", said, retry_after(headers, 30.0))
    if status == 429:
        return Unreachable("BANNED", said, retry_after(headers, BACK_OFF_S))
    if status == 404:
        return Unreachable("BLOCKED", said, 1800.0)
    return Unreachable(why.status, said, why.retry_s)


def _said(body: bytes) -> tuple[str, str]:
    try:
        told = members(body)
    except DecodeError:
        return "", ""
    return word(told.get("code"), 12), word(told.get("msg"))


def _get(path: str, rule: str, query: str = "") -> Request:
    return Request(endpoint="rest", path=f"/api/v5/{path}", query=query, costs=((rule, 1),))


def _directory(market: Market, kind: str) -> Directory:
    return Directory(
        market=market,
        request=_get("public/instruments", f"{kind} instruments", f"instType={kind}"),
        parse=partial(page, market),
    )


def _tickers(market: Market, kind: str) -> Snapshot:
    return Snapshot(
        kind="ticker",
        market=market,
        request=_get("market/tickers", "tickers", f"instType={kind}"),
        parse=partial(snapshot, "tickers"),
        parts=QUOTE,
    )


DEPTH_LEVELS = 400  # at most


def _depth(symbol: str) -> Request:
    return _get("market/books", "books", f"instId={quote(symbol, safe='')}&sz={DEPTH_LEVELS}")


HISTORY_ROWS = 100  # at most; newest first


def _history(past: Past) -> Request:
    """The newest rows that are older than `after`. The page size is ccxt 4.5.90's; `after` means the same in all lists of
    this venue that ccxt pages through."""
    query = f"instId={quote(past.symbol, safe='')}&after={past.until_ms}&limit={HISTORY_ROWS}"
    return _get("public/funding-rate-history", "funding history", query)


def _stream(name: str, market: Market) -> Stream:
    return Stream(
        name=name,
        market=market,
        endpoint="ws",
        path=WS_PATH,
        channels=(Channel(kind="ticker", parts=QUOTE, quiet_after_s=10.0, snapshot_on_ask=True),),
        ask=partial(ask, "subscribe"),
        unask=partial(ask, "unsubscribe"),
        parse=parse,
        symbols_per_line=250,  # the venue's limit of channels a line is not published
        subscribe_rules=(Rule("subscribe", 480, 3600.0),),
        connect_costs=(("connects", 1),),
        refusal_voids_ask=True,
        ping=b"ping",
        ping_every_s=15.0,
    )


VENUE = Venue(
    name="okx",
    title="OKX",
    code="OK",
    endpoints={"rest": "https://openapi.okx.com", "ws": "wss://ws.okx.com"},
    taker_fee_spot=0.001,
    taker_fee_perp=0.0005,
    rules=(
        Rule("connects", 1, 0.4),  # 3 in 1 s
        Rule("SPOT instruments", 20, 2.0),
        Rule("SWAP instruments", 20, 2.0),
        Rule("tickers", 20, 2.0),
        Rule("index tickers", 20, 2.0),
        Rule("funding rate", 10, 2.0),
        Rule("funding history", 10, 2.0),  # for each instrument, says a measurement; here for all together
        Rule("mark price", 10, 2.0),
        Rule("time", 10, 2.0),
        Rule("books", 40, 2.0),
    ),
    directories=(_directory(Market.SPOT, "SPOT"), _directory(Market.PERP, "SWAP")),
    snapshots=(
        _tickers(Market.SPOT, "SPOT"),
        _tickers(Market.PERP, "SWAP"),
        Snapshot(
            kind="funding",
            market=Market.PERP,
            request=_get("public/funding-rate", "funding rate", "instId=ANY"),
            parse=partial(snapshot, "funding-rate"),
            parts=frozenset({"funding"}),
            every_s=30.0,
            cover_s=None,
        ),
        Snapshot(
            kind="mark",
            market=Market.PERP,
            request=_get("public/mark-price", "mark price", "instType=SWAP"),
            parse=partial(snapshot, "mark-price"),
            parts=frozenset({"ref"}),
            every_s=5.0,
            cover_s=None,
        ),
        Snapshot(
            kind="index",
            market=Market.PERP,
            request=_get("market/index-tickers", "index tickers", "quoteCcy=USDT"),
            parse=partial(snapshot, "index-tickers"),
            parts=frozenset({"ref"}),
            every_s=15.0,
            cover_s=None,
        ),
    ),
    streams=(
        _stream("spot", Market.SPOT),
        _stream("perp", Market.PERP),
        Stream(
            name="notices",
            market=Market.PERP,
            endpoint="ws",
            path=WS_PATH,
            channels=(Channel(kind="notice"),),
            ask=ask_notices,
            parse=parse,
            per_symbol=False,
            subscribe_rules=(Rule("subscribe", 480, 3600.0),),
            connect_costs=(("connects", 1),),
            ping=b"ping",
            ping_every_s=15.0,
        ),
    ),
    server_times=(ServerTime(_get("public/time", "time"), server_time),),
    verdict=verdict,
    depths=tuple(Depth(market, _depth, depth, DEPTH_LEVELS) for market in (Market.SPOT, Market.PERP)),
    funding_histories=(FundingHistory(Market.PERP, _history, settled, HISTORY_ROWS),),
)
