"""Binance's streams: what its frames say and how to ask for them.

Since 2026-06-30 the futures streams for all symbols also carry COIN-M contracts (`st` = 2), which never leave here.
Spot `<s>@bookTicker` has neither event name nor time. An acknowledgement proves nothing: wrong names get one too.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Ask, Heard, with_wounds
from frmon.feeds.text import is_symbol
from frmon.feeds.venues._reading import (
    UNREADABLE,
    Amount,
    Decimal,
    Fraction,
    Millis,
    Moment,
    Name,
    members,
    mend,
    mended,
    price,
    when,
    word,
)
from frmon.model import Tick

NAMES_PER_ASK = 200  # accepted in one SUBSCRIBE, measured 2026-10
TOO_MANY_STREAMS = 4  # error code after which the line is closed
USDT_M = (1, "", None)  # values of `st` that mean USDⓈ-M


class _Event(
    msgspec.Struct,
    gc=False,
    rename={
        "symbol": "s",
        "name": "e",
        "event_ms": "E",
        "bid": "b",
        "bid_size": "B",
        "ask": "a",
        "ask_size": "A",
        "seq": "u",
        "last": "c",
        "turnover": "q",
        "mark": "p",
        "index": "i",
        "funding": "r",
        "next_ms": "T",
        "kind": "st",
        "state": "cs",
    },
):
    """A row of any stream. `p` and `T` are mark price and next settlement only in markPriceUpdate."""

    symbol: Name
    name: str = ""
    event_ms: Moment = None
    bid: Amount = None
    bid_size: Amount = None
    ask: Amount = None
    ask_size: Amount = None
    seq: Millis = None
    last: Amount = None
    turnover: Amount = None
    mark: Decimal = None  # in other rows a change, of any sign
    index: Amount = None
    funding: Fraction = None
    next_ms: Millis = None
    kind: Millis = 1
    state: str = ""


class _Frame(msgspec.Struct, gc=False):
    data: _Event | list[_Event] | None = None


_FRAME = msgspec.json.Decoder(_Frame, strict=False)
_IS_EVENT = {"e", "s"}  # one of them is in every raw payload


@lru_cache(maxsize=16_384)
def is_ours(symbol: str) -> bool:
    """Whether it is priced in USDT and a name that can be shown. It is remembered, so it must be short."""
    return symbol.endswith("USDT") and is_symbol(symbol)


def parse(raw: bytes) -> Heard:
    """One frame of any stream, combined (`/stream`) or raw (`/ws`)."""
    try:
        data = _FRAME.decode(raw).data
    except UNREADABLE:
        return _parse_slowly(raw)
    if type(data) is _Event:
        return _heard((data,))
    return _heard(data) if type(data) is list else _parse_slowly(raw)


def _parse_slowly(raw: bytes) -> Heard:
    """Whatever is no well-formed combined frame: replies, raw payloads, frames with a bad value."""
    payload: bytes | msgspec.Raw = raw
    if not raw.lstrip().startswith(b"["):
        told = members(raw)
        if "error" in told or ("code" in told and "msg" in told):
            raise _refused(told)
        if "data" not in told and not _IS_EVENT & told.keys():
            return "", ()
        payload = told.get("data", raw)
    unread: list[str] = []
    if bytes(payload).lstrip().startswith(b"["):
        return _heard(mended(payload, _Event, unread)[0], unread)
    event = mend(payload, _Event, unread)
    return _without_symbol(payload) if event is None else _heard((event,), unread)


def _without_symbol(payload: bytes | msgspec.Raw) -> Heard:
    name = word(members(payload).get("e"))
    if name == "serverShutdown":
        raise Notice("shutdown", "the venue closes this line soon")
    if name and name in _READ:
        raise DecodeError(f"{name} without a symbol")
    return "", ()


def _refused(told: Mapping[str, msgspec.Raw]) -> Refused:
    """The wire wraps errors, the documentation shows them bare."""
    error = members(told["error"]) if "error" in told else told
    code = word(error.get("code"))
    why = f"{code} {word(error.get('msg'))}".strip()
    return Refused(why, request=word(told.get("id"), 36) or None, closing=code == str(TOO_MANY_STREAMS))


def _heard(events: Sequence[_Event], unread: Sequence[str] = ()) -> Heard:
    heard = ""
    ticks = []
    for event in events:
        found = _READ.get(event.name)
        if found is None:
            _announce(event)
            continue
        kind, read = found
        if event.kind in USDT_M and is_ours(event.symbol):
            ticks.append(read(event))
        heard = kind
    return heard, with_wounds(ticks, unread)


def _announce(event: _Event) -> None:
    if event.name == "contractInfo" and event.kind in USDT_M and is_ours(event.symbol):
        raise Notice("listing", f"{event.symbol} {word(msgspec.json.encode(event.state))}".strip())


def _ticker(event: _Event) -> Tick:
    """A 24 h ticker; bid and ask are on spot only."""
    return Tick(
        symbol=event.symbol,
        event_ms=event.event_ms or None,
        bid=None if event.bid == "" else event.bid,
        ask=None if event.ask == "" else event.ask,
        bid_size=event.bid_size or None,
        ask_size=event.ask_size or None,
        last=event.last or None,
        volume_usd=event.turnover or None,
    )


def _book(event: _Event) -> Tick:
    return Tick(
        symbol=event.symbol,
        event_ms=event.event_ms or None,
        seq=event.seq if type(event.seq) is int else None,
        bid=None if event.bid == "" else event.bid,
        ask=None if event.ask == "" else event.ask,
        bid_size=event.bid_size or None,
        ask_size=event.ask_size or None,
    )


def _mark(event: _Event) -> Tick:
    scheduled = event.next_ms != 0
    return Tick(
        symbol=event.symbol,
        event_ms=event.event_ms or None,
        mark=price(event.mark),
        index=event.index or None,
        funding_rate=event.funding if scheduled and event.funding != "" else None,
        next_funding_ms=when(event.next_ms) if scheduled else 0,
    )


_READ: dict[str, tuple[str, Callable[[_Event], Tick]]] = {
    "24hrTicker": ("ticker", _ticker),
    "24hrMiniTicker": ("ticker", _ticker),
    "markPriceUpdate": ("mark", _mark),
    "bookTicker": ("book", _book),
    "": ("book", _book),  # spot
}


def ask(method: str, symbols: Sequence[str], first: int) -> list[Ask]:
    """The `method` frames for the 24 h tickers of spot symbols, 200 names each."""
    batches = [tuple(symbols[i : i + NAMES_PER_ASK]) for i in range(0, len(symbols), NAMES_PER_ASK)]
    return [
        _frame(method, [f"{symbol.lower()}@ticker" for symbol in batch], first + n, batch)
        for n, batch in enumerate(batches)
    ]


def ask_all(names: Sequence[str], _symbols: Sequence[str], first: int) -> list[Ask]:
    """The frame for streams that cover all symbols."""
    return [_frame("SUBSCRIBE", names, first, ())]


def _frame(method: str, names: Sequence[str], number: int, symbols: tuple[str, ...]) -> Ask:
    frame = msgspec.json.encode({"method": method, "params": names, "id": number})
    return Ask(frame, str(number), symbols)
