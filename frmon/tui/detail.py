"""The docked detail: every leg of one coin."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from frmon.board import Row
from frmon.tui.grid import Look, fit
from frmon.tui.legs import REMARK, cells_in_order, columns_for, remarks, role, summary
from frmon.tui.lines import Line, Palette, Pane, pad


def detail_lines(row: Row, look: Look, width: int) -> list[Line]:
    """A head of two lines and one line per leg; `B` and `S` mark where the best pair buys and sells."""
    slots = fit(columns_for(row, look), width - 2)
    head: list[tuple[str, str]] = [("  ", "head")]
    for slot in slots:
        head += [*pad([(slot.column.title, "head")], slot.width, slot.column.left), (" ", "head")]
    lines: list[Line] = [summary(row, look), tuple((text, "head") for text, _ in head)]
    for cell in cells_in_order(row):
        line: list[tuple[str, str]] = [(f"{role(row, cell):<2}", "key")]
        for column, _, room in slots:
            line += [*pad(column.text(column.figure(cell, look), room, look), room, column.left), (" ", "text")]
        lines.append(tuple(line))
    return lines + remarks(row, look, next((s.width for s in slots if s.column.id == REMARK), 0))


class Detail(Pane, can_focus=True):
    """The legs of the chosen coin; scrolls when it is focused and they do not fit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "roll(1)", "scroll the detail down", id="detail.down"),
        Binding("up,k", "roll(-1)", "scroll the detail up", id="detail.up"),
    ]

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="detail")
        self.coin: str | None = None
        self.top = 0
        self._all: Sequence[Line] = ()

    def open(self, coin: str | None) -> None:
        """Show this coin; None closes."""
        self.coin = coin
        self.top = 0
        self._all = ()
        self.display = coin is not None

    def is_unpainted(self) -> bool:
        """Whether nothing was painted yet."""
        return not self._all

    def update_from(self, row: Row | None, look: Look, room: int) -> None:
        """Show the coin's row as it is now, in at most `room` lines."""
        if self.coin is None:
            return
        width = self.content_size.width
        gone: list[Line] = [((f"{self.coin}  is not listed any more", "warn"),)]
        self._all = gone if row is None else detail_lines(row, look, width)
        wanted = max(1, min(len(self._all), room))
        if self.styles.height is None or self.styles.height.value != wanted + self.gutter.height:
            self.styles.height = wanted + self.gutter.height
        self._show()

    def action_roll(self, by: int) -> None:
        """Scroll by lines."""
        self.top = max(0, min(self.top + by, len(self._all) - self.content_size.height))
        self._show()

    def _show(self) -> None:
        head, legs = list(self._all[:2]), self._all[2:]
        self.show([*head, *legs[self.top :]])
