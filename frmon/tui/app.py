"""The application: keys, screens, the engine's thread. Nothing else."""

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from rich.console import RenderableType
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.theme import Theme

from frmon.tui.barrier import Barrier, wants_ascii
from frmon.tui.desk import Desk
from frmon.tui.detail import Detail
from frmon.tui.driver import BrowserDriver, TerminalDriver, drop_backlog
from frmon.tui.filterline import FilterInput
from frmon.tui.guard import Guard, is_tty, is_web, last_resort
from frmon.tui.help import Group, Help, Overlay
from frmon.tui.hosting import EngineThread
from frmon.tui.lines import safe
from frmon.tui.memory import state_of
from frmon.tui.panel import Signals
from frmon.tui.sections.charts import Wish
from frmon.tui.source import Source
from frmon.tui.state import load, save, state_path
from frmon.tui.table import LiveTable
from frmon.tui.theme import DARK, LIGHT, PLAIN, PLAIN_LIGHT, THEMES, palette, wants_plain

LOG = logging.getLogger("frmon.tui")


class Frmon(App[int]):
    """The screen of an engine."""

    TITLE = "frmon"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help_keys", "this help", id="help"),
        Binding("T", "light_or_dark", "light or dark", id="theme"),
        Binding("q", "leave", "quit", id="quit"),
        Binding("ctrl+c,ctrl+q", "leave", "quit, from everywhere", id="quit.now", priority=True),
    ]

    def __init__(self, source: Source, path: Path | None = None) -> None:
        self.forced_plain = wants_plain()
        super().__init__(ansi_color=True if self.forced_plain else None)
        self.source = source
        self.path = path or state_path()
        self.saved = load(self.path)
        self.host = EngineThread(source)
        self.told_to_leave: int | None = None  # an exit code, from another thread
        self.on_leaving: Callable[[], None] = lambda: None
        self.bug: BaseException | None = None  # that ended the screen
        self.unsaved = ""  # why the user's ways could not be saved
        self._barrier = Barrier(source.settings.screen.ascii)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.first_theme = self._first_theme()
        self.desk = Desk(source, self.saved, palette(self.current_theme), lambda: self.host.trouble or source.trouble)
        self.desk.frame.detail.wish = Wish.named(self.saved.chart, self.saved.chart_span)

    def _first_theme(self) -> str:
        """Plain where the terminal wants it; else what the user set, else what was used last, else dark."""
        settings = self.source.settings
        chosen = settings.screen.theme
        if settings.origins.get("screen.theme", "default") == "default":
            chosen = self.saved.theme or chosen
        if self.forced_plain:
            return chosen if chosen.startswith("ansi") else PLAIN
        return chosen if chosen in self.available_themes else DARK

    def get_default_screen(self) -> Desk:
        return self.desk

    def get_driver_class(self) -> type[Driver]:
        return BrowserDriver if is_web() else TerminalDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._barrier]

    def on_mount(self) -> None:
        if self.told_to_leave is not None:
            self.exit(self.told_to_leave)
            return
        self.host.start()
        self.theme_changed_signal.subscribe(self, self._recolour)

    def on_unmount(self) -> None:
        self.desk.interest.study(None)
        self.host.stop()
        self.remember()

    def remember(self) -> None:
        """Save the user's ways."""
        state = state_of(self.desk.view, self.desk.columns)
        state.theme = self.saved.theme if self.theme == self.first_theme else self.theme
        state.chart, state.chart_span = self.desk.frame.detail.wish.names()
        self.unsaved = save(self.path, state)

    def _recolour(self, theme: Theme) -> None:
        self.desk.recolour(palette(theme))

    def action_help_keys(self) -> None:
        """Show every key."""
        if not isinstance(self.screen, Overlay):
            banner = self.desk.frame.banner_line()
            self.push_screen(Help(self.desk.palette, banner, groups(), self.source.venues))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The filter's key is only a letter where it is typed."""
        return action != "filter" or (self.screen is self.desk and not isinstance(self.desk.focused, FilterInput))

    def action_filter(self) -> None:
        """Type a filter. Done before the next key is looked at, which belongs to the filter even if it came at once."""
        self.desk.open_filter()

    def action_light_or_dark(self) -> None:
        """The light theme or the dark one."""
        light, dark = (PLAIN_LIGHT, PLAIN) if self.current_theme.ansi else (LIGHT, DARK)
        self.theme = dark if self.theme == light else light

    def action_leave(self) -> None:
        """Quit."""
        self.on_leaving()
        self.desk.interest.study(None)
        self.host.stop()
        self.exit(0)

    def leave(self, code: int) -> None:
        """Quit with this exit code. From any thread, also before there is anything to quit."""
        self.told_to_leave = code
        self.host.stop()
        drop_backlog(self._driver)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit, code)

    def panic(self, *renderables: RenderableType) -> None:
        """A bug ended the screen. It goes to the log; Textual would print it with whatever venues have said."""
        self.bug = sys.exception()
        LOG.error("ended by a bug of the screen", exc_info=True)
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        self.panic()


def groups() -> list[Group]:
    """All bindings by what they belong to."""
    owners = (
        ("Table", LiveTable),
        ("Desk", Desk),
        ("Filter", FilterInput),
        ("Detail, when focused", Detail),
        ("Signals, when focused", Signals),
        ("Everywhere", Frmon),
    )
    return [(title, [_binding(b) for b in owner.BINDINGS]) for title, owner in owners]


def _binding(given: BindingType) -> Binding:
    return given if isinstance(given, Binding) else Binding(*given)


def run(source: Source, path: Path | None) -> int:
    """Show the screen until the user, a signal or a lost terminal ends it; returns the exit code. Textual draws on
    stderr, so all three streams must be the terminal."""
    if not is_tty() and not is_web():
        sys.stderr.write("frmon: the screen needs a terminal; without one use `frmon snapshot`\n")
        return 2
    source.settings.screen.ascii |= wants_ascii()
    guard = Guard()
    guard.start()
    try:
        app = Frmon(source, path)
        app.on_leaving = guard.hurry
        guard.tell(app.leave)
        app.run(mouse=source.settings.screen.mouse)
        code = guard.code or app.return_value or app.return_code or 0
        if app.bug is not None:
            sys.stderr.write(f"frmon: {told(app.bug)}; --log FILE tells more\n")
        if app.unsaved:
            with suppress(OSError):  # the terminal may be gone
                sys.stderr.write(f"frmon: {safe(app.unsaved)}\n")
        if not app.host.join():
            sys.stderr.write("frmon: the engine did not end in time\n")
            last_resort(code)
    finally:
        guard.stop()
    return code


def told(bug: BaseException) -> str:
    """A bug in one line that any terminal may see."""
    return " ".join(safe(f"the screen was ended by a bug of its own ({type(bug).__name__}: {bug})"[:300]).split())
