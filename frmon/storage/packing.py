"""Bars as few bytes: whole numbers of the finest price step, told as differences from what one would expect, each column
in as few bytes as it needs, all compressed. Pure; what is packed reads back equal but for what is said below.

Exact: starts, mids, bids, asks, updates, rates to 8 decimals. Marks and indices are kept to a tenth of the finest step that
bids and asks of the same pack show; spreads to a ten-thousandth of a percent.
"""

import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from math import floor, log10
from operator import add, sub
from struct import Struct
from typing import NamedTuple

from frmon.storage.bars import Bar, Gap

MOST = 4_000
"""Bars in one pack at most."""

VERSION = 1
_HEAD = Struct("<BBH")  # version, decimals, bars
_RATE, _PCT = 8, 4  # decimals
_EXACT = 2.0**53  # whole numbers up to here are exact in a float
_UNKNOWN = -(2**62)  # stands for None
_WIDTHS = {"b": 1, "h": 2, "i": 4, "q": 8}


class Unpackable(ValueError):
    """The bytes are no pack that this program can read."""


def pack_bars(bars: Sequence[Bar]) -> bytes:
    """At most `MOST` bars in the order of time. Raises `ValueError` or `OverflowError` for prices that no market knows:
    infinite, or of twenty digits."""
    decimals = _decimals(bars)
    whole = _scaler(decimals)
    close = [whole(b.close) for b in bars]
    bid, ask = [whole(b.bid) for b in bars], [whole(b.ask) for b in bars]
    opened = [whole(b.open) for b in bars]
    high, low = [whole(b.high) for b in bars], [whole(b.low) for b in bars]
    columns = [
        _steps([b.start for b in bars]),
        _steps(close),
        list(map(sub, opened, [close[0], *close] if close else [])),
        [h - max(o, c) for h, o, c in zip(high, opened, close, strict=True)],
        [min(o, c) - n for n, o, c in zip(low, opened, close, strict=True)],
        list(map(sub, close, bid)),
        list(map(sub, ask, close)),
        _sparse([b.mark_price for b in bars], close, whole),
        _sparse([b.index_price for b in bars], close, whole),
        _sparse([b.rate for b in bars], [0] * len(bars), _scaler(_RATE)),
        [b.updates for b in bars],
    ]
    return _packed(decimals, len(bars), columns)


def unpack_bars(data: bytes) -> list[Bar]:
    """What was packed. Raises `Unpackable`."""
    pack = _unpacked(data, 11)
    step = 10**pack.decimals
    starts, close, opened, high, low, bid, ask, mark, index, rate, updates = pack.columns
    close = list(accumulate(close))
    opened = list(map(add, opened, [close[0], *close] if close else []))
    columns = (
        accumulate(starts),
        [v / step for v in opened],
        [(v + max(o, c)) / step for v, o, c in zip(high, opened, close, strict=True)],
        [(min(o, c) - v) / step for v, o, c in zip(low, opened, close, strict=True)],
        [v / step for v in close],
        [(c - v) / step for v, c in zip(bid, close, strict=True)],
        [(c + v) / step for v, c in zip(ask, close, strict=True)],
        _unsparse(mark, close, step),
        _unsparse(index, close, step),
        _unsparse(rate, [0] * len(close), 10**_RATE),
        updates,
    )
    return list(map(Bar._make, zip(*columns, strict=True)))


def pack_gaps(gaps: Sequence[Gap]) -> bytes:
    """At most `MOST` spreads in the order of time. Raises as `pack_bars`."""
    whole = _scaler(_PCT)
    last = [whole(g.last) for g in gaps]
    columns = [
        _steps([g.start for g in gaps]),
        _steps(last),
        [whole(g.most) - v for g, v in zip(gaps, last, strict=True)],
        [whole(g.mean) - v for g, v in zip(gaps, last, strict=True)],
        _steps([g.pair for g in gaps]),
        [g.seconds for g in gaps],
    ]
    return _packed(_PCT, len(gaps), columns)


def unpack_gaps(data: bytes) -> list[Gap]:
    """What was packed. Raises `Unpackable`."""
    pack = _unpacked(data, 6)
    step = 10**pack.decimals
    starts, last, most, mean, pairs, seconds = pack.columns
    last = list(accumulate(last))
    columns = (
        accumulate(starts),
        [(v + c) / step for v, c in zip(most, last, strict=True)],
        [(v + c) / step for v, c in zip(mean, last, strict=True)],
        [v / step for v in last],
        accumulate(pairs),
        seconds,
    )
    return list(map(Gap._make, zip(*columns, strict=True)))


class _Pack(NamedTuple):
    decimals: int
    columns: list[list[int]]


def _decimals(bars: Sequence[Bar]) -> int:
    """One more than bids and asks show, and no fewer than their mids; fewer where whole numbers would not stay exact."""
    sides = {p for b in bars for p in (b.bid, b.ask)}
    mids = {p for b in bars for p in (b.open, b.high, b.low, b.close)}
    wanted = max(1 + max(map(_decimals_of, sides), default=0), max(map(_decimals_of, mids), default=0))
    top = max((abs(p) for b in bars for p in (b.high, b.ask, b.mark_price or 0.0, b.index_price or 0.0)), default=0.0)
    return max(0, min(wanted, floor(log10(_EXACT / top)))) if top > 0 else wanted


def _decimals_of(price: float) -> int:
    digits, _, exponent = repr(price).partition("e")
    after = len(digits.partition(".")[2]) if not digits.endswith(".0") else 0
    return max(0, after - int(exponent or 0))


def _scaler(decimals: int) -> Callable[[float], int]:
    step = 10**decimals
    return lambda value: round(value * step)


def _steps(values: Sequence[int]) -> list[int]:
    """The first value and the differences."""
    return [values[0], *(b - a for a, b in pairwise(values))] if values else []


def _sparse(values: Sequence[float | None], base: Sequence[int], whole: Callable[[float], int]) -> list[int]:
    """What is known as differences of the distance from `base`; what is not known is marked."""
    found, before = [], 0
    for value, expected in zip(values, base, strict=True):
        if value is None:
            found.append(_UNKNOWN)
            continue
        distance = whole(value) - expected
        found.append(distance - before)
        before = distance
    return found


def _unsparse(steps: Sequence[int], base: Sequence[int], step: int) -> list[float | None]:
    if _UNKNOWN not in steps:
        return [(d + c) / step for d, c in zip(accumulate(steps), base, strict=True)]
    found: list[float | None] = []
    distance = 0
    for change, expected in zip(steps, base, strict=True):
        if change == _UNKNOWN:
            found.append(None)
            continue
        distance += change
        found.append((distance + expected) / step)
    return found


def _packed(decimals: int, count: int, columns: Iterable[Sequence[int]]) -> bytes:
    if count > MOST:
        raise ValueError(f"{count} bars in one pack")
    return _HEAD.pack(VERSION, decimals, count) + zlib.compress(b"".join(map(_column, columns)), 6)


def _unpacked(data: bytes, width: int) -> _Pack:
    try:
        version, decimals, count = _HEAD.unpack_from(data)
        if version != VERSION:
            raise Unpackable(f"pack of version {version}")
        raw = zlib.decompress(data[_HEAD.size :])
        columns, at = [], 0
        for _ in range(width):
            column, at = _read_column(raw, at, count)
            columns.append(column)
    except (zlib.error, Unpackable, ValueError, KeyError, IndexError) as error:
        raise Unpackable(str(error)) from None
    except Exception as error:  # struct.error is no ValueError
        raise Unpackable(type(error).__name__) from None
    return _Pack(decimals, columns)


def _column(values: Sequence[int]) -> bytes:
    """A mask of what is unknown if anything is, the first value, and the others in as few bytes as the widest needs, all
    first bytes before all second ones, which compresses better."""
    known = [v for v in values if v != _UNKNOWN]
    mask = bytes(v == _UNKNOWN for v in values) if len(known) < len(values) else b""
    first, rest = (known[0], known[1:]) if known else (0, [])
    kind = _narrowest(rest)
    plain = array(kind, rest).tobytes()
    size = _WIDTHS[kind]
    planes = b"".join(plain[n::size] for n in range(size)) if size > 1 else plain
    return bytes((1 if mask else 0, ord(kind))) + first.to_bytes(8, "little", signed=True) + mask + planes


def _read_column(raw: bytes, at: int, count: int) -> tuple[list[int], int]:
    masked, kind = raw[at], chr(raw[at + 1])
    first = int.from_bytes(raw[at + 2 : at + 10], "little", signed=True)
    at += 10
    mask = raw[at : at + count] if masked else b""
    at += len(mask)
    known = count - sum(mask)
    size, length = _WIDTHS[kind], max(0, known - 1)
    planes = raw[at : at + size * length]
    if len(planes) < size * length:
        raise Unpackable("cut short")
    plain = bytearray(size * length)
    for n in range(size):
        plain[n::size] = planes[n * length : (n + 1) * length]
    values = [first, *array(kind, bytes(plain))] if known else []
    if mask:
        rest = iter(values)
        values = [_UNKNOWN if unknown else next(rest) for unknown in mask]
    return values, at + size * length


def _narrowest(values: Sequence[int]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    for kind, size in _WIDTHS.items():
        if -(1 << (8 * size - 1)) <= low and high < 1 << (8 * size - 1):
            return kind
    raise ValueError("a number beyond 64 bits")
