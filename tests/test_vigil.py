"""The clock that notices standstills and steps, on a clock that tests move."""

import asyncio
import threading

from frmon.clock import ManualClock
from frmon.vigil import Vigil


def watched(max_age_s: float = 5.0) -> tuple[ManualClock, Vigil, list[tuple[str, float]]]:
    clock, told = ManualClock(), list[tuple[str, float]]()
    vigil = Vigil(clock, max_age_s)
    vigil.stalled = lambda s: told.append(("stalled", round(s, 3)))
    vigil.stepped = lambda s: told.append(("stepped", round(s, 3)))
    vigil.late = lambda s: told.append(("late", round(s, 3)))
    vigil.begin()
    return clock, vigil, told


def test_the_first_reading_after_a_standstill_tells_it_before_it_is_used() -> None:
    clock, vigil, told = watched()
    clock.advance(5.0)
    vigil.mono()
    assert told == []
    clock.advance(5.1)
    assert vigil.mono() == clock.mono()
    assert told == [("stalled", 5.1)]
    vigil.mono()
    assert len(told) == 1


def test_a_standstill_is_as_long_as_a_quote_may_be_old_within_limits() -> None:
    assert Vigil(ManualClock(), 0.5).stalled_s == 2.0
    assert Vigil(ManualClock(), 60.0).stalled_s == 10.0


def test_other_threads_neither_notice_nor_hide_anything() -> None:
    clock, vigil, told = watched()
    clock.advance(60.0)
    clock.step_wall(60.0)
    other = threading.Thread(target=lambda: (vigil.mono(), vigil.now_ms()))
    other.start()
    other.join()
    assert told == []
    vigil.mono()
    assert told == [("stalled", 60.0)]


def test_a_step_is_told_and_not_followed_until_it_is_believed() -> None:
    clock, vigil, told = watched()
    before = vigil.now_ms()
    clock.step_wall(-3600.0)
    assert vigil.now_ms() == before
    clock.advance(1.0)
    assert vigil.now_ms() == before + 1000
    assert told == [("stepped", -3600.0)]
    assert vigil.follow() == -3_600_000
    assert vigil.now_ms() == clock.now_ms()
    clock.step_wall(3600.0)
    clock.step_wall(-3600.0)
    assert vigil.now_ms() == clock.now_ms()
    assert len(told) == 1


def test_steps_add_up_and_slow_drift_is_no_step() -> None:
    clock, vigil, told = watched()
    for _ in range(1000):
        clock.advance(1.0)
        clock.step_wall(0.0005)
        vigil.now_ms()
    assert told == []
    assert vigil.now_ms() == clock.now_ms()
    for seconds in (-120.0, 3600.0):
        clock.step_wall(seconds)
        vigil.now_ms()
    assert vigil.held_ms == -3_480_000.0


async def test_the_beat_reads_both_clocks_and_tells_lateness() -> None:
    clock, vigil, told = watched()
    beat = asyncio.create_task(vigil.run())
    for seconds in (0.1, 0.1, 3.0):
        await asyncio.sleep(0)
        clock.advance(seconds)
    clock.step_wall(-2.0)
    await asyncio.sleep(0)
    beat.cancel()
    assert told == [("stepped", -2.0), ("late", 2.9)]
