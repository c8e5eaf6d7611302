"""The file itself: found, judged, locked, born, brought up to date, or put aside. Blocking; called off the event loop.

Nothing here ever deletes a user's data: what cannot be used is renamed.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from struct import Struct
from typing import Any

from frmon.storage.lock import Lock
from frmon.storage.schema import APPLICATION, AT_BIRTH, AT_OPEN, STEPS
from frmon.storage.unusable import Unusable, named, status_of

CHECKED_BYTES = 64_000_000
"""Files up to this size are read whole at the start to see whether they are sound; larger ones show it when used."""

MOST_RESETS = 5
"""Files that one program puts aside: when new ones go bad as well, the disk is not to be trusted."""

BUSY_S = 0.25
"""So long a statement waits for another program's lock."""

_MAGIC, _FRACTIONS = b"SQLite format 3\0", bytes((64, 32, 32))  # at 0 and 21 of every database
_HEAD = Struct(
    ">60xI4xI"
)  # user_version and application_id: https://www.sqlite.org/fileformat.html#the_database_header
_BESIDE = ("-wal", "-shm", "-journal")
_OPCODES = 20_000  # of SQLite's machine between two looks at whether to end: about a millisecond
_BACKED_UP = 500  # pages between two looks


class File:
    """One file as its writer knows it. `halted` tells that whatever SQLite is at must end at once; `steps` and `pragmas` are
    those of `schema`."""

    def __init__(  # noqa: PLR0913  two of them are there so that older files and small disks can be made
        self,
        path: Path,
        now_ms: Callable[[], int],
        halted: Callable[[], bool],
        *,
        simulated: bool,
        steps: Mapping[int, str] = STEPS,
        pragmas: Sequence[str] = AT_OPEN,
    ) -> None:
        self.path = Path(os.path.realpath(path))
        self.note = ""  # what the last opening did that the user should know
        self.reset = ""  # why a new file had to be begun, if one had to
        self.broken = ""  # how it showed that the file is corrupt, for the next opening
        self._now_ms = now_ms
        self._halted = halted
        self._market = "simulated" if simulated else "real"
        self._steps = steps
        self._pragmas = pragmas
        self._lock = Lock(self.path)
        self._identity: tuple[int, int] | None = None
        self._checked = False
        self._resets = 0

    def open(self) -> sqlite3.Connection:
        """Take the lock and make the file ready to be written to. Raises `Unusable`, and then holds no lock."""
        with named(self.path):
            try:
                self._lock.take()
                return self._opened_or_begun()
            except BaseException:
                self._lock.drop()
                raise

    @property
    def is_ours(self) -> bool:
        """Whether no other program may write now. From any thread."""
        return self._lock.is_held

    @property
    def market(self) -> str:
        """Of which its prices are: "real" or "simulated"."""
        return self._market

    def release(self) -> None:
        """Let other programs write."""
        self._lock.drop()

    def is_there(self) -> bool:
        """Whether the file that was opened is still found under its name."""
        return self._identity is not None and self._identity == _identity(self.path)

    def wal_bytes(self) -> int:
        """How large SQLite's log is now."""
        with suppress(OSError):
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        return 0

    def _opened_or_begun(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            if status_of(error) != "CORRUPT":
                raise
            self.broken = str(error)
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        self.note = ""
        gone = self._identity is not None and not self.path.exists()
        if not gone:
            self._judge()
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if self.path.stat().st_mode & 0o077:
            with suppress(PermissionError):  # somebody else's, who lets us write
                self.path.chmod(0o600)
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        try:
            connection.set_progress_handler(self._halted, _OPCODES)
            self._make_ready(connection)
        except BaseException:
            connection.close()
            raise
        self._identity = _identity(self.path)
        if gone:
            self.reset = f"{self.path.name} was removed, a new one was begun"
        return connection

    def _make_ready(self, connection: sqlite3.Connection) -> None:
        self._bring_up(connection)
        for pragma in self._pragmas:
            connection.execute(pragma).fetchall()
        if _one(connection, "PRAGMA journal_mode") != "wal":
            self._say("no write-ahead log on this file system: who reads makes the writer wait")
        connection.create_function("file_is_there", 0, lambda: int(self.is_there()))
        connection.create_function("wal_bytes", 0, self.wal_bytes)

    def _judge(self) -> None:
        """Refuse what is not ours; put aside what is broken."""
        if not self.path.exists() or not self.path.stat().st_size:
            return
        self._judge_head()
        why = f"{self.path.name} is corrupt ({self.broken})" if self.broken else self._unsound()
        self._checked = True
        if not why:
            return
        if self._resets == MOST_RESETS:
            raise Unusable("DISK", f"{why}, as were {MOST_RESETS} before it; storage rests until it is started anew")
        aside = put_aside(self.path, self._now_ms())
        self._resets += 1
        self.broken = ""
        self.reset = f"{why}; put aside as {aside.name}, a new one was begun"

    def _judge_head(self) -> None:
        """Another program's file, and one of a newer frmon, are known by their first bytes, whatever this SQLite makes of the
        rest. Such files are left as they are."""
        head = self._head()
        if not head.startswith(_MAGIC) or head[21:24] != _FRACTIONS or len(head) < _HEAD.size:
            return
        version, application = _HEAD.unpack_from(head)
        if application not in {0, APPLICATION}:
            raise Unusable("FOREIGN", f"{self.path} is a database of another program")
        if application:
            self._judge_version(version)

    def _head(self) -> bytes:
        with self.path.open("rb") as stream:
            return stream.read(100)

    def _judge_version(self, version: int) -> None:
        if version > max(self._steps):
            known = f"schema {version}, this one knows {max(self._steps)}"
            raise Unusable("NEWER", f"{self.path} was written by a newer frmon ({known})")

    def _unsound(self) -> str:
        """Why the file is no database that can be used; "" if it is one."""
        if self._checked:
            return ""
        if not self._head().startswith(_MAGIC):
            return f"{self.path.name} is no database"
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)) as connection:
                connection.set_progress_handler(self._halted, _OPCODES)
                _one(connection, "SELECT count(*) FROM sqlite_schema")
                small = self.path.stat().st_size <= CHECKED_BYTES
                if small and (found := _one(connection, "PRAGMA quick_check(1)")) != "ok":
                    return f"{self.path.name} is corrupt ({str(found).splitlines()[-1][:80]})"
        except sqlite3.DatabaseError as error:
            if status_of(error) == "CORRUPT":
                return f"{self.path.name} is corrupt ({error})"
            raise
        return ""

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        """Give a new file its tables, an older one its newer ones."""
        version, newest = _one(connection, "PRAGMA user_version"), max(self._steps)
        tables = _one(connection, "SELECT count(*) FROM sqlite_schema")
        if tables and _one(connection, "PRAGMA application_id") != APPLICATION:
            raise Unusable("FOREIGN", f"{self.path} is a database of another program")
        self._judge_version(version)
        if tables:
            self._judge_market(connection)
        else:
            for pragma in AT_BIRTH:
                connection.execute(pragma)
        if version < newest:
            self._migrate(connection, version if tables else 0)
        if not self._held_market(connection):
            connection.execute("INSERT INTO meta VALUES ('market', ?)", (self._market,))

    def _judge_market(self, connection: sqlite3.Connection) -> None:
        """Simulated and real prices never lie in one file."""
        held = self._held_market(connection)
        if held not in {"", self._market}:
            raise Unusable("FOREIGN", f"{self.path} holds {held} prices, these are {self._market}")

    @staticmethod
    def _held_market(connection: sqlite3.Connection) -> str:
        held = connection.execute("SELECT value FROM meta WHERE key = 'market'").fetchone()
        return str(held[0]) if held else ""

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        """Step by step to the newest schema, with a copy of an old file kept. When a step fails, the file is as before."""
        newest = max(self._steps)
        kept = self._back_up(connection, version) if version else None
        steps = (f"{self._steps[step]}\nPRAGMA user_version = {step};" for step in range(version + 1, newest + 1))
        try:
            connection.executescript("\n".join(("BEGIN IMMEDIATE;", *steps, "COMMIT;")))
        except BaseException:
            if kept is not None:
                kept.unlink()
            raise
        if kept is not None:
            self._say(
                f"{self.path.name} was brought from schema {version} to {newest}; the old one is kept as {kept.name}"
            )

    def _back_up(self, connection: sqlite3.Connection, version: int) -> Path:
        """A whole copy under a name of its own, with what still lies in the log. Returns its name."""
        target = _free(self.path.with_name(f"{self.path.name}.v{version}.bak"))
        part = target.with_name(target.name + ".part")
        if shutil.disk_usage(self.path.parent).free < self.path.stat().st_size + self.wal_bytes():
            raise Unusable("DISK", f"{self.path}: no room for the copy that is kept before the schema changes")
        try:
            part.unlink(missing_ok=True)
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with closing(sqlite3.connect(part)) as copy:
                connection.backup(copy, pages=_BACKED_UP, progress=self._backed_up, sleep=0)
            part.rename(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return target

    def _backed_up(self, status: int, _left: int, _pages: int) -> None:
        if self._halted():
            raise Unusable("OFF", "the program is ending")
        if status & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise Unusable("WAIT", f"{self.path}: database is locked")

    def _say(self, what: str) -> None:
        self.note = "; ".join(part for part in (self.note, what) if part)


def put_aside(path: Path, now_ms: int) -> Path:
    """Rename the file and what SQLite keeps beside it. Returns its new name. Raises `OSError`."""
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = _free(path.with_name(f"{path.name}.corrupt-{stamp}"))
    path.rename(target)
    for tail in _BESIDE:
        beside = path.with_name(path.name + tail)
        if beside.exists():
            beside.rename(target.with_name(target.name + tail))
    return target


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _one(connection: sqlite3.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def _free(path: Path) -> Path:
    """This name, or the first one with a number behind it that is not taken."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}.{number}")
    return found
