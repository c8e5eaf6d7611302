"""The log: JSON lines in a file that the user named, or nothing. Never the terminal."""

import json
import logging
import os
import re
import sys
import time
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from frmon.errors import ConfigError
from frmon.redact import redact

LEVELS = ("debug", "info", "warning", "error")
SIZE = 5_000_000  # bytes, of each of three files
TEXT_LIMIT = 512  # characters of one message
TRACE_LIMIT = 8_000  # characters of a traceback, of which the end says most
PER_SECOND = 10  # lines of one key
KEYS = 100  # that are told apart within a second; all others share one
OTHERS = ("frmon", "others")
_FIRST_WORDS = re.compile(r"[^:(\d]*")

Key = tuple[str, str]
"""Logger and words."""


class Lines(logging.Formatter):
    """One record as one line of JSON: whatever a venue sent stays inside its string, and nothing in it is a control."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at_ms": int(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": plain(redact(record.getMessage()[: 8 * TEXT_LIMIT]))[:TEXT_LIMIT],
        }
        if record.exc_info:
            said["trace"] = plain(redact(self.formatException(record.exc_info)))[-TRACE_LIMIT:]
        return msgspec.json.encode(said).decode()


def plain(text: str) -> str:
    """The text with everything escaped that is not printed, but newlines, which JSON escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1].replace("\x7f", "\\u007f") for c in text)


class Rate:
    """Lets a key speak at most so often a second; what was left out is counted."""

    def __init__(self) -> None:
        self._second = 0
        self._spoken: dict[Key, int] = {}

    def admits(self, key: Key) -> bool:
        """Whether this key may speak once more in this second."""
        if key not in self._spoken and len(self._spoken) >= KEYS:
            key = OTHERS
        self._spoken[key] = self._spoken.get(key, 0) + 1
        return self._spoken[key] <= PER_SECOND

    def turn(self, second: int) -> dict[Key, int]:
        """When another second began: how often each key was left out in the one before."""
        if second == self._second:
            return {}
        spoken, self._second, self._spoken = self._spoken, second, {}
        return {key: n - PER_SECOND for key, n in spoken.items() if n > PER_SECOND}


class LogFile(RotatingFileHandler):
    """Three files of `SIZE` bytes at most. `trouble`: why nothing can be written now, "" = it can."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, maxBytes=SIZE, backupCount=2, encoding="utf-8", errors="backslashreplace")
        self.trouble = ""
        self._rate = Rate()

    def _open(self) -> Any:
        """For its owner alone: a log names files, hosts and settings."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return os.fdopen(descriptor, self.mode, encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless its like has filled this second."""
        self._tell_suppressed(int(time.monotonic()))
        if self._rate.admits(key_of(record)):
            self._write(record)

    def close(self) -> None:
        """Write what is still to be said, and end."""
        self._tell_suppressed(-1)
        with suppress(OSError):  # what could not be written before cannot be now
            super().close()

    def _tell_suppressed(self, second: int) -> None:
        for (logger, words), count in self._rate.turn(second).items():
            text = f"{count} suppressed: {words}"
            self._write(logging.LogRecord(logger, logging.WARNING, "", 0, text, None, None))

    def _write(self, record: logging.LogRecord) -> None:
        self.trouble = ""
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        error = sys.exc_info()[1]
        code = error.errno if isinstance(error, OSError) else None
        self.trouble = f"cannot be written: {os.strerror(code).lower() if code else type(error).__name__}"


def key_of(record: logging.LogRecord) -> Key:
    """Records of one key are alike: the same logger and the same words before any name or number."""
    template = str(record.msg)
    if template == "%s":
        found = _FIRST_WORDS.match(record.getMessage()[:60])
        template = found[0] if found else ""
    return record.name, template[:60]


def trouble() -> str:
    """Why the log can't be written now, "" = it can, or there is none."""
    files = (h for h in logging.getLogger().handlers if isinstance(h, LogFile))
    return next((file.trouble for file in files if file.trouble), "")


def open_log(file: Path | None, level: str) -> None:
    """From now on log to `file` from `level` up; without a file, nowhere. Raises `ConfigError`."""
    if level not in LEVELS:
        raise ConfigError(f'--log-level: must be one of {", ".join(LEVELS)}, not "{level}"')
    logging.raiseExceptions = False
    handler: logging.Handler = logging.NullHandler()
    if file is not None:
        try:
            handler = LogFile(file)
        except OSError as error:
            raise ConfigError(f"--log: {file}: {error.strerror}") from None
        handler.setFormatter(Lines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper() if file is not None else logging.CRITICAL)
    logging.captureWarnings(True)
