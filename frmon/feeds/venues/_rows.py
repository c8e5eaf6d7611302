"""Rows of replies and frames of venues that state "nothing there" by an empty text, null or zero.

The types below have their ranges checked in C while decoding: a value outside fails the row, which is then read field by
field, and only that value is missing.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.json import Decoder

from frmon.errors import DecodeError
from frmon.feeds.venues._reading import UNREADABLE, mend, word

_NOT_NEGATIVE = Meta(ge=0, lt=1e300)

Figure = Annotated[float, _NOT_NEGATIVE] | Literal[""] | None
"""A price, size or turnover: `figure or None`."""
Hours = Annotated[float, Meta(ge=0, le=24)] | Literal[""] | None
"""A funding interval: `hours or None`. None is longer than a day."""
Stamp = Annotated[int, Meta(gt=1_420_000_000_000, lt=4_102_444_800_000)] | Literal[""] | None
"""Unix milliseconds between 2015 and 2100: `stamp or None`."""
Side = Annotated[float, _NOT_NEGATIVE] | Literal[""] | None | UnsetType
"""The price of one side of a book; UNSET = absent or unreadable."""
Due = Annotated[int, Meta(ge=0, lt=4_102_444_800_000)] | Literal[""] | None | UnsetType
"""A coming moment in Unix milliseconds, likewise."""
Levels = list[tuple[Annotated[float, _NOT_NEGATIVE], Annotated[float, _NOT_NEGATIVE]]] | None
"""One side of a book, best first: (price, size)."""

T = TypeVar("T", bound=msgspec.Struct)


def due(value: Due) -> int | None:
    """Unix milliseconds; 0 for zero, "" and null (none scheduled); None for absent and unreadable."""
    if not value:
        return None if value is UNSET else 0
    return value if value > 1_420_000_000_000 else None


def rows(raws: Iterable[msgspec.Raw], row: Decoder[T], unread: list[str] | None = None) -> tuple[list[T], int]:
    """The rows that can be read, field by field where it must be, and how many cannot be read at all; `unread` as in
    `mend`."""
    found: list[T] = []
    skipped = 0
    for raw in raws:
        try:
            found.append(row.decode(raw))
        except UNREADABLE:
            mended = mend(raw, row.type, unread)
            if mended is None:
                skipped += 1
            else:
                found.append(mended)
    return found, skipped


def refuse_failure(code: msgspec.Raw, message: msgspec.Raw, fine: str, name: str) -> None:
    """DecodeError if a reply's code is not the fine one."""
    told = word(code, 12)
    if told != fine:
        raise DecodeError(f"{name} {told or 'missing'} {word(message, 60)}".strip())
