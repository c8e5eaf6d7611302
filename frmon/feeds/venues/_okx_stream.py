"""OKX's public line: what its frames say and how to ask for them."""

from collections.abc import Mapping, Sequence
from re import search

import msgspec

from frmon.errors import Notice, Refused
from frmon.feeds.contract import Ask, Heard, with_wounds
from frmon.feeds.text import clean
from frmon.feeds.venues._okx_rows import READ, Row, ticks
from frmon.feeds.venues._reading import UNREADABLE, is_usable, members, mended, word

ARGS_PER_ASK = 100  # about 5 kB; a message may have 64 KB
SHUTDOWN = "64008"  # sent 60 s before a line is closed for a service upgrade
OURS = frozenset({"", "0", "1", "3", "5", "8", "9"})
"""`serviceType` of a maintenance that concerns us: WebSocket and trading; not bots, blocks or copies. Sources differ on 1 to 4."""


class _Arg(msgspec.Struct, gc=False, rename="camel"):
    channel: str
    inst_id: str = ""


class _Frame(msgspec.Struct, gc=False):
    arg: _Arg | None = None
    data: list[Row] | None = None
    event: str = ""


class _Maintenance(msgspec.Struct, rename="camel"):
    title: str = ""
    state: str = ""
    service_type: str = ""
    env: str = ""


_FRAME = msgspec.json.Decoder(_Frame, strict=False)


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
    found = READ.get(frame.arg.channel)
    return _parse_slowly(raw) if found is None else (found[0], ticks(frame.data, found[1]))


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
    found = READ.get(channel)
    if found is None:
        return "", ()
    unread: list[str] = []
    heard = ticks(mended(told["data"], Row, unread)[0], found[1])
    return found[0], with_wounds(heard, unread)


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
