"""The line in which the filter is typed."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from frmon.tui.lines import Palette, Pane


class FilterInput(Input):
    """Takes the filter's words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.back", "clear the filter", id="filter.clear"),
        Binding("down,enter,tab", "screen.to_table", "back to the table, the filter stays", id="filter.keep"),
    ]


class FilterLine(Horizontal):
    """A prompt, the words, and how many coins pass."""

    def __init__(self, palette: Palette, text: str, count: Pane) -> None:
        super().__init__(id="filter-line")
        self.display = bool(text)
        self.palette = palette
        self.text = text
        self.count = count

    def compose(self) -> ComposeResult:
        prompt = Pane(self.palette, id="filter-prompt", under="field")
        prompt.show([((" /", "key"),)])
        yield prompt
        words = FilterInput(self.text, id="filter", select_on_focus=False, compact=True)
        words.cursor_blink = False
        yield words
        yield self.count
