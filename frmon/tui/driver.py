"""Textual's driver for this program: bytes that are no text do not end it, and its backlog can be asked for and dropped.

This is the one place that knows how Textual reads and writes the terminal inside: a thread that reads, and a thread that
writes what waits in a short queue. Whoever puts something into the full queue waits, and that is the whole screen.
"""

import logging
import termios
import tty
from queue import Empty
from typing import Any

from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver

LOG = logging.getLogger("frmon.tui")
BACKLOG = 3
"""More writes than this on their way to the terminal mean that it does not keep up."""


class TerminalDriver(LinuxDriver):
    """A Linux or macOS terminal that may send garbage, stall or vanish."""

    def _run_input_thread(self) -> None:
        """Read keys until the end. After bytes that are no UTF-8 reading starts anew; a terminal that is gone ends the
        reading, and what follows is up to whoever watches it."""
        while not self.exit_event.is_set():
            try:
                self.run_input_thread()
            except UnicodeDecodeError:
                LOG.warning("the terminal sent bytes that are no text")
            except OSError as error:
                LOG.warning("the terminal cannot be read: %s", error.strerror)
                return

    def _get_terminal_size(self) -> tuple[int, int]:
        """As Rich sees it, which also guesses where the terminal does not know: with two guesses the screen would be
        painted in both sizes, in turn, for ever."""
        width, height = self._app.console.size
        return width, height

    def _sigcont_application(self, *_: Any) -> None:
        """The process goes on. Only one that suspended itself starts its threads again; one that was stopped, or is told
        that its terminal hung up, still has them."""
        if self._must_signal_resume:
            super()._sigcont_application()
        else:
            self._loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        """Whoever had the terminal meanwhile may have changed it."""
        try:
            attributes = termios.tcgetattr(self.fileno)
            attributes[tty.LFLAG] = self._patch_lflag(attributes[tty.LFLAG])
            attributes[tty.IFLAG] = self._patch_iflag(attributes[tty.IFLAG])
            termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)
        except termios.error:
            LOG.warning("there is no terminal any more")
            return
        self.write("\x1b[?1049h\x1b[?25l")
        self._enable_mouse_support()
        self._enable_bracketed_paste()
        self._app.refresh(layout=True)


class BrowserDriver(WebDriver):
    """A terminal in a browser, behind a pipe to the server of its page."""

    def run_input_thread(self) -> None:
        """Read keys until the end; without the server there is nobody to draw for."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.call_from_thread(self._app.exit, 0)


def is_behind(driver: object) -> bool:
    """Whether the terminal does not keep up with what it is sent, or takes nothing any more."""
    if not isinstance(driver, TerminalDriver) or driver._writer_thread is None:
        return False
    return driver._writer_thread._queue.qsize() > BACKLOG or not driver._writer_thread.is_alive()


def drop_backlog(driver: object) -> None:
    """Forget what waits to be written, so that nobody waits for a terminal that stalls. From any thread."""
    if not isinstance(driver, TerminalDriver) or driver._writer_thread is None:
        return
    queue = driver._writer_thread._queue
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
