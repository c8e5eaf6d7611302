"""How the program is: `/api/system/status`, `/healthz`, `/readyz`."""

import os
from collections import Counter
from math import isfinite
from typing import Any

import psutil

from frmon import __version__
from frmon.api.collector import Collector
from frmon.api.shapes import iso_ms, quality
from frmon.engine import Engine
from frmon.feeds.sweep import SWEEP_S
from frmon.model import Market, Status, VenueState
from frmon.signals.series import POINTS, SPANS_S

MARKETS = {Market.SPOT: "spot", Market.PERP: "futures"}
WORDS = ((Market.SPOT, "spot"), (Market.PERP, "futures"), (Market.PERP, "linear"))
"""Markets as the seed's names of connections have them, which says futures of one venue and linear of another."""

SPEAKING = frozenset({Status.LIVE, Status.LAG, Status.PARTIAL})
READY = 0.5
"""The least fraction of legs that are fresh when data counts as fresh."""

Json = dict[str, Any]


class Health:
    """Looks at the program itself."""

    def __init__(self, collector: Collector) -> None:
        self._from = collector
        self._process = psutil.Process(os.getpid())
        self._process.cpu_percent(None)  # what is read next counts from here

    def alive(self) -> tuple[bool, Json]:
        """Whether the engine answers."""
        since = self._from.stuck_since
        if since is None:
            return True, {"status": "ok"}
        seconds = self._from.engine.clock.mono() - since
        return False, {"status": "stuck", "detail": f"the feeds have not answered for {seconds:.0f} s"}

    def ready(self) -> tuple[bool, Json]:
        """Whether what is shown is fresh: some venue is live and at least half of all legs are."""
        states = self._from.engine.states()
        legs, fresh = sum(s.legs for s in states), sum(s.fresh_legs for s in states)
        live = [s.name for s in states if s.status in SPEAKING]
        alive, _ = self.alive()
        found = {"venues_live": live, "legs": legs, "fresh_legs": fresh}
        is_ready = alive and bool(live) and bool(legs) and fresh >= READY * legs
        return is_ready, {"status": "ready" if is_ready else "not ready", **found}

    async def status(self) -> Json:
        """All there is to say."""
        collector = self._from
        engine = collector.engine
        spent = await collector.ask(lambda: {name: fleet.spent() for name, fleet in engine.fleets.items()})
        return {
            "system": self.system(),
            "data": self._data(),
            "connections": _connections(engine),
            "rest": _rest(engine, spent),
            "updates": {s.name: s.messages_per_s for s in engine.states()},
            "errors": _errors(engine),
            "storage": collector.storage(),
            "notices": list(engine.notices),
            "simulated": bool(engine.simulated),
            "version": __version__,
            "timestamp": collector.timestamp(),
        }

    def system(self) -> Json:
        """What the process uses. `cpu_percent`: of one core."""
        return self._from.kept("system", 1.0, self._system)

    def _system(self) -> Json:
        process, collector = self._process, self._from
        lags = list(collector.lags)
        with process.oneshot():
            return {
                "memory_usage_mb": round(process.memory_info().rss / 1e6, 1),
                "cpu_percent": process.cpu_percent(None),
                "threads_count": process.num_threads(),
                "connections_count": len(process.net_connections("inet")),
                "uptime_s": round(collector.engine.clock.mono() - collector.started_at, 1),
                "loop_lag_ms": round(lags[-1] * 1000, 1) if lags else None,
                "loop_lag_worst_ms": round(max(lags) * 1000, 1) if lags else None,
                "streams": collector.streams,
                "requests": collector.answers,
            }

    def _data(self) -> Json:
        engine, rows = self._from.engine, list(self._from.engine.board.rows.values())
        now, freshness = engine.clock.mono(), engine.terms.freshness
        found = self._from.kept("quality", 1.0, lambda: quality(rows, self._from.venues, now, freshness))
        return {
            "total_symbols": len(rows),
            "active_memory_symbols": sum(any(c.is_fresh(now, freshness) for c in row.cells) for row in rows),
            "memory_records_per_symbol": dict(engine.history.counts()),
            "max_records_per_exchange": POINTS * len(SPANS_S),
            **found,
        }


def _connections(engine: Engine) -> Json:
    """`connected`: a line is live and something that came on it is fresh."""
    states = engine.states()
    now, freshness = engine.clock.mono(), engine.terms.freshness
    fresh = Counter((c.key.venue, c.key.market) for c in engine.board.cells() if c.is_fresh(now, freshness))
    status: dict[str, str] = {}
    for state in states:
        has_line = any(line.status in SPEAKING for line in state.lines)
        said = {state.name: any(fresh[state.name, m] for m in Market)}
        said |= {f"{state.name}_{word}": bool(fresh[state.name, m]) for m, word in WORDS}
        status |= {name: "connected" if has_line and on else "disconnected" for name, on in said.items()}
    return {
        "websocket_status": status,
        "reconnect_attempts": {s.name: s.reconnects for s in states},
        "venues": {s.name: _venue(s) for s in states},
    }


def _venue(state: VenueState) -> Json:
    lines = Counter(line.status.value for line in state.lines)
    return {
        "status": state.status.value,
        "detail": state.detail,
        "legs": state.legs,
        "fresh_legs": state.fresh_legs,
        "lag_ms": None if state.lag_ms is None else round(state.lag_ms, 1),
        "lines": dict(lines),
    }


def _rest(engine: Engine, spent: dict[str, dict[str, tuple[int, int]]]) -> Json:
    """`update_interval`: seconds in which every market is asked as a whole; `last_sync`: when REST answered last, by venue;
    `age_s`: the same as an age, by venue and market."""
    now, now_ms = engine.clock.mono(), engine.clock.now_ms()
    ages = {
        name: {MARKETS[Market(m)]: round(now - at, 1) for m, at in fleet.rest_at.items() if isfinite(at)}
        for name, fleet in dict(engine.fleets).items()
    }
    return {
        "enabled": True,
        "update_interval": SWEEP_S * engine.settings.feeds.time_scale,
        "last_sync": {n: iso_ms(now_ms - round(min(a.values()) * 1000)) if a else None for n, a in ages.items()},
        "age_s": ages,
        "limits": {n: {r: {"used": u, "limit": most} for r, (u, most) in rules.items()} for n, rules in spent.items()},
    }


def _errors(engine: Engine) -> Json:
    states = engine.states()
    return {
        "dropped_deltas": engine.board.dropped_deltas,
        "outdated_frames": sum(line.outdated for s in states for line in s.lines),
        "dropped_records": engine.storage.dropped,
        "quarantined_legs": len(engine.verdicts),
        "lines_down": [line.name for s in states for line in s.lines if line.status not in SPEAKING],
    }
