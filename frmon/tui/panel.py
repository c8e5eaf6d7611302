"""The panel beside the table: the latest signals and what happened."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import chop_cells
from textual.binding import Binding, BindingType
from textual.message import Message

from frmon.model import Signal
from frmon.tui import figures
from frmon.tui.grid import Look
from frmon.tui.lines import Line, Palette, Pane, pad, safe
from frmon.tui.source import Happening

SHOWN = 5


def signal_lines(signals: Iterable[Signal], look: Look, width: int, chosen: int | None = None) -> list[Line]:
    """The latest signals, newest first: coin, long venue -> short venue, percent, age."""
    lines: list[Line] = []
    arrow = ">" if look.ascii else "→"
    for n, signal in enumerate(list(signals)[:SHOWN]):
        way = f"{_code(look, signal.long_exchange)}{arrow}{_code(look, signal.short_exchange)}"
        tail = f" {figures.signed(signal.spread_percent, 2, 6).rjust(6)}%"
        age = figures.age(max(0, look.now_ms - signal.observed_ms) / 1000).rjust(5)
        room = max(4, width - len(way) - len(tail) - len(age) - 2)
        style = "key" if n == chosen else "coin"
        lines.append(
            (*pad([(signal.symbol, style)], room, left=True), (f" {way}", "venue"), (tail, "good"), (age, "dim"))
        )
    return lines or [(("none yet", "stale"),)]


def _code(look: Look, venue: str) -> str:
    return look.codes.get(venue, venue[:2].upper())


def event_lines(events: Iterable[Happening], count: int, width: int) -> list[Line]:
    """The latest events, newest first, each in up to three lines, in `count` lines at most."""
    lines: list[Line] = []
    for event in list(events)[:count]:
        told = chop_cells(safe(event.text), max(8, width - 6))[:3]
        lines += [
            ((figures.clock(event.at_ms)[:5] + " " if n == 0 else " " * 6, "stale"), (t, "dim"))
            for n, t in enumerate(told)
        ]
    return lines[:count]


class Signals(Pane, can_focus=True):
    """The latest five signals, and below them, where there is room, what happened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "choose(1)", "next signal", id="signals.down"),
        Binding("up,k", "choose(-1)", "previous signal", id="signals.up"),
        Binding("enter", "open", "go to the signal's coin", id="signals.open"),
    ]

    class Opened(Message):
        """The user wants to see this coin."""

        def __init__(self, coin: str) -> None:
            super().__init__()
            self.coin = coin

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="signals")
        self.chosen = 0
        self.signals: Sequence[Signal] = ()

    def update_from(self, signals: Iterable[Signal], events: Iterable[Happening], look: Look) -> None:
        """Show these signals and events."""
        self.signals = list(signals)[:SHOWN]
        self.chosen = max(0, min(self.chosen, len(self.signals) - 1))
        chosen = self.chosen if self.has_focus else None
        title = "sorted" if self.has_focus else "head"
        width, height = self.content_size
        lines: list[Line] = [pad([(f"SIGNALS  latest {SHOWN}", title)], width, left=True)]
        lines += signal_lines(self.signals, look, width, chosen)
        room = height - SHOWN - 4
        if room > 2:
            lines += [()] * (SHOWN + 2 - len(lines)) + [pad([("EVENTS", "head")], width, left=True)]
            lines += event_lines(events, room, width)
        self.show(lines)

    def action_choose(self, by: int) -> None:
        """Another signal."""
        self.chosen = max(0, min(self.chosen + by, len(self.signals) - 1))

    def action_open(self) -> None:
        """Tell which coin."""
        if self.signals:
            self.post_message(self.Opened(self.signals[self.chosen].symbol))
