"""Bybit v5, public: REST of both categories, and the sockets `linear`, `spot` and `misc/status`."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from frmon.feeds.sim.dialects import Close, Dialect, Query, Quota, Reply, Route, Session, Stage, reply
from frmon.feeds.sim.dialects.bybit_rows import (
    has_book,
    linear_listing,
    linear_row,
    spot_listing,
    spot_row,
    status_of,
    trimmed,
)
from frmon.feeds.sim.dialects.bybit_socket import Socket
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.past import settled
from frmon.feeds.sim.steps import ladder
from frmon.feeds.sim.world import World

SOCKETS = {"/v5/public/linear": "linear", "/v5/public/spot": "spot", "/v5/public/misc/status": "status"}
MARKETS = {"linear": "perp", "spot": "spot"}
LEVELS = {"linear": 500, "spot": 200}
_CURSOR = re.compile(r"first=(?P<first>.+)&last=(?P<last>.+)")


def envelope(result: Any, now_ms: int, code: int = 0, message: str = "OK") -> Reply:
    """What every answer is wrapped in; errors are HTTP 200 too."""
    return reply({"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": now_ms})


def _refuse(now_ms: int, message: str) -> Reply:
    return envelope({}, now_ms, 10001, f"params error: {message}")


def market_time(_world: World, _query: Query, now_ms: int) -> Reply:
    """GET /v5/market/time."""
    return envelope({"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}, now_ms)


def listed(world: World, category: str) -> Iterable[Instrument]:
    """Everything of a category that the venue still knows; a spot pair that does not trade has vanished."""
    rows = world.instruments("bybit", MARKETS[category]).values()
    return [i for i in rows if status_of(i) == "Trading"] if category == "spot" else rows


def instruments_info(world: World, query: Query, now_ms: int) -> Reply:
    """GET /v5/market/instruments-info. Spot has one page, whatever is asked. Linear pages are sorted by symbol, 500 rows
    by default; the cursor is percent-encoded once already, so that one encoded twice finds nothing."""
    category = query.get("category", "")
    if category not in MARKETS:
        return _refuse(now_ms, "Category is invalid")
    wanted = _wanted(listed(world, category), query)
    if category == "spot":
        return envelope({"category": category, "list": [spot_listing(i) for i in wanted]}, now_ms)
    if not query.get("limit", "500").isdecimal() or not 0 < int(query.get("limit", "500")) <= 1000:
        return _refuse(now_ms, "Limit is invalid")
    page, cursor = _page(wanted, int(query.get("limit", "500")), query.get("cursor", ""))
    if query.get("status") == "PreLaunch" and page:
        cursor = _cursor(page)  # seen on the venue: a complete page that still carries a cursor
    rows = [linear_listing(i) for i in page]
    return envelope({"category": category, "list": rows, "nextPageCursor": cursor}, now_ms)


def _wanted(rows: Iterable[Instrument], query: Query) -> list[Instrument]:
    """One symbol in any status, else all of one status: `Trading` unless another one is asked for."""
    if symbol := query.get("symbol"):
        return [i for i in rows if i.symbol == symbol]
    status = query.get("status") or "Trading"
    base = query.get("baseCoin")
    chosen = [i for i in rows if status_of(i) == status and base in (None, "", i.base)]
    return sorted(chosen, key=lambda i: i.symbol)


def _page(rows: list[Instrument], limit: int, cursor: str) -> tuple[list[Instrument], str]:
    """One page and the cursor of the next one, "" where none follows."""
    if cursor:
        found = _CURSOR.fullmatch(cursor)
        rows = [i for i in rows if i.symbol > found["last"]] if found else []
    page = rows[:limit]
    return page, _cursor(page) if len(rows) > limit else ""


def _cursor(page: list[Instrument]) -> str:
    return f"first%3D{page[0].symbol}%26last%3D{page[-1].symbol}"


def tickers(world: World, query: Query, now_ms: int) -> Reply:
    """GET /v5/market/tickers: all symbols of a category in one reply, dated and USDC contracts and listings to come among
    them, or the one that is asked for."""
    category = query.get("category", "")
    if category not in MARKETS:
        return _refuse(now_ms, "Category is invalid")
    rows = [i for i in listed(world, category) if status_of(i) != "Closed"]
    if symbol := query.get("symbol"):
        rows = [i for i in rows if i.symbol == symbol]
        if not rows:
            return _refuse(now_ms, "Symbol Is Invalid")
    row: Callable[[Instrument], Any] = spot_row if category == "spot" else linear_row
    return envelope({"category": category, "list": [row(i) for i in rows]}, now_ms)


def orderbook(world: World, query: Query, now_ms: int) -> Reply:
    """GET /v5/market/orderbook: one level of spot and 25 of linear unless more are asked for."""
    category = query.get("category", "")
    if category not in MARKETS:
        return _refuse(now_ms, "Category is invalid")
    limit = query.get("limit", "1" if category == "spot" else "25")
    if not limit.isdecimal() or not 1 <= int(limit) <= LEVELS[category]:
        return _refuse(now_ms, "Limit is invalid")
    i = next((i for i in listed(world, category) if i.symbol == query.get("symbol")), None)
    if i is None or not has_book(i):
        return _refuse(now_ms, "Symbol Is Invalid")
    bids, asks = (
        [[trimmed(price, i.decimals), trimmed(size, i.size_decimals)] for price, size in side]
        for side in ladder(i, world.seed, int(limit))
    )
    seq, at = i.quote.seq, i.quote.changed_ms
    return envelope({"s": i.symbol, "b": bids, "a": asks, "ts": at, "u": seq, "seq": seq, "cts": at}, now_ms)


def funding_history(world: World, query: Query, now_ms: int) -> Reply:
    """GET /v5/market/funding/history: newest first, at most 200; a start without an end is refused."""
    instrument = world.instruments("bybit", "perp").get(query.get("symbol", ""))
    if query.get("category") != "linear" or instrument is None:
        return _refuse(now_ms, "Symbol Is Invalid")
    numbers = {key: query.get(key, "") for key in ("startTime", "endTime", "limit")}
    if any(value and not value.isdecimal() for value in numbers.values()):
        return _refuse(now_ms, "Time Is Invalid")
    if numbers["startTime"] and not numbers["endTime"]:
        return _refuse(now_ms, "EndTime Is Invalid")
    until = int(numbers["endTime"]) if numbers["endTime"] else None
    since = int(numbers["startTime"] or 0)
    rows = [
        {"symbol": instrument.symbol, "fundingRate": f"{paid.rate:.8f}", "fundingRateTimestamp": str(paid.at_ms)}
        for paid in settled(instrument, min(200, int(numbers["limit"] or 200)), until)
        if paid.at_ms >= since
    ]
    return envelope({"category": "linear", "list": rows}, now_ms)


def _too_frequent(_wait_s: float) -> Reply:
    """More than 600 requests in 5 s: not the JSON of the API."""
    return Reply(403, b"403, access too frequent")


def _missing(_path: str) -> Reply:
    return Reply(404, b"404 page not found")


def connect(stage: Stage, path: str, _query: Query, now_ms: int) -> Session | Reply:
    """A session of one of the sockets."""
    category = SOCKETS.get(path)
    return Socket(stage, category, now_ms) if category else _missing(path)


BYBIT = Dialect(
    venue="bybit",
    name="bybit",
    markets={"/public/linear": "perp", "/public/spot": "spot", "category=linear": "perp", "category=spot": "spot"},
    endpoints={"rest": "http", "ws": "ws"},
    routes={
        "/v5/market/time": Route(answer=market_time, quotas=("requests",)),
        "/v5/market/instruments-info": Route(answer=instruments_info, quotas=("requests",)),
        "/v5/market/tickers": Route(answer=tickers, quotas=("requests",)),
        "/v5/market/orderbook": Route(answer=orderbook, quotas=("requests",)),
        "/v5/market/funding/history": Route(answer=funding_history, quotas=("requests",)),
    },
    quotas=(Quota(name="requests", limit=600, window_s=5.0, refuse=_too_frequent, ban_s=600.0, ban=_too_frequent),),
    missing=_missing,
    connect=connect,
    connects=Quota(name="connects", limit=500, window_s=300.0, refuse=_too_frequent),
    messages=500,  # no limit is documented; 200 requests in 0.4 s were accepted
    messages_window_s=1.0,
    messages_close=Close(1006),
    message_bytes=65_536,
    bytes_close=Close(1009),
)

DIALECTS = (BYBIT,)
