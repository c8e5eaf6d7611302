"""The help, made from the bindings, and the menu of columns."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.keys import format_key
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from frmon.tui.columns import Named
from frmon.tui.lines import Line, Palette, Pane

Group = tuple[str, Sequence[Binding]]
PRINTED = {"up": "↑", "down": "↓", "left": "←", "right": "→", "slash": "/", "question_mark": "?", "enter": "enter"}


def key_name(keys: str) -> str:
    """The keys of a binding as printed on a keyboard."""
    return " ".join(_one(k.strip()) for k in keys.split(",") if k.strip())


def _one(key: str) -> str:
    if len(key) == 1:
        return key
    return PRINTED.get(key) or (key if "+" in key else format_key(key))


def help_lines(groups: Iterable[Group], notes: Sequence[str]) -> list[Line]:
    """All bindings, grouped, and what there is to know about the table."""
    lines: list[Line] = []
    for title, bindings in groups:
        lines += [((title, "bright"),)]
        lines += [((f"  {key_name(b.key):<16}", "key"), (b.description, "text")) for b in bindings if b.description]
        lines.append(())
    return lines + [((note, "dim"),) for note in notes]


NOTES = (
    "GROSS%  what the pair yields before fees: sell at the bid, buy at the ask",
    "NET%    after the taker fees of going in and out on both legs",
    "Z       how unusual the spread is for its pair; 0: as in the last hour",
    "EXIT%   what leaving the pair costs now, before fees",
    "FUND8h  what a holder of the pair receives in funding, % per 8 hours",
    "DIFF8h  highest minus lowest funding of the perpetuals, and where",
    "APR%    funding per year: of the pair; in the funding view of the pair",
    "        with the best CARRY; EVEN: how long until it paid for everything",
    "NEXT    time to the next settlement; AGE: how old the older quote is",
    "! before a coin: a leg is quarantined, halted or leaving; see its legs.",
    "P perpetual, S spot. Dim: stale or unknown; such values never sort.",
)


def filter_notes(venues: Sequence[Named]) -> tuple[str, ...]:
    """What a filter may say, with one of the venues as the example."""
    words = ["Filter: words must all apply; !word: must not; flag:new, flag:stale: warnings"]
    words += [f"{v.code.casefold()}: or {v.name.casefold()}: coins that {v.title} trades" for v in venues[:1]]
    return tuple(words)


class Overlay(ModalScreen[str | None]):
    """A box over the table, with the banner of the market above it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "close this", id="overlay.close")]

    def __init__(self, palette: Palette, banner: Line) -> None:
        super().__init__()
        self.palette = palette
        self.banner = banner

    def head(self) -> Pane:
        """The banner's line."""
        pane = Pane(self.palette, id="overlay-banner")
        pane.show([self.banner])
        pane.display = bool(self.banner)
        return pane

    def action_close(self) -> None:
        """Back without a choice."""
        self.dismiss(None)


class Help(Overlay):
    """Every key and what it does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,f1", "close", "close this", id="help.close")]

    def __init__(self, palette: Palette, banner: Line, groups: Iterable[Group], venues: Sequence[Named]) -> None:
        super().__init__(palette, banner)
        self.lines = help_lines(groups, (*NOTES, *filter_notes(venues)))

    def compose(self) -> ComposeResult:
        yield self.head()
        with VerticalScroll(id="help"):
            pane = Pane(self.palette, id="help-text", under="field")
            pane.styles.height = len(self.lines)
            pane.show(self.lines)
            yield pane


class SortMenu(Overlay):
    """The columns to sort by."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "close", "close this", id="menu.close")]

    def __init__(self, palette: Palette, banner: Line, columns: Sequence[tuple[str, str]], current: str) -> None:
        super().__init__(palette, banner)
        self.columns = columns
        self.current = current

    def compose(self) -> ComposeResult:
        yield self.head()
        menu = OptionList(*(Option(about, id=name) for name, about in self.columns), id="menu", markup=False)
        menu.highlighted = next((n for n, (name, _) in enumerate(self.columns) if name == self.current), 0)
        menu.border_title = "sort by"
        yield menu

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
