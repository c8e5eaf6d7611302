"""How Bybit's REST replies are read: instruments, tickers, time. Success is `retCode` 0 and nothing else."""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.json import Decoder

from frmon.errors import DecodeError
from frmon.feeds.contract import Page, Request, Settled, with_wounds
from frmon.feeds.text import moment
from frmon.feeds.venues import _books
from frmon.feeds.venues._bybit import Ticker, ticker_tick
from frmon.feeds.venues._reading import UNREADABLE, Decimal, Fraction, Millis, is_usable, price, unreadable, when, word
from frmon.feeds.venues._rows import Stamp, refuse_failure, rows
from frmon.model import Book, Listing, Market, Tick


class _Reply(msgspec.Struct):
    retCode: msgspec.Raw  # noqa: N815  as on the wire
    retMsg: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815
    result: msgspec.Raw = msgspec.Raw(b"")
    time: msgspec.Raw = msgspec.Raw(b"")


class _Result(msgspec.Struct):
    list: list[msgspec.Raw]
    nextPageCursor: str | None = None  # noqa: N815


class _Paid(msgspec.Struct, gc=False, rename={"rate": "fundingRate", "at": "fundingRateTimestamp"}):
    """A row of `funding/history`."""

    symbol: str = ""
    rate: Fraction = None
    at: Stamp = None


class _Step(msgspec.Struct):
    tickSize: Decimal = None  # noqa: N815


class _Phase(msgspec.Struct):
    curAuctionPhase: str = ""  # noqa: N815


class _Instrument(
    msgspec.Struct,
    rename={
        "base": "baseCoin",
        "quote": "quoteCoin",
        "settle": "settleCoin",
        "contract": "contractType",
        "kind": "symbolType",
        "funding_min": "fundingInterval",
        "on": "launchTime",
        "off": "deliveryTime",
        "prelisted": "isPreListing",
        "prelisting": "preListingInfo",
        "step": "priceFilter",
    },
):
    symbol: str = ""
    base: str = ""
    quote: str = ""
    settle: str = ""
    contract: str = ""
    status: str = ""
    kind: str | UnsetType = ""
    funding_min: Decimal = None
    on: Millis = None
    off: Millis = None
    prelisted: bool | UnsetType = False
    prelisting: _Phase | None = None
    step: _Step | None = None


class _Depth(msgspec.Struct):
    b: _books.Side | None = None
    a: _books.Side | None = None
    ts: Stamp = None


LONGEST_MIN = 24 * 60  # no funding interval is longer

_DEPTH = Decoder(_Depth, strict=False)
_TICKER = Decoder(Ticker, strict=False)
_INSTRUMENT = Decoder(_Instrument, strict=False)
_PAID = Decoder(_Paid, strict=False)
_REPLY = Decoder(_Reply)
_RESULT = Decoder(_Result)
_CLASSES = {
    "": "crypto",
    "innovation": "crypto",
    "adventure": "crypto",
    "stock": "stock",
    "etf": "stock",
    "xstocks": "stock",
    "commodity": "commodity",
    "forex": "forex",
    "index": "index",
}
_STATUSES = {"Trading": "trading", "PreLaunch": "prelaunch"}


def _result(raw: bytes) -> tuple[_Result, int | None]:
    """The rows of a reply and the time of its envelope."""
    reply = _reply(raw)
    try:
        return _RESULT.decode(reply.result), moment(word(reply.time))
    except UNREADABLE as error:
        raise unreadable(error) from None


def _reply(raw: bytes) -> _Reply:
    """An envelope that says success. Raises DecodeError."""
    try:
        reply = _REPLY.decode(raw)
    except UNREADABLE as error:
        raise unreadable(error) from None
    refuse_failure(reply.retCode, reply.retMsg, "0", "retCode")
    return reply


def read_book(raw: bytes) -> Book:
    """A reply of `orderbook`: levels of [price, size] like those of the stream of that name."""
    told = _books.read(_reply(raw).result, _DEPTH)
    return _books.book(told.b, told.a, told.ts)


def read_tickers(raw: bytes) -> Sequence[Tick]:
    """Rows of the tickers reply of spot or linear, at the time of the envelope: rows have none of their own."""
    result, at = _result(raw)
    unread: list[str] = []
    found, _ = rows(result.list, _TICKER, unread)
    return with_wounds([ticker_tick(row, at) for row in found if is_usable(row.symbol)], unread)


def read_settled(raw: bytes) -> list[Settled]:
    """The rows of `funding/history`."""
    result, _ = _result(raw)
    found, _ = rows(result.list, _PAID)
    return [
        Settled(row.symbol, row.at, row.rate)
        for row in found
        if is_usable(row.symbol) and row.at and type(row.rate) is float
    ]


def read_time(raw: bytes) -> int:
    """The server's time in Unix milliseconds."""
    at = moment(word(_reply(raw).time))
    if at is None:
        raise DecodeError("no time")
    return at


def read_linear(raw: bytes, request: Request) -> Page:
    """A page of linear instruments. The cursor comes percent-encoded already; a complete page may carry one, too."""
    result, _ = _result(raw)
    kept, skipped = _listings(result, Market.PERP)
    cursor = quote((result.nextPageCursor or "")[:512], safe="%")
    more = msgspec.structs.replace(request, query=f"{request.query}&cursor={cursor}")
    return Page(kept, more if cursor and result.list else None, skipped)


def read_spot(raw: bytes) -> Page:
    """All spot instruments: the list has one page."""
    result, _ = _result(raw)
    kept, skipped = _listings(result, Market.SPOT)
    return Page(kept, None, skipped)


def _listings(result: _Result, market: Market) -> tuple[list[Listing], int]:
    found, skipped = rows(result.list, _INSTRUMENT)
    kept = []
    for row in found:
        if not (row.symbol and row.status):
            skipped += 1
        elif _is_ours(row, market):
            if is_usable(row.symbol) and is_usable(row.base):
                kept.append(_listing(row, market))
            else:
                skipped += 1
    return kept, skipped


def _is_ours(row: _Instrument, market: Market) -> bool:
    if row.quote != "USDT" or row.status not in _STATUSES:
        return False
    return market is Market.SPOT or (row.contract == "LinearPerpetual" and row.settle == "USDT")


def _listing(row: _Instrument, market: Market) -> Listing:
    minutes = price(row.funding_min)
    return Listing(
        venue="bybit",
        market=market,
        symbol=row.symbol,
        base=row.base,
        asset_class=_asset_class(row),
        status=_STATUSES[row.status],
        funding_h=minutes / 60 if minutes and minutes <= LONGEST_MIN else None,
        off_ms=when(row.off),
        on_ms=when(row.on),
        tick=price(row.step.tickSize) if row.step else None,
        contract=1.0,  # sizes are in the base coin
    )


def _asset_class(row: _Instrument) -> str:
    """What cannot be read is "other": a share must not pass for a coin."""
    if row.kind is UNSET or row.prelisted is UNSET:
        return "other"
    return "premarket" if _is_premarket(row) else _CLASSES.get(row.kind.lower(), "other")


def _is_premarket(row: _Instrument) -> bool:
    return bool(row.prelisted) and (row.prelisting is None or row.prelisting.curAuctionPhase != "Finished")
