"""Everything around the table: banner, heading, detail, signals, status. Painted about once a second."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from frmon.model import VenueState
from frmon.redact import redact
from frmon.tui import figures, status
from frmon.tui.charting import Charts, height_for
from frmon.tui.detail import Detail
from frmon.tui.grid import Look
from frmon.tui.lines import Line, Palette, Pane, safe
from frmon.tui.memory import FUNDING
from frmon.tui.panel import Signals
from frmon.tui.sections.glance import glance
from frmon.tui.source import Source
from frmon.tui.sparkline import Sparks
from frmon.tui.table import Heading, LiveTable, heading
from frmon.tui.view import OPPORTUNITY_PCT, View

LOG = logging.getLogger("frmon.tui")

HINTS = (
    ("?", "help"),
    ("/", "filter"),
    ("enter", "detail"),
    ("q", "quit"),
    ("s", "sort"),
    ("o", "opportunities"),
    ("p", "pause"),
    ("space", "pin"),
    ("F", "pinned"),
    ("S", "signals"),
    ("T", "theme"),
)


class Frame:
    """The panes around the table and what they show."""

    def __init__(self, source: Source, view: View, palette: Palette, drawn: Callable[[], object]) -> None:
        self.source = source
        self.view = view
        self.ascii = source.settings.screen.ascii
        self.venues = {v.name: v for v in source.venues}
        self.codes = {v.name: v.code for v in source.venues}
        self.banner = Pane(palette, id="banner")
        self.heading = Heading(palette)
        self.detail = Detail(palette)
        self.charts = Charts(source, drawn)
        self.sparks = Sparks(source.history.series, self.ascii)
        self.signals = Signals(palette)
        self.count = Pane(palette, id="filter-count", under="field")
        self.status = Pane(palette, id="status", under="bar")
        self.states: Sequence[VenueState] = ()
        self.engine_trouble = ""
        self.screen_trouble = ""

    def look(self) -> Look:
        """The glance that the next painting is made of; while paused the one at which the picture was stopped."""
        pins = frozenset(self.view.pins)
        if self.view.frozen is not None:
            return self.view.frozen._replace(pins=pins)
        source, clock = self.source, self.source.clock
        z, sparks = source.history.z, self.sparks.of
        return Look(clock.mono(), clock.now_ms(), source.terms, self.codes, pins, self.ascii, z, sparks)

    def read_states(self) -> None:
        """Ask the engine how the venues are."""
        self.states = self.source.states() or [VenueState(name=name) for name in self.venues]

    def banner_line(self) -> Line:
        """The banner as it must stand on every screen."""
        paused = None
        if self.view.frozen is not None:
            paused = self.source.clock.mono() - self.view.frozen.now
        return status.banner_line(self.source.simulated, paused, self._trouble())

    def _trouble(self) -> str:
        if self.engine_trouble or self.screen_trouble:
            return self.engine_trouble or self.screen_trouble
        if status.are_all_down(self.states):
            return f"NETWORK: NO VENUE IS REACHABLE - {status.words_line(self.states, self.venues)}"
        return ""

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """A bug in here costs one picture and is told, and never ends the program."""
        try:
            yield
        except Exception as bug:
            LOG.exception("a picture was lost")
            self.screen_trouble = redact(f"SCREEN: {type(bug).__name__}: {bug}")
            self.show_banner()

    def show_banner(self) -> None:
        """Paint the banner; it takes a line only while there is something to say."""
        line = self.banner_line()
        if self.banner.display is not bool(line):
            self.banner.display = bool(line)
        self.banner.show([line])

    def show_heading(self, table: LiveTable) -> None:
        """Paint the titles of the columns that fit."""
        self.heading.slots = table.slots
        self.heading.show([heading(table.slots, self.view, self.ascii)])

    def paint(self, look: Look, table: LiveTable, room: int | None) -> None:
        """Paint all of it; `room`: lines that the detail may take, None: the table's place."""
        self.show_banner()
        self.count.show([(("   ", "dim"), (self._filters(), "bright"), (self.shown(), "dim"))])
        self.signals.update_from(self.source.episodes.open, self.source.signals, self.source.events, look)
        if self.view.frozen is None or self.detail.is_unpainted():
            row = self.source.board.rows.get(self.detail.coin or "")
            self.detail.read(None if row is None else glance(self.source, row, look), look)
        self.paint_chart(look, room)
        self.detail.place(room)
        width = self.status.content_size.width
        venues = status.venues_line(self.states, self.venues, width, self.ascii)
        self.status.show([venues, status.bottom_line(self._left(), self._right(table), width)])

    def paint_chart(self, look: Look, room: int | None) -> None:
        """The chart as it was painted last; asks for another one where that is old."""
        row, size = self.source.board.rows.get(self.detail.coin or ""), self.detail.content_size
        if row is None:
            self.detail.draw(())
            return
        self.charts.see(row, look)
        height = height_for(size.height if room is None else room)
        self.detail.draw(self.charts.lines(row, look, self.detail.wish, (size.width, height)))

    def shown(self) -> str:
        """How many coins of how many."""
        return f"{len(self.view.order)}/{self.view.total}"

    def notice(self, look: Look) -> list[Line]:
        """What stands in the table's place while there are no rows."""
        if not self.source.board.rows:
            return status.waiting_lines(self.states, self.venues, self.ascii)
        if self.view.only_pins and not self.view.pins:
            return [(), (("  Nothing is pinned. ", "text"), ("F", "key"), (" shows all coins.", "text"))]
        if self.view.only_wide and not self.view.filter.text:
            return [
                (),
                ((f"  No coin yields {OPPORTUNITY_PCT:g} % gross. ", "text"), ("o", "key"), (" shows all.", "text")),
            ]
        told = safe(self.view.filter.text)
        return [
            (),
            ((f"  No coin passes \u201c{told}\u201d. ", "text"), ("esc", "key"), (" clears the filter.", "text")),
        ]

    def _left(self) -> list[Line]:
        """What is wrong, in words; else the keys."""
        notices = self.source.notices
        words = status.words_line(self.states, self.venues, notices)
        if words:
            worst = max((2 if notices else 0), *(status.severity(s.status) for s in self.states))
            return [((safe(words), ("bar", "bar", "warn", "error")[worst]),)]
        other = ("1", "prices") if self.view.sheet.name == FUNDING else ("2", "funding")
        return [((key, "key"), (f" {what}   ", "bar")) for key, what in (*HINTS[:2], other, *HINTS[2:])]

    def _filters(self) -> str:
        """The filters that have a key of their own, in words."""
        least = f"{'>=' if self.ascii else '≥'}{OPPORTUNITY_PCT:g}%  "
        return ("pinned  " if self.view.only_pins else "") + (least if self.view.only_wide else "")

    def _right(self, table: LiveTable) -> Line:
        view = self.view
        filtered = bool(view.filter.text) or view.only_pins or view.only_wide
        coins = f"{self._filters()}{self.shown()} coins" if filtered else f"{view.total:,} coins"
        shown = view.sort in [slot.column.id for slot in table.slots]
        by = "" if shown else f"  by {view.columns[view.sort].title}"
        now = figures.clock(self.source.clock.now_ms())
        way = f"{safe(self.source.way)}  " if self.source.way else ""
        return ((way, "bar"), (f"{coins}{by}  ", "bright" if filtered else "bar"), (f"{now}Z", "bright"))
