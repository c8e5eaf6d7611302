"""How Bitget's v2 frames and replies are read. Numbers come as text; "", null and "0" mean that there is nothing.

Funding interval and next settlement are in `current-fund-rate` only; stream tickers carry the next settlement, too.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import UNSET
from msgspec.json import Decoder

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Heard, Settled, with_wounds
from frmon.feeds.text import clean, moment
from frmon.feeds.venues import _books
from frmon.feeds.venues._reading import (
    UNREADABLE,
    Fraction,
    Millis,
    is_usable,
    members,
    mend,
    mended,
    unreadable,
    word,
)
from frmon.feeds.venues._rows import Due, Figure, Hours, Side, Stamp, due, refuse_failure, rows
from frmon.model import EMPTY, Book, Tick

_FINE = "00000"


class Ticker(
    msgspec.Struct,
    gc=False,
    rename={
        "inst_id": "instId",
        "last": "lastPr",
        "bid": "bidPr",
        "bid_size": "bidSz",
        "ask": "askPr",
        "ask_size": "askSz",
        "mark": "markPrice",
        "index": "indexPrice",
        "turnover": "quoteVolume",
        "rate": "fundingRate",
        "next_ms": "nextFundingTime",
    },
):
    """One symbol in a `ticker` frame (named by `instId`) or in a tickers reply (by `symbol`), spot or futures."""

    inst_id: str = ""
    symbol: str = ""
    last: Figure = None
    bid: Side = UNSET
    bid_size: Figure = None
    ask: Side = UNSET
    ask_size: Figure = None
    mark: Figure = None
    index: Figure = None
    turnover: Figure = None
    rate: Fraction = None
    next_ms: Due = UNSET
    ts: Stamp = None


class FundRate(
    msgspec.Struct,
    gc=False,
    rename={"rate": "fundingRate", "interval_h": "fundingRateInterval", "next_ms": "nextUpdate"},
):
    """A row of `current-fund-rate`."""

    symbol: str = ""
    rate: Fraction = None
    interval_h: Hours = None
    next_ms: Due = UNSET


class Paid(msgspec.Struct, gc=False, rename={"rate": "fundingRate", "at": "fundingTime"}):
    """A row of `history-fund-rate`."""

    symbol: str = ""
    rate: Fraction = None
    at: Stamp = None


class Arg(msgspec.Struct, gc=False, rename={"kind": "instType", "symbol": "instId"}):
    """What a frame is about."""

    kind: str = ""
    channel: str = ""
    symbol: str = ""


class Frame(msgspec.Struct, gc=False):
    """Of data: arg, data, ts; of answers: event, arg, code, msg."""

    arg: Arg | None = None
    data: list[Ticker] | None = None
    ts: Stamp = None
    event: str = ""
    code: Millis = None  # number or text
    msg: str = ""


class _Reply(msgspec.Struct):
    code: msgspec.Raw
    msg: msgspec.Raw = msgspec.Raw(b"")
    requestTime: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815  as on the wire
    data: msgspec.Raw = msgspec.Raw(b"")


class _ServerTime(msgspec.Struct):
    serverTime: Stamp = None  # noqa: N815


class _Depth(msgspec.Struct):
    bids: _books.Side | None = None
    asks: _books.Side | None = None
    ts: Stamp = None


_FRAME = Decoder(Frame, strict=False)
_DEPTH = Decoder(_Depth, strict=False)
_TICKER = Decoder(Ticker, strict=False)
_FUND_RATE = Decoder(FundRate, strict=False)
_PAID = Decoder(Paid, strict=False)
_SERVER_TIME = Decoder(_ServerTime, strict=False)
_REPLY = Decoder(_Reply)
_ROWS = Decoder(list[msgspec.Raw])
_NAMED = re.compile(r'instId: ?([^,\s]+)|"(?:symbol|instId)" ?: ?"([^"]+)"')

UPGRADE = 30033  # the service restarts in about a minute
CLOSING = 30007  # over a limit: the connection will be closed


def hear(raw: bytes, kind: str) -> Heard:
    """A frame of the public stream; `kind`: the instType that was asked for."""
    if raw == b"pong":
        return "", ()
    unread: list[str] = []
    frame = _frame(raw, unread)
    arg = frame.arg
    if frame.data is None or frame.event or arg is None:
        return _answer(frame)
    if arg.channel != "ticker" or arg.kind != kind:
        return "", ()
    ticks = [tick for row in frame.data if is_usable((tick := ticker_tick(row, frame.ts, arg.symbol)).symbol)]
    return "ticker" if ticks else "", with_wounds(ticks, unread)


def ticker_tick(row: Ticker, sent_ms: Stamp = None, symbol: str = "") -> Tick:
    """What a row says, field by field, at the row's time, else at the frame's."""
    bid, ask, rate = row.bid, row.ask, row.rate
    return Tick(
        symbol=row.inst_id or row.symbol or symbol,
        event_ms=row.ts or sent_ms or None,
        bid=None if bid is UNSET else bid or EMPTY,
        ask=None if ask is UNSET else ask or EMPTY,
        bid_size=row.bid_size or None,
        ask_size=row.ask_size or None,
        last=row.last or None,
        mark=row.mark or None,
        index=row.index or None,
        volume_usd=row.turnover or None,
        funding_rate=None if rate == "" else rate,
        next_funding_ms=due(row.next_ms),
    )


def _frame(raw: bytes, unread: list[str]) -> Frame:
    try:
        return _FRAME.decode(raw)
    except msgspec.ValidationError:
        told = members(raw)
    except UNREADABLE as error:
        raise unreadable(error) from None
    outer: list[str] = []
    frame = mend(raw, Frame, outer) or Frame()
    unread += (name for name in outer if name not in {"arg", "data"})
    if "arg" in told and frame.arg is None:
        frame.arg = mend(told["arg"], Arg, unread)
    if "data" in told and frame.data is None:
        frame.data, _ = mended(told["data"], Ticker, unread)
    return frame


def _answer(frame: Frame) -> Heard:
    """An acknowledgement or an error; raises Refused or Notice for errors."""
    if frame.event != "error":
        if not frame.event:
            raise DecodeError("neither data nor answer")
        return "", ()
    why = f"{frame.code or ''} {clean(frame.msg, 120)}".strip() or "refused"
    if frame.code == UPGRADE:
        raise Notice("shutdown", why)
    raise Refused(why, symbol=_symbol(frame), topic=_topic(frame.arg), closing=frame.code == CLOSING)


def _symbol(frame: Frame) -> str | None:
    """Whom an error is about: its arg says so, or (as on v3) its text."""
    if frame.arg is not None and frame.arg.symbol:
        found = frame.arg.symbol
    else:
        named = _NAMED.search(frame.msg[:400])
        found = (named[1] or named[2]) if named else ""
    return found if is_usable(found) else None


def _topic(arg: Arg | None) -> str:
    return "" if arg is None else clean(f"{arg.kind}:{arg.channel}:{arg.symbol}", 80)


def reply_rows(raw: bytes) -> tuple[list[msgspec.Raw], int | None]:
    """The rows of a reply and the time of its envelope."""
    data, at = _reply(raw)
    try:
        return _ROWS.decode(data), at
    except UNREADABLE as error:
        raise unreadable(error) from None


def _reply(raw: bytes) -> tuple[msgspec.Raw, int | None]:
    try:
        reply = _REPLY.decode(raw)
    except UNREADABLE as error:
        raise unreadable(error) from None
    refuse_failure(reply.code, reply.msg, _FINE, "code")
    return reply.data, moment(word(reply.requestTime))


def read_tickers(raw: bytes) -> Sequence[Tick]:
    """All symbols of one market, each at its own time."""
    raws, _ = reply_rows(raw)
    unread: list[str] = []
    found, _ = rows(raws, _TICKER, unread)
    return with_wounds([ticker_tick(row) for row in found if is_usable(row.symbol)], unread)


def read_fund_rates(raw: bytes) -> Sequence[Tick]:
    """Funding of all perpetuals at the time of the envelope; a few rows belong to contracts that are not listed yet."""
    raws, at = reply_rows(raw)
    unread: list[str] = []
    found, _ = rows(raws, _FUND_RATE, unread)
    ticks = [
        Tick(
            symbol=row.symbol,
            event_ms=at,
            funding_rate=None if row.rate == "" else row.rate,
            funding_interval_h=row.interval_h or None,
            next_funding_ms=due(row.next_ms),
        )
        for row in found
        if is_usable(row.symbol)
    ]
    return with_wounds(ticks, unread)


def read_settled(raw: bytes) -> list[Settled]:
    """The rows of `history-fund-rate`."""
    found, _ = rows(reply_rows(raw)[0], _PAID)
    paid = (row for row in found if is_usable(row.symbol))
    return [Settled(row.symbol, row.at, row.rate) for row in paid if row.at and type(row.rate) is float]


def read_time(raw: bytes) -> int:
    """The server's time in Unix milliseconds."""
    data, at = _reply(raw)
    try:
        found = _SERVER_TIME.decode(data).serverTime or at
    except UNREADABLE as error:
        raise unreadable(error) from None
    if found is None:
        raise DecodeError("no time")
    return found


def read_book(raw: bytes) -> Book:
    """A reply of `spot/market/orderbook` (levels as text) or `mix/market/merge-depth` (levels as numbers); sizes are in
    the base coin. The shape of both is as ccxt 4.5.90 reads it. Raises DecodeError."""
    data, at = _reply(raw)
    told = _books.read(data, _DEPTH)
    return _books.book(told.bids, told.asks, told.ts or at)
