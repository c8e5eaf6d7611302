"""What the charts of the detail can show and what a picture of one depends on. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from frmon.model import LegKey
from frmon.tui.lines import Line
from frmon.tui.tracks import Sample


class Kind(StrEnum):
    """What a chart can show."""

    SPREAD = "SPREAD"
    PRICE = "PRICE"
    FUNDING = "FUNDING"


class Span(NamedTuple):
    """How far back a chart reaches. `step`: minutes of the bars that are read; `every_ms`: so often it is read anew."""

    name: str
    ms: int
    step: int
    every_ms: int


SPANS = (
    Span("15m", 900_000, 1, 5_000),
    Span("1h", 3_600_000, 1, 10_000),
    Span("24h", 86_400_000, 1, 30_000),
    Span("7d", 7 * 86_400_000, 15, 120_000),
)
UNITS = {
    Kind.SPREAD: "best pair's gross %",
    Kind.PRICE: "mid, USDT",
    Kind.FUNDING: "% per 8 h, by the interval of now",
}
EMPTY = {
    Kind.SPREAD: "nothing is known of the spread in this time",
    Kind.PRICE: "nothing is known of prices in this time",
    Kind.FUNDING: "nothing is known of funding in this time",
}


class Wish(NamedTuple):
    """What the user wants to see."""

    kind: Kind | None = None  # None: no chart
    span: int = 1

    @classmethod
    def named(cls, kind: str, span: str) -> "Wish":
        """As `names` said it once; of what there is not, what is shown unasked."""
        kinds = {one.value: one for one in Kind}
        spans = [one.name for one in SPANS]
        return cls(kinds.get(kind), spans.index(span) if span in spans else cls().span)

    def names(self) -> tuple[str, str]:
        """The kind ("" for none) and the span."""
        return "" if self.kind is None else self.kind.value, SPANS[self.span].name

    def other(self) -> "Wish":
        """The next kind; after the last one none."""
        kinds = [None, *Kind]
        return self._replace(kind=kinds[(kinds.index(self.kind) + 1) % len(kinds)])

    def reach(self, by: int) -> "Wish":
        """A longer span, or a shorter one."""
        return self._replace(span=max(0, min(len(SPANS) - 1, self.span + by)))


class Leg(NamedTuple):
    """A leg with a line of its own. `times`: what makes the value that is shown of the value that is kept."""

    key: LegKey
    label: str
    ink: str
    times: float
    live: Sequence[Sample]


class Request(NamedTuple):
    """All that a picture depends on."""

    coin: str
    wish: Wish
    width: int
    height: int
    until_ms: int
    fine: bool
    ascii: bool
    live: Sequence[Sample]  # of the spread
    legs: Sequence[Leg]
    threshold: float
    store: Path | None  # None: memory only

    def same_place(self, other: "Request") -> bool:
        """Whether a picture of the other one may stand here until this one is painted."""
        return self[:4] == other[:4] and (self.fine, self.ascii) == (other.fine, other.ascii)


def head(wish: Wish, notes: Sequence[str]) -> Line:
    """The line above: what can be chosen by which key, what is chosen, in which unit."""
    if wish.kind is None:
        return ()
    line: list[tuple[str, str]] = [("c ", "head")]
    for kind in Kind:
        line += [(kind.value, "sorted" if kind is wish.kind else "head"), (" ", "head")]
    line += [("  [ ] ", "head")]
    for n, span in enumerate(SPANS):
        line += [(span.name, "sorted" if n == wish.span else "head"), (" ", "head")]
    line.append((f"  {UNITS[wish.kind]}", "head"))
    return (*line, *((f"  {note}", "head") for note in notes))
