"""Rows of replies and frames of venues that state "nothing there" by an empty text, null or zero."""

from collections.abc import Iterable
from math import inf
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.json import Decoder

from frmon.errors import DecodeError
from frmon.feeds.venues._reading import UNREADABLE, mend, word
from frmon.model import EMPTY

Side = float | Literal[""] | None | UnsetType
"""The price of one side of a book as the decoder reads it; UNSET = absent or unreadable."""
Due = int | Literal[""] | None | UnsetType
"""A coming moment in Unix milliseconds, likewise."""

T = TypeVar("T", bound=msgspec.Struct)


def side(value: Side) -> float | None:
    """A price; EMPTY for zero, "" and null; None for absent and unreadable."""
    if type(value) is float:
        return value if 0.0 <= value < inf else None
    return None if value is UNSET else EMPTY


def due(value: Due) -> int | None:
    """Unix milliseconds; 0 for zero, "" and null (none scheduled); None for absent and unreadable."""
    if type(value) is int:
        return value if value == 0 or 1_420_000_000_000 < value < 4_102_444_800_000 else None
    return None if value is UNSET else 0


def rows(raws: Iterable[msgspec.Raw], row: Decoder[T]) -> tuple[list[T], int]:
    """The rows that can be read, field by field where it must be, and how many cannot be read at all."""
    found: list[T] = []
    skipped = 0
    for raw in raws:
        try:
            found.append(row.decode(raw))
        except UNREADABLE:
            mended = mend(raw, row.type)
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
