"""Supervised jobs on a clock that stands still until told."""

import asyncio
from itertools import islice

from frmon.clock import ManualClock
from frmon.jobs import Jobs, backoff


def test_delays_double_up_to_the_cap_and_are_never_equal_for_all() -> None:
    delays = list(islice(backoff(0.5, 15.0, 0.3), 50))
    for delay, middle in zip(delays, [0.5, 1, 2, 4, 8, 15, 15], strict=False):
        assert 0.7 * middle <= delay <= 1.3 * middle
    assert max(delays) <= 15 * 1.3
    assert len(set(delays)) > 40


async def test_a_job_that_fails_is_told_and_started_again_and_others_go_on() -> None:
    clock, told, runs, steady = ManualClock(), list[str](), list[int](), list[int]()

    async def breaks() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError("planted")

    async def goes_on() -> None:
        while True:
            steady.append(1)
            await clock.sleep(1.0)

    jobs = Jobs(clock, told.append)
    task = jobs.start("breaks", breaks)
    jobs.start("steady", goes_on)
    for _ in range(10):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        clock.advance(1.0)
    await asyncio.wait_for(task, 5)
    assert len(runs) == 3
    assert [t.split(",")[0] for t in told] == ["breaks failed (ValueError)"] * 2
    assert len(steady) >= 9
    await jobs.end()


async def test_ending_cancels_every_job_and_waits_for_it() -> None:
    clock, ended = ManualClock(), list[str]()

    async def lasts() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("clean")

    jobs = Jobs(clock, ended.append)
    jobs.start("a", lasts)
    jobs.start("b", lasts)
    await asyncio.sleep(0)
    await jobs.end()
    assert ended == ["clean", "clean"]
