"""Which coins stand in the table and in which order: sort, filter, pins, pause. No screen library in here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from frmon.board import Row
from frmon.spread import EPSILON, flags
from frmon.tui.columns import WORDS
from frmon.tui.grid import NOTHING, Column, Figure, Look, number

RESORT_S = 1.5
"""The order changes at most this often by itself."""
STEADY_S = 2.0
"""So long after the user moved the cursor the order stays."""

OPPORTUNITY_PCT = 0.1
"""A coin is an opportunity from this gross spread on, in percent."""

Test = Callable[[Row, Look], bool]


class Filter(NamedTuple):
    """What the user typed, taken apart."""

    text: str
    tests: tuple[tuple[bool, Test], ...]  # (wanted, test): all must come out as wanted

    def passes(self, row: Row, look: Look) -> bool:
        """Whether a row is to be shown."""
        return all(test(row, look) is wanted for wanted, test in self.tests)


def parse_filter(text: str, venues: Mapping[str, str]) -> Filter:
    """Words that must all apply; `!` before a word turns it around. A word is a part of the coin's name, `NAME:` or
    `CODE:` for coins that a venue trades, or `flag:WORD` for coins that carry a warning."""
    tests = []
    for word in text.casefold().split():
        wanted = not word.startswith("!")
        if bare := word.lstrip("!"):
            tests.append((wanted, _test(bare, venues)))
    return Filter(text, tuple(tests))


def _test(word: str, venues: Mapping[str, str]) -> Test:
    head, colon, tail = word.partition(":")
    if colon and head == "flag":
        return lambda row, look: _is_flagged(row, look, tail)
    for name, code in venues.items():
        if colon and head in (name.casefold(), code.casefold()):
            return lambda row, look: any(c.key.venue == name for c in row.cells)
    return lambda row, look: word in row.coin.casefold()


def _is_flagged(row: Row, look: Look, word: str) -> bool:
    found = flags(row, look.terms, look.now, look.now_ms)
    return any(f.value.casefold().startswith(word) or WORDS[f].casefold().startswith(word) for f in found)


Item = tuple[Row, Figure]


def arrange(items: Iterable[Item], column: Column[Row], reverse: bool) -> list[Row]:
    """Rows by their figures in a column. Missing and stale ones come last in either direction; ties by coin."""
    keyed = [(column.key(figure), row) for row, figure in items]
    keyed.sort(key=lambda k: k[1].coin)
    known = [k for k in keyed if k[0] is not None]
    known.sort(key=lambda k: k[0], reverse=column.down is not reverse)  # type: ignore[arg-type,return-value]
    return [row for _, row in known] + [row for key, row in keyed if key is None]


class Sheet:
    """One set of columns, and which of them sorts."""

    def __init__(self, name: str, columns: Sequence[Column[Row]], sort: str) -> None:
        self.name = name
        self.columns = {c.id: c for c in columns}
        self.sort = sort if self.can_sort(sort) else next(iter(self.columns))
        self.reverse = False

    def can_sort(self, column: str) -> bool:
        """Whether there is such a column and an order in it."""
        return column in self.columns and self.columns[column].sorts


class View:
    """The table's content: reads the board when asked, keeps the order between two looks. Filter, pins and pause are the
    same on every sheet; columns that share an id are the same."""

    def __init__(self, sheets: Sequence[Sheet], venues: Mapping[str, str]) -> None:
        self.sheets = {sheet.name: sheet for sheet in sheets}
        self.sheet = sheets[0]
        self.venues = venues
        self.filter = parse_filter("", venues)
        self.pins: set[str] = set()
        self.only_pins = False
        self.only_wide = False  # only opportunities
        self.order: list[Row] = []
        self.total = 0
        self.frozen: Look | None = None  # the look at which the user stopped the picture
        self._everything = {c.id: c for sheet in sheets for c in sheet.columns.values()}
        self._figures: dict[str, dict[str, Figure]] = {}
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}
        self._sorted_at = float("-inf")
        self._moved_at = float("-inf")
        self._layout = -1

    @property
    def columns(self) -> Mapping[str, Column[Row]]:
        """Those of the sheet."""
        return self.sheet.columns

    @property
    def sort(self) -> str:
        """The column that sorts the sheet."""
        return self.sheet.sort

    @sort.setter
    def sort(self, column: str) -> None:
        self.sheet.sort = column

    @property
    def reverse(self) -> bool:
        """Whether the sheet is sorted the other way round."""
        return self.sheet.reverse

    @reverse.setter
    def reverse(self, reverse: bool) -> None:
        self.sheet.reverse = reverse

    def show(self, name: str) -> None:
        """Another sheet; takes effect with the next `rearrange`."""
        self.sheet = self.sheets[name]

    def set_filter(self, text: str) -> None:
        """Show only what passes; takes effect with the next `rearrange`."""
        self.filter = parse_filter(text, self.venues)

    def sort_by(self, column: str) -> None:
        """Sort by this column, if it sorts; again: the other way round."""
        if not self.columns[column].sorts:
            return
        self.reverse = column == self.sort and not self.reverse
        self.sort = column

    def toggle_pin(self, coin: str) -> None:
        """Pin or unpin a coin."""
        self.pins.symmetric_difference_update({coin})

    def moved(self, now: float) -> None:
        """The user moves through the rows: let them stand still for a while."""
        self._moved_at = now

    def is_due(self, look: Look, layout: int) -> bool:
        """Whether the order should be made anew by itself."""
        if self.frozen is not None or look.now - self._moved_at < STEADY_S:
            return False
        return layout != self._layout or look.now - self._sorted_at >= RESORT_S

    def rearrange(self, rows: Iterable[Row], look: Look, layout: int) -> None:
        """Make the order anew from all rows of the board; from the frozen ones while paused."""
        self._sorted_at, self._layout = look.now, layout
        everything = list(rows) if self.frozen is None else self._rows
        self.total = len(everything)
        shown = [r for r in everything if self._is_shown(r, look)]
        column = self.columns[self.sort]
        ordered = arrange(((r, self.figure(r, column, look)) for r in shown), column, self.reverse)
        self.order = sorted(ordered, key=lambda r: r.coin not in self.pins)
        self._places = {row.coin: n for n, row in enumerate(self.order)}

    def _is_shown(self, row: Row, look: Look) -> bool:
        if self.only_pins and row.coin not in self.pins:
            return False
        return self.filter.passes(row, look) and (not self.only_wide or self._is_wide(row, look))

    def _is_wide(self, row: Row, look: Look) -> bool:
        figure = self.figure(row, self._everything["gross"], look)
        value = number(figure)
        return figure.fresh and value is not None and value >= OPPORTUNITY_PCT - EPSILON

    def place(self, coin: str | None) -> int | None:
        """Where a coin stands in the order."""
        return None if coin is None else self._places.get(coin)

    def figure(self, row: Row, column: Column[Row], look: Look) -> Figure:
        """A row's figure in a column; while paused that of the frozen picture."""
        if self.frozen is None or column.id == "coin":
            return column.figure(row, look)
        return self._figures.get(row.coin, {}).get(column.id, NOTHING)

    def pause(self, rows: Iterable[Row], look: Look) -> None:
        """Keep the picture of all rows as it is now."""
        self._rows = list(rows)
        self._figures = {r.coin: {c.id: c.figure(r, look) for c in self._everything.values()} for r in self._rows}
        self.frozen = look

    def resume(self) -> None:
        """Back to the live board; the order is made anew at the next look."""
        self.frozen = None
        self._figures, self._rows = {}, []
        self._sorted_at = self._moved_at = float("-inf")
