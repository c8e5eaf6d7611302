"""The file itself: found, judged, locked, born, brought up to date, or put aside. Blocking; called off the event loop.

Nothing here ever deletes a user's data: what cannot be used is renamed.
"""

import errno
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from frmon.errors import FrmonError
from frmon.storage.schema import APPLICATION, AT_BIRTH, STEPS, VERSION

CHECKED_BYTES = 64_000_000
"""Files up to this size are read whole at the start to see whether they are sound; larger ones show it when used."""

_CORRUPT = ("malformed", "not a database", "disk image", "corrupt")


class Unusable(FrmonError):
    """The file cannot be written to. `status`: TAKEN, NEWER, FOREIGN, READ-ONLY, DISK or WAIT."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


class Lock:
    """Held as long as a program writes to a file; the system drops it when the program dies."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._descriptor = -1

    def take(self) -> None:
        """Raises `Unusable`: TAKEN while another program holds it."""
        if self._descriptor >= 0:
            return
        with _named(self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            who = f" (process {holder})" if holder.isdigit() else ""
            raise Unusable("TAKEN", f"another frmon{who} writes to {self._path.with_suffix('')}") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def drop(self) -> None:
        """Let others have it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def prepare(path: Path, now_ms: int, *, simulated: bool) -> str:
    """Make the file ready to be written to, as its holder. Returns what was done that the user should know, "" if nothing.
    Raises `Unusable`."""
    note = ""
    with _named(path):
        if path.exists() and path.stat().st_size and (why := _unsound(path)):
            note = f"{why}; put aside as {put_aside(path, now_ms).name}, a new one was begun"
        with closing(_connect(path)) as connection:
            done = _bring_up(connection, path)
            _judge_market(connection, path, simulated)
        path.chmod(0o600)
    return "; ".join(part for part in (note, done) if part)


def put_aside(path: Path, now_ms: int) -> Path:
    """Rename the file and what SQLite keeps beside it. Returns its new name."""
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = _free(path.with_name(f"{path.name}.corrupt-{stamp}"))
    path.rename(target)
    for tail in ("-wal", "-shm"):
        beside = path.with_name(path.name + tail)
        if beside.exists():
            beside.rename(target.with_name(target.name + tail))
    return target


def status_of(error: BaseException) -> str:
    """What an error of SQLite or of the system means: DISK, WAIT, READ-ONLY, CORRUPT or ERROR."""
    text = str(error).lower()
    if isinstance(error, OSError):
        full = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
        return (
            "DISK"
            if error.errno in full
            else "READ-ONLY"
            if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
            else "ERROR"
        )
    if any(word in text for word in _CORRUPT):
        return "CORRUPT"
    if "full" in text or "disk i/o" in text:
        return "DISK"
    if "locked" in text or "busy" in text:
        return "WAIT"
    return "READ-ONLY" if "readonly" in text or "unable to open" in text else "ERROR"


def _connect(path: Path) -> sqlite3.Connection:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    return sqlite3.connect(path, timeout=0.25, isolation_level=None)


def _unsound(path: Path) -> str:
    """Why the file is no database that can be used; "" if it is one."""
    try:
        with closing(sqlite3.connect(path, timeout=0.25, isolation_level=None)) as connection:
            _one(connection, "PRAGMA schema_version")
            if path.stat().st_size <= CHECKED_BYTES and (found := _one(connection, "PRAGMA quick_check(1)")) != "ok":
                return f"{path.name} is corrupt ({str(found).splitlines()[-1][:80]})"
    except sqlite3.DatabaseError as error:
        if status_of(error) == "CORRUPT":
            return f"{path.name} is corrupt ({error})"
        raise
    return ""


def _bring_up(connection: sqlite3.Connection, path: Path) -> str:
    """Give a new file its tables, an older one its newer ones. Returns what was done to an old one."""
    version, tables = _one(connection, "PRAGMA user_version"), _one(connection, "SELECT count(*) FROM sqlite_schema")
    if tables and _one(connection, "PRAGMA application_id") != APPLICATION:
        raise Unusable("FOREIGN", f"{path} is a database of another program")
    if version > VERSION:
        raise Unusable("NEWER", f"{path} was written by a newer frmon (schema {version}, this one knows {VERSION})")
    if not tables:
        for pragma in AT_BIRTH:
            connection.execute(pragma)
    elif version < VERSION:
        shutil.copy2(path, _free(path.with_name(f"{path.name}.v{version}.bak")))
    for step in range(version + 1, VERSION + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{STEPS[step]}\nPRAGMA user_version = {step};\nCOMMIT;")
    return f"{path.name} was brought from schema {version} to {VERSION}" if tables and version < VERSION else ""


def _judge_market(connection: sqlite3.Connection, path: Path, simulated: bool) -> None:
    """Simulated and real prices never lie in one file."""
    wanted = "simulated" if simulated else "real"
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('market', ?)", (wanted,))
    held = _one(connection, "SELECT value FROM meta WHERE key = 'market'")
    if held != wanted:
        raise Unusable("FOREIGN", f"{path} holds {held} prices, these are {wanted}")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors of the system and of SQLite as `Unusable`, with the file's name."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        status = status_of(error)
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unusable("DISK" if status in {"CORRUPT", "ERROR"} else status, f"{path}: {why}".lower()) from None


def _one(connection: sqlite3.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def _free(path: Path) -> Path:
    """This name, or the first one with a number behind it that is not taken."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}.{number}")
    return found
