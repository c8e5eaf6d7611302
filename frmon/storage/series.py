"""The two kinds of series, and where their bars lie: minutes of the last hours as rows, everything older as packs."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from frmon.storage.bars import STEPS, Bar, Gap, roll_bars, roll_gaps
from frmon.storage.packing import Unpackable, pack_bars, pack_gaps, unpack_bars, unpack_gaps
from frmon.storage.schema import KIND_COIN, KIND_LEG

DAY = 1440
"""Minutes of a day."""

SPANS = {1: 60, 15: DAY, 60: 4 * DAY}
"""Step in minutes -> minutes that one pack covers; packs start at whole multiples of it."""

COARSER = dict(pairwise(STEPS))
"""Step -> the step that is made of it."""

FINER = {coarse: fine for fine, coarse in COARSER.items()}
"""Step -> the step that it is made of."""


class Kind(NamedTuple):
    """One kind of series. `table` holds its minutes, `subject` is the column with the number of the leg or coin (whose names
    are in the table of that name), `columns` are those of what `make` makes."""

    number: int
    name: str
    table: str
    subject: str
    columns: str
    make: Callable[[Iterable[Any]], Any]
    pack: Callable[[Sequence[Any]], bytes]
    unpack: Callable[[bytes], list[Any]]
    roll: Callable[[Iterable[Any], int], list[Any]]


LEGS = Kind(
    KIND_LEG, "bars", "bar", "leg",
    "start, open, high, low, close, bid, ask, mark_price, index_price, rate, updates",
    Bar._make, pack_bars, unpack_bars, roll_bars,
)  # fmt: skip
COINS = Kind(
    KIND_COIN, "spreads", "gap", "coin", "start, most, mean, last, pair, seconds",
    Gap._make, pack_gaps, unpack_gaps, roll_gaps,
)  # fmt: skip
KINDS = (LEGS, COINS)


class Pack(NamedTuple):
    """Where a pack lies, and its bytes."""

    subject: int
    start: int
    data: bytes


def span_of(start: int, step: int) -> int:
    """Where the pack begins that holds the bar of a minute."""
    return start // SPANS[step] * SPANS[step]


def spans(since: int, until: int, step: int) -> range:
    """The starts of all packs that hold anything of the minutes [since, until)."""
    return range(span_of(since, step), until, SPANS[step])


def packs(
    connection: sqlite3.Connection, kind: Kind, step: int, starts: Sequence[int], subjects: Sequence[int]
) -> Iterator[Pack]:
    """The packs of these subjects that begin at these minutes, by start."""
    query = f"""SELECT subject, start, data FROM pack WHERE kind = ? AND step = ?
        AND start IN ({_marks(starts)}) AND subject IN ({_marks(subjects)}) ORDER BY start, subject"""  # noqa: S608  marks only
    return map(Pack._make, connection.execute(query, (kind.number, step, *starts, *subjects)))


def minutes(
    connection: sqlite3.Connection, kind: Kind, starts: Sequence[int], subjects: Sequence[int]
) -> Iterator[tuple[int, Any]]:
    """(subject, bar) of the minutes that lie as rows, by start."""
    query = f"""SELECT {kind.subject}, {kind.columns} FROM {kind.table} WHERE start IN ({_marks(starts)})
        AND {kind.subject} IN ({_marks(subjects)}) ORDER BY start"""  # noqa: S608  our own names
    for subject, *values in connection.execute(query, (*starts, *subjects)):
        yield subject, kind.make(values)


def keep(connection: sqlite3.Connection, kind: Kind, step: int, pack: Pack, count: int) -> None:
    """Write a pack of so many bars over the one there may be."""
    row = (kind.number, step, pack.subject, pack.start, pack.start + SPANS[step], count, pack.data)
    connection.execute("INSERT OR REPLACE INTO pack VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def bars_of(
    connection: sqlite3.Connection, kind: Kind, step: int, pack: Pack, tell: Callable[[str], None]
) -> list[Any]:
    """What a pack holds. One that cannot be read is put aside, for good, and told of; it holds nothing then."""
    try:
        return kind.unpack(pack.data)
    except Unpackable as error:
        connection.execute(
            "UPDATE OR REPLACE pack SET kind = ? WHERE kind = ? AND step = ? AND start = ? AND subject = ?",
            (-1 - kind.number, kind.number, step, pack.start, pack.subject),
        )
        tell(f"{kind.name} of {kind.subject} {pack.subject} cannot be read ({error}): minutes {pack.start} to "
             f"{pack.start + SPANS[step]}, put aside")  # fmt: skip
        return []


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
