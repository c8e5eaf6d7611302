"""Bybit: spot and USDT-settled linear perpetuals over the public v5 API, as documented and measured in 2026.

Perpetuals: `tickers.<s>` says everything, first whole, then only what changed. Spot: `orderbook.1.<s>` is the only stream
with bid and ask (pushed again after 3 s without change), `tickers.<s>` says last price and turnover.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import quote

import msgspec

from frmon.errors import Unreachable
from frmon.feeds.contract import (
    Ask,
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
from frmon.feeds.venues import _bybit_notices
from frmon.feeds.venues._answers import refusal, told
from frmon.feeds.venues._bybit import hear_linear, hear_spot
from frmon.feeds.venues._bybit_rest import read_book, read_linear, read_settled, read_spot, read_tickers, read_time
from frmon.feeds.venues._reading import retry_after
from frmon.model import Market

_HTTP = (("http", 1),)
_CONNECT = (("connects", 1),)
_PACE = (Rule("messages", 10, 1.0),)
_PING = b'{"op":"ping"}'
_LINE_CHARS = 21_000  # documented total of all topics of a connection
_RATE_BAN_S = 600.0  # documented: "wait at least 10 minutes"

_LINEAR_TOPICS = ("tickers.",)
_SPOT_TOPICS = ("orderbook.1.", "tickers.")
_QUOTE = frozenset({"quote"})
_SPOT_TICKER = frozenset({"last", "turnover"})
_SPOT_PARTS = _QUOTE | _SPOT_TICKER
_LINEAR_PARTS = frozenset({"quote", "last", "ref", "turnover", "funding"})

_RET_CODE = re.compile(rb'"retCode"\s*:\s*"?(\d{1,9})')
_FAILURES = {
    b"10006": ("BANNED", 5.0),  # too many visits, per user id
    b"10000": ("MAINT", 5.0),  # server timeout
    b"10016": ("MAINT", 5.0),  # internal error
    b"10009": ("BLOCKED", 600.0),  # country
    b"10024": ("BLOCKED", 600.0),  # compliance
}

_INSTRUMENTS = Request(
    endpoint="rest", path="/v5/market/instruments-info", query="category=linear&limit=1000", costs=_HTTP
)


def _frames(op: str, topics: Sequence[str], symbols: Sequence[str], first: int) -> list[Ask]:
    """Requests with all topics of a symbol in the same one: 50 topics on linear lines (50 accepted), 10 on spot lines
    (the documented limit)."""
    per_frame = 50 if len(topics) == 1 else 10 // len(topics)
    frames: list[Ask] = []
    for start in range(0, len(symbols), per_frame):
        part = tuple(symbols[start : start + per_frame])
        request = str(first + len(frames))
        args = [topic + symbol for symbol in part for topic in topics]
        frames.append(Ask(msgspec.json.encode({"req_id": request, "op": op, "args": args}), request, part))
    return frames


def _topic_chars(topics: Sequence[str], symbol: str) -> int:
    """Characters of a symbol's topics with their quotes and commas, and no fewer than bytes."""
    return sum(len(topic) + len(symbol.encode()) + 3 for topic in topics)


def verdict(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable | None:
    """A 403 is either the rate ban ("access too frequent") or a country's block (CloudFront)."""
    if status == 403 and b"too frequent" in body.lower():
        return Unreachable("BANNED", f"HTTP 403 {told(body)}".strip(), retry_after(headers, _RATE_BAN_S))
    found = refusal(status, headers, body)
    code = _RET_CODE.search(body[:200])
    if status != 200 or code is None or code[1] not in _FAILURES:
        return found
    state, wait = _FAILURES[code[1]]
    return Unreachable(state, told(body), retry_after(headers, wait))


def _tickers(market: Market, category: str, parts: frozenset[str]) -> Snapshot:
    return Snapshot(
        kind="ticker",
        market=market,
        request=Request(endpoint="rest", path="/v5/market/tickers", query=f"category={category}", costs=_HTTP),
        parse=read_tickers,
        parts=parts,
        stamped=False,  # only the envelope has a time
        dated=True,
    )


_DEPTH_LEVELS = 200  # most on spot until 2026; 1,000 since, says the newest page


def _depth(category: str, symbol: str) -> Request:
    query = f"category={category}&symbol={quote(symbol, safe='')}&limit={_DEPTH_LEVELS}"
    return Request(endpoint="rest", path="/v5/market/orderbook", query=query, costs=_HTTP)


_HISTORY_ROWS = 200  # at most; newest first


def _history(past: Past) -> Request:
    """A start without an end is refused; the end is within the span."""
    span = f"startTime={past.since_ms}&endTime={past.until_ms - 1}"
    query = f"category=linear&symbol={quote(past.symbol, safe='')}&{span}&limit={_HISTORY_ROWS}"
    return Request(endpoint="rest", path="/v5/market/funding/history", query=query, costs=_HTTP)


_PERP = Stream(
    name="perp",
    market=Market.PERP,
    endpoint="ws",
    path="/v5/public/linear",
    channels=(Channel(kind="ticker", parts=_LINEAR_PARTS, snapshot_on_ask=True),),
    ask=partial(_frames, "subscribe", _LINEAR_TOPICS),
    unask=partial(_frames, "unsubscribe", _LINEAR_TOPICS),
    parse=hear_linear,
    symbols_per_line=220,
    line_chars=_LINE_CHARS,
    topic_chars=partial(_topic_chars, _LINEAR_TOPICS),
    ask_rules=_PACE,
    connect_costs=_CONNECT,
    refusal_voids_ask=True,
    ping=_PING,
)
_SPOT = Stream(
    name="spot",
    market=Market.SPOT,
    endpoint="ws",
    path="/v5/public/spot",
    channels=(
        Channel(kind="book", parts=_QUOTE, snapshot_on_ask=True),
        Channel(kind="ticker", parts=_SPOT_TICKER, quiet_after_s=30.0, snapshot_on_ask=True),
    ),
    ask=partial(_frames, "subscribe", _SPOT_TOPICS),
    unask=partial(_frames, "unsubscribe", _SPOT_TOPICS),
    parse=hear_spot,
    symbols_per_line=150,
    line_chars=_LINE_CHARS,
    topic_chars=partial(_topic_chars, _SPOT_TOPICS),
    ask_rules=_PACE,
    connect_costs=_CONNECT,
    refusal_voids_ask=True,
    ping=_PING,
)

_NOTICES = Stream(
    name="notices",
    market=Market.PERP,
    endpoint="ws",
    path=_bybit_notices.PATH,
    channels=(Channel(kind="notice"),),
    ask=_bybit_notices.ask,
    parse=_bybit_notices.hear,
    per_symbol=False,
    ask_rules=_PACE,
    connect_costs=_CONNECT,
    ping=_PING,
)

VENUE = Venue(
    name="bybit",
    title="Bybit",
    code="BY",
    endpoints={"rest": "https://api.bybit.com", "ws": "wss://stream.bybit.com"},
    taker_fee_spot=0.001,
    taker_fee_perp=0.00055,
    rules=(Rule("http", 600, 5.0), Rule("connects", 500, 300.0)),
    directories=(
        Directory(
            market=Market.PERP,
            request=_INSTRUMENTS,
            parse=partial(read_linear, request=_INSTRUMENTS),
            only_trading=True,
        ),
        Directory(
            market=Market.SPOT,
            request=msgspec.structs.replace(_INSTRUMENTS, query="category=spot"),
            parse=read_spot,
            only_trading=True,
        ),
    ),
    snapshots=(
        _tickers(Market.PERP, "linear", _LINEAR_PARTS),
        _tickers(Market.SPOT, "spot", _SPOT_PARTS),
    ),
    streams=(_PERP, _SPOT, _NOTICES),
    server_times=(ServerTime(Request(endpoint="rest", path="/v5/market/time", costs=_HTTP), read_time),),
    verdict=verdict,
    depths=(
        Depth(Market.SPOT, partial(_depth, "spot"), read_book, _DEPTH_LEVELS),
        Depth(Market.PERP, partial(_depth, "linear"), read_book, _DEPTH_LEVELS),
    ),
    funding_histories=(FundingHistory(Market.PERP, _history, read_settled, _HISTORY_ROWS),),
    aliases={"NEIRO": "NEIROETH", "NEIROCTO": "NEIRO"},
    suffix_multipliers=True,
)
