"""The docked detail: every leg of one coin, and below them all that is known of its pairs."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from frmon.board import Row
from frmon.tui.blocks import Block, side_by_side
from frmon.tui.grid import Look, fit
from frmon.tui.legs import REMARK, cells_in_order, columns_for, remarks, role, summary
from frmon.tui.lines import Line, Palette, Pane, pad
from frmon.tui.sections.books import book_lines
from frmon.tui.sections.charts import Wish
from frmon.tui.sections.gatelist import gate_lines, gate_title
from frmon.tui.sections.glance import Glance
from frmon.tui.sections.matrix import Measure, matrix_lines, matrix_title
from frmon.tui.sections.past import past_lines
from frmon.tui.sections.schedule import schedule_lines, schedule_title


def detail_lines(seen: Glance, look: Look, width: int, measure: Measure = Measure.GROSS) -> list[Line]:
    """The pair in a line, the legs, and everything else side by side as the width allows."""
    return [
        summary(seen.row, look),
        *leg_lines(seen.row, look, width),
        (),
        *side_by_side(blocks(seen, look, measure), width),
    ]


def leg_lines(row: Row, look: Look, width: int) -> list[Line]:
    """A head and one line per leg; `B` and `S` mark where the best pair buys and sells."""
    slots = fit(columns_for(row, look), width - 2)
    head: list[tuple[str, str]] = [("  ", "head")]
    for slot in slots:
        head += [*pad([(slot.column.title, "head")], slot.width, slot.column.left), (" ", "head")]
    lines: list[Line] = [tuple((text, "head") for text, _ in head)]
    for cell in cells_in_order(row):
        line: list[tuple[str, str]] = [(f"{role(row, cell):<2}", "key")]
        for column, _, room in slots:
            line += [*pad(column.text(column.figure(cell, look), room, look), room, column.left), (" ", "text")]
        lines.append(tuple(line))
    return lines + remarks(row, look, next((s.width for s in slots if s.column.id == REMARK), 0))


def blocks(seen: Glance, look: Look, measure: Measure) -> list[Block]:
    """The sections below the legs, the most important first."""
    return [
        Block(matrix_title(measure), lambda width: matrix_lines(seen.row, look, width, measure)),
        Block(schedule_title(seen, look), lambda width: schedule_lines(seen, look, width)),
        Block(gate_title(seen, look), lambda width: gate_lines(seen.gates, look, width)),
        Block("DEPTH  average price for a size", lambda width: book_lines(seen.depth, look, width)),
        Block("HISTORY  of the best pair's gross %", lambda _: past_lines(seen.past, look)),
    ]


class Detail(Pane, can_focus=True):
    """The chosen coin; scrolls when it is focused and not all fits. The pair's line always stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "roll(1)", "scroll the detail down", id="detail.down"),
        Binding("up,k", "roll(-1)", "scroll the detail up", id="detail.up"),
        Binding("pagedown,ctrl+d", "leaf(1)", "a page of the detail down", id="detail.pagedown"),
        Binding("pageup,ctrl+u", "leaf(-1)", "a page of the detail up", id="detail.pageup"),
        Binding("home,g", "roll(-9999)", "to the top of the detail", id="detail.first"),
        Binding("n", "measure", "pairs by gross %, net % or carry per 8 h", id="detail.measure"),
        Binding("end,G", "roll(9999)", "to the end of the detail", id="detail.last"),
    ]

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="detail")
        self.coin: str | None = None
        self.top = 0
        self.measure = Measure.GROSS
        self.wish = Wish()
        self._chart: Sequence[Line] = ()
        self._pictures: Mapping[Measure, Sequence[Line]] = {}  # of one moment
        self._height: str | int = 0

    def open(self, coin: str | None) -> None:
        """Show this coin; None closes."""
        if coin != self.coin:
            self.top = 0
            self._pictures = {}
            self._chart = ()
        self.coin = coin
        self.display = coin is not None

    @property
    def _all(self) -> Sequence[Line]:
        known = self._pictures.get(self.measure, ())
        return [*known[:1], *self._chart, *known[1:]]

    def is_unpainted(self) -> bool:
        """Whether nothing was painted yet."""
        return not self._pictures

    def read(self, seen: Glance | None, look: Look) -> None:
        """Take the coin as it is now."""
        if self.coin is None:
            return
        width = self.content_size.width
        gone: list[Line] = [((f"{self.coin}  is not listed any more", "warn"),)]
        self._pictures = {m: gone if seen is None else detail_lines(seen, look, width, m) for m in Measure}

    def draw(self, chart: Sequence[Line]) -> None:
        """From now on this chart stands below the pair's line."""
        self._chart = chart

    def place(self, room: int | None) -> None:
        """Take at most `room` lines of the screen; None: all there is."""
        height = "1fr" if room is None else max(1, min(len(self._all), room)) + self.gutter.height
        if self.coin is not None and self._height != height:
            self._height = self.styles.height = height
        self._show()

    def action_measure(self) -> None:
        """Show the next measure of the pairs, also of a paused picture."""
        self.measure = self.measure.after
        self._show()

    def action_roll(self, by: int) -> None:
        """Scroll by lines."""
        self.top = max(0, min(self.top + by, len(self._all) - self.content_size.height))
        self._show()

    def action_leaf(self, by: int) -> None:
        """Scroll by pages."""
        self.action_roll(by * max(1, self.content_size.height - 2))

    def on_resize(self) -> None:
        self.action_roll(0)

    def _show(self) -> None:
        height, count = self.content_size.height, len(self._all)
        self.top = max(0, min(self.top, count - height))
        hidden = count > height > 0
        self._tell(f"{self.top + 1}-{self.top + height} of {count}  tab, j k scroll  e enlarge" if hidden else "")
        self.show([*self._all[:1], *self._all[1 + self.top :]])

    def _tell(self, words: str) -> None:
        if self.border_title != words:
            self.border_title = words
