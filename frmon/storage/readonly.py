"""A file of storage opened only to be read: whoever reads never changes it and never keeps its writer waiting."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from frmon.errors import FrmonError
from frmon.storage.schema import APPLICATION, VERSION
from frmon.storage.unusable import code_of

WAIT_S = 2.0
"""So long a question waits for a lock."""


class Unreadable(FrmonError):
    """The file cannot be read; one line that names it and says why."""


class Missing(Unreadable):
    """There is no such file."""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Errors of the system and of SQLite as `Unreadable`, with the file's name."""
    try:
        yield
    except FileNotFoundError:
        raise Missing(f"{path}: no such file") from None
    except OSError as error:
        raise Unreadable(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except sqlite3.Error as error:
        raise Unreadable(f"{path}: {_why(error)}") from None


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, without a transaction. Raises `Unreadable`."""
    with readable(path):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable(f"{path}: is {'a directory' if stat.S_ISDIR(mode) else 'no regular file'}")
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))  # says what SQLite would not
        connection = _connected(path)
        try:
            _judge(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _connected(path: Path) -> sqlite3.Connection:
    """Where nothing may be created beside the file, SQLite reads it only when told that nobody writes to it, which is so as
    long as there is no log."""
    url = f"{Path(os.path.realpath(path)).as_uri()}?mode=ro"
    connection = _connection(url)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        has_log = path.with_name(path.name + "-wal").exists()
        if code_of(error) not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY} or has_log:
            raise
        return _connection(f"{url}&immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _connection(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(url, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _judge(connection: sqlite3.Connection, path: Path) -> None:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application not in {0, APPLICATION} or (tables and not application):
        raise Unreadable(f"{path}: is a database of another program")
    if not tables or not version:
        raise Unreadable(f"{path}: nothing has been kept there yet")
    if version > VERSION:
        raise Unreadable(f"{path}: was written by a newer frmon (schema {version}, this one knows {VERSION})")
    if version < VERSION:
        raise Unreadable(
            f"{path}: was written by an older frmon (schema {version}); run frmon once to bring it up to date"
        )


def collector_holds(path: Path) -> bool:
    """Whether a program writes to the file now."""
    import fcntl

    real = Path(os.path.realpath(path))
    with suppress(OSError):
        descriptor = os.open(real.with_name(real.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
        with closing(os.fdopen(descriptor, "rb")) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


def _why(error: sqlite3.Error) -> str:
    code = code_of(error)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "another program has locked it"
    if code == sqlite3.SQLITE_NOTADB:
        return "is no storage of frmon"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"is damaged ({error})"
    return str(error)
