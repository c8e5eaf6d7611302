"""OKX's rows: tickers, marks, index prices and funding rates. Every number is a text, and "" means that there is none; one
shape serves streams and REST.

Sizes of SWAP are contracts, which one row alone cannot turn into coins, so they are left out.
"""

from collections.abc import Callable, Sequence

import msgspec

from frmon.errors import DecodeError
from frmon.feeds.venues._reading import (
    UNREADABLE,
    Decimal,
    Millis,
    is_usable,
    members,
    mended,
    price,
    rate,
    side,
    unreadable,
    when,
    word,
)
from frmon.model import EMPTY, Tick

LONGEST_H = 24.0  # no funding interval is longer
HOUR_MS = 3_600_000


class Row(msgspec.Struct, gc=False, rename="camel"):
    """A row of tickers, mark prices, index prices, funding rates or the server's time."""

    inst_id: str = ""
    ts: Millis = None
    last: Decimal = None
    bid_px: Decimal = None
    ask_px: Decimal = None
    bid_sz: Decimal = None
    ask_sz: Decimal = None
    vol_ccy_24h: Decimal = msgspec.field(default=None, name="volCcy24h")
    mark_px: Decimal = None
    idx_px: Decimal = None
    funding_rate: Decimal = None
    sett_funding_rate: Decimal = None
    prev_funding_time: Millis = None
    funding_time: Millis = None
    next_funding_time: Millis = None


class _Reply(msgspec.Struct):
    code: str
    data: list[Row] | None = None


_REPLY = msgspec.json.Decoder(_Reply, strict=False)


def ticks(rows: Sequence[Row], read: Callable[[Row], Tick | None]) -> list[Tick]:
    """What the rows of USDT instruments say."""
    ticks = []
    for row in rows:
        symbol = row.inst_id
        if symbol.endswith(("-USDT", "-USDT-SWAP")) and is_usable(symbol):
            tick = read(row)
            if tick is not None:
                ticks.append(tick)
    return ticks


def _ticker(row: Row) -> Tick:
    """`volCcy24h` is in USDT on spot and in coins on SWAP."""
    bid, ask, last, turnover = row.bid_px, row.ask_px, price(row.last), price(row.vol_ccy_24h)
    is_swap = row.inst_id.endswith("-SWAP")
    if is_swap and turnover is not None:
        turnover = turnover * last if last is not None else None
    return Tick(
        symbol=row.inst_id,
        event_ms=when(row.ts),
        bid=EMPTY if bid == "" else side(bid),
        ask=EMPTY if ask == "" else side(ask),
        bid_size=None if is_swap else price(row.bid_sz),
        ask_size=None if is_swap else price(row.ask_sz),
        last=last,
        volume_usd=turnover,
    )


def _mark(row: Row) -> Tick:
    return Tick(symbol=row.inst_id, event_ms=when(row.ts), mark=price(row.mark_px))


def _index(row: Row) -> Tick:
    """Index prices are named by pair; here they belong to the swap on it."""
    symbol = row.inst_id if row.inst_id.endswith("-SWAP") else f"{row.inst_id}-SWAP"
    return Tick(symbol=symbol, event_ms=when(row.ts), index=price(row.idx_px))


def _funding(row: Row) -> Tick | None:
    """`fundingTime` is the coming settlement, `nextFundingTime` the one after it."""
    if not row.inst_id.endswith("-SWAP"):
        return None
    return Tick(
        symbol=row.inst_id,
        event_ms=when(row.ts),
        funding_rate=rate(row.funding_rate),
        funding_interval_h=_interval_h(row),
        next_funding_ms=when(row.funding_time),
        settled_rate=rate(row.sett_funding_rate),
    )


def _interval_h(row: Row) -> float | None:
    before, coming, after = when(row.prev_funding_time), when(row.funding_time), when(row.next_funding_time)
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


def snapshot(channel: str, raw: bytes) -> list[Tick]:
    """A REST reply for all instruments, whose rows are those of the channel. Raises DecodeError."""
    return ticks(_rows(raw), READ[channel][1])


def server_time(raw: bytes) -> int:
    """Unix milliseconds."""
    told = [when(row.ts) for row in _rows(raw)]
    if not told or told[0] is None:
        raise DecodeError("no time")
    return told[0]


def _rows(raw: bytes) -> list[Row]:
    """HTTP 200 is no success, `code` "0" is; `data` may be null."""
    try:
        reply = _REPLY.decode(raw)
    except UNREADABLE:
        return mended(data(raw), Row)[0]
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
