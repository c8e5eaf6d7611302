"""A connection whose every blocking call happens on a thread of its own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiosqlite

from frmon.storage.file import File

CLOSE_S = 0.5
"""So long closing may take before it is given up."""


@asynccontextmanager
async def connected(file: File) -> AsyncIterator[aiosqlite.Connection]:
    """The file, opened and locked. The thread never keeps the program from ending: what a dead disk holds up is given up.
    Raises `Unusable`."""
    connection = aiosqlite.Connection(file.open, iter_chunk_size=64)
    connection._thread.daemon = True  # aiosqlite has no public name for it
    try:
        await connection
        try:
            yield connection
        finally:
            await _closed(connection)
    finally:
        file.release()


async def row(connection: aiosqlite.Connection, query: str) -> Sequence[Any]:
    """The only row."""
    return next(iter(await connection.execute_fetchall(query)))


async def undo(connection: aiosqlite.Connection) -> None:
    """End a transaction that failed, if there is one."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):  # SQLite has undone it by itself
            await connection.execute("ROLLBACK")


async def _closed(connection: aiosqlite.Connection) -> None:
    """Closed, or given up. The connection's own `close` would wait for as long as the disk does."""
    future = connection.stop()
    if future is not None:
        await asyncio.wait({future}, timeout=CLOSE_S)
