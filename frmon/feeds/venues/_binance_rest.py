"""Binance's REST replies: what lists its instruments and what covers all symbols at once."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from frmon.errors import DecodeError
from frmon.feeds.contract import Page, Settled, with_wounds
from frmon.feeds.venues import _books
from frmon.feeds.venues._binance_stream import is_ours
from frmon.feeds.venues._reading import (
    UNREADABLE,
    Amount,
    Decimal,
    Fraction,
    Millis,
    Moment,
    Name,
    is_usable,
    members,
    mended,
    price,
    unreadable,
    when,
    word,
)
from frmon.model import Book, Listing, Market, Tick

SPOT_STATUS = {"TRADING": "trading"} | dict.fromkeys(("HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY"), "halted")
PERP_STATUS = {"TRADING": "trading", "TRADING_HALT": "halted", "PENDING_TRADING": "prelaunch"}
ASSET_CLASSES = {
    "COIN": "crypto",
    "EQUITY": "stock",
    "COMMODITY": "commodity",
    "FX": "forex",
    "INDEX": "index",
    "PREMARKET": "premarket",
}
LONGEST_H = 24.0  # no funding interval is longer


class _Row(msgspec.Struct, gc=False, rename="camel"):
    """A row of any REST reply for all symbols."""

    symbol: Name
    bid_price: Amount = None
    bid_qty: Amount = None
    ask_price: Amount = None
    ask_qty: Amount = None
    time: Moment = None
    close_time: Moment = None
    last_price: Amount = None
    quote_volume: Amount = None
    mark_price: Amount = None
    index_price: Amount = None
    last_funding_rate: Fraction = None
    next_funding_time: Millis = None
    funding_interval_hours: Amount = None


class _Filter(msgspec.Struct, rename="camel"):
    tick_size: Decimal = None


class _Instrument(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    margin_asset: str = ""
    contract_type: str = ""
    underlying_type: str | UnsetType = ""
    delivery_date: Millis = None
    onboard_date: Millis = None
    is_spot_trading_allowed: bool | UnsetType = True
    filters: list[_Filter] = []


class _Directory(msgspec.Struct):
    symbols: list[_Instrument]


class _Time(msgspec.Struct, rename="camel"):
    server_time: int


class _Paid(msgspec.Struct, gc=False, rename="camel"):
    """A row of `fundingRate`. The type came in July 2026."""

    symbol: Name = ""
    funding_time: Moment = None
    funding_rate: Fraction = None
    rate_type: str | UnsetType = "Regular"


class _Depth(msgspec.Struct):
    bids: _books.Side | None = None
    asks: _books.Side | None = None
    T: Moment = None
    code: int = 0
    msg: str = ""


_DEPTH = msgspec.json.Decoder(_Depth, strict=False)
_PAID = msgspec.json.Decoder(list[_Paid], strict=False)
_ROWS = msgspec.json.Decoder(list[_Row], strict=False)
_DIRECTORY = msgspec.json.Decoder(_Directory, strict=False)
_TIME = msgspec.json.Decoder(_Time)


def _rows(raw: bytes, unread: list[str]) -> list[_Row]:
    try:
        return _ROWS.decode(raw)
    except UNREADABLE:
        if raw.lstrip().startswith(b"{"):
            told = members(raw)
            raise unreadable(_said(told)) from None
        return mended(raw, _Row, unread)[0]


def _said(told: Mapping[str, msgspec.Raw]) -> str:
    return f"{word(told.get('code'))} {word(told.get('msg'))}".strip()


def snapshot(read: Callable[[_Row], Tick], raw: bytes) -> Sequence[Tick]:
    """A reply for all symbols: its USDT rows, each as `read` reads it. Raises DecodeError."""
    unread: list[str] = []
    return with_wounds([read(row) for row in _rows(raw, unread) if is_ours(row.symbol)], unread)


def book_row(row: _Row) -> Tick:
    """A row of `ticker/bookTicker`; only perpetuals have a time."""
    return Tick(
        symbol=row.symbol,
        event_ms=row.time or None,
        bid=None if row.bid_price == "" else row.bid_price,
        ask=None if row.ask_price == "" else row.ask_price,
        bid_size=row.bid_qty or None,
        ask_size=row.ask_qty or None,
    )


def ticker_row(row: _Row) -> Tick:
    """A row of `ticker/24hr`."""
    return Tick(
        symbol=row.symbol,
        event_ms=row.close_time or None,
        last=row.last_price or None,
        volume_usd=row.quote_volume or None,
    )


def mark_row(row: _Row) -> Tick:
    """A row of `premiumIndex`; no next settlement means that the rate means nothing."""
    scheduled = row.next_funding_time != 0
    return Tick(
        symbol=row.symbol,
        event_ms=row.time or None,
        mark=row.mark_price or None,
        index=row.index_price or None,
        funding_rate=row.last_funding_rate if scheduled and row.last_funding_rate != "" else None,
        next_funding_ms=when(row.next_funding_time) if scheduled else 0,
    )


def interval_row(row: _Row) -> Tick:
    """A row of `fundingInfo`, which lists the symbols whose interval was ever adjusted."""
    hours = row.funding_interval_hours or None
    return Tick(symbol=row.symbol, funding_interval_h=hours if hours is not None and hours <= LONGEST_H else None)


def page(market: Market, raw: bytes) -> Page:
    """`exchangeInfo`, which has a single page."""
    try:
        instruments, skipped = _DIRECTORY.decode(raw).symbols, 0
    except UNREADABLE:
        told = members(raw)
        if "symbols" not in told:
            raise unreadable(_said(told)) from None
        instruments, skipped = mended(told["symbols"], _Instrument)
    usable = [i for i in instruments if is_usable(i.symbol) and is_usable(i.base_asset)]
    list_one = _spot if market is Market.SPOT else _perp
    listings = [found for found in map(list_one, usable) if found is not None]
    return Page(listings, skipped=skipped + len(instruments) - len(usable))


def _spot(one: _Instrument) -> Listing | None:
    status = SPOT_STATUS.get(one.status)
    if status is None or one.quote_asset != "USDT" or one.is_spot_trading_allowed is not True:
        return None
    return Listing(
        venue="binance",
        market=Market.SPOT,
        symbol=one.symbol,
        base=one.base_asset,
        status=status,
        tick=_tick_size(one),
        contract=1.0,
    )


def _perp(one: _Instrument) -> Listing | None:
    """Its interval is 8 h unless `fundingInfo` lists another (documented by the venue)."""
    status = PERP_STATUS.get(one.status)
    is_perpetual = one.contract_type in {"PERPETUAL", "TRADIFI_PERPETUAL"} and "_" not in one.symbol
    if status is None or not is_perpetual or not one.quote_asset == one.margin_asset == "USDT":
        return None
    return Listing(
        venue="binance",
        market=Market.PERP,
        symbol=one.symbol,
        base=one.base_asset,
        asset_class=_asset_class(one),
        status=status,
        off_ms=when(one.delivery_date),  # 4133404800000 = never
        on_ms=when(one.onboard_date),
        tick=_tick_size(one),
        contract=1.0,
    )


def _asset_class(one: _Instrument) -> str:
    """EQUITY, HK_EQUITY, KR_EQUITY and whatever country comes next are stocks."""
    kind = one.underlying_type
    if kind is UNSET:
        return "other"  # it cannot be read, and a share must not pass for a coin
    if not kind:
        return "crypto" if one.contract_type == "PERPETUAL" else "other"
    return ASSET_CLASSES.get(kind) or ("stock" if kind.endswith("EQUITY") else "other")


def _tick_size(one: _Instrument) -> float | None:
    return next((size for size in (price(f.tick_size) for f in one.filters) if size is not None), None)


def server_time(raw: bytes) -> int:
    """Unix milliseconds."""
    try:
        told = when(_TIME.decode(raw).server_time)
    except UNREADABLE as error:
        raise unreadable(error) from None
    if told is None:
        raise DecodeError("no time")
    return told


def depth(raw: bytes) -> Book:
    """A reply of `depth`: levels of [price, quantity]; only futures have a time `T` (of the last transaction). The shape of
    the reply is as ccxt 4.5.90 reads it. Raises DecodeError."""
    told = _books.read(raw, _DEPTH)
    if told.code:
        raise unreadable(f"{told.code} {told.msg}")
    return _books.book(told.bids, told.asks, told.T)


def settled(raw: bytes) -> list[Settled]:
    """A reply of `fundingRate`. Its "Special" rows pass a share's dividend on and are no settlements of the rate. Raises
    DecodeError."""
    return [
        Settled(row.symbol, row.funding_time, row.funding_rate)
        for row in _paid(raw)
        if row.rate_type == "Regular" and is_ours(row.symbol) and row.funding_time and type(row.funding_rate) is float
    ]


def _paid(raw: bytes) -> list[_Paid]:
    try:
        return _PAID.decode(raw)
    except UNREADABLE:
        if raw.lstrip().startswith(b"{"):
            raise unreadable(_said(members(raw))) from None
        return mended(raw, _Paid)[0]
