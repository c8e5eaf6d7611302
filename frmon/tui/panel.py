"""The panel beside the table: open episodes, the latest signals, and what happened."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from textual.binding import Binding, BindingType
from textual.message import Message

from frmon.model import Signal
from frmon.signals.episodes import Episode, State
from frmon.signals.kinds import FUNDING, SPREAD
from frmon.tui import figures
from frmon.tui.grid import Look, arrow
from frmon.tui.lines import Line, Palette, Pane, pad, safe
from frmon.tui.source import Happening

SHOWN = 5
HEADS = "LIVE% PEAK% AGE"
PER_8H = "% per 8 h"
ONE_LINE = 40
"""From this width on the kind of a rule stands in the line itself."""


def episode_lines(episode: Episode, look: Look, width: int, chosen: bool = False) -> list[Line]:
    """Coin, long venue -> short venue, live value, peak, age; a suspended one is marked and its value is the last seen."""
    away = episode.state is State.SUSPENDED
    pause = "=" if look.ascii else "⏸"
    tail: Line = (
        (f"{figures.signed(episode.live_pct, 2, 5):>6}", "stale" if away else "good"),
        (f"{figures.signed(episode.peak_pct, 2, 5):>6}", "text"),
        (f"{figures.age(max(0.0, look.now - episode.opened_at)):>4}", "dim"),
    )
    head = ((pause if away else " ", "warn"), (episode.coin, "key" if chosen else "coin"))
    return _entry(head, (episode.long, episode.short), (episode.kind, "suspended" if away else ""), tail, (look, width))


def signal_lines(signal: Signal, look: Look, width: int, chosen: bool = False) -> list[Line]:
    """Coin, long venue -> short venue, percent, age; no age where its monotonic time is not known."""
    age_s = max(0.0, look.now - signal.observed_mono) if signal.observed_mono else None
    tail: Line = (
        (f"{figures.signed(signal.spread_percent, 2, 6):>7}%", "good"),
        (f"{figures.age(age_s):>5}", "dim"),
    )
    head = ((" ", "text"), (signal.symbol, "key" if chosen else "coin"))
    return _entry(head, (signal.long_exchange, signal.short_exchange), (signal.kind, signal.note), tail, (look, width))


def _entry(head: Line, way: tuple[str, str], words: tuple[str, str], tail: Line, where: tuple[Look, int]) -> list[Line]:
    """One line; a second one where the kind, if it is not the spread rule, and a note do not fit into it."""
    look, width = where
    kind, note = words
    kind = f"{kind} {PER_8H}" if kind == FUNDING else kind
    told = " ".join(word for word in ("" if kind == SPREAD else kind, note) if word)
    beside = told if width >= ONE_LINE else ""
    long, short = (_code(look, venue) for venue in way)
    going = f" {long}{arrow(look)}{short}"
    used = sum(len(text) for text, _ in tail) + len(going)
    room = max(4, width - used - (len(beside) + 1 if beside else 0))
    line = (*pad(head, room, left=True), (f" {safe(beside)}" if beside else "", "dim"), (going, "venue"), *tail)
    return [line] if beside or not told else [line, ((f"   {told}", "dim"),)]


def _code(look: Look, venue: str) -> str:
    return look.codes.get(venue, venue[:2].upper())


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` cells, broken between words where a word fits into a line."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines = lines if lines[-1] else []
            lines += chop_cells(word, width)
    return lines


def event_lines(events: Iterable[Happening], count: int, width: int) -> list[Line]:
    """The latest events, newest first, each in up to three lines, in `count` lines at most."""
    lines: list[Line] = []
    for event in list(events)[:count]:
        told = wrapped(safe(event.text), max(8, width - 6))[:3]
        lines += [
            ((figures.clock(event.at_ms)[:5] + " " if n == 0 else " " * 6, "stale"), (t, "dim"))
            for n, t in enumerate(told)
        ]
    return lines[:count]


class Signals(Pane, can_focus=True):
    """Open episodes, the latest five signals, and below them, where there is room, what happened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "choose(1)", "next episode or signal", id="signals.down"),
        Binding("up,k", "choose(-1)", "previous episode or signal", id="signals.up"),
        Binding("enter", "open", "go to its coin", id="signals.open"),
    ]

    class Opened(Message):
        """The user wants to see this coin."""

        def __init__(self, coin: str) -> None:
            super().__init__()
            self.coin = coin

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="signals")
        self.chosen = 0
        self.episodes: Sequence[Episode] = ()  # those that are shown
        self.signals: Sequence[Signal] = ()

    @property
    def coins(self) -> list[str]:
        """What can be chosen."""
        return [e.coin for e in self.episodes] + [s.symbol for s in self.signals]

    def update_from(
        self, episodes: Sequence[Episode], signals: Iterable[Signal], events: Iterable[Happening], look: Look
    ) -> None:
        """Show these episodes, signals and events."""
        height = self.content_size.height
        self.signals = list(signals)[:SHOWN]
        spare = height - SHOWN - 2
        self.episodes = episodes[: max(2, spare // 2 if spare > SHOWN else spare)]
        self.chosen = max(0, min(self.chosen, len(self.coins) - 1))
        lines = [*self._episodes(len(episodes), look), *self._signals(look)]
        room = height - len(lines) - 2
        if room > 2:
            lines += [(), self._title("EVENTS"), *event_lines(events, room, self.content_size.width)]
        self.show(lines)

    def action_choose(self, by: int) -> None:
        """Another one."""
        self.chosen = max(0, min(self.chosen + by, len(self.coins) - 1))

    def action_open(self) -> None:
        """Tell which coin."""
        if self.coins:
            self.post_message(self.Opened(self.coins[self.chosen]))

    def _episodes(self, count: int, look: Look) -> list[Line]:
        """Open episodes, the latest first; nothing at all where there is none."""
        if not count:
            return []
        width = self.content_size.width
        title = f"OPEN {count}"
        lines = [self._title(f"{title:<{max(0, width - len(HEADS))}}{HEADS}")]
        for n, episode in enumerate(self.episodes):
            lines += episode_lines(episode, look, width, self.has_focus and n == self.chosen)
        return lines

    def _signals(self, look: Look) -> list[Line]:
        width, before = self.content_size.width, len(self.episodes)
        lines = [self._title(f"SIGNALS  latest {SHOWN}")]
        for n, signal in enumerate(self.signals, start=before):
            lines += signal_lines(signal, look, width, self.has_focus and n == self.chosen)
        return lines if self.signals else [*lines, (("none yet", "stale"),)]

    def _title(self, text: str) -> Line:
        return pad([(text, "sorted" if self.has_focus else "head")], self.content_size.width, left=True)
