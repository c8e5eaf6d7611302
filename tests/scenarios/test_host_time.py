"""S52 and S53: the wall clock is set, and the machine sleeps. A plain machine lets no test do either, so the clock is injected;
the process that is really stopped is in `test_host_stop.py`."""

import asyncio

import pytest

from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.model import Status
from tests.scenarios.machine import Machine
from tests.scenarios.stand import Stand, stand
from tests.scenarios.turning import common, signals_with, turn

PACE_S = 2.5  # in which the lines of these venues may be dialled
STEPS = (-3600.0, 3600.0, -120.0)


def countdowns_are_true(s: Stand) -> bool:
    """Whether every countdown to a settlement is what the venue would say."""
    for venue in s.engine.fleets:
        for i in s.traded(venue, "perp"):
            cell = s.cell(venue, "perp", i.symbol)
            if cell is not None and cell.next_funding_ms:
                left_s = (cell.next_funding_ms - s.engine.clock.now_ms()) / 1000
                if abs(left_s - (cell.next_funding_ms - s.sim.now_ms()) / 1000) > 1.0:
                    return False
    return True


def ages_are_true(s: Stand) -> bool:
    """Whether no age in the snapshot is negative or longer than the program runs, and no lag is absurd."""
    found = s.picture()
    ages = [leg["age_s"] for coin in found["coins"] for leg in coin["legs"] if leg["age_s"] is not None]
    ages += [line["last_message_age_s"] or 0.0 for v in found["venues"].values() for line in v["lines"]]
    lags = [line["lag_ms"] or 0.0 for v in found["venues"].values() for line in v["lines"]]
    return all(0.0 <= age < 60.0 for age in ages) and all(0.0 <= lag < 2_000.0 for lag in lags)


def mostly_fresh(s: Stand) -> bool:
    return all(fresh >= 0.9 * legs > 0 for fresh, legs in map(s.fresh, s.engine.fleets))


async def test_s52_a_wall_clock_that_is_set_changes_nothing_but_is_told() -> None:
    """With an injected clock whose wall steps."""
    machine = Machine()
    async with stand("okx", "bybit", clock=machine, coins=100) as s:
        for n, seconds in enumerate(STEPS):
            before, after = common(s, "okx", "bybit", skip=2 * n), common(s, "okx", "bybit", skip=2 * n + 1)
            turn(s, "price", before[0], factor=1.03, for_s=9.0)
            await s.rest(3.0)  # one sample or two of three
            machine.step(seconds)
            turn(s, "price", after[1], factor=1.03, for_s=9.0)
            await s.within(2, lambda: len(s.events("CLOCK of this machine was set")) == n + 1)  # noqa: B023
            assert s.events("CLOCK")[-1].endswith(f"{'back' if seconds < 0 else 'forward'} by {abs(seconds):.1f} s")
            await s.within(2, lambda: "CLOCK" in s.words() and "CLOCK" in s.picture()["notices"][0])
            await s.within(2, lambda: countdowns_are_true(s), "countdowns are wrong")
            await s.lasts(12, lambda: ages_are_true(s) and mostly_fresh(s))
            for one in (before[0], after[1]):
                assert len(signals_with(s, one)) == 1, (one.coin.name, [(x.symbol, x.observed_at) for x in s.signals])
            dates = [x.observed_ms - s.sim.now_ms() for x in s.signals[-2:]]
            assert all(abs(date) < 25_000 for date in dates)
        await s.still()
        assert not any(state.reconnects for state in s.engine.states())


async def test_s52_a_wrong_clock_that_is_put_right_is_followed() -> None:
    """With an injected clock that is an hour late until it is set."""
    machine = Machine()
    machine.step(-3600.0)
    async with stand("okx", "bybit", clock=machine) as s:
        assert not countdowns_are_true(s)
        machine.step(3600.0)
        await s.within(2, lambda: countdowns_are_true(s))
        assert s.events("CLOCK of this machine was set forward by 3600.0 s")
        await s.lasts(5, lambda: ages_are_true(s) and mostly_fresh(s))
        assert not any(state.status is Status.LAG for state in s.engine.states())
        await s.still()


async def test_s52_a_smeared_leap_second_is_no_step_and_loses_nothing() -> None:
    """With an injected clock that runs away by 5 ms a second: a leap second is smeared four hundred times as slowly."""
    machine = Machine()
    async with stand("okx", "bybit", clock=machine) as s:
        machine.smear_to(0.005)
        await s.lasts(20, lambda: ages_are_true(s) and mostly_fresh(s))
        assert not s.events("CLOCK")
        await s.still()


@pytest.mark.parametrize("seconds", [10.0, 600.0])
async def test_s53_after_a_sleep_nothing_from_before_is_fresh_and_all_is_dialled_again(seconds: float) -> None:
    """With an injected clock: ten seconds, ten minutes in which nothing ran."""
    machine = Machine()
    sim = Sim(SimOptions(coins=40, rate=0.3, venues=("okx", "bybit")), clock=machine)
    async with stand("okx", "bybit", sim=sim, clock=machine) as s:
        a = common(s, "okx", "bybit")[0]
        turn(s, "price", a, factor=1.03)
        await s.rest(1.0)
        heard = len(s.signals)
        carriers = [
            c
            for f in s.engine.fleets.values()
            for line in f.all_lines
            for c in line.carriers.values()
            if line.carries_data
        ]
        generations = [c.generation for c in carriers]
        await s.lasts(0.5, lambda: s.sim.pump_once() or True)  # type: ignore[func-returns-value]
        s.sim.pump_once()  # what waits in the sockets now is read after the sleep
        machine.suspend(seconds)
        resumed = s.engine.clock.mono()
        assert not any(leg["fresh"] for coin in s.picture()["coins"] for leg in coin["legs"]), "dim at once"
        await asyncio.sleep(0.01)
        late = [c for c, before in zip(carriers, generations, strict=True) if c.generation == before]
        assert late
        assert not any(c.heard_at >= resumed or c.live for c in late), "what waited in the sockets passed for news"
        assert s.events(f"RESUMED after {seconds:.0f} s")
        await s.within(1, lambda: "RESUMED" in s.words())
        assert len(s.signals) == heard
        dialled = list(zip(carriers, generations, strict=True))
        await s.within(10, lambda: mostly_fresh(s))
        await s.within(10 + PACE_S, lambda: all(c.generation > before and c.live for c, before in dialled))
        await s.within(15, lambda: len(signals_with(s, a)) == 1, "no signal of what is true now")
        await s.up()
        await s.still()
