"""Looking after the file in small steps, between two writes: minutes are packed, packs rolled up, old ones dropped, and the
file shrinks. A step takes about a hundredth of a second; nobody waits for it but the writer.

A minute counts by its UTC start alone, so time zones and summer time mean nothing here. A wall clock that is set forward
by mistake drops nothing as long as no data comes under the wrong time: ages are those beside the newest of its kind.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import aiosqlite

from frmon.clock import Clock
from frmon.config import StorageSettings
from frmon.storage.bars import MINUTE_MS
from frmon.storage.file import File
from frmon.storage.rolling import Piece, Tell, dropped_before, moment, note_dropped, one, pack_hours, roll_spans
from frmon.storage.series import COARSER, DAY, FINER, KINDS, SPANS, Kind, span_of

STEP_S = 0.005
"""After so long a step is over with the piece at which it is. Pieces take a few milliseconds."""

PACKS = 1_000
"""Packs that are dropped in one piece."""

ROWS = 2_000
"""Events or samples that are dropped in one piece."""

PAGES = 20
"""Free pages of the file that are given back to the system in one piece."""

SPARE = 1_024
"""Free pages that the file keeps, or a tenth of all: the next hour's minutes fill them again."""


class Upkeep:
    """Belongs to one journal. `tell` hears of packs that cannot be read."""

    def __init__(self, kept: StorageSettings, clock: Clock, tell: Tell) -> None:
        self._kept = kept
        self._clock = clock
        self._tell = tell
        self._connection: sqlite3.Connection | None = None
        self._round: Iterator[Piece] | None = None
        self._minute = -1  # of the last round
        self.last: Piece | None = None  # what was done last

    def hurry(self) -> None:
        """From any thread: begin another round at the next step, not only with the next minute."""
        self._minute = -1

    async def step(self, connection: aiosqlite.Connection) -> bool:
        """Do what can be done in about `STEP_S`, in a transaction of its own, on the connection's thread. Returns whether
        there is more to do now; when there is not, it is asked again next minute. Raises what SQLite raises: nothing is lost
        then, and what was under way is begun anew."""
        return bool(await connection._execute(self.do, connection._conn))  # type: ignore[no-untyped-call]

    def do(self, connection: sqlite3.Connection) -> bool:
        """As `step`, on the caller's thread."""
        minute = self._clock.now_ms() // MINUTE_MS
        if connection is not self._connection:
            self._connection, self._round, self._minute = connection, None, -1
        if self._round is None:
            if minute == self._minute:
                return False
            self._round, self._minute = tidied(connection, self._kept, minute, self._tell), minute
        try:
            with _transaction(connection):
                more = self._work(self._round)
        except BaseException:
            self._round, self._minute = None, -1
            raise
        if more:
            return True
        self._round = None
        return minute != self._minute  # it took longer than a minute

    def _work(self, pieces: Iterator[Piece]) -> bool:
        until = self._clock.mono() + STEP_S
        for self.last in pieces:  # noqa: SIM110  `last` is wanted
            if self._clock.mono() >= until:
                return True
        return False


class Maintained(NamedTuple):
    """What `maintain` did: pieces of work, and the size of the file before and after, in bytes."""

    pieces: int
    before: int
    after: int


def maintain(
    path: Path, kept: StorageSettings, clock: Clock, progress: Callable[[Piece], None], tell: Tell
) -> Maintained:
    """Do everything at once that is otherwise done in small steps, and give all free pages back. Raises `Unusable` when
    another program writes to the file or it cannot be written to, and what SQLite raises."""
    file = File(path, clock.now_ms, lambda: False, simulated=_is_simulated(path))
    before = path.stat().st_size if path.exists() else 0
    count = 0
    with closing(file.open()) as connection:
        try:
            pieces = tidied(connection, kept, clock.now_ms() // MINUTE_MS, tell, spare=0)
            for piece in _committed(connection, pieces, clock):
                count += 1
                progress(piece)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            file.release()
    return Maintained(count, before, path.stat().st_size)


def tidied(
    connection: sqlite3.Connection, kept: StorageSettings, minute: int, tell: Tell, *, spare: int | None = None
) -> Iterator[Piece]:
    """Everything there is to do at this minute, piece by piece. Between two pieces the caller may commit and write."""
    for kind in KINDS:
        yield from pack_hours(connection, kind, minute, tell)
    for kind in KINDS:
        for step in FINER:
            yield from roll_spans(connection, kind, step, minute, tell)
    for kind in KINDS:
        yield from _drop_packs(connection, kind, kept, minute)
    yield from _drop_rows(connection, "event", kept.events_days, minute)
    yield from _drop_rows(connection, "sample", kept.samples_days, minute)
    yield from _shrink(connection, spare)


def _drop_packs(connection: sqlite3.Connection, kind: Kind, kept: StorageSettings, minute: int) -> Iterator[Piece]:
    """Packs whose last minute is too old, the oldest first; none from which a coarser one is still to be made."""
    days = {1: kept.minutes_days, 15: kept.quarters_days, 60: kept.hours_days}
    now = min(minute, _newest(connection, kind))
    for step, span in SPANS.items():
        limit = now - int(days[step] * DAY)
        yield from _drop_spans(connection, kind.number, step, limit - span)
        yield from _drop_spans(connection, -1 - kind.number, step, now - int(kept.hours_days * DAY) - span)


def _drop_spans(connection: sqlite3.Connection, number: int, step: int, last: int) -> Iterator[Piece]:
    """Packs that begin at `last` or before."""
    query = "SELECT min(start) FROM pack WHERE kind = ? AND step = ? AND start >= ?"
    start = one(connection, query, number, step, 0)
    while start is not None and start <= last:
        until = start + SPANS[step]
        if _needed(connection, number, step, start):
            until = span_of(start, COARSER[step]) + SPANS[COARSER[step]]
        else:
            yield from _drop_span(connection, number, step, start)
        start = one(connection, query, number, step, until)


def _drop_span(connection: sqlite3.Connection, number: int, step: int, start: int) -> Iterator[Piece]:
    if start + SPANS[step] > dropped_before(connection, number, step):
        note_dropped(connection, number, step, start + SPANS[step])
    place = (number, step, start)
    query = "SELECT min(subject) FROM pack WHERE kind = ? AND step = ? AND start = ?"
    while (first := one(connection, query, *place)) is not None:
        connection.execute(
            "DELETE FROM pack WHERE kind = ? AND step = ? AND start = ? AND subject < ?", (*place, first + PACKS)
        )
        yield Piece(f"drop {step}-minute bars of {moment(start)}", 1, 1)


def _needed(connection: sqlite3.Connection, number: int, step: int, start: int) -> bool:
    """Whether a coarser pack is still to be made of this one."""
    if step not in COARSER:
        return False
    coarser = COARSER[step]
    query = "SELECT 1 FROM due WHERE kind = ? AND step = ? AND start = ?"
    return one(connection, query, number, coarser, span_of(start, coarser)) is not None


def _newest(connection: sqlite3.Connection, kind: Kind) -> int:
    """The end of the newest minute there is, or of its hour."""
    minute = int(one(connection, f"SELECT max(start) + 1 FROM {kind.table}") or 0)  # noqa: S608  our own name
    hour = one(connection, "SELECT max(start) FROM pack WHERE kind = ? AND step = 1", kind.number)
    return max(minute, 0 if hour is None else hour + SPANS[1])


def _drop_rows(connection: sqlite3.Connection, table: str, days: float, minute: int) -> Iterator[Piece]:
    """Events or samples that are too old. Signals, episodes and settlements are kept for good."""
    newest = int(one(connection, f"SELECT max(at_ms) FROM {table}") or 0)  # noqa: S608  our own name
    before = min(minute * MINUTE_MS, newest) - int(days * DAY) * MINUTE_MS
    query = f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE at_ms < ? LIMIT {ROWS})"  # noqa: S608
    while connection.execute(query, (before,)).rowcount > 0:
        yield Piece(f"drop {table}s of before {moment(before // MINUTE_MS)}", 1, 1)


def _shrink(connection: sqlite3.Connection, spare: int | None) -> Iterator[Piece]:
    """Give free pages back to the system but for `spare`, None for as many as will be needed again."""
    free, pages = int(one(connection, "PRAGMA freelist_count")), int(one(connection, "PRAGMA page_count"))
    much = free - (max(SPARE, pages // 10) if spare is None else spare)
    for given in range(0, much, PAGES):
        for _ in range(min(PAGES, much - given)):  # sqlite3 runs this pragma for one page only, whatever it is told
            connection.execute("PRAGMA incremental_vacuum(1)")
        yield Piece("give free pages back", min(much, given + PAGES), much)


def _committed(connection: sqlite3.Connection, pieces: Iterator[Piece], clock: Clock) -> Iterator[Piece]:
    """The pieces, committed every now and then so that readers and the log do not notice."""
    more = True
    while more:
        until, more = clock.mono() + STEP_S, False
        with _transaction(connection):
            for piece in pieces:
                yield piece
                if clock.mono() >= until:
                    more = True
                    break


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_simulated(path: Path) -> bool:
    """What the file says of its prices."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return bool(one(connection, "SELECT value FROM meta WHERE key = 'market'") == "simulated")
