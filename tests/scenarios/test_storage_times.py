"""Storage and time: wall clocks that are set, and settlements, with an injected clock."""

import asyncio
from pathlib import Path

import pytest

from frmon.config import Settings
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from tests.leaping import clock_here
from tests.scenarios.machine import Machine
from tests.scenarios.stand import stand
from tests.scenarios.stored import at_rest, instruments, last_bars, rows, truly


async def test_s52_a_wall_clock_that_is_set_moves_no_minute(tmp_path: Path) -> None:
    """With an injected clock whose wall steps while the venues' do not: history stays in the venues' time."""
    path, machine = tmp_path / "frmon.db", Machine()
    async with stand("okx", "bybit", store=path, clock=machine) as s:
        began_ms = s.sim.now_ms()
        for seconds in (-3600.0, 3600.0, 3600.0, -3600.0):
            await asyncio.sleep(1.2)
            machine.step(seconds)
        await at_rest(s)
        ended_ms = s.sim.now_ms()
        known = list(instruments(s))
    starts = [start for (start,) in rows(path, "SELECT DISTINCT start FROM bar ORDER BY start")]
    assert starts == list(range(began_ms // 60_000, ended_ms // 60_000 + 1))[-len(starts) :]
    found = last_bars(path)
    assert all(found[i.venue, i.market, i.symbol]["bid"] == truly(i.quote.bid, i) for i in known)


async def test_s52_a_wrong_clock_that_is_put_right_overwrites_nothing(tmp_path: Path) -> None:
    """With an injected clock that is an hour late until it is set: what was dated wrong stays where it is."""
    path, machine = tmp_path / "frmon.db", Machine()
    machine.step(-3600.0)
    async with stand("okx", "bybit", store=path, clock=machine) as s:
        await asyncio.sleep(2.5)
        machine.step(3600.0)
        await asyncio.sleep(1.0)
        await at_rest(s)
        now = s.sim.now_ms() // 60_000
    starts = [start for (start,) in rows(path, "SELECT DISTINCT start FROM bar ORDER BY start")]
    assert {start for start in starts if start > now - 3}
    assert {start for start in starts if now - 63 < start < now - 57}
    assert not {start for start in starts if now - 57 <= start <= now - 3}


async def test_what_settlements_paid_is_written_once_with_its_interval(tmp_path: Path) -> None:
    """The wall clock is injected: settlements are on whole hours."""
    path, settles_ms = tmp_path / "frmon.db", 1_795_334_400_000
    machine = Machine()
    machine.step((settles_ms - 20_000 - machine.now_ms()) / 1000)
    sim = Sim(SimOptions(coins=20, rate=2.0, venues=("okx",), start_ms=settles_ms - 20_000), clock_here())

    def no_past(settings: Settings) -> None:
        settings.storage.backfill_top = 0

    async with stand("okx", sim=sim, clock=machine, store=path, change=no_past) as s:
        perps = [
            i for i in sim.world.instruments("okx", "perp").values() if i.kind == "normal" and i.state == "trading"
        ]
        due = {i.symbol: i.funding_h for i in perps if i.funding_h}
        rates = {i.symbol: i.quote.funding_rate for i in perps}
        await s.within(22, lambda: sim.now_ms() > settles_ms + 1_000)
        await s.within(100, lambda: s.events("settled"))
        await s.rest(20)
    found = rows(
        path, """SELECT symbol, at_ms, rate, interval_h, source FROM settlement JOIN leg ON leg.id = settlement.leg"""
    )
    assert {row[0] for row in found} == {
        symbol for symbol, hours in due.items() if not (settles_ms // 3_600_000) % hours
    }
    assert len(found) == len({row[0] for row in found})
    for symbol, at_ms, rate, interval_h, source in found:
        assert (at_ms, interval_h) == (settles_ms, due[symbol])
        assert rate == pytest.approx(rates[symbol], abs=1e-4)
        assert source in {"stream", "estimate"}
