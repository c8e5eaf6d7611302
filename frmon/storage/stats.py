"""How large a file of storage is and what lies in it."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from frmon.storage.bars import MINUTE_MS, STEPS
from frmon.storage.readonly import collector_holds
from frmon.storage.series import KINDS, SPANS

COUNTED_BYTES = 64_000_000
"""Packs of files up to this size are counted one by one; in larger ones the number is told from some of their times."""

LOOKS = 6
"""So many times are looked at then."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of what is kept. `rows`: of the file, about so many where `is_about`; times None where there is nothing."""

    kind: str
    rows: int
    first_ms: int | None
    last_ms: int | None
    is_about: bool = False


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """A file. `free_bytes`: of `size_bytes`, given back bit by bit; `collecting`: a program writes to it now."""

    path: str
    schema: int
    simulated: bool
    collecting: bool
    size_bytes: int
    log_bytes: int
    free_bytes: int
    coins: int
    legs: int
    parts: list[Part]


def stats_of(connection: sqlite3.Connection, path: Path) -> Stats:
    """As of now. Within the caller's transaction."""
    page, pages, free = (_one(connection, f"PRAGMA {name}") for name in ("page_size", "page_count", "freelist_count"))
    market = connection.execute("SELECT value FROM meta WHERE key = 'market'").fetchone()
    log = path.with_name(path.name + "-wal")
    return Stats(
        path=str(path),
        schema=_one(connection, "PRAGMA user_version"),
        simulated=market == ("simulated",),
        collecting=collector_holds(path),
        size_bytes=page * pages,
        log_bytes=log.stat().st_size if log.exists() else 0,
        free_bytes=page * free,
        coins=_one(connection, "SELECT count(*) FROM (SELECT coin FROM leg UNION SELECT name FROM coin)"),
        legs=_one(connection, "SELECT count(*) FROM leg"),
        parts=[*_series(connection, page * pages <= COUNTED_BYTES), *_tables(connection)],
    )


def _series(connection: sqlite3.Connection, count_all: bool) -> Iterator[Part]:
    for kind in KINDS:
        starts = _starts(connection, f"FROM {kind.table} WHERE TRUE", ())
        rows = _one(connection, f"SELECT count(*) FROM {kind.table}")  # noqa: S608  our own names
        yield _part(f"{kind.name} of 1 min, not packed yet", rows, starts, 1)
        for step in STEPS:
            starts = _starts(connection, "FROM pack WHERE kind = ? AND step = ?", (kind.number, step))
            looked = starts if count_all or len(starts) <= LOOKS else starts[:: -(-len(starts) // LOOKS)]
            query = "SELECT count(*) FROM pack WHERE kind = ? AND step = ? AND start = ?"
            counts = [connection.execute(query, (kind.number, step, start)).fetchone()[0] for start in looked]
            rows = round(sum(counts) * len(starts) / len(looked)) if looked else 0
            part = _part(f"{kind.name} of {step} min, packs", rows, starts, SPANS[step])
            yield msgspec.structs.replace(part, is_about=len(looked) < len(starts))


def _part(kind: str, rows: int, starts: Sequence[int], span: int) -> Part:
    first, last = (starts[0] * MINUTE_MS, (starts[-1] + span) * MINUTE_MS) if starts else (None, None)
    return Part(kind=kind, rows=rows, first_ms=first, last_ms=last)


def _tables(connection: sqlite3.Connection) -> Iterator[Part]:
    for table, at in (
        ("settlement", "at_ms"), ("signal", "at_ms"), ("episode", "opened_ms"), ("event", "at_ms"), ("sample", "at_ms"),
    ):  # fmt: skip
        query = f"SELECT count(*), min({at}), max({at}) FROM {table}"  # noqa: S608  our own names
        rows, first, last = connection.execute(query).fetchone()
        yield Part(kind=f"{table}s", rows=rows, first_ms=first, last_ms=last)


def _starts(connection: sqlite3.Connection, source: str, values: Sequence[object]) -> list[int]:
    """The different starts, each found from the one before."""
    query = f"""WITH RECURSIVE at(start) AS (SELECT min(start) {source} UNION ALL
        SELECT (SELECT min(start) {source} AND start > at.start) FROM at WHERE at.start NOT NULL)
        SELECT start FROM at WHERE start NOT NULL"""  # noqa: S608  our own names
    return [start for (start,) in connection.execute(query, (*values, *values))]


def _one(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
