"""Order books of REST replies: levels of [price, size, ...] as text or numbers, on two sides."""

from typing import Annotated, TypeVar

import msgspec

from frmon.errors import DecodeError
from frmon.feeds.venues._reading import UNREADABLE, unreadable
from frmon.model import Book, Level

LEVELS_AT_MOST = 5_000  # no venue tells more in one reply

T = TypeVar("T")


class Step(msgspec.Struct, array_like=True, gc=False):
    """One level; what may follow (counts of orders) is not read."""

    price: Annotated[float, msgspec.Meta(gt=0, lt=1e18)]
    size: Annotated[float, msgspec.Meta(ge=0, lt=1e18)]


Side = list[Step]
"""One side of a book as it is sent."""


def read(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode a book. Raises DecodeError: a level that cannot be read is not left out."""
    try:
        return decoder.decode(raw)
    except UNREADABLE as error:
        raise unreadable(error) from None


def book(bids: Side | None, asks: Side | None, event_ms: object = None) -> Book:
    """Both sides, best first, whatever order they came in; sizes of zero are no levels. DecodeError without the sides."""
    if bids is None or asks is None:
        raise DecodeError("no order book")
    at = event_ms if type(event_ms) is int else None
    return Book(_levels(bids, True), _levels(asks, False), at)


def _levels(side: Side, falling: bool) -> tuple[Level, ...]:
    found = [(step.price, step.size) for step in side[:LEVELS_AT_MOST] if step.size > 0]
    return tuple(sorted(found, key=_price, reverse=falling))


def _price(level: Level) -> float:
    return level[0]
