"""How Bybit's frames are read. Numbers come as text; "" means not applicable."""

import re
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET
from msgspec.json import Decoder

from frmon.errors import DecodeError, Refused
from frmon.feeds.contract import Heard, with_wounds
from frmon.feeds.text import clean
from frmon.feeds.venues._reading import (
    UNREADABLE,
    Fraction,
    Millis,
    is_usable,
    members,
    mend,
    unreadable,
)
from frmon.feeds.venues._rows import Due, Figure, Hours, Levels, Side, Stamp, due
from frmon.model import EMPTY, Tick


class Ticker(
    msgspec.Struct,
    gc=False,
    rename={
        "last": "lastPrice",
        "bid": "bid1Price",
        "bid_size": "bid1Size",
        "ask": "ask1Price",
        "ask_size": "ask1Size",
        "mark": "markPrice",
        "index": "indexPrice",
        "turnover": "turnover24h",
        "rate": "fundingRate",
        "interval_h": "fundingIntervalHour",
        "next_ms": "nextFundingTime",
    },
):
    """`data` of a `tickers` frame and a row of the tickers reply, spot or linear."""

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
    interval_h: Hours = None
    next_ms: Due = UNSET


class Spot(msgspec.Struct, gc=False, rename={"last": "lastPrice", "turnover": "turnover24h"}):
    """`data` of a spot frame: of `orderbook.1` (s, b, a, seq) or of `tickers` (the rest)."""

    s: str = ""
    b: Levels = None
    a: Levels = None
    seq: Millis = None
    symbol: str = ""
    last: Figure = None
    turnover: Figure = None


class Frame(msgspec.Struct, gc=False):
    """What all frames share: of data topic, type, ts and cs (cross sequence), of answers the rest."""

    topic: str = ""
    type: str = ""
    ts: Stamp = None
    cs: Millis = None
    success: bool = True
    ret_msg: str = ""
    req_id: str = ""


class LinearFrame(Frame, gc=False):
    """A frame of the linear stream."""

    data: Ticker | None = None


class SpotFrame(Frame, gc=False):
    """A frame of the spot stream."""

    data: Spot | None = None


_LINEAR = Decoder(LinearFrame, strict=False)
_SPOT = Decoder(SpotFrame, strict=False)

_REFUSED_TOPIC = re.compile(
    r"(?:handler not found|(already subscribed)) ?, ?topic ?: ?([^\s,\]]+)|invalid symbol ?:? ?\[ ?([^\s,\]]+)", re.I
)

_TOPIC_KIND = re.compile(r"^[A-Za-z]+\.(?:\d+\.)?")

F = TypeVar("F", LinearFrame, SpotFrame)


def hear_linear(raw: bytes) -> Heard:
    """A frame of the linear stream."""
    unread: list[str] = []
    frame = _frame(raw, _LINEAR, Ticker, unread)
    if not frame.topic.startswith("tickers."):
        return _answer(frame)
    row = frame.data
    if row is None or not row.symbol:
        raise DecodeError("ticker frame without data")
    if not is_usable(row.symbol):
        return "", ()
    tick = ticker_tick(row, frame.ts or None, _order(frame.cs), delta=frame.type != "snapshot")
    return "ticker", with_wounds((tick,), unread)


def hear_spot(raw: bytes) -> Heard:
    """A frame of the spot stream."""
    unread: list[str] = []
    frame = _frame(raw, _SPOT, Spot, unread)
    if frame.topic.startswith("orderbook.1."):
        return _book(frame, _spot_data(frame), unread)
    if not frame.topic.startswith("tickers."):
        return _answer(frame)
    row = _spot_data(frame)
    if not is_usable(row.symbol):
        return "", ()
    tick = Tick(
        symbol=row.symbol,
        event_ms=frame.ts or None,
        seq=_order(frame.cs),
        last=row.last or None,
        volume_usd=row.turnover or None,
    )
    return "ticker", with_wounds((tick,), unread)


def _frame(raw: bytes, decoder: Decoder[F], data: type[msgspec.Struct], unread: list[str]) -> F:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        told = members(raw)
    except UNREADABLE as error:
        raise unreadable(error) from None
    outer: list[str] = []
    frame = mend(raw, decoder.type, outer) or decoder.type()
    unread += (name for name in outer if name != "data")
    if frame.data is None and "data" in told:
        frame.data = mend(told["data"], data, unread)  # type: ignore[assignment]
    return frame


def _spot_data(frame: SpotFrame) -> Spot:
    data = frame.data
    if data is None or not (data.s or data.symbol):
        raise DecodeError("spot frame without data")
    return data


def _book(frame: SpotFrame, data: Spot, unread: Sequence[str]) -> Heard:
    if not is_usable(data.s):
        return "", ()
    delta = frame.type != "snapshot"
    bid, bid_size = _best(data.b, delta=delta)
    ask, ask_size = _best(data.a, delta=delta)
    tick = Tick(
        symbol=data.s,
        event_ms=frame.ts or None,
        seq=_order(data.seq),  # grows even when `u` restarts at 1
        delta=delta,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
    )
    return "book", with_wounds((tick,), unread)


def _best(levels: Levels, *, delta: bool) -> tuple[float | None, float | None]:
    """Price and size of the first level that stands. A size of zero deletes a level; no level means an empty side in a
    whole book and no change in a delta (deltas of level 1 ended in March 2025)."""
    if levels is None:
        return None, None
    for told, size in levels:
        if told and size:
            return told, size
    return (None if delta and not levels else EMPTY), None


def _order(value: Millis) -> int | None:
    return value if type(value) is int else None


def ticker_tick(row: Ticker, event_ms: int | None, seq: int | None = None, *, delta: bool = False) -> Tick:
    """What a row says, field by field."""
    bid, ask, rate = row.bid, row.ask, row.rate
    return Tick(
        symbol=row.symbol,
        event_ms=event_ms,
        seq=seq,
        delta=delta,
        bid=None if bid is UNSET else bid or EMPTY,
        ask=None if ask is UNSET else ask or EMPTY,
        bid_size=row.bid_size or None,
        ask_size=row.ask_size or None,
        last=row.last or None,
        mark=row.mark or None,
        index=row.index or None,
        volume_usd=row.turnover or None,
        funding_rate=None if rate == "" else rate,
        funding_interval_h=row.interval_h or None,
        next_funding_ms=due(row.next_ms),
    )


def _answer(frame: Frame) -> Heard:
    """An acknowledgement, a pong or no; raises Refused for a no."""
    if frame.topic or frame.success:
        return "", ()
    raise refused(frame.ret_msg, frame.req_id)


def refused(message: str, request: str) -> Refused:
    """What a `success: false` says. Only the first bad topic of a request is named; the whole request is void."""
    why = clean(message, 120) or "refused"
    named = _REFUSED_TOPIC.search(message[:400])
    asked = clean(request) or None
    if named is None:
        return Refused(why, request=asked)
    topic = clean(named[2] or named[3], 80)
    symbol = _TOPIC_KIND.sub("", topic)
    return Refused(
        why,
        symbol=symbol if is_usable(symbol) else None,
        topic=topic,
        request=asked,
        duplicate=named[1] is not None,
    )
