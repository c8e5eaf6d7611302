"""A file with upkeep at work, without a journal: writes and steps are called by the tests."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from frmon.clock import ManualClock
from frmon.config import StorageSettings
from frmon.storage.bars import Bar, Gap
from frmon.storage.file import File
from frmon.storage.series import COINS, LEGS, Kind
from frmon.storage.upkeep import STEP_S, Upkeep

T0 = 29_376_000  # a day and a span of four days begin here: 2025-11-08
FOREVER = StorageSettings(minutes_days=36_500, quarters_days=36_500, hours_days=36_500)


class Hasty(ManualClock):
    """Every reading comes a step later than the one before, so that every piece is a step of its own."""

    def mono(self) -> float:
        self._mono += STEP_S
        return self._mono


class Tended:
    """One file, its upkeep and its clock."""

    def __init__(self, path: Path, kept: StorageSettings = FOREVER, minute: int = T0, *, hasty: bool = True) -> None:
        self.path = path
        self.clock = (Hasty if hasty else ManualClock)(minute * 60_000)
        self.told: list[str] = []
        self.upkeep = Upkeep(kept, self.clock, self.told.append)
        self._kept = kept
        self.open()

    def open(self) -> None:
        """Begin anew with what lies in the file."""
        self.file = File(self.path, self.clock.now_ms, lambda: False, simulated=True)
        self.connection = self.file.open()
        self.connection.execute("PRAGMA synchronous = OFF")
        self.upkeep = Upkeep(self._kept, self.clock, self.told.append)

    def close(self) -> None:
        self.connection.close()
        self.file.release()

    def at(self, minute: int) -> None:
        """Set the wall clock."""
        self.clock.step_wall(minute * 60 - self.clock.now_ms() / 1000)

    def name(self, count: int) -> None:
        """So many legs and coins get numbers, from 1."""
        legs = [("v", "perp", f"L{n}", f"L{n}", 1) for n in range(count)]
        sql = "INSERT OR IGNORE INTO leg (venue, market, symbol, coin, multiplier) VALUES (?, ?, ?, ?, ?)"
        self.connection.executemany(sql, legs)
        self.connection.executemany("INSERT OR IGNORE INTO coin (name) VALUES (?)", [(f"L{n}",) for n in range(count)])

    def write(self, kind: Kind, rows: Iterable[tuple[int, Bar | Gap]]) -> None:
        marks = ", ".join("?" * (kind.columns.count(",") + 2))
        sql = f"INSERT OR REPLACE INTO {kind.table} ({kind.subject}, {kind.columns}) VALUES ({marks})"
        self.connection.executemany(sql, [(subject, *bar) for subject, bar in rows])

    def tend(self) -> int:
        """Do all there is to do now. Returns in how many steps."""
        for steps in count(1):
            if not self.upkeep.do(self.connection):
                return steps
        raise AssertionError

    def held(self, kind: Kind, step: int) -> dict[tuple[int, int], Any]:
        """(subject, start) -> bar of all packs, with what is not packed yet."""
        found: dict[tuple[int, int], Any] = {}
        query = "SELECT subject, start, until, bars, data FROM pack WHERE kind = ? AND step = ?"
        for subject, start, until, bars, data in self.connection.execute(query, (kind.number, step)):
            inside = kind.unpack(data)
            assert len(inside) == bars
            assert all(start <= bar.start < until for bar in inside)
            found |= {(subject, bar.start): bar for bar in inside}
        if step == 1:
            for subject, *bar in self.connection.execute(f"SELECT {kind.subject}, {kind.columns} FROM {kind.table}"):
                found[subject, bar[0]] = kind.make(bar)
        return found

    def number(self, query: str) -> int:
        return int(self.connection.execute(query).fetchone()[0])


def bar(start: int, price: float = 2.125, updates: int = 3) -> Bar:
    """Bids with three decimals: everything in eighths is packed exactly."""
    return Bar(start, price, price + 1, price - 1, price + 0.5, 1.125, 9.875, price + 2, None, 0.0001, updates)


def gap(start: int, percent: float = 0.5) -> Gap:
    return Gap(start, percent + 1, percent + 0.5, percent, 7, 60)


__all__ = ["COINS", "FOREVER", "LEGS", "T0", "Hasty", "Tended", "bar", "gap"]
