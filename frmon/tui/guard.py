"""Leaving in time whatever happens to the terminal: signals, a terminal that is gone, one that no longer reads."""

import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from frmon import departure

GRACE_S = 2.3
"""So long an orderly end may take; with what follows it stays below 3 s."""
WATCH_S = 0.5
RESTORE_S = 0.3
WAKE = signal.SIGURG
"""Has no other use here; a thread that gets it stops waiting in a write to the terminal."""
WEB = "textual.drivers.web_driver:WebDriver"
"""What textual-serve names in the environment of the programs that it shows."""
RESTORE = b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
"""Mouse, paste, keyboard and alternate screen off, wrapping and cursor on."""


def is_tty() -> bool:
    """Whether there is a terminal to read from and to draw on."""
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__))


def is_web() -> bool:
    """Whether the terminal is in a browser."""
    return os.environ.get("TEXTUAL_DRIVER") == WEB


class Guard:
    """Watches signals and the terminal; tells whoever is to leave once, from a thread of its own, and ends the process
    itself when that takes longer than the grace."""

    def __init__(self) -> None:
        self.code: int | None = None
        self._leave: Callable[[int], None] | None = None
        self._over = threading.Event()
        self._hurried = False
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        self._attributes = _attributes()
        self._before: dict[int, Any] = {}
        self._hears, self._tells = os.pipe()

    def start(self) -> None:
        """Take the signals, one that was heard before too, and watch the terminal. Call in the main thread."""
        threading.Thread(target=self._watch, name="terminal-watch", daemon=True).start()
        self._before[WAKE] = signal.signal(WAKE, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            self._before[number] = signal.signal(number, self._on_signal)
        if code := departure.take_over():
            self.bye(code)

    def stop(self) -> None:
        """Give the signals back; the program ended in time."""
        with self._ending:
            self._over.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def tell(self, leave: Callable[[int], None]) -> None:
        """Call this with the exit code when it is time to leave; at once if that is past."""
        with self._lock:
            self._leave = leave
        if self.code is not None:
            leave(self.code)

    def bye(self, code: int) -> None:
        """End the program in an orderly way within the grace, else the hard way. From any thread; the first call counts."""
        with self._lock:
            if self.code is not None:
                return
            self.code = code
            leave = self._leave
        self.hurry()
        if leave is not None:
            threading.Thread(target=leave, args=(code,), name="exit", daemon=True).start()

    def hurry(self) -> None:
        """The end has begun: it happens within the grace, else the hard way. From any thread."""
        with self._lock:
            if self._hurried:
                return
            self._hurried = True
        threading.Thread(target=self._backstop, name="exit-backstop", daemon=True).start()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Only tells the watching thread: whatever this interrupts may hold the lock that starting a thread needs."""
        os.write(self._tells, bytes([number]))

    def _watch(self) -> None:
        """Wait for signals and look after the terminal. What is read and what is drawn on may be two terminals; neither
        may be gone."""
        while not self._over.is_set():
            if select.select([self._hears], [], [], WATCH_S)[0]:
                self.bye(128 + os.read(self._hears, 1)[0])
            elif not is_web() and not (os.isatty(0) and os.isatty(2)):
                self.bye(128 + signal.SIGHUP)
                return

    def _backstop(self) -> None:
        self._over.wait(GRACE_S)
        with self._ending:  # whoever wakes up now, because the terminal does, must not overtake this
            if not self._over.is_set():
                restore_terminal(self._attributes)
                os._exit(self.code or 0)


def last_resort(code: int, seconds: float = 1.0) -> None:
    """End the process soon, even if threads that nobody can stop would keep it."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except (termios.error, OSError):
        return None


def restore_terminal(attributes: list[Any] | None) -> None:
    """Give the terminal back as it was, without waiting for it longer than a moment. What was on its way to it is
    dropped, and whoever in this process still writes to it writes into the void from now on."""
    try:
        if attributes is not None:
            termios.tcsetattr(0, termios.TCSANOW, attributes)
        terminal = os.open(os.ttyname(2), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        for thread in threading.enumerate():
            if thread.ident is not None and thread is not threading.current_thread():
                signal.pthread_kill(thread.ident, WAKE)
        until = time.monotonic() + RESTORE_S
        while not _write_first(terminal, RESTORE) and time.monotonic() < until:
            time.sleep(0.001)
    except (termios.error, OSError):
        return  # it is gone: there is nobody to give it back to


def _write_first(terminal: int, data: bytes) -> bool:
    """Drop what the terminal has not taken yet and write this instead; False while somebody else is still writing."""
    termios.tcflush(terminal, termios.TCOFLUSH)
    try:
        return os.write(terminal, data) > 0
    except BlockingIOError:
        return False
