"""What lies in storage, for clients: read on a thread of its own, one question at a time, from the engine's own file and no
other."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from frmon.api.shapes import iso_ms, point
from frmon.errors import FrmonError
from frmon.storage.bars import MINUTE_MS
from frmon.storage.history import FOREVER_MS, History, Unknown
from frmon.storage.stats import Part, Stats

HOUR_MS = 3_600_000
MEMORY_H = 1.0
MOST_ROWS = 1_000
INTERVALS = {"1min": 1, "3min": 3, "5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1_440}

T = TypeVar("T")
Json = dict[str, Any]
MARKETS = {"spot": "spot", "perp": "futures"}


class Past:
    """Reads one file; None: nothing is kept. Every method raises `FrmonError` when it cannot be read."""

    def __init__(self, path: Path | None) -> None:
        self._history = None if path is None else History(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="past")

    async def close(self) -> None:
        """Let go of the file."""
        history = self._history
        if history is not None:
            with suppress(FrmonError, sqlite3.Error):
                await asyncio.get_running_loop().run_in_executor(self._thread, history.close)
        self._thread.shutdown(wait=False)

    async def points(self, coin: str, hours: float, until_ms: int, step: int = 1) -> dict[str, list[Json]]:
        """Venue -> points of a coin, oldest first; {} where nothing is kept of it."""

        def read(history: History) -> dict[str, list[Json]]:
            try:
                bars = history.bars(coin, until_ms - round(hours * HOUR_MS), until_ms, step)
            except Unknown:
                return {}
            found: dict[str, dict[int, dict[str, float | None]]] = defaultdict(lambda: defaultdict(dict))
            for series in bars:
                market = MARKETS.get(series.leg.market, series.leg.market)
                for bar in series.bars:
                    values = found[series.leg.venue][bar.start]
                    values.setdefault(market, bar.close)
                    if market == "futures":
                        values.setdefault("rate", bar.rate)
            return {
                venue: [point(moments[start], iso_ms(start * MINUTE_MS) or "") for start in sorted(moments)]
                for venue, moments in found.items()
            }

        return await self._ask(read, {})

    async def stats(self) -> Json | None:
        """Size and ranges of the file, in the shape of the API; None when nothing is kept."""

        def read(history: History) -> Json:
            counts = [{"symbol": coin, "exchange": venue, "count": n} for coin, venue, n in history.minutes()]
            return _stats(history.stats(), counts)

        return await self._ask(read, None)

    async def _ask(self, question: Callable[[History], T], without: T) -> T:
        history = self._history
        if history is None:
            return without
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, history)


def newest_rows(points: dict[str, list[Json]], venue: str | None) -> list[Json]:
    """Points of some venues as rows, newest first."""
    names = [venue] if venue is not None else sorted(points)
    rows = [{"exchange": name, **one} for name in names for one in points.get(name, [])]
    rows.sort(key=lambda row: row["timestamp"], reverse=True)
    return rows[:MOST_ROWS]


def _stats(found: Stats, counts: list[Json]) -> Json:
    raw = [p for p in found.parts if " of 1 min" in p.kind]
    rolled = [p for p in found.parts if " min, packs" in p.kind and p not in raw]
    return {
        "database_size_mb": round((found.size_bytes + found.log_bytes) / 1e6, 3),
        "raw_records": sum(p.rows for p in raw),
        "aggregated_records": sum(p.rows for p in rolled),
        "raw_data_range": _range(raw),
        "aggregated_data_range": _range(rolled),
        "recent_data_by_symbol_exchange": counts,
        "coins": found.coins,
        "legs": found.legs,
        "parts": [
            {"kind": p.kind, "rows": p.rows, "first": iso_ms(p.first_ms), "last": iso_ms(p.last_ms)}
            for p in found.parts
        ],
    }


def _range(parts: Sequence[Part]) -> Json:
    first = min((p.first_ms for p in parts if p.first_ms is not None), default=None)
    last = max((p.last_ms for p in parts if p.last_ms is not None), default=None)
    return {"earliest": iso_ms(first), "latest": iso_ms(None if last is None else min(last, FOREVER_MS))}
