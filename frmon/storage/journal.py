"""The one writer. What is put waits in memory, at most for so long or so much; twice a second everything that waits is
written. Whatever happens to the file, the program runs on, says so, and tries again."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec

from frmon.clock import Clock
from frmon.storage.connection import CLOSE_S, connected, row, undo
from frmon.storage.file import File
from frmon.storage.insert import REFUSED, Inserts
from frmon.storage.records import CoinGap, LegBar, Record
from frmon.storage.state import JournalState, Shown
from frmon.storage.unusable import Unusable, code_of, status_of
from frmon.storage.waiting import OTHERS, PRECIOUS, Waiting

WRITE_S = 0.5
FIRST_S = 0.5
MOST_S = {"WAIT": 2.0}
OTHER_MOST_S = 5.0
"""The longest wait before a failed write is tried again; asking a locked file is cheap."""

FLUSH_S = 2.0
"""So long the end may take, and `CLOSE_S` to close the file."""

LAST_S = 0.1
"""Between the last attempts."""

AGAIN_S = 60.0
"""Between two attempts of upkeep that failed."""

CHUNKS = {PRECIOUS: 1_000, OTHERS: 4_000}
"""Records of one transaction at most: the file is never locked for long, and its log never grows by much at once."""

MIB = 1 << 20
UPKEEP_WAL, OTHERS_WAL, PRECIOUS_WAL = 16 * MIB, 40 * MIB, 52 * MIB
"""A reader that stays in one transaction keeps SQLite's log from being emptied. From these sizes on nothing is tidied, only
the precious is written, nothing is written: the log stays under 64 MiB however long the reader stays."""

_LONG_LOG = "a reader keeps the file's log from being emptied"


class Journal:
    """Owns the writing side of one file. `put` and `stop` belong on the thread of `run`; `state` may be read on any."""

    def __init__(self, path: Path, clock: Clock, tell: Callable[[str], None], *, simulated: bool) -> None:
        self.path = path
        self.file = File(path, clock.now_ms, lambda: self._halted, simulated=simulated)
        self.is_at_work = False  # `run` runs
        self.upkeep: Callable[[aiosqlite.Connection], Awaitable[Any]] | None = None  # a small step, when all is written
        self._clock = clock
        self._tell = tell
        self._waiting = Waiting()
        self._inserts = Inserts()
        self._on_saved: list[Callable[[Sequence[Record]], None]] = []
        self._stopping = asyncio.Event()
        self._halted = False
        self._shown = Shown(tell)
        self._chunks = dict(CHUNKS)
        self._synchronous = ""
        self._upkeep_from = float("-inf")

    def put(self, record: Record) -> None:
        """Keep this. Never waits, never fails."""
        self._waiting.put(record)

    def on_saved(self, hear: Callable[[Sequence[Record]], None]) -> None:
        """Tell of precious records that lie in the file for good, in the order they were put."""
        self._on_saved.append(hear)

    @property
    def state(self) -> JournalState:
        """As of now."""
        return msgspec.structs.replace(self._shown.state, waiting=len(self._waiting), dropped=self._waiting.dropped)

    @property
    def waiting(self) -> int:
        """Records not written yet."""
        return len(self._waiting)

    @property
    def holds_minutes(self) -> bool:
        """Whether minutes of legs or coins may still wait to be written."""
        return self._waiting.holds(LegBar, CoinGap)

    def stop(self) -> None:
        """End `run` when everything is written, within two and a half seconds whatever happens."""
        self._stopping.set()

    async def run(self) -> None:
        """Write until `stop`, then what is left."""
        self._halted, self.is_at_work = False, True
        work = asyncio.create_task(self._work(), name="journal")
        stop = asyncio.create_task(self._stopping.wait(), name="journal's end")
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({work}, timeout=FLUSH_S)
        finally:
            self._halted = True
            stop.cancel()
            work.cancel()
            await asyncio.wait({work}, timeout=CLOSE_S + LAST_S)
            self.file.release()
            self.is_at_work = False
        self._end()
        if work.done() and not work.cancelled():
            work.result()

    def _end(self) -> None:
        if self._stopping.is_set():
            self._shown.end()
            if self.waiting:
                self._tell(f"storage: {self.waiting} records could not be written before the end")

    async def _work(self) -> None:
        """One life of the file after another; after `stop`, unless all is written, one last attempt, or more while another
        program has it locked."""
        delay = FIRST_S
        while True:
            last = self._stopping.is_set()
            before = self._shown.state.written
            status = await self._life()
            if not status or (last and status != "WAIT"):
                return
            delay = FIRST_S if self._shown.state.written > before else delay
            await self._pause(delay)
            delay = _longer(delay, status)

    async def _life(self) -> str:
        """One connection, from opening to its end. Returns why it ended before everything was written, "" if it did not."""
        try:
            async with connected(self.file) as connection:
                self._inserts.forget()
                self._synchronous = ""
                await self._write_on(connection)
                return ""
        except Unusable as error:
            self._shown.show(error.status, str(error))
        except sqlite3.Error as error:
            self._failed(error)
        return self._shown.state.status

    async def _write_on(self, connection: aiosqlite.Connection) -> None:
        """Write what waits, again and again, and at the end what is left. A failure that passes is waited out here, with the
        connection open; others are raised."""
        delay = WRITE_S
        while True:
            last = self._stopping.is_set()
            status = await self._turn(connection)
            if last and status != "WAIT":
                return
            delay = _longer(delay, status) if status else WRITE_S
            await self._pause(delay)

    async def _turn(self, connection: aiosqlite.Connection) -> str:
        """Write all that waits, and look after the file. Returns what has to be waited out, "" if nothing."""
        try:
            wal = await self._look(connection)
            held = not (await self._write_all(connection, PRECIOUS) and await self._write_all(connection, OTHERS))
            if not held and wal < UPKEEP_WAL and not self._stopping.is_set():
                await self._keep_up(connection)
        except sqlite3.OperationalError as error:
            await undo(connection)
            if not _passes(error):
                raise
            self._shown.show(status_of(error), str(error))
            return self._shown.state.status
        if held:
            self._shown.show("WAIT", _LONG_LOG)
        else:
            self._shown.show("RESET" if self.file.reset else "OK", self.file.reset or self.file.note)
        return ""

    async def _look(self, connection: aiosqlite.Connection) -> int:
        """Empty SQLite's log when it is long. Returns its size. Raises `Unusable` when the file was taken away."""
        there, wal = await row(connection, "SELECT file_is_there(), wal_bytes()")
        if wal >= UPKEEP_WAL or not there:
            await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            (wal,) = await row(connection, "SELECT wal_bytes()")
        if not there:
            raise Unusable("RESET", f"{self.path.name} was removed")
        return int(wal)

    async def _write_all(self, connection: aiosqlite.Connection, kinds: tuple[type, ...]) -> bool:
        """Everything of these kinds that waits. False when the log is too long for it."""
        most = PRECIOUS_WAL if kinds is PRECIOUS else OTHERS_WAL
        while taken := self._waiting.take(kinds, self._chunks[kinds]):
            try:
                (wal,) = await row(connection, "SELECT wal_bytes()")
                if wal >= most:
                    self._waiting.given_back(taken)
                    return False
                await self._transaction(connection, taken, "FULL" if kinds is PRECIOUS else "NORMAL")
            except REFUSED as error:
                await undo(connection)
                self._without(kinds, taken, error)
            except BaseException:
                self._waiting.given_back(taken)
                raise
            else:
                self._acknowledge(kinds, taken)
        return True

    async def _transaction(self, connection: aiosqlite.Connection, records: Sequence[Record], synchronous: str) -> None:
        if self._synchronous != synchronous:
            await connection.execute(f"PRAGMA synchronous = {synchronous}")
            self._synchronous = synchronous
        await connection.execute("BEGIN IMMEDIATE")
        await self._inserts.write(connection, records)
        await connection.execute("COMMIT")

    def _without(self, kinds: tuple[type, ...], taken: Sequence[Record], error: BaseException) -> None:
        """One of these is refused by every file: look for it in ever smaller transactions, then go on without it."""
        self._chunks[kinds] = max(1, len(taken) // 2)
        if len(taken) > 1:
            self._waiting.given_back(taken)
            return
        self._waiting.settled(taken)
        self._waiting.dropped += 1
        self._tell(f"storage: a {type(taken[0]).__name__} was refused ({error})")

    def _acknowledge(self, kinds: tuple[type, ...], taken: Sequence[Record]) -> None:
        self._waiting.settled(taken)
        self._chunks[kinds] = min(CHUNKS[kinds], 2 * self._chunks[kinds])
        self._shown.wrote(len(taken), len(taken) if kinds is PRECIOUS else 0, self._clock.mono())
        for hear in self._on_saved if kinds is PRECIOUS else ():
            try:
                hear(taken)
            except Exception as error:
                self._tell(f"storage: who hears of what is saved failed ({type(error).__name__}: {error})")

    async def _keep_up(self, connection: aiosqlite.Connection) -> None:
        """A step of upkeep. A bug in it keeps nothing from being written."""
        if self.upkeep is None or self._clock.mono() < self._upkeep_from:
            return
        try:
            await self.upkeep(connection)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and status_of(error) != "ERROR":
                raise
            await undo(connection)
            self._upkeep_from = self._clock.mono() + AGAIN_S
            self._tell(f"storage: upkeep failed ({type(error).__name__}: {error})")

    def _failed(self, error: sqlite3.Error) -> None:
        status = status_of(error)
        if status == "CORRUPT":
            self.file.broken = str(error)
            self._shown.show("RESET", f"{self.path.name} is corrupt ({error})")
        else:
            self._shown.show("DISK" if status == "ERROR" else status, str(error))

    async def _pause(self, seconds: float) -> None:
        """Until the time is over or the end is near."""
        if self._stopping.is_set():
            await asyncio.sleep(LAST_S)
            return
        waits = [asyncio.create_task(self._clock.sleep(seconds)), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _longer(delay: float, status: str) -> float:
    return min(2 * delay, MOST_S.get(status, OTHER_MOST_S))


def _passes(error: sqlite3.Error) -> bool:
    """Whether waiting mends it, with the connection open."""
    return code_of(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
