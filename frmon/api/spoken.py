"""Words of a program without a screen: what happens, as lines for people on stderr. A reader who has stopped reading holds
nobody up: then the oldest lines are dropped."""

import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime

from frmon.logfile import Rate, key_of, plain
from frmon.redact import redact

LIMIT = 400
WAITING = 500
LAST_S = 0.5


class Spoken(logging.Handler):
    """Takes records from any thread; one thread of its own writes."""

    def __init__(self, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._lines: deque[str] = deque(maxlen=WAITING)
        self._rate = Rate()
        self._news = threading.Event()
        self._empty = threading.Event()
        self._empty.set()
        self._out = os.dup(sys.stderr.fileno())
        threading.Thread(target=self._write, name="words", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Say a record of the event log, and every warning, unless their like has filled this second."""
        if record.name != "frmon.engine" and record.levelno < logging.WARNING:
            return
        self._tell_suppressed(int(time.monotonic()))
        if self._rate.admits(key_of(record)):
            self.say(redact(record.getMessage()))

    def say(self, text: str) -> None:
        """Say a line, with the time."""
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        self._empty.clear()
        self._lines.append(f"{at} frmon: {plain(' '.join(text.split()))[:LIMIT]}\n")
        self._news.set()

    def close(self) -> None:
        """Say what waits, if somebody reads."""
        self._tell_suppressed(-1)
        self._empty.wait(LAST_S)
        super().close()

    def _tell_suppressed(self, second: int) -> None:
        for (_, words), count in self._rate.turn(second).items():
            self.say(f"{count} suppressed: {redact(words)}")

    def _write(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            while self._lines:
                with suppress(OSError):  # nobody reads: there is nobody to tell
                    os.write(self._out, self._lines.popleft().encode("utf-8", "backslashreplace"))
            self._empty.set()
