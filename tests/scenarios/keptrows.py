"""What a program in another process wrote into its database, as SQLite alone shows it, while that runs and afterwards."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

EVERY_S = 0.5
LIVELY = {
    "FRMON_SIGNALS_THRESHOLD_PCT": "0.000001",
    "FRMON_SIGNALS_SAMPLES": "1",
    "FRMON_SIGNALS_SAMPLE_EVERY_S": str(EVERY_S),
    "FRMON_SIGNALS_COOLDOWN_S": str(EVERY_S / 2),
}
"""With these the program signals at every sample, so that a row that is not there is seen."""


class Fired(NamedTuple):
    """What one signal is known by."""

    at_ms: int
    kind: str
    coin: str
    short: str
    long: str


def store_of(home: Path) -> Path:
    """The file of a program whose places are below `home`."""
    return home / "data" / "frmon" / "frmon.db"


@contextmanager
def opened(store: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store, timeout=30, isolation_level=None)) as file:
        yield file


def moments(store: Path) -> list[float]:
    """When it signalled, in seconds of the wall clock, each moment once; none while there is no file."""
    if not store.exists():
        return []
    with opened(store) as file:
        try:
            found = file.execute("SELECT DISTINCT at_ms FROM signal ORDER BY at_ms").fetchall()
        except sqlite3.OperationalError:
            return []  # it has no tables yet
    return [at_ms / 1000 for (at_ms,) in found]


def hole_s(store: Path, since: float, until: float) -> float:
    """The longest time without a row in a span of the wall clock."""
    times = [since, *(at for at in moments(store) if since <= at <= until), until]
    return max(b - a for a, b in pairwise(times))


def fired(file: Path) -> list[Fired]:
    """Every signal that `tests.scenarios.telling` wrote down, in order."""
    return [msgspec.json.decode(line, type=Fired) for line in file.read_bytes().splitlines()] if file.exists() else []


def missing(file: Path, store: Path, until: float) -> list[Fired]:
    """Of those that fired until then (seconds of the wall clock), the ones that the database does not have."""
    with opened(store) as opened_:
        held = set(map(Fired._make, opened_.execute("SELECT at_ms, kind, coin, short, long FROM signal")))
    due = [one for one in fired(file) if one.at_ms <= until * 1000]
    assert due, "nothing was due"
    return [one for one in due if one not in held]


def is_sound(store: Path) -> bool:
    with opened(store) as file:
        return [*file.execute("PRAGMA integrity_check")] == [("ok",)]
