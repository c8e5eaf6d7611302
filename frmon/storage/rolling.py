"""What is done to a file over time, in pieces so small that a writer can stop between any two of them: minutes of full hours
become packs, packs of full spans are rolled up. A piece may be done again: everything here gives the same when it is."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from frmon.storage.bars import MINUTE_MS
from frmon.storage.series import COARSER, FINER, SPANS, Kind, Pack, bars_of, keep, minutes, packs, span_of

SUBJECTS = 5
"""Legs or coins whose hour is packed in one piece."""

LATE = 2
"""Minutes after which a minute that is over is not waited for any more."""

Tell = Callable[[str], None]


class Piece(NamedTuple):
    """What was just done: so much of so much."""

    what: str
    done: int
    of: int


def pack_hours(connection: sqlite3.Connection, kind: Kind, minute: int, tell: Tell) -> Iterator[Piece]:
    """Minutes of hours that are over become packs of an hour each, the oldest first. A minute that comes late is put into
    the pack there is, and wins over what the pack says of it."""
    over = hours_over(minute)
    while (first := one(connection, f"SELECT min(start) FROM {kind.table}")) is not None and first < over:  # noqa: S608
        yield from _pack_hour(connection, kind, span_of(first, 1), tell)


def roll_spans(connection: sqlite3.Connection, kind: Kind, step: int, minute: int, tell: Tell) -> Iterator[Piece]:
    """Packs of `step` are made of finer ones, for every span that is due and over."""
    query = "SELECT start FROM due WHERE kind = ? AND step = ? AND start <= ? ORDER BY start"
    last = hours_over(minute) - SPANS[step]
    for (start,) in connection.execute(query, (kind.number, step, last)).fetchall():
        yield from _roll_span(connection, kind, step, start, tell)


def hours_over(minute: int) -> int:
    """The end of the last hour of which nothing is waited for any more."""
    return span_of(minute - LATE, 1)


def dropped_before(connection: sqlite3.Connection, number: int, step: int) -> int:
    """Before this minute packs of this kind and step have been dropped for their age."""
    return int(one(connection, "SELECT value FROM meta WHERE key = ?", _key(number, step)) or 0)


def note_dropped(connection: sqlite3.Connection, number: int, step: int, until: int) -> None:
    """Packs up to this minute are dropped now."""
    until = max(until, dropped_before(connection, number, step))
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_key(number, step), str(until)))


def one(connection: sqlite3.Connection, query: str, *values: object) -> Any:
    """The first column of the first row, None if there is none."""
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def moment(minute: int) -> str:
    """A minute in words, UTC."""
    return datetime.fromtimestamp(minute * MINUTE_MS / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _key(number: int, step: int) -> str:
    return f"dropped.{number}.{step}"


def _pack_hour(connection: sqlite3.Connection, kind: Kind, hour: int, tell: Tell) -> Iterator[Piece]:
    """All packs of the hour first, then its minutes go. What is written meanwhile into the hour is noticed, and packed too."""
    _due(connection, kind, COARSER[1], hour)
    _watch(connection, kind, hour)
    packed = False
    while not packed:
        connection.execute("DELETE FROM late")
        yield from _pack_all(connection, kind, hour, tell)
        packed = yield from _delete_minutes(connection, kind, hour)
    connection.execute("DROP TRIGGER late")


def _watch(connection: sqlite3.Connection, kind: Kind, hour: int) -> None:
    """Minutes of this hour that are written from now on are noted in the table `late`, both of this connection only."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS late (start INTEGER PRIMARY KEY)")
    connection.execute("DROP TRIGGER IF EXISTS late")
    connection.execute(
        f"""CREATE TEMP TRIGGER late AFTER INSERT ON {kind.table} WHEN new.start BETWEEN {hour} AND {hour + 59}
        BEGIN INSERT OR REPLACE INTO late VALUES (new.start); END"""  # noqa: S608  our own name and a number
    )


def _pack_all(connection: sqlite3.Connection, kind: Kind, hour: int, tell: Tell) -> Iterator[Piece]:
    top = _top(connection, kind)
    for first in range(1, top + 1, SUBJECTS):
        subjects = range(first, first + SUBJECTS)
        found: dict[int, dict[int, Any]] = defaultdict(dict)
        for subject, bar in minutes(connection, kind, range(hour, hour + 60), subjects):
            found[subject][bar.start] = bar
        for pack in list(packs(connection, kind, 1, [hour], list(found))):
            held = {bar.start: bar for bar in bars_of(connection, kind, 1, pack, tell)}
            found[pack.subject] = held | found[pack.subject]
        for subject, by_start in found.items():
            _keep(connection, kind, 1, (subject, hour), by_start, tell)
        yield Piece(f"pack {kind.name} of {moment(hour)}", min(top, first + SUBJECTS), top)


def _delete_minutes(connection: sqlite3.Connection, kind: Kind, hour: int) -> Generator[Piece, None, bool]:
    """Returns whether all of them could go: nothing was written into the hour meanwhile."""
    for n in range(60):
        if one(connection, "SELECT 1 FROM late"):
            return False
        connection.execute(f"DELETE FROM {kind.table} WHERE start = ?", (hour + n,))  # noqa: S608  our own name
        yield Piece(f"clear {kind.name} of {moment(hour)}", n + 1, 60)
    return True


def _roll_span(connection: sqlite3.Connection, kind: Kind, step: int, start: int, tell: Tell) -> Iterator[Piece]:
    top = _top(connection, kind)
    for subject in range(1, top + 1):
        if _roll_one(connection, kind, step, (subject, start), tell) or subject % SUBJECTS == 0:
            yield Piece(f"roll {kind.name} of {moment(start)} up to {step} minutes", subject, top)
    connection.execute("DELETE FROM due WHERE kind = ? AND step = ? AND start = ?", (kind.number, step, start))
    if step in COARSER:
        _due(connection, kind, COARSER[step], start)
    yield Piece(f"roll {kind.name} of {moment(start)} up to {step} minutes", top, top)


def _roll_one(connection: sqlite3.Connection, kind: Kind, step: int, place: tuple[int, int], tell: Tell) -> bool:
    """One subject's pack. What it holds already stays where nothing finer is left, and where the finer ones were dropped
    for their age before: late minutes only fill its gaps then."""
    subject, start = place
    finer = FINER[step]
    bars: list[Any] = []
    for pack in list(packs(connection, kind, finer, range(start, start + SPANS[step], SPANS[finer]), [subject])):
        bars += bars_of(connection, kind, finer, pack, tell)
    if not bars:
        return False
    made = {bar.start: bar for bar in kind.roll(bars, step)}
    held: dict[int, Any] = {}
    for pack in list(packs(connection, kind, step, [start], [subject])):
        held = {bar.start: bar for bar in bars_of(connection, kind, step, pack, tell)}
    whole = made | held if start < dropped_before(connection, kind.number, finer) else held | made
    _keep(connection, kind, step, place, whole, tell)
    return True


def _keep(  # noqa: PLR0913, PLR0917  where, what, and who hears of it
    connection: sqlite3.Connection, kind: Kind, step: int, place: tuple[int, int], by_start: dict[int, Any], tell: Tell
) -> None:
    bars = [by_start[at] for at in sorted(by_start)]
    data = _packed(kind, bars)
    if data is None:
        sound = [bar for bar in bars if _packed(kind, [bar]) is not None]
        data = _packed(kind, sound)
        left = len(bars) - (0 if data is None else len(sound))
        tell(f"{left} {kind.name} of {kind.subject} {place[0]} at {moment(place[1])} hold impossible numbers: left out")
        bars = sound
    if data is not None and bars:
        keep(connection, kind, step, Pack(*place, data), len(bars))


def _packed(kind: Kind, bars: list[Any]) -> bytes | None:
    try:
        return kind.pack(bars)
    except (ValueError, OverflowError):
        return None


def _due(connection: sqlite3.Connection, kind: Kind, step: int, start: int) -> None:
    connection.execute("INSERT OR IGNORE INTO due VALUES (?, ?, ?)", (kind.number, step, span_of(start, step)))


def _top(connection: sqlite3.Connection, kind: Kind) -> int:
    """The highest number of a leg or coin."""
    return int(one(connection, f"SELECT max(id) FROM {kind.subject}") or 0)  # noqa: S608  our own name
