"""What errors of the system and of SQLite mean for a file that is to be written to."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frmon.errors import FrmonError

_SQLITE = {
    sqlite3.SQLITE_BUSY: "WAIT",
    sqlite3.SQLITE_LOCKED: "WAIT",
    sqlite3.SQLITE_FULL: "DISK",
    sqlite3.SQLITE_IOERR: "DISK",
    sqlite3.SQLITE_READONLY: "READ-ONLY",
    sqlite3.SQLITE_PERM: "READ-ONLY",
    sqlite3.SQLITE_CANTOPEN: "READ-ONLY",
    sqlite3.SQLITE_CORRUPT: "CORRUPT",
    sqlite3.SQLITE_NOTADB: "CORRUPT",
    sqlite3.SQLITE_INTERRUPT: "OFF",
}
_SYSTEM = {errno.EACCES: "READ-ONLY", errno.EPERM: "READ-ONLY", errno.EROFS: "READ-ONLY"}


class Unusable(FrmonError):
    """The file cannot be written to. `status`: TAKEN, NEWER, FOREIGN, READ-ONLY, DISK (full or failing), WAIT (locked) or
    OFF (the program is ending)."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


def code_of(error: BaseException) -> int:
    """SQLite's primary result code, 0 for other errors."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def status_of(error: BaseException) -> str:
    """DISK, WAIT, READ-ONLY, CORRUPT, OFF, or ERROR where it is none of these."""
    if isinstance(error, OSError):
        return _SYSTEM.get(error.errno or 0, "DISK")
    return _SQLITE.get(code_of(error), "ERROR")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Errors of the system and of SQLite as `Unusable`, with the file's name."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        status = status_of(error)
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unusable("DISK" if status in {"CORRUPT", "ERROR"} else status, f"{path}: {why.lower()}") from None
