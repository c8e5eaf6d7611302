"""S54: the feeds' loop is blocked or starved. It is late, says so, and has lost nothing afterwards."""

import asyncio
import gc
import time

from frmon.config import Settings
from frmon.model import Signal, Status
from tests.scenarios.stand import Stand, stand
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


async def test_s54_a_storm_of_garbage_is_lag_at_worst() -> None:
    """Rings of objects that only the collector frees, by the ten thousand, and full collections one after the other."""
    async with stand("okx", "bybit", scale=0.25, change=of_real_age) as s:
        before = max(reconnects(s))
        until = time.monotonic() + 4.0
        while time.monotonic() < until:
            for _ in range(20_000):
                ring: list[object] = []
                ring.append(ring)
            gc.collect()
            await asyncio.sleep(0.005)
        assert {state.status for state in s.engine.states()} <= {Status.LIVE, Status.LAG}
        assert max(reconnects(s)) - before <= 1
        assert not s.events("TASK")
        await s.within(20, lambda: all(state.status is Status.LIVE for state in s.engine.states()))
        await s.still()
