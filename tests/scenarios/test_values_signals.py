"""Signals do not depend on what a venue's clock says."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.sim.turns import Turn
from tests.leaping import clock_here
from tests.scenarios.stand import stand


async def signals_with(ahead_s: float, how: str = "") -> list[tuple[str, str, str]]:
    """The signals of a market in which one coin is 2 % dearer on bybit for a while; bybit's clock is off all the time."""
    sim = Sim(SimOptions(seed=7, coins=40, rate=2.0, scene="calm", venues=("okx", "bybit")), clock_here())
    if ahead_s or how:
        sim.fault(Fault(kind="skew", venue="bybit", how=how, delay_s=ahead_s, for_s=600.0))
    async with stand("okx", "bybit", sim=sim) as s:
        other = {i.coin.name for i in s.traded("okx", "perp") if i.multiplier == 1}
        one = next(i for i in s.traded("bybit", "perp") if i.multiplier == 1 and i.coin.name in other)
        await s.rest(20)
        s.sim.turn(Turn(kind="price", venue="bybit", market="perp", symbol=one.symbol, factor=1.02, for_s=15.0))
        await s.within(8 + 0.5, lambda: one.coin.name in {g.symbol for g in s.signals})
        await s.rest(40)
        return sorted((g.symbol, g.short_exchange, g.long_exchange) for g in s.signals)


@pytest.mark.parametrize(("how", "ahead_s"), [("", 300.0), ("", -300.0), ("us", 0.0), ("zero", 0.0)])
async def test_s51_a_clock_that_is_off_changes_no_signal(how: str, ahead_s: float) -> None:
    true = await signals_with(0.0)
    assert [g for g in true if g[1:] == ("bybit", "okx")]
    assert await signals_with(ahead_s, how) == true
