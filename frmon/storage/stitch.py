"""One series out of what lies in several places: minutes as rows, packs of minutes, of quarters of an hour and of hours.

What is asked for is taken from the coarsest bars that are fine enough; where there are none yet, finer ones are rolled up;
where those are gone, coarser ones stand for themselves. Where nothing was seen, there is no bar.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import lt
from typing import Any, NamedTuple

from frmon.errors import FrmonError
from frmon.storage.bars import STEPS, Started
from frmon.storage.packing import Unpackable
from frmon.storage.rolling import dropped_before
from frmon.storage.series import DAY, SPANS, Kind, Pack, minutes, packs, span_of

HOUR = 60
MOST_STARTS = 5_000
"""Starts in one statement."""

FINEST_FOR = ((26 * HOUR, 1), (31 * DAY, 15))
"""Length of a span in minutes -> the step of what is shown of it; an hour beyond these."""


class Window(NamedTuple):
    """The minutes [since, until), and the minutes of one bar."""

    since: int
    until: int
    step: int

    def hours(self) -> range:
        """The hours of which it holds a part, as hours since 1970."""
        return range(self.since // HOUR, -(-self.until // HOUR))


class Piece(NamedTuple):
    """A bar and the minutes it covers."""

    bar: Any
    step: int


def step_for(minutes_long: int) -> int:
    """Minutes of one bar that suit a span of so many minutes."""
    return next((step for length, step in FINEST_FOR if minutes_long <= length), STEPS[-1])


def check_step(step: int) -> None:
    """Raises `FrmonError` for a step that bars cannot be made of."""
    if step < 1 or any(step % kept and kept % step for kept in STEPS):
        raise FrmonError(f"no bars of {step} minutes: 1, 3, 5, 15, 30, 60 or a multiple of 60")


def whole_window(since_ms: int, until_ms: int, step: int) -> Window:
    """The window of whole bars that holds a span in Unix milliseconds."""
    span = step * 60_000
    return Window(since_ms // span * step, -(-until_ms // span) * step, step)


def kept(connection: sqlite3.Connection, kind: Kind) -> tuple[int, int] | None:
    """The first minute that anything is kept of, and the one after the last; None when nothing is."""
    found = []
    for step in STEPS:
        query = (
            "SELECT min(start) FROM pack WHERE kind = ? AND step = ?"  # with max beside it SQLite would read all packs
        )
        (first,) = connection.execute(query, (kind.number, step)).fetchone()
        if first is not None:
            last = connection.execute(
                "SELECT until FROM pack WHERE kind = ? AND step = ? ORDER BY start DESC LIMIT 1", (kind.number, step)
            ).fetchone()[0]
            found.append((first, last))
    first, last = _first_and_last(connection, kind)
    if first is not None:
        found.append((first, last + 1))
    return (min(a for a, _ in found), max(b for _, b in found)) if found else None


def stitched(
    connection: sqlite3.Connection, kind: Kind, subjects: Sequence[int], window: Window
) -> tuple[dict[int, list[Piece]], int]:
    """The pieces of each subject in the order of time, those without any left out, and how many packs could not be read.
    What may be less than there was comes last. Within the caller's transaction."""
    bounds = kept(connection, kind)
    if not subjects or bounds is None:
        return {}, 0
    clipped = Window(max(window.since, bounds[0]), min(window.until, bounds[1]), window.step)
    stitch = _Stitch(connection, kind, subjects, clipped)
    for step in _order(window.step):
        stitch.take(step)
    if stitch.is_behind:
        stitch.trust()
        for step in _order(window.step):
            stitch.take(step)
    pieces = {subject: _rolled(kind, found, window) for subject, found in stitch.found.items()}
    return {subject: some for subject, some in pieces.items() if some}, stitch.unread


def unbroken(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Runs of bars between which no time is missing."""
    runs: list[list[Piece]] = []
    for piece in pieces:
        if runs and (last := runs[-1][-1]).bar.start + last.step == piece.bar.start:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


class _Doubt(NamedTuple):
    """Which bars of a step may be less than what there was: those before a minute, of which only late ones are left since the
    others were dropped for their age, and packs that are still to be made again."""

    dropped: int
    due: set[int]


class _Stitch:
    """What was found so far: of each subject the bars by step, and the hours that are known."""

    def __init__(self, connection: sqlite3.Connection, kind: Kind, subjects: Sequence[int], window: Window) -> None:
        self.found: dict[int, dict[int, list[Any]]] = {subject: {} for subject in subjects}
        self.unread = 0
        self.is_behind = False  # packs were passed over
        self._connection, self._kind, self._subjects, self._window = connection, kind, subjects, window
        self._missing = {subject: set(window.hours()) for subject in subjects}
        self._starts = list(self._row_starts())
        self._doubtful = self._doubts()

    def trust(self) -> None:
        """From now on take what may be less than there was, too."""
        self._doubtful = {}

    def take(self, step: int) -> None:
        """What lies in bars of this step of the hours that are still missing."""
        missing = set().union(*self._missing.values())
        if not missing:
            return
        known: dict[int, set[int]] = {subject: set() for subject in self._subjects}
        starts = sorted({span_of(hour * HOUR, step) for hour in missing})
        for some in _chunks(starts):
            for pack in packs(self._connection, self._kind, step, some, self._subjects):
                self._unpack(pack, step, known[pack.subject])
        if step == 1:
            self._rows(missing, known)
        for subject, hours in known.items():
            self._missing[subject] -= hours

    def _unpack(self, pack: Pack, step: int, known: set[int]) -> None:
        """The bars of a pack that lie in missing hours. One that cannot be read makes nothing known."""
        hours = range(pack.start // HOUR, (pack.start + SPANS[step]) // HOUR)
        missing = self._missing[pack.subject]
        wanted = missing.intersection(hours)
        if not wanted:
            return
        if self._is_doubtful(pack.start, step):
            self.is_behind = True
            return
        try:
            bars = self._kind.unpack(pack.data)
        except Unpackable:
            self.unread += 1
            return
        known |= wanted
        if len(wanted) < len(hours):
            bars = [bar for bar in bars if bar.start // HOUR in wanted]
        self.found[pack.subject].setdefault(step, []).extend(bars)

    def _rows(self, missing: set[int], known: dict[int, set[int]]) -> None:
        """Minutes that are not packed yet; one that lies in a pack as well was told again since."""
        later: dict[int, dict[int, Any]] = {}
        starts = [start for start in self._starts if start // HOUR in missing]
        sure = [start for start in starts if not self._is_doubtful(start, 1)]
        self.is_behind |= len(sure) < len(starts)
        for some in _chunks(sure):
            for subject, bar in minutes(self._connection, self._kind, some, self._subjects):
                if bar.start // HOUR in self._missing[subject]:
                    later.setdefault(subject, {})[bar.start] = bar
                    known[subject].add(bar.start // HOUR)
        for subject, bars in later.items():
            by_start = {bar.start: bar for bar in self.found[subject].get(1, ())} | bars
            self.found[subject][1] = [by_start[start] for start in sorted(by_start)]

    def _is_doubtful(self, start: int, step: int) -> bool:
        doubt = self._doubtful.get(step)
        return doubt is not None and (start < doubt.dropped or start in doubt.due)

    def _doubts(self) -> dict[int, _Doubt]:
        """What is new in finer bars is not in the coarser ones yet."""
        found: dict[int, _Doubt] = {}
        new: set[int] = set(self._starts)
        for step in STEPS:
            query = "SELECT start FROM due WHERE kind = ? AND step = ?"
            due = {start for (start,) in self._connection.execute(query, (self._kind.number, step))}
            if step > 1:
                due |= {span_of(start, step) for start in new}
            found[step] = _Doubt(dropped_before(self._connection, self._kind.number, step), due)
            new |= due
        return found

    def _row_starts(self) -> Iterator[int]:
        """The minutes of which there are rows, each found from the one before."""
        table, window = self._kind.table, self._window
        query = f"""WITH RECURSIVE at(start) AS (SELECT min(start) FROM {table} WHERE start >= ?1 AND start < ?2 UNION ALL
            SELECT (SELECT min(start) FROM {table} WHERE start > at.start AND start < ?2) FROM at WHERE at.start NOT NULL)
            SELECT start FROM at WHERE start NOT NULL"""  # noqa: S608  our own names
        hours = window.hours()
        for (start,) in self._connection.execute(query, (hours.start * HOUR, hours.stop * HOUR)):
            yield start


def _order(step: int) -> list[int]:
    """In which order bars are looked for: the coarsest that are fine enough, ever finer ones, then coarser ones."""
    fine = [kept_step for kept_step in STEPS if step % kept_step == 0]
    return [*reversed(fine), *(kept_step for kept_step in STEPS if kept_step not in fine)]


def _rolled(kind: Kind, found: dict[int, list[Any]], window: Window) -> list[Piece]:
    """Everything of one subject in the order of time: what is finer rolled up, what is coarser as it is. Each hour comes from
    bars of one step, so that those of the step that is asked for need nothing added."""
    since, until, step = window
    fine = [bar for own, bars in found.items() if step % own == 0 and own < step for bar in bars]
    fine.sort(key=_start)
    rolled = kind.roll((bar for bar in fine if since <= bar.start < until), step) if fine else []
    pieces = [Piece(bar, step) for bars in (found.get(step, ()), rolled) for bar in bars if since <= bar.start < until]
    for own, bars in found.items():
        if step % own:
            pieces += [Piece(bar, own) for bar in bars if bar.start + own > since and bar.start < until]
    starts = [piece.bar.start for piece in pieces]
    return pieces if all(map(lt, starts, starts[1:])) else sorted(pieces, key=_start_of_piece)


def _start(bar: Started) -> int:
    return bar.start


def _start_of_piece(piece: Piece) -> int:
    return _start(piece.bar)


def _first_and_last(connection: sqlite3.Connection, kind: Kind) -> tuple[int | None, int]:
    first, last = (connection.execute(f"SELECT {end}(start) FROM {kind.table}").fetchone()[0] for end in ("min", "max"))  # noqa: S608  our own names
    return first, last or 0


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(values), MOST_STARTS):
        yield values[at : at + MOST_STARTS]
