"""The table of coins: reads the view when told, remembers one strip per visible line, repaints what changed."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from frmon.board import Row
from frmon.tui.grid import Column, Look, Slot, fit
from frmon.tui.lines import BLANK, Line, Palette, Pane, cut, pad, safe, to_strip
from frmon.tui.view import View

Cells = tuple[Line, ...]
Painted = tuple[str, Cells]
"""What a line shows: the style under it and the padded pieces of each column."""

NOTHING: Painted = ("base", ())


def heading(slots: Sequence[Slot[Row]], view: View, ascii_only: bool) -> Line:
    """The line of column titles, with an arrow at the one that sorts."""
    line: list[tuple[str, str]] = []
    for slot in slots:
        column = slot.column
        title, style = column.title, "head"
        if column.id == view.sort:
            down = column.down is not view.reverse
            title += ("v" if down else "^") if ascii_only else ("▼" if down else "▲")
            style = "sorted"
        title = f" {title}" if column.id == "coin" else title
        line += [*pad([(title, style)], slot.width, column.left), (" ", "head")]
    return tuple((text, "head" if not text.strip() else style) for text, style in line)


class Heading(Pane):
    """The table's head; a click sorts."""

    class Clicked(Message):
        """A column's title was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, under="head")
        self.slots: Sequence[Slot[Row]] = ()

    def on_click(self, event: events.Click) -> None:
        for slot in self.slots:
            if slot.x <= event.x <= slot.x + slot.width:
                self.post_message(self.Clicked(slot.column.id))
                return


class LiveTable(ScrollView, can_focus=True):
    """The coins in the view's order, one line each. `tick` paints; nothing else reads the board."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "one coin down", id="table.down"),
        Binding("up,k", "move(-1)", "one coin up", id="table.up"),
        Binding("pagedown", "page(1)", "one page down", id="table.pagedown"),
        Binding("pageup", "page(-1)", "one page up", id="table.pageup"),
        Binding("ctrl+d", "page(0.5)", "half a page down", id="table.halfdown"),
        Binding("ctrl+u", "page(-0.5)", "half a page up", id="table.halfup"),
        Binding("home,g", "first", "first coin", id="table.first"),
        Binding("end,G", "last", "last coin", id="table.last"),
    ]

    class Moved(Message):
        """The cursor moved by the user's hand; `again`: a click on where it was."""

        def __init__(self, again: bool = False) -> None:
            super().__init__()
            self.again = again

    def __init__(self, view: View, look: Callable[[], Look], palette: Palette) -> None:
        super().__init__()
        self.view = view
        self.look = look
        self.palette = palette
        self.columns: Sequence[Column[Row]] = tuple(view.columns.values())
        self.slots: list[Slot[Row]] = []
        self.cursor: str | None = None  # the coin that the user stands on; None: nowhere yet
        self.notice: Sequence[Line] = ()  # instead of rows while there are none
        self.on_fit: Callable[[], None] = lambda: None  # called when the columns were fitted anew
        self.surviving: Callable[[], AbstractContextManager[None]] = (
            nullcontext  # a bug in a row costs the rest of that row
        )
        self.strips_built = 0
        self._painted: list[Painted] = []
        self._strips: list[Strip] = []

    def on_resize(self) -> None:
        place = self.view.place(self.cursor)
        if place is not None and place >= self.top + self.room.height:
            self._scroll(place - self.room.height + 1)
        self.refit()

    def refit(self) -> None:
        """Choose the columns that fit and paint everything anew."""
        self.slots = fit(self.columns, self.room.width)
        self.on_fit()
        self.repaint()

    def recolour(self, palette: Palette) -> None:
        """Paint everything in other colours."""
        self.palette = palette
        self.repaint()

    def repaint(self) -> None:
        """Forget what was painted and paint all lines."""
        self._painted, self._strips = [], []
        self.refresh()
        self._compose_all()

    def rearranged(self, was_at: int | None) -> None:
        """The order was made anew; the cursor's coin stood at `was_at`. It keeps its line on the screen."""
        self.virtual_size = Size(self.room.width, len(self.view.order))
        place = self.view.place(self.cursor)
        if place is not None and was_at is not None:
            if 0 <= was_at - self.top < self.room.height:
                self._scroll(self.top + place - was_at)
        elif self.cursor is not None and place is None and self.view.order and was_at is not None:
            self.cursor = self.view.order[min(was_at, len(self.view.order) - 1)].coin

    @property
    def room(self) -> Size:
        """What is left beside the scrollbar."""
        return self.scrollable_content_region.size

    def _empty(self) -> Strip:
        return to_strip((), self.palette, self.room.width)

    @property
    def top(self) -> int:
        """The place of the first visible row."""
        return int(self.scroll_offset.y)

    def in_sight(self) -> list[Row]:
        """The rows that are on the screen."""
        return self.view.order[self.top : self.top + self.room.height]

    def selected(self) -> str | None:
        """The cursor's coin; before the user moved: the first one."""
        if self.cursor is not None:
            return self.cursor
        shown = self.in_sight()
        return shown[0].coin if shown else None

    def tick(self) -> None:
        """Compare every visible line with what is painted; repaint those that differ, up to where they differ."""
        regions = []
        for y, line in self._changes():
            regions.append(Region(0, y, self._reach(self._painted[y], line), 1))
            self._paint(y, line)
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        if len(self._strips) != self.room.height:
            self._compose_all()
        if y >= len(self._strips):
            return self._empty()
        return self._strips[y]

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._compose_all()

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        place = self.view.place(self.cursor)
        self.go(self.top if place is None else place + by)

    def action_page(self, pages: float) -> None:
        """Move the cursor by screens."""
        place = self.view.place(self.cursor)
        step = int(max(1, self.room.height - 1) * pages)
        self.go((self.top if place is None else place) + step)

    def action_first(self) -> None:
        """To the first row."""
        self.go(0)

    def action_last(self) -> None:
        """To the last row."""
        self.go(len(self.view.order) - 1)

    def on_click(self, event: events.Click) -> None:
        place = self.top + event.y
        if place < len(self.view.order):
            self.go(place, again=self.view.order[place].coin == self.cursor)

    def go(self, place: int, again: bool = False) -> None:
        """Put the cursor on the row at this place and bring it into sight."""
        if not self.view.order:
            return
        place = max(0, min(place, len(self.view.order) - 1))
        self.cursor = self.view.order[place].coin
        self.view.moved(self.look().now)
        if place < self.top:
            self._scroll(place)
        elif place >= self.top + self.room.height:
            self._scroll(place - self.room.height + 1)
        self.tick()
        self.post_message(self.Moved(again))

    def release(self) -> None:
        """Let the cursor go and return to the top."""
        self.cursor = None
        self._scroll(0)
        self.tick()

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, force=True)

    def _compose_all(self) -> None:
        """Build every visible line."""
        self._painted = [NOTHING] * self.room.height
        self._strips = [self._empty()] * self.room.height
        for y, line in self._changes():
            self._paint(y, line)

    def _changes(self) -> list[tuple[int, Painted]]:
        if len(self._painted) != self.room.height:
            self._painted = [NOTHING] * self.room.height
            self._strips = [self._empty()] * self.room.height
            self.refresh()
        look, rows = self.look(), self.in_sight()
        found = []
        for y in range(self.room.height):
            line = self._line(rows[y], look) if y < len(rows) else self._blank(y)
            if line != self._painted[y]:
                found.append((y, line))
        return found

    def _line(self, row: Row, look: Look) -> Painted:
        cells: list[Line] = []
        with self.surviving():
            for column, _, width in self.slots:
                pieces = column.text(self.view.figure(row, column, look), width, look)
                cells.append(pad(pieces, width, column.left))
        return ("cursor" if row.coin == self.cursor else "base", tuple(cells))

    def _blank(self, y: int) -> Painted:
        """A line without a row: the notice, while there are no rows."""
        if self.view.order or y >= len(self.notice):
            return NOTHING
        return ("base", (cut([(safe(t), s) for t, s in self.notice[y]], self.room.width) or BLANK,))

    def _paint(self, y: int, line: Painted) -> None:
        self.strips_built += 1
        self._painted[y] = line
        under, cells = line
        pieces = [piece for cell in cells for piece in (*cell, (" ", "text"))]
        self._strips[y] = to_strip(pieces, self.palette, self.room.width, under)

    def _reach(self, old: Painted, new: Painted) -> int:
        """How many cells from the left must be repainted."""
        if old[0] != new[0] or len(old[1]) != len(new[1]) or len(new[1]) != len(self.slots):
            return self.room.width
        for slot, before, after in zip(reversed(self.slots), reversed(old[1]), reversed(new[1]), strict=True):
            if before != after:
                return slot.x + slot.width
        return self.room.width
