"""OKX's rows: tickers, marks, index prices and funding rates. Every number is a text, and "" means that there is none; one
shape serves streams and REST.

Sizes of SWAP are contracts, which one row alone cannot turn into coins, so they are left out.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from frmon.errors import DecodeError
from frmon.feeds.contract import Settled, with_wounds
from frmon.feeds.text import is_symbol
from frmon.feeds.venues import _books
from frmon.feeds.venues._reading import UNREADABLE, Amount, Fraction, Moment, Name, members, mended, unreadable, word
from frmon.model import EMPTY, Book, Tick

LONGEST_H = 24.0  # no funding interval is longer
HOUR_MS = 3_600_000


class Row(msgspec.Struct, gc=False, rename="camel"):
    """A row of tickers, mark prices, index prices, funding rates or the server's time."""

    inst_id: Name = ""
    ts: Moment = None
    last: Amount = None
    bid_px: Amount = None
    ask_px: Amount = None
    bid_sz: Amount = None
    ask_sz: Amount = None
    vol_ccy_24h: Amount = msgspec.field(default=None, name="volCcy24h")
    mark_px: Amount = None
    idx_px: Amount = None
    funding_rate: Fraction = None
    sett_funding_rate: Fraction = None
    prev_funding_time: Moment = None
    funding_time: Moment = None
    next_funding_time: Moment = None


class _Reply(msgspec.Struct):
    code: str
    data: list[Row] | None = None


class _Paid(msgspec.Struct, gc=False, rename="camel"):
    """A row of `funding-rate-history`; its `fundingRate` is what was predicted."""

    inst_id: Name = ""
    funding_time: Moment = None
    realized_rate: Fraction = None


class _Depth(msgspec.Struct):
    bids: _books.Side | None = None
    asks: _books.Side | None = None
    ts: Moment = None


_REPLY = msgspec.json.Decoder(_Reply, strict=False)
_DEPTHS = msgspec.json.Decoder(list[_Depth], strict=False)


@lru_cache(maxsize=16_384)
def is_ours(symbol: str) -> bool:
    """Whether it is priced in USDT and a name that can be shown. It is remembered, so it must be short."""
    return symbol.endswith(("-USDT", "-USDT-SWAP")) and is_symbol(symbol)


def ticks(rows: Sequence[Row], read: Callable[[Row], Tick | None]) -> list[Tick]:
    """What the rows of USDT instruments say."""
    ticks = []
    for row in rows:
        if is_ours(row.inst_id):
            tick = read(row)
            if tick is not None:
                ticks.append(tick)
    return ticks


def _ticker(row: Row) -> Tick:
    """`volCcy24h` is in USDT on spot and in coins on SWAP."""
    last, turnover = row.last or None, row.vol_ccy_24h or None
    is_swap = row.inst_id.endswith("-SWAP")
    if is_swap and turnover is not None:
        turnover = turnover * last if last is not None else None
    return Tick(
        symbol=row.inst_id,
        event_ms=row.ts or None,
        bid=EMPTY if row.bid_px == "" else row.bid_px,
        ask=EMPTY if row.ask_px == "" else row.ask_px,
        bid_size=None if is_swap else row.bid_sz or None,
        ask_size=None if is_swap else row.ask_sz or None,
        last=last,
        volume_usd=turnover,
    )


def _mark(row: Row) -> Tick:
    return Tick(symbol=row.inst_id, event_ms=row.ts or None, mark=row.mark_px or None)


def _index(row: Row) -> Tick | None:
    """Index prices are named by pair; here they belong to the swap on it."""
    symbol = row.inst_id if row.inst_id.endswith("-SWAP") else f"{row.inst_id}-SWAP"
    if not is_ours(symbol):
        return None
    return Tick(symbol=symbol, event_ms=row.ts or None, index=row.idx_px or None)


def _funding(row: Row) -> Tick | None:
    """`fundingTime` is the coming settlement, `nextFundingTime` the one after it."""
    if not row.inst_id.endswith("-SWAP"):
        return None
    return Tick(
        symbol=row.inst_id,
        event_ms=row.ts or None,
        funding_rate=None if row.funding_rate == "" else row.funding_rate,
        funding_interval_h=_interval_h(row),
        next_funding_ms=row.funding_time or None,
        settled_rate=None if row.sett_funding_rate == "" else row.sett_funding_rate,
    )


def _interval_h(row: Row) -> float | None:
    before, coming, after = row.prev_funding_time or None, row.funding_time or None, row.next_funding_time or None
    for start, end in ((coming, after), (before, coming)):
        if start is not None and end is not None and 0 < end - start <= LONGEST_H * HOUR_MS:
            return (end - start) / HOUR_MS
    return None


READ: dict[str, tuple[str, Callable[[Row], Tick | None]]] = {
    "tickers": ("ticker", _ticker),
    "mark-price": ("mark", _mark),
    "index-tickers": ("index", _index),
    "funding-rate": ("funding", _funding),
}


def snapshot(channel: str, raw: bytes) -> Sequence[Tick]:
    """A REST reply for all instruments, whose rows are those of the channel. Raises DecodeError."""
    unread: list[str] = []
    return with_wounds(ticks(_rows(raw, unread), READ[channel][1]), unread)


def server_time(raw: bytes) -> int:
    """Unix milliseconds."""
    told = [row.ts or None for row in _rows(raw, [])]
    if not told or told[0] is None:
        raise DecodeError("no time")
    return told[0]


def depth(raw: bytes) -> Book:
    """A reply of `market/books`: levels of [price, size, "0", orders], sizes of swaps in contracts. The shape of the reply
    is that of the `books` channel, and as ccxt 4.5.90 reads it. Raises DecodeError."""
    found = _books.read(data(raw), _DEPTHS)
    if len(found) != 1:
        raise DecodeError("no order book")
    return _books.book(found[0].bids, found[0].asks, found[0].ts)


def settled(raw: bytes) -> list[Settled]:
    """A reply of `public/funding-rate-history`, newest first; what was not realized is left out. Raises DecodeError."""
    return [
        Settled(row.inst_id, row.funding_time, row.realized_rate)
        for row in mended(data(raw), _Paid)[0]
        if is_ours(row.inst_id) and row.funding_time and type(row.realized_rate) is float
    ]


def _rows(raw: bytes, unread: list[str]) -> list[Row]:
    """HTTP 200 is no success, `code` "0" is; `data` may be null."""
    try:
        reply = _REPLY.decode(raw)
    except UNREADABLE:
        return mended(data(raw), Row, unread)[0]
    if reply.code != "0":
        data(raw)
    return reply.data or []


def data(raw: bytes) -> msgspec.Raw | bytes:
    """The undecoded `data` of a reply, null as []. Raises DecodeError, also for a reply that is an error."""
    told = members(raw)
    code = word(told.get("code"), 12)
    if code != "0":
        raise unreadable(f"{code} {word(told.get('msg'))}".strip())
    data = told.get("data", b"null")
    return b"[]" if bytes(data) == b"null" else data
