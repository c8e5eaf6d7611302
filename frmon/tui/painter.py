"""A thread of its own for pictures that take a while: reading a file, drawing a chart."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

LOG = logging.getLogger("frmon.tui")

A = TypeVar("A")
P = TypeVar("P")


class Painter(Generic[A, P]):
    """Paints what was asked for last. The thread begins with the first request; it is a daemon: a file that does not answer
    cannot keep the program from ending."""

    def __init__(self, paint: Callable[[A], P], done: Callable[[], object]) -> None:
        self.latest: tuple[A, P] | None = None  # what was painted last, and for which request
        self.trouble = ""  # a bug that cost the last picture
        self._paint = paint
        self._done = done
        self._wanted: A | None = None
        self._asked = threading.Condition()
        self._thread: threading.Thread | None = None

    def ask(self, wanted: A) -> None:
        """Paint this next; what still waits is forgotten. Returns at once; `done` is called in the painter's thread."""
        with self._asked:
            self._wanted = wanted
            self._asked.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="painter", daemon=True)
            self._thread.start()

    def _next(self) -> A:
        with self._asked:
            while self._wanted is None:
                self._asked.wait()
            wanted, self._wanted = self._wanted, None
            return wanted

    def _run(self) -> None:
        while True:
            wanted = self._next()
            try:
                self.latest = (wanted, self._paint(wanted))
                self.trouble = ""
                self._done()
            except Exception as bug:
                LOG.exception("a chart was lost")
                self.trouble = f"{type(bug).__name__}: {bug}"
