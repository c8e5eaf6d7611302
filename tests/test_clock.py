"""Clocks: the machine's, and the one that tests move."""

import asyncio
import time

from frmon.clock import Clock, ManualClock, SystemClock


def test_the_system_clock_reads_the_machine() -> None:
    clock: Clock = SystemClock()
    before = time.time()
    assert int(before * 1000) <= clock.now_ms() <= int(time.time() * 1000)
    readings = [clock.mono() for _ in range(100)]
    assert readings == sorted(readings)


def test_advancing_moves_both_readings_and_a_step_only_the_wall_clock() -> None:
    clock = ManualClock(now_ms=1_000_000, mono=10.0)
    clock.advance(1.5)
    assert (clock.now_ms(), clock.mono()) == (1_001_500, 11.5)
    clock.step_wall(-100)
    assert (clock.now_ms(), clock.mono()) == (901_500, 11.5)


async def test_sleepers_wake_in_order_once_their_time_has_come() -> None:
    clock = ManualClock()
    woken: list[int] = []

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(n)) for n in (3, 1, 2)]
    seen = []
    for _ in range(4):
        await asyncio.sleep(0)
        clock.advance(1.0)
        await asyncio.sleep(0)
        seen.append(list(woken))
    assert seen == [[1], [1, 2], [1, 2, 3], [1, 2, 3]]
    await asyncio.gather(*tasks)


async def test_a_cancelled_sleeper_is_no_trouble_to_the_others() -> None:
    clock = ManualClock()
    task, other = asyncio.create_task(clock.sleep(1)), asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    clock.advance(1)
    await other
    assert task.cancelled()


async def test_sleeping_for_nothing_lets_others_run() -> None:
    clock: Clock
    for clock in (ManualClock(), SystemClock()):
        ran = asyncio.create_task(asyncio.sleep(0))
        await clock.sleep(0)
        await clock.sleep(0)
        assert ran.done()
