"""Supervised jobs on a clock that stands still until told."""

import asyncio
from itertools import islice

from frmon.clock import ManualClock
from frmon.jobs import Jobs, Restarts, backoff
from tests.leaping import LeapingClock, LeapingLoop


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
    assert told == ["TASK breaks failed (ValueError)", "TASK breaks restarted"] * 2
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


def test_no_job_starts_more_than_five_times_in_any_minute_and_the_first_restart_is_quick() -> None:
    now, restarts, started = 0.0, Restarts(), list[float]()
    for _ in range(40):
        now += restarts.after(now)
        started.append(now)
    assert started[0] <= 1.0
    assert all(later - early >= 60.0 - 1e-9 for early, later in zip(started, started[5:], strict=False))


def test_a_job_that_was_well_for_a_while_starts_again_at_once() -> None:
    restarts = Restarts()
    for now in (0.0, 40.0, 80.0, 120.0):
        assert restarts.after(now) <= 1.0


def test_restarts_follow_the_time_scale() -> None:
    assert Restarts(0.1).after(0.0) <= 0.1


async def test_a_cancellation_that_nobody_asked_for_is_a_failure_like_any_other() -> None:
    clock, told, runs = ManualClock(), list[str](), list[int]()

    async def gives_up() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise asyncio.CancelledError

    task = Jobs(clock, told.append).start("a", gives_up)
    while not task.done():
        await asyncio.sleep(0)
        clock.advance(1.0)
    assert told == ["TASK a failed (CancelledError)", "TASK a restarted"]


async def test_supervision_outlives_a_clock_that_fails() -> None:
    runs = list[int]()

    class Broken(ManualClock):
        def mono(self) -> float:
            raise OSError

    async def breaks_once() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ValueError

    await asyncio.wait_for(Jobs(Broken(), lambda _: None, 0.01).start("a", breaks_once), 5)
    assert len(runs) == 2


async def test_supervision_that_itself_meets_bugs_begins_anew_with_the_delays_of_a_job() -> None:
    """Neither the clock nor whoever is told can be relied on. In time that leaps."""
    loop, starts = asyncio.get_running_loop(), list[float]()

    class Broken(ManualClock):
        def mono(self) -> float:
            raise OSError

    async def fails() -> None:
        starts.append(loop.time())
        raise ValueError

    jobs = Jobs(Broken(), lambda _: None)
    task = jobs.start("a", fails)
    await asyncio.sleep(600.0)
    assert not task.done()
    await jobs.end()
    assert starts[1] - starts[0] <= 1.0
    assert 30 < len(starts) <= 51
    assert all(later - early >= 59.9 for early, later in zip(starts[1:], starts[6:], strict=False))


async def test_supervision_that_was_well_for_a_while_begins_anew_at_once() -> None:
    loop, ended, starts = asyncio.get_running_loop(), list[float](), list[float]()
    assert isinstance(loop, LeapingLoop)

    def fail(_: str) -> None:
        raise OSError

    async def lasts() -> None:
        starts.append(loop.time())
        await asyncio.sleep(40.0)
        ended.append(loop.time())
        raise ValueError

    jobs = Jobs(LeapingClock(loop), fail)
    jobs.start("a", lasts)
    await asyncio.sleep(500.0)
    await jobs.end()
    assert len(starts) > 10
    assert all(again - end <= 1.0 for end, again in zip(ended, starts[1:], strict=False))
