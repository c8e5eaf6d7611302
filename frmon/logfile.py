"""The log: JSON lines in a file that the user named, or nothing. Never the terminal."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from frmon.errors import ConfigError

LEVELS = ("debug", "info", "warning", "error")
SIZE = 5_000_000  # bytes, of each of three files
TEXT_LIMIT = 512  # characters of one message


class Lines(logging.Formatter):
    """One record as one line of JSON: whatever a venue sent stays inside its string."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at_ms": int(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage()[:TEXT_LIMIT],
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(said).decode()


def open_log(file: Path | None, level: str) -> None:
    """From now on log to `file` from `level` up; without a file, nowhere. Raises `ConfigError`."""
    if level not in LEVELS:
        raise ConfigError(f'--log-level: must be one of {", ".join(LEVELS)}, not "{level}"')
    logging.raiseExceptions = False
    handler: logging.Handler = logging.NullHandler()
    if file is not None:
        try:
            handler = RotatingFileHandler(
                file, maxBytes=SIZE, backupCount=2, encoding="utf-8", errors="backslashreplace"
            )
        except OSError as error:
            raise ConfigError(f"--log: {file}: {error.strerror}") from None
        handler.setFormatter(Lines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper() if file is not None else logging.CRITICAL)
    logging.captureWarnings(True)
