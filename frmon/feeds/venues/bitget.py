"""Bitget: spot and USDT-settled perpetuals over the public v2 API, as documented and measured in 2026.

All symbols come by REST every 1.5 s: the streams push every symbol about ten times a second even when nothing changed, too
much to take in whole. They are dialled for the symbols of present interest only, up to 50 on a line.
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
from frmon.feeds.venues._answers import refusal, told
from frmon.feeds.venues._bitget import hear, read_book, read_fund_rates, read_settled, read_tickers, read_time
from frmon.feeds.venues._bitget_lists import read_contracts, read_pairs
from frmon.feeds.venues._reading import retry_after
from frmon.model import Market

_SPOT_PARTS = frozenset({"quote", "last", "turnover"})
_PERP_PARTS = frozenset({"quote", "last", "ref", "turnover", "funding"})

_FRAME_BYTES = 4_096  # documented length of one subscribe message
_FRAME_ARGS = 50
_OVERALL_BAN_S = 300.0  # documented: recovery five minutes after the breach
_MAINTENANCE_S = 5.0
_CODE = re.compile(rb'"code"\s*:\s*"?(\d{1,9})')
_TRANSIENT = frozenset({b"45001", b"40725", b"40808", b"40015", b"40010"})  # Tue, Wed, Thu 06-09 UTC: release windows


def _frames(op: str, kind: str, symbols: Sequence[str], first: int) -> list[Ask]:
    """Messages of at most 50 args and 4,096 bytes. They carry no id; each arg is answered by itself."""
    head, tail = b'{"op":"' + op.encode() + b'","args":[', b"]}"
    frames: list[Ask] = []
    args: list[bytes] = []
    part: list[str] = []
    room = _FRAME_BYTES - len(head) - len(tail)

    def close() -> None:
        frames.append(Ask(head + b",".join(args) + tail, str(first + len(frames)), tuple(part)))
        args.clear()
        part.clear()

    for symbol in symbols:
        arg = msgspec.json.encode({"instType": kind, "channel": "ticker", "instId": symbol})
        if args and (len(args) == _FRAME_ARGS or sum(map(len, args)) + len(args) + len(arg) > room):
            close()
        args.append(arg)
        part.append(symbol)
    if args:
        close()
    return frames


def verdict(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable | None:
    """During release windows answers say so by their code, with HTTP status 400 or 200. A 429 is either the budget of
    one second (then a header says that nothing is left of it) or that of the minute."""
    code = _CODE.search(body[:200])
    if status in {200, 400} and code is not None and code[1] in _TRANSIENT:
        return Unreachable("MAINT", told(body), retry_after(headers, _MAINTENANCE_S))
    if status == 429:
        spent = headers.get("x-mbx-used-remain-limit", "").strip() == "0"
        return Unreachable(
            "BANNED", f"HTTP 429 {told(body)}".strip(), retry_after(headers, 2.0 if spent else _OVERALL_BAN_S)
        )
    return refusal(status, headers, body)


def _get(path: str, query: str = "") -> Request:
    return Request(endpoint="rest", path=path, query=query, costs=((path, 1), ("all", 1)))


_MIX_TICKERS = _get("/api/v2/mix/market/tickers", "productType=USDT-FUTURES")
_SPOT_TICKERS = _get("/api/v2/spot/market/tickers")
_FUND_RATES = _get("/api/v2/mix/market/current-fund-rate", "productType=USDT-FUTURES")
_CONTRACTS = _get("/api/v2/mix/market/contracts", "productType=USDT-FUTURES")
_SYMBOLS = _get("/api/v2/spot/public/symbols")
_TIME = _get("/api/v2/public/time")
_SPOT_BOOK = "/api/v2/spot/market/orderbook"
_MIX_BOOK = "/api/v2/mix/market/merge-depth"
_PAID = "/api/v2/mix/market/history-fund-rate"
_REQUESTS = (_MIX_TICKERS, _SPOT_TICKERS, _FUND_RATES, _CONTRACTS, _SYMBOLS, _TIME)


def _spot_depth(symbol: str) -> Request:
    return _get(_SPOT_BOOK, f"symbol={quote(symbol, safe='')}&type=step0&limit=150")  # 150 at most; step0: not merged


def _mix_depth(symbol: str) -> Request:
    """`max` is the largest of the fixed numbers of levels of this contract; scale0: not merged."""
    return _get(_MIX_BOOK, f"symbol={quote(symbol, safe='')}&productType=USDT-FUTURES&precision=scale0&limit=max")


_HISTORY_ROWS = 100  # more are cut to these; newest first


def _history(past: Past) -> Request:
    """By pages: the venue takes no times."""
    symbol = quote(past.symbol, safe="")
    return _get(_PAID, f"symbol={symbol}&productType=USDT-FUTURES&pageSize={_HISTORY_ROWS}&pageNo={past.page + 1}")


def _stream(name: str, market: Market, kind: str, parts: frozenset[str], at_most: int) -> Stream:
    return Stream(
        name=name,
        market=market,
        endpoint="ws",
        path="/v2/ws/public",
        channels=(Channel(kind="ticker", parts=parts, pushes_changes=False, snapshot_on_ask=True),),
        ask=partial(_frames, "subscribe", kind),
        unask=partial(_frames, "unsubscribe", kind),
        parse=partial(hear, kind=kind),
        on_demand=True,
        symbols_per_line=50,
        symbols_at_most=at_most,
        ask_rules=(Rule("messages", 8, 1.0),),  # ten are allowed; more end the connection and may block the address
        subscribe_rules=(Rule("subscriptions", 230, 3600.0),),  # 240 are allowed
        connect_costs=(("connects", 1),),
        ping=b"ping",
        lifetime_s=84_600.0,  # closed after 24 h
    )


VENUE = Venue(
    name="bitget",
    title="Bitget",
    code="BG",
    endpoints={"rest": "https://api.bitget.com", "ws": "wss://ws.bitget.com"},
    taker_fee_spot=0.001,
    taker_fee_perp=0.0006,
    rules=(
        Rule("all", 6_000, 60.0),
        *(Rule(request.path, 10, 1.0) for request in _REQUESTS),  # 20, some 10, are allowed
        *(Rule(path, 10, 1.0) for path in (_SPOT_BOOK, _MIX_BOOK, _PAID)),
        Rule("connects", 270, 300.0),  # 300 are allowed
    ),
    directories=(
        Directory(market=Market.PERP, request=_CONTRACTS, parse=read_contracts),
        Directory(market=Market.SPOT, request=_SYMBOLS, parse=read_pairs),
    ),
    snapshots=(
        Snapshot(
            kind="ticker",
            market=Market.PERP,
            request=_MIX_TICKERS,
            parse=read_tickers,
            parts=_PERP_PARTS,
            every_s=1.5,
            cover_s=None,
            dated=True,
        ),
        Snapshot(
            kind="ticker",
            market=Market.SPOT,
            request=_SPOT_TICKERS,
            parse=read_tickers,
            parts=_SPOT_PARTS,
            every_s=1.5,
            cover_s=None,
            dated=True,
        ),
        Snapshot(
            kind="funding",
            market=Market.PERP,
            request=_FUND_RATES,
            parse=read_fund_rates,
            parts=frozenset({"funding"}),
            every_s=30.0,
            cover_s=None,
        ),
    ),
    streams=(
        _stream("perp", Market.PERP, "USDT-FUTURES", _PERP_PARTS, 150),
        _stream("spot", Market.SPOT, "SPOT", _SPOT_PARTS, 50),
    ),
    server_times=(ServerTime(_TIME, read_time),),
    verdict=verdict,
    depths=(Depth(Market.SPOT, _spot_depth, read_book, 150), Depth(Market.PERP, _mix_depth, read_book)),
    funding_histories=(FundingHistory(Market.PERP, _history, read_settled, _HISTORY_ROWS),),
)
