"""S36 and S37: funding intervals that change and fall silent, and the moment of settlement."""

import pytest

from frmon.board import Cell
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.funding import countdown_s, rates
from tests.leaping import clock_here
from tests.scenarios.machine import Machine
from tests.scenarios.stand import Stand, stand
from tests.scenarios.turning import common, seen_leg, turn

HOUR_MS = 3_600_000


def _perp(s: Stand, venue: str, hours: int) -> Instrument:
    """An ordinary perpetual that settles every so many hours."""
    found = [i for i in s.traded(venue, "perp") if i.funding_h == hours]
    return found[-1]


def _cell(s: Stand, i: Instrument) -> Cell:
    found = s.cell(i.venue, i.market, i.symbol)
    assert found is not None
    return found


@pytest.mark.parametrize(("venue", "steps"), [("okx", (1,)), ("bybit", (4, 1)), ("bitget", (1,))])
async def test_s36_a_changed_interval_is_a_row_of_the_log_and_rates_follow_it(
    venue: str, steps: tuple[int, ...]
) -> None:
    async with stand(venue, coins=20, rate=1.0) as s:
        i = _perp(s, venue, 8)
        await s.rest(15)  # what is seen for the first time is no change
        for hours in steps:
            turn(s, "interval", i, hours=hours)
            row = f"{i.coin.name}: {venue} perp settles every {hours} h"
            took = await s.within(60, lambda hours=hours: seen_leg(s, i)["funding_interval_h"] == hours)  # type: ignore[misc]
            await s.within(62 - took, lambda row=row: s.events(row))  # type: ignore[misc]  # and a look or two
        await s.within(60, lambda: seen_leg(s, i)["next_funding_ms"] == i.quote.next_funding_ms)
        found = rates(_cell(s, i))
        assert found is not None
        assert found.apr_pct == pytest.approx(seen_leg(s, i)["funding_rate"] * 876_000 / steps[-1], rel=0.05)


@pytest.mark.parametrize("venue", ["okx", "bybit", "bitget"])
async def test_s36_a_missing_interval_keeps_what_is_known_and_is_never_a_default(venue: str) -> None:
    async with stand(venue, coins=20, rate=1.0) as s:
        i, *_ = common(s, venue, skip=1)
        turn(s, "interval", i, hours=2)
        await s.within(60, lambda: seen_leg(s, i)["funding_interval_h"] == 2)
        turn(s, "interval", i, hours=0)
        await s.lasts(40, lambda: seen_leg(s, i)["funding_interval_h"] == 2)


async def test_s36_binance_says_an_interval_by_rest_within_ten_minutes() -> None:
    async with stand("binance", rate=0.1) as s:
        i = _perp(s, "binance", 4)
        turn(s, "interval", i, hours=1)
        await s.within(600, lambda: seen_leg(s, i)["funding_interval_h"] == 1)


@pytest.mark.parametrize("how", ["none", "half", "malformed"])
async def test_s36_a_list_of_intervals_that_can_not_be_believed_makes_no_interval_a_default(how: str) -> None:
    """Binance documents 8 h for whom its list leaves out. Here the list leaves out what it named before, or everything."""
    async with stand("binance", coins=60, rate=0.1) as s:
        other = [i for i in s.traded("binance", "perp") if i.funding_h != 8]
        known = {i.symbol: seen_leg(s, i)["funding_interval_h"] for i in other}
        assert set(known.values()) & {1, 2, 4}
        s.fault(Fault(kind="rest_body", venue="binance", match="fundingInfo", how=how, for_s=1300))
        await s.rest(1250)
        assert {i.symbol: seen_leg(s, i)["funding_interval_h"] for i in other} == known
        assert not s.events("binance perp settles every 8 h")


@pytest.mark.parametrize(("venue", "ahead_s"), [("okx", 0.0), ("bybit", 30.0), ("okx", 90.0), ("bitget", -30.0)])
async def test_s37_a_countdown_runs_into_the_next_one_and_what_was_paid_is_kept_once(
    venue: str, ahead_s: float
) -> None:
    """The wall clock is injected: settlements are on whole hours. `ahead_s`: how far ours is ahead of the venue's:
    then the venue is so late with the next time."""
    settles_ms = 1_795_334_400_000  # an exact multiple of 8 h
    assert settles_ms % (8 * HOUR_MS) == 0
    begins_ms, machine = settles_ms - (100_000 if venue == "okx" else 20_000), Machine()
    sim = Sim(SimOptions(coins=12, rate=0.5, venues=(venue,), start_ms=begins_ms), clock_here())
    machine.step((begins_ms - machine.now_ms()) / 1000 + ahead_s)
    async with stand(venue, sim=sim, clock=machine) as s:
        legs = [i for i in s.traded(venue, "perp") if i.funding_h]
        i = legs[0]

        def left() -> float | None:
            return countdown_s(_cell(s, i), s.engine.clock.now_ms())

        await s.within(100, lambda: left() is not None)  # a venue says it once in a minute and a half
        worst: list[float] = []
        while sim.now_ms() < settles_ms + 1_000:
            value = left()
            assert value is not None
            worst.append(value)
            await s.rest(0.5)
        assert min(worst) > 0
        assert max(worst) <= i.funding_h * 3_600
        await s.within(50, lambda: seen_leg(s, i)["next_funding_ms"] > settles_ms)
        await s.within(100, lambda: s.events(f"{venue} perp: "))
        paid = s.engine.funding.settled[_cell(s, i).key]
        assert paid.at_ms == settles_ms
        assert paid.rate == pytest.approx(i.quote.settled_rate, abs=1e-4)
        told = [row for row in s.events("settled") if row.startswith(f"{venue} perp")]
        assert len(told) == 1, told
