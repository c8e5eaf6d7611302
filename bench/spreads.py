"""What spreads cost: frmon's own beat over the rows that changed, four times a second, against every pair of the coin anew
at every tick, in one process and one run."""

import asyncio
import statistics
import time
from itertools import combinations
from random import Random
from typing import Any

from bench.report import Claim
from frmon import spread
from frmon.board import Board, Row
from frmon.clock import ManualClock
from frmon.events import EventLog
from frmon.model import Carrier, Leg, Market, Tick
from frmon.pulse import SPREADS_S, Pulse
from frmon.spread import Terms
from frmon.vigil import Vigil

COINS = 1_500
VENUES = ("alpha", "beta", "gamma", "delta")  # spot and perpetual each: eight legs
RATES = (10_000, 50_000)  # ticks per second
SECONDS = 3
SAMPLED = 5_000  # ticks of which the dear way is measured


class Floor:
    """A board of 1,500 coins with eight legs each, all quoted; few of them are busy."""

    def __init__(self) -> None:
        self.random = Random(5)
        self.clock = ManualClock()
        self.board = Board()
        self.terms = Terms(fees={(v, m): 0.0005 for v in VENUES for m in Market})
        self.lines = {(v, m): Carrier(v, m, "ticker", pushes_changes=True) for v in VENUES for m in Market}
        for line in self.lines.values():
            line.live = True
        for n in range(COINS):
            for venue, market in self.lines:
                self.board.seat(Leg(venue=venue, market=market, symbol=f"C{n}USDT", coin=f"C{n}"))
        self.rows = list(self.board.rows.values())
        self.quote_all()

    def quote_all(self) -> None:
        """Every leg says something, so that all are fresh."""
        for row in self.rows:
            for cell in row.cells:
                self._quote(row, cell.key.venue, cell.key.market)

    def tick(self) -> Row:
        """One leg of one coin changes; the coin."""
        row = self.rows[int(COINS * self.random.random() ** 2.2)]
        self._quote(row, *self.random.choice(list(self.lines)))
        return row

    def _quote(self, row: Row, venue: str, market: Market) -> None:
        price = 100 * self.random.uniform(0.999, 1.001)
        now, now_ms = self.clock.mono(), self.clock.now_ms()
        tick = Tick(symbol=f"{row.coin}USDT", bid=price, ask=price * 1.0001, event_ms=now_ms)
        self.board.take(self.lines[venue, market], [tick], now, now_ms)


def measure(runs: int) -> dict[str, Any]:
    """Medians of several runs."""
    found = [asyncio.run(_measure()) for _ in range(runs)]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


async def _measure() -> dict[str, float]:
    floor = Floor()
    row_us = _per_row(floor)
    figures = {"row_us": row_us}
    for rate in RATES:
        beat = await _beats(floor, rate)
        each = _per_tick(floor, lambda row: spread.best(row, floor.terms, floor.clock.mono(), 0))
        dear = _per_tick(floor, lambda row: every_pair(floor, row))
        figures |= {
            f"beat_pct_{rate}": beat * 100,
            f"tick_pct_{rate}": each * rate * 100,
            f"pairs_pct_{rate}": dear * rate * 100,
        }
    return figures


def _per_row(floor: Floor) -> float:
    """CPU microseconds for the best pair of one coin: the least of several passes over all."""
    now, now_ms = floor.clock.mono(), floor.clock.now_ms()
    passes = []
    for _ in range(7):
        before = time.process_time()
        for row in floor.rows:
            row.spread = spread.best(row, floor.terms, now, now_ms)
        passes.append(time.process_time() - before)
    return min(passes) / COINS * 1e6


async def _beats(floor: Floor, rate: int) -> float:
    """CPU seconds per second of the engine's own job at this rate; ticks themselves are not counted."""
    clock = Vigil(floor.clock, floor.terms.freshness.max_age_s)
    pulse = Pulse(floor.board, {}, floor.terms, clock, EventLog(clock), 1.0)
    job = asyncio.ensure_future(pulse.jobs()["spreads"]())
    await asyncio.sleep(0)
    spent = 0.0
    for _ in range(round(SECONDS / SPREADS_S)):
        for _ in range(round(rate * SPREADS_S)):
            floor.tick()
        before = time.process_time()
        floor.clock.advance(SPREADS_S)
        for _ in range(3):
            await asyncio.sleep(0)
        spent += time.process_time() - before
        assert all(row.spread is not None for row in floor.rows)
    job.cancel()
    await asyncio.wait([job])
    floor.quote_all()
    return spent / SECONDS


def _per_tick(floor: Floor, look: Any) -> float:
    """CPU seconds for looking anew at the coin of every tick; ticks themselves are not counted."""
    rows = [floor.tick() for _ in range(SAMPLED)]
    before = time.process_time()
    for row in rows:
        look(row)
    return (time.process_time() - before) / SAMPLED


def every_pair(floor: Floor, row: Row) -> float:
    """What one writes first: both directions of every pair of legs, the highest gross spread."""
    best = float("-inf")
    now = floor.clock.mono()
    cells = [c for c in row.cells if c.bid and c.ask and c.is_fresh(now, floor.terms.freshness)]
    for one, other in combinations(cells, 2):
        for buy, sell in ((one, other), (other, one)):
            best = max(best, spread.gross_pct(buy.ask or 0.0, sell.bid or 0.0))
    return best


def claims(found: dict[str, Any]) -> list[Claim]:
    """What the figures say."""
    rows = [Claim(f"best pair of a coin with {2 * len(VENUES)} legs", f"{found['row_us']:.2f} µs")]
    for rate in RATES:
        beat, each, dear = (found[f"{name}_pct_{rate}"] for name in ("beat", "tick", "pairs"))
        rows += [
            Claim(f"{COINS:,} coins, {rate:,} ticks/s, changed rows at 4 Hz", f"{beat:.2f} % of a core"),
            Claim(f"  of the best pair at every tick ({each:.1f} %)", f"{beat / each:.3f}"),
            Claim(f"  of every pair at every tick ({dear:.0f} %)", f"{beat / dear:.3f}"),
        ]
    return rows
