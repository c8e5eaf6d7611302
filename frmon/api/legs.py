"""What changed of a coin's legs: every field has the number of its last change, so that whoever knows the coin is told only
what is another now. Pure."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from frmon.parts import CoinPart, LegNews, LegPart

FIXED = (
    "venue",
    "market",
    "symbol",
    "multiplier",
    "quarantine",
    "halted",
    "asset_class",
    "off_ms",
    "on_ms",
    "settled_rate",
)
"""What a coin is told as a whole for."""

VALUES = (
    "bid", "ask", "last", "mark", "index", "volume_24h_usd", "funding_rate", "funding_interval_h", "next_funding_ms",
    "fresh", "source",
)  # fmt: skip
TIMES = ("event_ms", "received_ms", "age_s", "funding_age_s")
"""Told along with any value."""

QUIET_MS = 60_000
"""A leg that is confirmed and stays the same is told of so often."""

fixed_of, values_of = attrgetter(*FIXED), attrgetter(*VALUES)


class LegMark(msgspec.Struct):
    """A leg as it was told last. `numbers`: of the last change of each value; `number`: of the newest of them."""

    part: LegPart
    values: tuple[Any, ...]
    minute: int
    numbers: list[int]
    number: int

    def news(self, number: int) -> LegNews:
        """What changed after `number`."""
        part = self.part
        found = {name: value for name, value, n in zip(VALUES, self.values, self.numbers, strict=True) if n > number}
        times = {name: getattr(part, name) for name in TIMES}
        return LegNews(venue=part.venue, market=part.market, symbol=part.symbol, **found, **times)


class CoinMark(msgspec.Struct):
    """A coin's legs. `whole`: the number of the last change of what they are."""

    made: list[tuple[Any, ...]]
    legs: list[LegMark]
    whole: int

    def news(self, number: int) -> Iterator[LegNews]:
        """Of those that changed after `number`."""
        return (leg.news(number) for leg in self.legs if leg.number > number)


def marked(part: CoinPart, before: CoinMark | None, number: int) -> CoinMark:
    """A coin's legs, of which `before` was told last."""
    made = [(*fixed_of(leg), leg.funding_age_s is msgspec.UNSET) for leg in part.legs]
    if before is None or before.made != made:
        return CoinMark(made, [_first(leg, number) for leg in part.legs], number)
    return CoinMark(made, _legs(part.legs, before.legs, number), before.whole)


def _legs(parts: Sequence[LegPart], before: Sequence[LegMark], number: int) -> list[LegMark]:
    return [_again(part, leg, number) for part, leg in zip(parts, before, strict=True)]


def _first(part: LegPart, number: int) -> LegMark:
    return LegMark(part, values_of(part), _minute(part), [number] * len(VALUES), number)


def _again(part: LegPart, before: LegMark, number: int) -> LegMark:
    values, minute = values_of(part), _minute(part)
    if values == before.values:
        return LegMark(part, values, minute, before.numbers, before.number if minute == before.minute else number)
    pairs = zip(values, before.values, before.numbers, strict=True)
    return LegMark(part, values, minute, [n if new == old else number for new, old, n in pairs], number)


def _minute(part: LegPart) -> int:
    return (part.received_ms or 0) // QUIET_MS
