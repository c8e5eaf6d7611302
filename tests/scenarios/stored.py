"""What scenarios about storage share: the file as SQLite alone shows it, beside what the simulated venues know."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from frmon.feeds.sim.instrument import Instrument
from tests.scenarios.stand import Stand


def rows(path: Path, query: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute(query, values).fetchall()


def last_bars(path: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every leg's last minute, by venue, market and symbol."""
    with closing(sqlite3.connect(path)) as file:
        file.row_factory = sqlite3.Row
        found = file.execute("SELECT * FROM bar JOIN leg ON leg.id = bar.leg ORDER BY start").fetchall()
    return {(row["venue"], row["market"], row["symbol"]): dict(row) for row in found}


def truly(price: float, i: Instrument) -> float:
    """Per coin, as decimal text has it."""
    return float(f"{price / i.multiplier:.15g}")


def instruments(s: Stand) -> Iterator[Instrument]:
    for venue in s.engine.fleets:
        for market in ("spot", "perp"):
            yield from s.traded(venue, market)


async def at_rest(s: Stand) -> None:
    """The market stands still, and the board was looked at since."""
    s.sim.quiet = True
    await s.within(20, lambda: not any(map(s.different, s.engine.fleets)))
    await asyncio.sleep(1.6)
