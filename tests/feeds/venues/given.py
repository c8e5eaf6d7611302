"""Frames and replies to read: own samples (always there), real ones beside the checkout (skipped where absent), and the
hostile values that any field may hold."""

import json
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import pytest

from frmon.errors import DecodeError
from frmon.feeds.contract import Heard
from frmon.feeds.text import is_symbol
from frmon.model import Tick

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "tests" / "samples"
SHARED = ROOT.parent / "shared"

HOSTILE_VALUES = [
    '""', "null", "0", "-1", '"-1"', '"NaN"', '"Infinity"', '"-inf"', "1e999", '"1e999"', '"1_000"', '"١٢"', "true", "[]",
    "{}", '"0x10"', '" 1"', '"1 "', "1" + "0" * 5000, '"' + "9" * 5000 + '"', '"\\u0000"', '"\\u202e1"', "1.5e-400",
]  # fmt: skip
"""JSON that may stand where a number is expected."""

MALFORMED = [
    b"", b" ", b"\x00", b"\xff\xfe", b"hello", b"<html>403</html>", b'{"a":', b'{"a":1}x', b'{"a":1}{"a":1}', b"NaN",
    b"\xef\xbb\xbf{}", b"[" * 100_000, b"\x1f\x8b\x08\x00", b"{'a':1}", b'{"a":01}', b"ping\n\n\n{",
    '{"a":1}'.encode("utf-16"),
]  # fmt: skip
"""What is no JSON at all."""

ODD = [
    b'{"a":"\xff"}', b"null", b"true", b"0", b'"text"', b"[]", b"{}", b"[[]]", b"[null]", b'{"data":null}', b'{"data":[]}', b'{"data":[null]}',
    b'{"result":null}', b'{"result":{}}', b'{"result":{"list":null}}', b'{"a":1,"a":2}', b'{"":""}', b'{"code":0,"data":5}',
    b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", b'{"topic":5}', b'{"arg":5,"data":[5]}', b'{"e":5}', b'{"event":[]}',
]  # fmt: skip
"""JSON that says nothing."""

PARTS = {
    "quote": ("bid", "ask", "bid_size", "ask_size"),
    "last": ("last",),
    "ref": ("mark", "index"),
    "turnover": ("volume_usd",),
    "funding": ("funding_rate", "funding_interval_h", "next_funding_ms", "settled_rate"),
}
"""The fields of a tick that belong to each part."""


def own(venue: str, name: str) -> bytes:
    """One of our samples."""
    return (SAMPLES / venue / f"{name}.json").read_bytes()


def real(path: str) -> bytes:
    """A real recording, by its path beside the checkout."""
    file = SHARED / path
    if not file.exists():
        pytest.skip("no recordings beside the checkout")
    return file.read_bytes()


def each(raw: bytes) -> list[bytes]:
    """The frames of a file: a list of frames, or one."""
    told = json.loads(raw)
    return [json.dumps(frame, ensure_ascii=False).encode() for frame in told] if isinstance(told, list) else [raw]


def leaves(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values that are no objects or lists."""
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else None
    if inner is None:
        yield path
        return
    for key, value in inner:
        yield from leaves(value, (*path, key))


def with_value(raw: bytes, path: tuple[Any, ...], value: str) -> bytes:
    """The frame with this JSON text at this path."""
    told = json.loads(raw)
    place = told
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "@here@"
    return json.dumps(told, ensure_ascii=False).replace('"@here@"', value).encode()


def without(raw: bytes, path: tuple[Any, ...]) -> bytes:
    """The frame without the value at this path."""
    told = json.loads(raw)
    place = told
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return json.dumps(told, ensure_ascii=False).encode()


def ticks_of(parse: Callable[[bytes], Heard], raw: bytes) -> list[Tick]:
    """The ticks of a frame; none if it cannot be read."""
    try:
        return list(parse(raw)[1])
    except DecodeError:
        return []


def is_sane(tick: Tick) -> bool:
    """Whether a tick can do no harm: a usable name, finite numbers, positive prices (0: no such side)."""
    prices = (tick.last, tick.mark, tick.index, tick.bid_size, tick.ask_size, tick.volume_usd, tick.funding_interval_h)
    return (
        is_symbol(tick.symbol)
        and all(p is None or (isfinite(p) and p > 0) for p in prices)
        and all(side is None or (isfinite(side) and side >= 0) for side in (tick.bid, tick.ask))
        and all(rate is None or isfinite(rate) for rate in (tick.funding_rate, tick.settled_rate))
        and all(ms is None or 1.4e12 < ms < 4.2e12 for ms in (tick.event_ms, tick.next_funding_ms or None))
    )


def stated_parts(tick: Tick) -> set[str]:
    """The parts of which a tick says something."""
    return {part for part, fields in PARTS.items() if any(getattr(tick, field) is not None for field in fields)}
