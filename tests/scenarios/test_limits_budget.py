"""What is spent of the venues' limits: at a cold start, over restarts, in the long run (S23, S24)."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from frmon.budgets import Budgets
from frmon.clock import ManualClock
from frmon.feeds.contract import Request, Venue
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.sweep import SWEEP_S
from frmon.feeds.venues import all_venues
from frmon.model import Status
from tests.leaping import clock_here
from tests.scenarios.stand import settings_of, stand

STEADY, FALLBACK = 0.6, 0.25


def per_second(venue: Venue, silent: bool) -> Counter[str]:
    """Units of every rule that the jobs of one venue use in a second on the average; `silent`: no stream speaks."""
    used: Counter[str] = Counter()

    def spend(request: Request, every_s: float) -> None:
        for rule, units in request.costs:
            used[rule] += units / every_s  # type: ignore[assignment]

    for directory in venue.directories:
        spend(directory.request, directory.every_s)
    for server_time in venue.server_times:
        spend(server_time.request, 300.0)
    for snapshot in venue.snapshots:
        covers = silent and snapshot.cover_s is not None
        paces = [snapshot.every_s, snapshot.cover_s if covers else None, SWEEP_S if "quote" in snapshot.parts else None]
        spend(snapshot.request, min(pace for pace in paces if pace is not None) if any(paces) else float("inf"))
    return used


@pytest.mark.parametrize("venue", all_venues(), ids=lambda v: v.name)
def test_jobs_use_little_of_every_limit_in_the_long_run_and_less_than_a_quarter_without_streams(venue: Venue) -> None:
    for silent, most in ((False, STEADY), (True, FALLBACK)):
        for rule in venue.rules:
            share = per_second(venue, silent)[rule.name] * rule.window_s / rule.limit
            assert share <= most, f"{venue.name} {rule.name}: {share:.0%}"


async def test_s23_a_cold_start_with_a_thousand_coins_breaks_no_limit_and_shows_rows_at_once() -> None:
    """Timers at their true pace; the venues share the interpreter with the program, so that seconds are those of two."""
    async with stand(scale=1.0, coins=1_100, rate=0.02, up=False) as s:
        await s.within(3, lambda: sum(st.fresh_legs for st in s.engine.states()) > 0, "no first rows")

        def share() -> float:
            legs = sum(st.legs for st in s.engine.states())
            return sum(st.fresh_legs for st in s.engine.states()) / legs if legs > 3_000 else 0.0

        await s.within(20, lambda: share() >= 0.95, "not 95 %")
        await s.within(40, lambda: share() >= 0.999, "not all")
        assert len(s.engine.board.rows) >= 1_000
        await s.within(
            60, lambda: all(ln.status in {Status.LIVE, Status.LAG} for st in s.engine.states() for ln in st.lines)
        )
        assert len([ln for st in s.engine.states() for ln in st.lines]) > 15


async def test_s23_lines_on_demand_that_begin_take_nothing_from_a_venue_that_is_live_by_rest() -> None:
    """Before anything is demanded, all is stated by REST. The first lines stay without an answer to their handshakes."""
    sim = Sim(SimOptions(seed=7, coins=20, rate=0.3, venues=("bitget", "bybit")), clock_here())
    sim.fault(Fault(kind="hang", venue="bitget", for_s=600))
    async with stand("bitget", "bybit", sim=sim) as s:
        await s.within(60, lambda: s.state("bitget").lines, "nothing was ever demanded")
        await s.within(5, lambda: "CONNECTING: dialling" in s.state("bitget").detail)
        await s.lasts(3, lambda: s.state("bitget").status is Status.LIVE)
        seen = [(name, status) for _, name, status, _ in s.seen]
        assert ("bitget", Status.CONNECTING) not in seen[seen.index(("bitget", Status.LIVE)) :]
        await s.within(20, lambda: s.state("bitget").status is Status.REST, "lines that get no answer are no beginners")
        s.sim.faults.clear()
        await s.within(30, lambda: s.state("bitget").status is Status.LIVE)


async def test_s24_who_waits_for_what_earlier_lives_spent_says_so_and_counts_down(tmp_path: Path) -> None:
    sim = Sim(SimOptions(seed=7, coins=30, venues=("bitget", "binance")), clock_here())
    async with sim:
        settings, now = settings_of(sim, 1.0), clock_here()
        venues = tuple(v for v in all_venues() if v.name in sim.endpoints)
        past = ManualClock(now.now_ms() - 311_000, now.mono() - 311.0)
        earlier = Budgets(venues, settings, past, tmp_path)
        for _ in range(24):
            await earlier.pacers["binance"].grant([("spot connects", 10)])
        past.advance(307.0)
        earlier.save()
        async with stand(
            "bitget", "binance", sim=None, state_dir=tmp_path, up=False, endpoints=lambda _: sim.endpoints
        ) as s:
            await s.within(
                20, lambda: "(quota)" in s.line("binance spot").detail if s.state("binance").lines else False
            )
            first = s.line("binance spot").detail
            assert "binance spot 1" in s.state("binance").detail
            assert "(quota)" in s.state("binance").detail
            assert s.leg("binance", "spot", "BTCUSDT"), "REST shows the rows meanwhile"
            await asyncio.sleep(1.2)
            second = s.line("binance spot").detail
            assert _seconds(second) < _seconds(first)
            await s.within(80, lambda: s.line("binance spot").status in {Status.LIVE, Status.LAG})
        assert not sim.violations


def _seconds(words: str) -> int:
    return int(words.removeprefix("waiting ").partition(" ")[0])
