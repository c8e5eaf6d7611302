"""Typed decoding that survives bad values: C speed for what is well formed, field by field for what is not."""

from calendar import timegm
from collections.abc import Mapping
from email.utils import parsedate
from functools import cache, lru_cache
from math import inf
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

import msgspec

from frmon.errors import DecodeError
from frmon.feeds.contract import ROW
from frmon.feeds.text import clean, is_symbol, positive
from frmon.model import EMPTY

Decimal = float | Literal[""] | None
"""A foreign decimal text or number as the decoder reads it; "" = explicitly nothing, None = absent, null or unreadable."""
Millis = int | Literal[""] | None
"""A foreign time or order number, likewise."""
Amount = Annotated[float, msgspec.Meta(ge=0, lt=1e300)] | Literal[""] | None
"""A price, size or turnover, likewise; negative, infinite and NaN are unreadable. `x or None` is its value above zero."""
Fraction = Annotated[float, msgspec.Meta(gt=-10, lt=10)] | Literal[""] | None
"""A funding rate, likewise."""
Moment = Annotated[int, msgspec.Meta(gt=1_420_000_000_000, lt=4_102_444_800_000)] | Literal[""] | None
"""Unix milliseconds between 2015 and 2100, likewise."""
Name = Annotated[str, msgspec.Meta(max_length=40)]
"""A symbol that is short enough to be remembered."""
UNREADABLE = (ValueError, RecursionError)
"""What decoding raises: msgspec's errors and bad UTF-8 are ValueErrors, too deep nesting is a RecursionError."""

T = TypeVar("T", bound=msgspec.Struct)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_WORD = msgspec.json.Decoder(str | int | None)


def price(value: Decimal) -> float | None:
    """A number above zero, else None."""
    return value if type(value) is float and 0.0 < value < inf else None


def side(value: Decimal) -> float | None:
    """The price of one side of a book: EMPTY where the venue says zero, None where it says nothing readable."""
    if type(value) is not float:
        return None
    if 0.0 < value < inf:
        return value
    return EMPTY if value == 0.0 else None


def rate(value: Decimal) -> float | None:
    """A finite number of any sign, else None."""
    return value if type(value) is float and -inf < value < inf else None


def when(value: Millis) -> int | None:
    """Unix milliseconds between 2015 and 2100, else None."""
    return value if type(value) is int and 1_420_000_000_000 < value < 4_102_444_800_000 else None


def is_usable(symbol: str) -> bool:
    """`is_symbol`, remembered."""
    return len(symbol) <= 40 and _is_symbol(symbol)


@lru_cache(maxsize=16_384)
def _is_symbol(symbol: str) -> bool:
    return is_symbol(symbol)


def members(raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The undecoded members of an object. Raises DecodeError."""
    try:
        str(raw, "utf-8")  # what is not decoded is not checked
        return _OBJECT.decode(raw)
    except UNREADABLE as error:
        raise unreadable(error) from None


def word(raw: bytes | msgspec.Raw | None, limit: int = 80) -> str:
    """A text or whole number as clean text; "" for everything else."""
    if raw is None:
        return ""
    try:
        value = _WORD.decode(raw)
    except UNREADABLE:
        return ""
    return "" if value is None else clean(value, limit)


def mend(raw: bytes | msgspec.Raw, kind: type[T], unread: list[str] | None = None) -> T | None:
    """One row, field by field: what cannot be read is UNSET where its type knows that, else stays at its default, and its
    name on the wire is added to `unread`. None when that leaves no row."""
    names = [] if unread is None else unread
    try:
        told = _OBJECT.decode(raw)
    except UNREADABLE:
        names.append(ROW)
        return None
    kept = {}
    for field in _fields(kind):
        if field.encoded in told:
            try:
                kept[field.name] = field.decoder.decode(told[field.encoded])
            except UNREADABLE:
                names.append(field.encoded)
                if field.may_be_unset:
                    kept[field.name] = msgspec.UNSET
    try:
        return kind(**kept)
    except TypeError:
        names.append(ROW)
        return None


class _Field(NamedTuple):
    encoded: str
    name: str
    decoder: msgspec.json.Decoder[Any]
    may_be_unset: bool


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            f.encode_name,
            f.name,
            msgspec.json.Decoder(f.type, strict=False),
            msgspec.UnsetType in get_args(f.type),
        )
        for f in msgspec.structs.fields(kind)
    )


def mended(raw: bytes | msgspec.Raw, kind: type[T], unread: list[str] | None = None) -> tuple[list[T], int]:
    """The rows of an array, mended where it must be, and how many had to be skipped; `unread` as in `mend`. Raises
    DecodeError."""
    try:
        parts = _ARRAY.decode(raw)
    except UNREADABLE as error:
        raise unreadable(error) from None
    found = [row for row in (_row(part, kind, unread) for part in parts) if row is not None]
    return found, len(parts) - len(found)


def _row(raw: msgspec.Raw, kind: type[T], unread: list[str] | None) -> T | None:
    try:
        found: T = _decoder(kind).decode(raw)
    except UNREADABLE:
        return mend(raw, kind, unread)
    return found


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind, strict=False)


def unreadable(error: Exception | str) -> DecodeError:
    """A DecodeError with a short clean text."""
    return DecodeError(clean(error, 80) or "unreadable")


def retry_after(headers: Mapping[str, str], default: float) -> float:
    """Seconds to wait as the `retry-after` header says, in seconds or as a date by the server's own clock; at most three days
    (the longest ban documented anywhere)."""
    told = positive(headers.get("retry-after", ""))
    if told is None:
        until, now = dated(headers, "retry-after"), dated(headers, "date")
        told = None if until is None or now is None else positive(until - now)
    return min(default if told is None else told, 259_200.0)


def dated(headers: Mapping[str, str], name: str) -> int | None:
    """The Unix seconds of the date that a header holds; None where it holds none."""
    found = parsedate(headers.get(name))
    try:
        return None if found is None else timegm(found)
    except (ValueError, OverflowError):
        return None
