"""The shape of every table: columns that turn an item into text, and which of them fit. Pure.

A column turns an item (a row of the board, or one leg) into a `Figure`, and a figure into pieces of text with the name
of a style. Pieces are not padded here: only the screen knows how wide a character is.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from frmon.spread import Terms

T = TypeVar("T")
Piece = tuple[str, str]
"""(text, name of a style)."""
Key = float | str | None


class Figure(NamedTuple):
    """One value as shown: `fresh` False is shown dim and does not sort; `label` goes before it, `beside` holds numbers that
    are shown with it (None where unknown)."""

    value: float | str | None
    fresh: bool = True
    label: str = ""
    beside: tuple[float | None, ...] = ()


class Look(NamedTuple):
    """What a glance at the board depends on besides the board."""

    now: float  # monotonic seconds
    now_ms: int  # wall clock
    terms: Terms
    codes: Mapping[str, str]  # venue -> two-letter tag
    pins: frozenset[str] = frozenset()
    ascii: bool = False
    z: Mapping[str, float] = MappingProxyType({})  # coin -> z-score of its best pair, where known
    sparks: Callable[[str, int], str] = lambda coin, width: ""  # the last hour of its spread in so many cells


NOTHING = Figure(None)


def steady(figure: Figure) -> Key:
    """What a figure sorts by: nothing if it is stale."""
    return figure.value if figure.fresh else None


def anyhow(figure: Figure) -> Key:
    """What a figure sorts by where age does not matter."""
    return figure.value


class Column(NamedTuple, Generic[T]):
    """One column. `rank`: the lower, the longer it stays when space is short; `grow`: cells it can use beyond `width`."""

    id: str
    title: str
    width: int
    rank: int
    figure: Callable[[T, Look], Figure]
    text: Callable[[Figure, int, Look], tuple[Piece, ...]]
    about: str = ""  # the name in menus
    grow: int = 0
    left: bool = False  # aligned left
    down: bool = True  # sorts downwards at first
    key: Callable[[Figure], Key] = steady
    sorts: bool = True


class Slot(NamedTuple, Generic[T]):
    """A column that fits: where it starts and how wide it is."""

    column: Column[T]
    x: int
    width: int


def fit(columns: Sequence[Column[T]], width: int) -> list[Slot[T]]:
    """The columns that fit into `width` cells, the most important ones, in their order, one cell between them."""
    chosen: set[str] = set()
    used = -1
    for column in sorted(columns, key=lambda c: c.rank):
        if used + 1 + column.width <= width or not chosen:
            chosen.add(column.id)
            used += 1 + column.width
    kept = [c for c in columns if c.id in chosen]
    spare = max(0, width - used)
    slots, x = [], 0
    for column, extra in zip(kept, _shares(kept, spare), strict=True):
        slots.append(Slot(column, x, column.width + extra))
        x += column.width + extra + 1
    return slots


def _shares(columns: Sequence[Column[T]], spare: int) -> list[int]:
    """Spare cells, one by one to the columns that can use more."""
    extra = [0] * len(columns)
    while spare:
        takers = [i for i, c in enumerate(columns) if extra[i] < c.grow][:spare]
        if not takers:
            break
        for i in takers:
            extra[i] += 1
        spare -= len(takers)
    return extra


def choose(columns: Sequence[Column[T]], names: Sequence[str]) -> list[Column[T]]:
    """The named columns in the named order; all of them if none is known. The first one never leaves."""
    by_id = {c.id: c for c in columns}
    wanted = [by_id[n] for n in dict.fromkeys(names) if n in by_id]
    if not wanted:
        return list(columns)
    if columns[0] not in wanted:
        wanted.insert(0, columns[0])
    return wanted


def tone(figure: Figure, style: str = "text") -> str:
    """The style of a figure: faint where unknown or stale."""
    return "stale" if figure.value is None or not figure.fresh else style


def arrow(look: Look) -> str:
    """From where one is long to where one is short."""
    return ">" if look.ascii else "→"


def number(figure: Figure) -> float | None:
    """The figure's value where it is a number."""
    return None if isinstance(figure.value, str) else figure.value
