"""S54 at length: the loop is held up for three seconds at once, for four fifths of five minutes, or by a beat that is always late. Time
that leaps is moved on while nobody could do anything in it, so that all of it is exact."""

import asyncio

import pytest

from frmon.model import Status
from tests.leaping import LeapingLoop
from tests.scenarios.stand import Stand, stand
from tests.scenarios.turning import common, signals_with, turn


def hold_up(seconds: float) -> None:
    """Nothing runs for so long."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    loop._eyes.now += seconds


def reconnects(s: Stand) -> list[int]:
    return [line.reconnects for state in s.engine.states() for line in state.lines]


def all_live(s: Stand) -> bool:
    return all(line.status is Status.LIVE for state in s.engine.states() for line in state.lines)


async def starve(held_s: float, free_s: float, seconds: float) -> None:
    """Somebody else has the processor for `held_s`, then we for `free_s`, again and again."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while clock() < until:
        hold_up(held_s)
        await asyncio.sleep(free_s)


async def test_s54_three_seconds_cost_no_line() -> None:
    async with stand() as s:
        before = reconnects(s)
        hold_up(3.0)
        await s.within(2, lambda: s.events("LAG this program is held up"))
        assert not s.events("RESUMED")
        await s.rest(30)
        assert reconnects(s) == before
        await s.within(20, lambda: all_live(s))
        await s.still()


@pytest.mark.parametrize(("held_s", "free_s"), [(0.08, 0.02), (1.2, 0.3), (4.0, 1.0)])
async def test_s54_a_fifth_of_a_processor_for_five_minutes_costs_each_line_one_dial_at_most(
    held_s: float, free_s: float
) -> None:
    async with stand("okx", "bybit") as s:
        before = reconnects(s)
        await starve(held_s, free_s, 300.0)
        after = reconnects(s)
        assert max(b - a for a, b in zip(before, after, strict=True)) <= 1, (before, after, s.told())
        assert not s.events("TASK")
        assert bool(s.events("LAG this program is held up")) is (held_s > 1.0)
        await s.within(20, lambda: all_live(s))
        await s.still()
        one = common(s, "okx", "bybit")[0]
        turn(s, "price", one, factor=1.03, for_s=30.0)
        await s.within(30, lambda: signals_with(s, one))
