"""OKX: rows and frames. Every number is a text, and "" means that there is none; one row shape serves streams and REST.

Sizes of SWAP are contracts, which one row alone cannot turn into coins, so they are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from re import search

import msgspec

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Ask, Heard, Page
from frmon.feeds.text import clean
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
from frmon.model import EMPTY, Listing, Market, Tick

ARGS_PER_ASK = 100  # about 5 kB; a message may have 64 KB
SHUTDOWN = "64008"  # sent 60 s before a line is closed for a service upgrade
OURS = frozenset(
    {"", "0", "5", "8", "9"}
)  # `serviceType` of a maintenance: WebSocket, trading; not bots, blocks, copies
STATUS = {
    "live": "trading",
    "suspend": "halted",
    "rebase": "halted",
    "post_only": "halted",
    "preopen": "prelaunch",
}
ASSET_CLASSES = {"": "crypto", "1": "crypto", "3": "stock", "4": "commodity"}  # 5, 6, 7: sources differ
LONGEST_H = 24.0  # no funding interval is longer
HOUR_MS = 3_600_000


class _Row(msgspec.Struct, gc=False, rename="camel"):
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


class _Arg(msgspec.Struct, gc=False, rename="camel"):
    channel: str
    inst_id: str = ""


class _Frame(msgspec.Struct, gc=False):
    arg: _Arg | None = None
    data: list[_Row] | None = None
    event: str = ""


class _Reply(msgspec.Struct):
    code: str
    data: list[_Row] | None = None


class _Instrument(msgspec.Struct, rename="camel"):
    inst_id: str = ""
    state: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    ct_type: str = ""
    ct_val: Decimal = None
    ct_mult: Decimal = None
    uly: str = ""
    inst_family: str = ""
    inst_category: str = ""
    rule_type: str = ""
    exp_time: Millis = None
    list_time: Millis = None
    cont_td_sw_time: Millis = None
    tick_sz: Decimal = None


class _Instruments(msgspec.Struct):
    code: str
    data: list[_Instrument] | None = None


class _Maintenance(msgspec.Struct, rename="camel"):
    title: str = ""
    state: str = ""
    service_type: str = ""
    env: str = ""


_FRAME = msgspec.json.Decoder(_Frame, strict=False)
_REPLY = msgspec.json.Decoder(_Reply, strict=False)
_INSTRUMENTS = msgspec.json.Decoder(_Instruments, strict=False)


def parse(raw: bytes) -> Heard:
    """One frame of the public line."""
    if raw == b"pong":
        return "", ()
    try:
        frame = _FRAME.decode(raw)
    except UNREADABLE:
        return _parse_slowly(raw)
    if frame.event or frame.arg is None or frame.data is None:
        return _parse_slowly(raw)
    found = _READ.get(frame.arg.channel)
    return _parse_slowly(raw) if found is None else (found[0], _ticks(frame.data, found[1]))


def _parse_slowly(raw: bytes) -> Heard:
    """Events, notices, the channels that are no data, and data with a bad value."""
    told = members(raw)
    event = word(told.get("event"))
    if event:
        _mind(event, told)
        return "", ()
    if "arg" not in told or "data" not in told:
        return "", ()
    channel = word(members(told["arg"]).get("channel"))
    if channel == "instruments":
        raise Notice("listing", "instruments changed")
    if channel == "status":
        _mind_maintenance(told["data"])
    found = _READ.get(channel)
    return ("", ()) if found is None else (found[0], _ticks(mended(told["data"], _Row)[0], found[1]))


def _mind(event: str, told: Mapping[str, msgspec.Raw]) -> None:
    code, text = word(told.get("code"), 12), word(told.get("msg"), 400)
    if event == "notice" and code == SHUTDOWN:
        raise Notice("shutdown", clean(text, 80))
    if event.endswith("error"):
        raise Refused(
            clean(f"{code} {text}", 80),
            symbol=_culprit(told, text),
            topic=clean(_part(r"channel:([\w-]+)", text), 40),
            request=word(told.get("id"), 32) or None,
        )


def _culprit(told: Mapping[str, msgspec.Raw], text: str) -> str | None:
    """60018 names the instrument in its text only: "...channel:tickers,instId:NOPE-USDT doesn't exist."."""
    arg = members(told["arg"]) if "arg" in told else {}
    symbol = word(arg.get("instId")) or _part(r"instId:([^\s,\"']+)", text)
    return symbol if is_usable(symbol) else None


def _part(pattern: str, text: str) -> str:
    found = search(pattern, text)
    return found[1] if found else ""


def _mind_maintenance(data: msgspec.Raw) -> None:
    for one in mended(data, _Maintenance)[0]:
        if one.state == "ongoing" and one.service_type in OURS and one.env in {"", "1"}:
            raise Notice("maintenance", clean(one.title, 80))


def _ticks(rows: Sequence[_Row], read: Callable[[_Row], Tick | None]) -> list[Tick]:
    ticks = []
    for row in rows:
        symbol = row.inst_id
        if symbol.endswith(("-USDT", "-USDT-SWAP")) and is_usable(symbol):
            tick = read(row)
            if tick is not None:
                ticks.append(tick)
    return ticks


def _ticker(row: _Row) -> Tick:
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


def _mark(row: _Row) -> Tick:
    return Tick(symbol=row.inst_id, event_ms=when(row.ts), mark=price(row.mark_px))


def _index(row: _Row) -> Tick:
    """Index prices are named by pair; here they belong to the swap on it."""
    symbol = row.inst_id if row.inst_id.endswith("-SWAP") else f"{row.inst_id}-SWAP"
    return Tick(symbol=symbol, event_ms=when(row.ts), index=price(row.idx_px))


def _funding(row: _Row) -> Tick | None:
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


def _interval_h(row: _Row) -> float | None:
    before, coming, after = when(row.prev_funding_time), when(row.funding_time), when(row.next_funding_time)
    for start, end in ((coming, after), (before, coming)):
        if start is not None and end is not None and 0 < end - start <= LONGEST_H * HOUR_MS:
            return (end - start) / HOUR_MS
    return None


_READ: dict[str, tuple[str, Callable[[_Row], Tick | None]]] = {
    "tickers": ("ticker", _ticker),
    "mark-price": ("mark", _mark),
    "index-tickers": ("index", _index),
    "funding-rate": ("funding", _funding),
}


def snapshot(channel: str, raw: bytes) -> list[Tick]:
    """A REST reply for all instruments, whose rows are those of the channel. Raises DecodeError."""
    return _ticks(_rows(raw), _READ[channel][1])


def server_time(raw: bytes) -> int:
    """Unix milliseconds."""
    told = [when(row.ts) for row in _rows(raw)]
    if not told or told[0] is None:
        raise DecodeError("no time")
    return told[0]


def _rows(raw: bytes) -> list[_Row]:
    """HTTP 200 is no success, `code` "0" is; `data` may be null."""
    try:
        reply = _REPLY.decode(raw)
    except UNREADABLE:
        return mended(_data(raw), _Row)[0]
    if reply.code != "0":
        _data(raw)
    return reply.data or []


def _data(raw: bytes) -> msgspec.Raw | bytes:
    told = members(raw)
    code = word(told.get("code"), 12)
    if code != "0":
        raise unreadable(f"{code} {word(told.get('msg'))}".strip())
    data = told.get("data", b"null")
    return b"[]" if bytes(data) == b"null" else data


def page(market: Market, raw: bytes) -> Page:
    """`public/instruments` of SPOT or SWAP, which has a single page. Rows before their opening may be almost empty."""
    skipped = 0
    try:
        reply = _INSTRUMENTS.decode(raw)
        instruments = (reply.data or []) if reply.code == "0" else mended(_data(raw), _Instrument)[0]
    except UNREADABLE:
        instruments, skipped = mended(_data(raw), _Instrument)
    list_one = _spot if market is Market.SPOT else _swap
    listings = [found for found in map(list_one, instruments) if found is not None]
    usable = [found for found in listings if is_usable(found.symbol) and is_usable(found.base)]
    return Page(usable, skipped=skipped + len(listings) - len(usable))


def _spot(one: _Instrument) -> Listing | None:
    if not one.inst_id.endswith("-USDT") or one.quote_ccy not in {"", "USDT"}:
        return None
    return _listing(one, Market.SPOT, one.base_ccy or one.inst_id.removesuffix("-USDT"), 1.0)


def _swap(one: _Instrument) -> Listing | None:
    """Linear perpetuals settled in USDT; their base is in the name of what they follow."""
    if not one.inst_id.endswith("-USDT-SWAP") or one.settle_ccy != "USDT" or one.ct_type != "linear":
        return None
    base = (one.uly or one.inst_family or one.inst_id).split("-")[0]
    value = price(one.ct_val)
    return _listing(one, Market.PERP, base, None if value is None else value * (price(one.ct_mult) or 1.0))


def _listing(one: _Instrument, market: Market, base: str, contract: float | None) -> Listing | None:
    status = STATUS.get(one.state)
    if status is None:
        return None
    return Listing(
        venue="okx",
        market=market,
        symbol=one.inst_id,
        base=base,
        asset_class="premarket" if one.rule_type == "pre_market" else ASSET_CLASSES.get(one.inst_category, "other"),
        status=status,
        off_ms=when(one.exp_time),
        on_ms=when(one.cont_td_sw_time) or when(one.list_time),
        tick=price(one.tick_sz),
        contract=contract,
    )


def ask(op: str, symbols: Sequence[str], first: int) -> list[Ask]:
    """The `op` frames for the tickers of instruments, 100 each."""
    batches = [tuple(symbols[i : i + ARGS_PER_ASK]) for i in range(0, len(symbols), ARGS_PER_ASK)]
    return [
        _frame(op, [{"channel": "tickers", "instId": symbol} for symbol in batch], first + n, batch)
        for n, batch in enumerate(batches)
    ]


def ask_notices(_symbols: Sequence[str], first: int) -> list[Ask]:
    """The frame for changes of instruments and maintenance."""
    args = [
        {"channel": "instruments", "instType": "SPOT"},
        {"channel": "instruments", "instType": "SWAP"},
        {"channel": "status"},
    ]
    return [_frame("subscribe", args, first, ())]


def _frame(op: str, args: Sequence[Mapping[str, str]], number: int, symbols: tuple[str, ...]) -> Ask:
    frame = msgspec.json.encode({"id": str(number), "op": op, "args": args})
    return Ask(frame, str(number), symbols)
