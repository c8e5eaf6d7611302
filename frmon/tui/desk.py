"""The main screen: what stands where, and what the keys do to it."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Input

from frmon.board import Row
from frmon.model import Status
from frmon.tui import keys
from frmon.tui.charting import Drawn
from frmon.tui.driver import is_behind
from frmon.tui.filterline import FilterInput, FilterLine
from frmon.tui.frame import Frame
from frmon.tui.grid import Column, choose
from frmon.tui.help import SortMenu
from frmon.tui.interest import Interest
from frmon.tui.lines import Palette, Pane
from frmon.tui.memory import PRICES, make_view
from frmon.tui.panel import Signals
from frmon.tui.source import Source
from frmon.tui.state import State
from frmon.tui.table import Heading, LiveTable

WIDE = 112
"""From this width on the signals stand beside the table."""
TALL = 32
"""From this height on they stand below it where it is narrow."""


class Desk(Screen[None]):
    """Banner, table, detail, signals, filter, status. `tick` reads the board and repaints what changed."""

    AUTO_FOCUS = "LiveTable"
    BINDINGS: ClassVar[list[BindingType]] = keys.DESK

    def __init__(self, source: Source, state: State, palette: Palette, trouble: Callable[[], str]) -> None:
        super().__init__(id="desk")
        self.source = source
        self.palette = palette
        self.view = make_view(source.venues, {v.name: v.code for v in source.venues}, state)
        self.frame = Frame(source, self.view, palette, lambda: self.post_message(Drawn()))
        self.table = LiveTable(self.view, self.frame.look, palette)
        self.columns = state.columns
        self.table.columns = self._columns()
        self.interest = Interest(source)
        self._trouble = trouble
        self._wants_signals: bool | None = None
        self._beat = 0

    def _columns(self) -> list[Column[Row]]:
        """Those of the sheet; of prices the ones that the user chose."""
        chosen = self.columns or self.source.settings.screen.columns
        return choose(tuple(self.view.columns.values()), chosen if self.view.sheet.name == PRICES else ())

    def compose(self) -> ComposeResult:
        frame = self.frame
        yield frame.banner
        with Horizontal(id="middle"):
            with Vertical(id="left"):
                yield frame.heading
                yield self.table
            yield frame.signals
        yield frame.detail
        yield FilterLine(self.palette, self.view.filter.text, frame.count)
        yield frame.status

    def on_mount(self) -> None:
        self.frame.detail.open(None)
        self.frame.show_banner()
        self.table.on_fit = lambda: self.frame.show_heading(self.table)
        self.table.surviving = self.frame.surviving
        self.set_interval(1 / self._per_second(), self.tick)

    def on_resize(self, event: Resize) -> None:
        wide, tall = event.size.width >= WIDE, event.size.height >= TALL
        self.set_class(wide, "-beside")
        self.set_class(tall, "-tall")
        self.frame.signals.display = (wide or tall) if self._wants_signals is None else self._wants_signals
        self.call_after_refresh(self.paint, whole=True)

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self.paint, whole=True)

    def _per_second(self) -> float:
        return max(1.0, min(10.0, self.source.settings.screen.updates_per_s))

    def tick(self) -> None:
        """Paint what changed, unless the terminal lags behind or something covers the table."""
        if is_behind(self.app._driver) or self.app.screen is not self:
            return
        self._beat += 1
        self.paint(whole=self._beat % round(self._per_second()) == 0)

    def paint(self, whole: bool) -> None:
        """The table; with `whole` also everything around it."""
        with self.frame.surviving():
            self._paint(whole)

    def _paint(self, whole: bool) -> None:
        if whole:
            self.frame.screen_trouble = ""
        if whole or not self.frame.states:
            self.frame.read_states()
        look = self.frame.look()
        if self.view.is_due(look, self.source.board.layout):
            self._rearrange()
        self.table.tick()
        if whole:
            self.frame.engine_trouble = self._trouble()
            self.frame.paint(look, self.table, None if self.enlarged else max(5, self.size.height * 2 // 5))
            in_sight = (row.coin for row in self.table.in_sight())
            self.interest.look_at([*in_sight, *sorted(self.view.pins), self.table.cursor, self.frame.detail.coin])

    def repaint(self) -> None:
        """Everything, now."""
        with self.frame.surviving():
            if not self.frame.states:
                self.frame.read_states()
            self._rearrange()
            self._paint(whole=True)

    def _rearrange(self) -> None:
        """Sort and filter anew, now."""
        board = self.source.board
        was_at = self.view.place(self.table.cursor)
        self.view.rearrange(list(board.rows.values()), self.frame.look(), board.layout)
        self.table.notice = () if self.view.order else self.frame.notice(self.frame.look())
        self.table.rearranged(was_at)
        self.frame.show_heading(self.table)

    def recolour(self, palette: Palette) -> None:
        """Paint everything in other colours."""
        self.palette = palette
        for pane in self.query(Pane):
            pane.recolour(palette)
        self.table.recolour(palette)

    @property
    def enlarged(self) -> bool:
        """Whether the detail stands in the place of the table."""
        return self.has_class("-enlarged")

    def action_sheet(self, name: str) -> None:
        """Other columns for the same coins."""
        self.view.show(name)
        self.table.columns = self._columns()
        self.table.refit()
        self.repaint()

    def action_sort_menu(self) -> None:
        """Offer all columns."""
        columns = [(c.id, c.about or c.title) for c in self.view.columns.values() if c.sorts]
        menu = SortMenu(self.palette, self.frame.banner_line(), columns, self.view.sort)
        self.app.push_screen(menu, lambda column: None if column is None else self.sort_by(column))

    def sort_by(self, column: str) -> None:
        """Sort by this column; again: the other way round."""
        self.view.sort_by(column)
        with self.frame.surviving():
            self._rearrange()
            self.table.tick()

    def action_sort_step(self, by: int) -> None:
        """Sort by a neighbour among the columns that are shown."""
        ids = [slot.column.id for slot in self.table.slots if slot.column.sorts]
        at = ids.index(self.view.sort) if self.view.sort in ids else 0
        if (wanted := ids[(at + by) % len(ids)]) != self.view.sort:
            self.sort_by(wanted)

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self.sort_by(self.view.sort)

    def open_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterLine).display = True
        self.set_focus(self.query_one(FilterInput))

    def action_to_table(self) -> None:
        """Leave the filter's line."""
        self.query_one(FilterLine).display = bool(self.view.filter.text)
        self.table.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.view.set_filter(event.value)
        self.repaint()

    def action_pause(self) -> None:
        """Stop the picture or let it go on."""
        with self.frame.surviving():
            if self.view.frozen is None:
                self.view.pause(list(self.source.board.rows.values()), self.frame.look())
            else:
                self.view.resume()
        self.repaint()

    def action_pin(self) -> None:
        """Pin the cursor's coin, or unpin it."""
        coin = self.table.selected()
        if coin is not None:
            self.view.toggle_pin(coin)
            self.repaint()

    def action_only_pins(self) -> None:
        """Show only pinned coins, or all."""
        self.view.only_pins = not self.view.only_pins
        self.repaint()

    def action_only_wide(self) -> None:
        """Show only coins with a spread worth a look, or all."""
        self.view.only_wide = not self.view.only_wide
        self.repaint()

    def action_open(self) -> None:
        """Open or close the detail of the cursor's coin."""
        coin = self.table.selected()
        self._open(None if coin == self.frame.detail.coin else coin)

    def action_enlarge(self) -> None:
        """Give the detail the place of the table, or take it back."""
        coin = self.frame.detail.coin or self.table.selected()
        if coin is not None:
            self.set_class(not self.enlarged, "-enlarged")
            self._open(coin)
            (self.frame.detail if self.enlarged else self.table).focus()

    def action_chart(self) -> None:
        """Show the chart of the coin, the next one, none."""
        detail = self.frame.detail
        detail.wish = detail.wish.other()
        self._open(detail.coin or self.table.selected())

    def action_chart_span(self, by: int) -> None:
        """A longer time in the chart, or a shorter one."""
        self.frame.detail.wish = self.frame.detail.wish.reach(by)
        self.repaint()

    def on_drawn(self) -> None:
        if self.app.screen is self:
            self.paint(whole=True)

    def _open(self, coin: str | None) -> None:
        self.frame.detail.open(coin)
        self.interest.study(coin)
        self.table.cursor = coin or self.table.cursor
        if coin is None:
            self.remove_class("-enlarged")
            self.table.focus()
        self.call_after_refresh(self.paint, whole=True)

    def action_signals(self) -> None:
        """Show or hide the signals."""
        self._wants_signals = self.frame.signals.display = not self.frame.signals.display
        if not self._wants_signals and self.focused is None:
            self.table.focus()
        self.call_after_refresh(self.repaint)

    def action_redial(self) -> None:
        """Dial again what is not live."""
        for state in self.frame.states:
            if state.status not in (Status.LIVE, Status.OFF):
                self.source.redial(state.name)

    def action_back(self) -> None:
        """The first of these that applies: clear the filter, shrink the detail, close it, show all coins, let the cursor
        go."""
        if self.view.filter.text or self.query_one(FilterLine).display:
            self.view.set_filter("")
            self.query_one(FilterInput).value = ""
            self.action_to_table()
        elif self.enlarged:
            self.action_enlarge()
        elif self.frame.detail.coin is not None:
            self._open(None)
        elif self.view.only_pins or self.view.only_wide:
            self.view.only_pins = self.view.only_wide = False
        else:
            self.table.release()
        self.repaint()

    def on_heading_clicked(self, event: Heading.Clicked) -> None:
        self.sort_by(event.column)

    def on_live_table_moved(self, event: LiveTable.Moved) -> None:
        if event.again:
            self.action_open()
        elif self.frame.detail.coin is not None and self.table.cursor is not None:
            self._open(self.table.cursor)

    def on_signals_opened(self, event: Signals.Opened) -> None:
        place = self.view.place(event.coin)
        if place is not None:
            self.table.focus()
            self.table.go(place)
