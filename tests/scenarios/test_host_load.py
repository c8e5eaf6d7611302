"""S54 and S56: the feeds' loop is blocked, starved, or flooded. It is late, says so, and has lost nothing afterwards."""

import asyncio
import resource
import time
from pathlib import Path

from frmon.config import Settings
from frmon.model import Signal, Status
from tests.scenarios.stand import Stand, stand, statuses
from tests.scenarios.turning import common, turn

REAL_TIME = "the loop is held up, and time must go on"


def of_real_age(settings: Settings) -> None:
    """Quotes may be as old as in earnest: a loop that is blocked for less was not stopped."""
    settings.signals.max_age_s = 5.0


def lags(s: Stand) -> bool:
    """Whether the program's lateness is seen wherever a user looks."""
    venues = s.picture()["venues"].values()
    return all(
        (
            any(v["status"] == "LAG" and "held up" in v["detail"] for v in venues),
            any(notice.startswith("LAG") for notice in s.picture()["notices"]),
            s.words().startswith("LAG"),
            s.events("LAG this program is held up"),
        )
    )


def resident() -> int:
    """Bytes of memory in use now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def reconnects(s: Stand) -> list[int]:
    return [line.reconnects for state in s.engine.states() for line in state.lines]


async def test_s54_a_loop_that_was_blocked_says_so_and_loses_nothing() -> None:
    """A listener of signals blocks the loop for three seconds."""
    async with stand("okx", "bybit", scale=0.25, change=of_real_age) as s:
        blocked: list[float] = []

        def block(_: Signal) -> None:
            if not blocked:
                blocked.append(time.monotonic())
                time.sleep(3.0)

        s.engine.listeners.append(block)
        turn(s, "price", common(s, "okx", "bybit")[0], factor=1.03)
        await s.within(30, lambda: blocked)
        await s.within(2, lambda: lags(s))
        assert not s.events("RESUMED"), "three seconds are no standstill"
        await s.up()
        assert max(reconnects(s)) <= 1
        await s.within(20, lambda: all(state.status is Status.LIVE for state in s.engine.states()))
        await s.still()


async def test_s54_a_starved_loop_says_so_and_does_not_dial_again_and_again() -> None:
    """The twin of a quota of CPU: somebody else has the loop for four fifths of the time."""
    async with stand("okx", "bybit", scale=0.25, change=of_real_age) as s:
        until = time.monotonic() + 4.5
        while time.monotonic() < until:
            time.sleep(1.3)  # noqa: ASYNC251  it is meant to block
            await asyncio.sleep(0.3)
        assert lags(s)
        assert max(reconnects(s)) <= 1
        await s.within(20, lambda: all(state.status is Status.LIVE for state in s.engine.states()))
        await s.still()


async def test_s56_a_burst_is_conflated_and_leaves_no_lag_behind() -> None:
    """Twenty times as many changes as before. What waits is kept by the kernel; the board holds the latest of each leg."""
    async with stand("okx", "bybit", coins=200, rate=0.5, scale=0.5) as s:

        def is_late() -> bool:
            return Status.LAG in statuses(s.seen, "okx") + statuses(s.seen, "bybit")

        before = resident()
        cells, messages = len(list(s.engine.board.cells())), s.sim.counters.total()
        s.sim.world.hurry(20.0)
        began = time.monotonic()
        while (spent := time.monotonic() - began) < 4.0 or (spent < 12.0 and not is_late()):
            time.sleep(0.3)  # noqa: ASYNC251  no core keeps up with this
            await asyncio.sleep(0)
        s.sim.world.hurry(1 / 20.0)
        assert s.sim.counters.total() > messages
        assert resident() - before < 50 * 2**20
        assert len(list(s.engine.board.cells())) == cells
        await s.within(2, is_late)
        lines = [line for state in s.engine.states() for line in state.lines]
        await s.within(5 / s.scale, lambda: all((line.lag_ms or 0.0) < 500 for line in lines), "the lag stays")
        await s.still()
        assert max(reconnects(s)) <= 1
