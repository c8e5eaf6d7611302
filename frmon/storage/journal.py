"""The one writer. What is put waits in memory, at most for so long or so much; about once a second everything that waits is
written. Whatever happens to the file, the program runs on, says so, and tries again."""

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec

from frmon.clock import Clock
from frmon.storage import file
from frmon.storage.insert import Inserts
from frmon.storage.records import CoinGap, EpisodeRow, EventRow, LegBar, Record, SampleRow, Settlement, SignalRow
from frmon.storage.schema import AT_OPEN

WRITE_S = 0.5
MOST_S = 10.0
"""The longest wait before a failed write is tried again."""

FLUSH_S = 2.0
"""So long the end may take."""

CHUNK = 4_000
"""Records of one transaction at most: the file is never locked for long, and its log never grows by much at once."""

_ROOM = {
    LegBar: 24_000,
    CoinGap: 6_000,
    SignalRow: 20_000,
    EpisodeRow: 20_000,
    Settlement: 20_000,
    EventRow: 5_000,
    SampleRow: 1_000,
}
"""How many of each kind may wait. Beyond that the oldest are dropped and counted."""

PRECIOUS = (SignalRow, EpisodeRow, Settlement)
"""Written first and durably, each acknowledged."""


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """How storage is doing. `status`: OPENING, OK, WAIT (locked), DISK (full), READ-ONLY, RESET (a corrupt file was put
    aside), NEWER, FOREIGN, TAKEN, OFF. `age_s` is of the last successful write."""

    status: str = "OPENING"
    detail: str = ""
    waiting: int = 0
    dropped: int = 0
    written: int = 0
    written_at: float = float("-inf")  # monotonic


class Journal:
    """Owns the writing side of one file. `put` may be called on the engine's thread at any time; `state` be read from any."""

    def __init__(self, path: Path, clock: Clock, tell: Callable[[str], None], *, simulated: bool) -> None:
        self.path = path
        self.state = JournalState()
        self.upkeep: Callable[[aiosqlite.Connection], Any] | None = None  # an async step, called when all is written
        self._clock = clock
        self._tell = tell
        self._simulated = simulated
        self._lock = file.Lock(path)
        self._waiting: dict[type, deque[Record]] = {kind: deque() for kind in _ROOM}
        self._dropped: Counter[str] = Counter()
        self._written = 0
        self._written_at = float("-inf")
        self._inserts = Inserts()
        self._stopping = asyncio.Event()
        self._on_saved: list[Callable[[Sequence[Record]], None]] = []

    def put(self, record: Record) -> None:
        """Keep this. Never waits, never fails."""
        waiting = self._waiting[type(record)]
        waiting.append(record)
        if len(waiting) > _ROOM[type(record)]:
            waiting.popleft()
            self._dropped[type(record).__name__] += 1

    def on_saved(self, hear: Callable[[Sequence[Record]], None]) -> None:
        """Tell of precious records that lie in the file for good, in the order they were put."""
        self._on_saved.append(hear)

    @property
    def waiting(self) -> int:
        """Records not written yet."""
        return sum(map(len, self._waiting.values()))

    async def run(self) -> None:
        """Write until `stop`, then what is left."""
        try:
            while not self._stopping.is_set():
                await self._life()
        finally:
            self._lock.drop()

    def stop(self) -> None:
        """End `run` when everything is written, within a few seconds whatever happens."""
        self._stopping.set()

    async def _life(self) -> None:
        """One connection, from opening to its end; failures end it and are waited out."""
        delay = 0.5
        while not self._stopping.is_set():
            try:
                note = await asyncio.to_thread(self._open)
                async with aiosqlite.connect(self.path, timeout=0.25, isolation_level=None) as connection:
                    for pragma in AT_OPEN:
                        await connection.execute(pragma)
                    self._inserts.forget()
                    self._show("RESET" if "put aside" in note else "OK", note)
                    delay = 0.5
                    await self._write_on(connection)
                    return
            except file.Unusable as error:
                self._show(error.status, str(error))
            except sqlite3.Error as error:
                self._failed(error)
            await self._pause(delay)
            delay = min(2 * delay, MOST_S)

    def _open(self) -> str:
        self._lock.take()
        return file.prepare(self.path, self._clock.now_ms(), simulated=self._simulated)

    async def _write_on(self, connection: aiosqlite.Connection) -> None:
        """Write what waits, again and again. A failure that passes is waited out here, with the connection open."""
        delay = WRITE_S
        while not self._stopping.is_set():
            delay = WRITE_S if await self._turn(connection) else min(2 * delay, MOST_S)
            await self._pause(delay)
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._write_all(connection)
        except TimeoutError:
            self._tell(f"storage: {self.waiting} records could not be written in time")

    async def _turn(self, connection: aiosqlite.Connection) -> bool:
        """Write all that waits, and look after the file. False when that has to be tried again later; raises what no
        waiting mends."""
        try:
            await self._write_all(connection)
            if self.upkeep is not None:
                await self.upkeep(connection)
        except sqlite3.OperationalError as error:
            with suppress(sqlite3.Error):
                await connection.execute("ROLLBACK")
            status = file.status_of(error)
            if status not in {"WAIT", "DISK"}:
                raise
            self._show(status, str(error))
            return False
        self._show(
            self.state.status if self.state.status == "RESET" else "OK",
            self.state.detail if self.state.status == "RESET" else "",
        )
        return True

    async def _write_all(self, connection: aiosqlite.Connection) -> None:
        while precious := self._take(PRECIOUS):
            await self._write(connection, precious, durable=True)
            for hear in self._on_saved:
                hear(precious)
        while others := self._take(tuple(kind for kind in _ROOM if kind not in PRECIOUS)):
            await self._write(connection, others, durable=False)

    def _take(self, kinds: Iterable[type]) -> list[Record]:
        """The oldest of these kinds, at most a chunk; they stay where they are until they are written."""
        found: list[Record] = []
        for kind in kinds:
            found += list(self._waiting[kind])[: CHUNK - len(found)]
        return found

    async def _write(self, connection: aiosqlite.Connection, records: Sequence[Record], *, durable: bool) -> None:
        await connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        await connection.execute("BEGIN IMMEDIATE")
        await self._inserts.write(connection, records)
        await connection.execute("COMMIT")
        for record in records:
            waiting = self._waiting[type(record)]
            if waiting and waiting[0] is record:
                waiting.popleft()
        self._written += len(records)
        self._written_at = self._clock.mono()

    def _failed(self, error: sqlite3.Error) -> None:
        status = file.status_of(error)
        if status != "CORRUPT":
            self._show("DISK" if status == "ERROR" else status, str(error))
            return
        with suppress(OSError):
            aside = file.put_aside(self.path, self._clock.now_ms())
            self._show("RESET", f"{self.path.name} is corrupt ({error}); put aside as {aside.name}")

    async def _pause(self, seconds: float) -> None:
        waits = [asyncio.create_task(self._clock.sleep(seconds)), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _show(self, status: str, detail: str) -> None:
        before = self.state
        self.state = JournalState(
            status=status,
            detail=detail,
            waiting=self.waiting,
            dropped=self._dropped.total(),
            written=self._written,
            written_at=self._written_at,
        )
        if status != before.status or (detail and detail != before.detail):
            self._tell(f"storage: {before.status} → {status}" + (f" ({detail})" if detail else ""))
