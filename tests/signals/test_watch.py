"""The sampling job on a clock that moves when told."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Row
from frmon.clock import ManualClock
from frmon.config import SignalSettings
from frmon.model import Signal
from frmon.signals.rules import Rule
from frmon.signals.watch import Watch, next_due
from tests.given import TERMS, Desk, leg


class Watched:
    """A watched pair of venues."""

    def __init__(self, config: SignalSettings) -> None:
        self.a, self.b = leg("binance"), leg("okx")
        self.desk = Desk(self.a, self.b)
        self.clock = ManualClock()
        self.found: deque[Signal] = deque(maxlen=50)
        self.watch = Watch(self.desk.board, Rule(config, TERMS), self.clock, self.found.appendleft, self.see)
        self.seen: list[tuple[list[str], float, int]] = []
        self.job = asyncio.create_task(self.watch.run())

    def see(self, rows: Sequence[Row], now: float, now_ms: int) -> None:
        self.seen.append(([row.coin for row in rows], now, now_ms))

    async def end(self) -> None:
        self.job.cancel()
        await asyncio.gather(self.job, return_exceptions=True)

    def quote(self, a: float, b: float) -> None:
        """Both venues quote now."""
        for one, price in ((self.a, a), (self.b, b)):
            self.desk.say(one, price, price, self.clock.mono(), last=price)

    async def go(self, seconds: float) -> None:
        """Let time pass, and the job see it."""
        self.clock.advance(seconds)
        for _ in range(3):
            await asyncio.sleep(0)

    async def run(self, count: int, a: float = 101.0) -> None:
        """`count` times: both venues quote just before the next sample."""
        for _ in range(count):
            await self.go(1.0)
            self.quote(a, 100.0)
            await self.go(1.0)


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    one = Watched(SignalSettings(basis="last"))
    await one.go(0)
    yield one
    await one.end()


async def test_the_third_sample_after_two_and_two_seconds_fires(watched: Watched) -> None:
    await watched.run(2)
    assert not watched.found
    await watched.run(1)
    assert [s.symbol for s in watched.found] == ["PEPE"]


async def test_the_newest_signal_comes_first(watched: Watched) -> None:
    await watched.run(40)
    times = [s.observed_ms for s in watched.found]
    assert len(times) == 3
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("step", [-3600.0, 3600.0, -120.0, -0.5, 0.5])
async def test_a_step_of_the_wall_clock_changes_no_signal(watched: Watched, step: float) -> None:
    await watched.run(2)
    watched.clock.step_wall(step)
    await watched.run(1)
    assert len(watched.found) == 1
    watched.clock.step_wall(-2 * step)
    await watched.run(14)
    assert len(watched.found) == 1
    await watched.run(1)
    assert len(watched.found) == 2


async def test_samples_that_were_slept_through_are_left_out_and_break_the_row(watched: Watched) -> None:
    await watched.run(2)
    await watched.go(60.0)
    assert not watched.found
    await watched.run(2)
    assert not watched.found
    await watched.run(1)
    assert len(watched.found) == 1


async def test_a_coin_that_is_seated_while_watching_is_sampled(watched: Watched) -> None:
    other = [leg("binance", "NEW"), leg("okx", "NEW")]
    for one in other:
        watched.desk.board.seat(one)
    for _ in range(3):
        await watched.go(1.0)
        for one, price in zip(other, (2.0, 1.0), strict=True):
            watched.desk.say(one, price, price, watched.clock.mono(), last=price)
        await watched.go(1.0)
    assert [s.symbol for s in watched.found] == ["NEW"]


async def test_whoever_observes_sees_what_every_sample_sees(watched: Watched) -> None:
    await watched.run(2)
    start, start_ms = watched.seen[0][1:]
    assert watched.seen == [(["PEPE"], start + 2 * n, start_ms + 2000 * n) for n in range(3)]


async def test_a_late_sample_does_not_shift_the_next(watched: Watched) -> None:
    start = watched.seen[0][1]
    for wait in (2.7, 1.3, 2.0):
        await watched.go(wait)
    assert [now - start for _, now, _ in watched.seen] == pytest.approx([0.0, 2.7, 4.0, 6.0])


async def test_a_job_that_is_started_again_goes_on_with_the_same_grid_and_repeats_no_signal() -> None:
    one = Watched(SignalSettings())
    await one.go(0)
    await one.run(4)
    assert len(one.found) == 1
    await one.end()
    await one.go(1.0)
    one.job = asyncio.create_task(one.watch.run())
    await one.go(0.5)
    one.quote(101.0, 100.0)
    await one.go(0.5)
    await one.run(40)
    assert len(one.found) == 1
    assert {(now - one.seen[0][1]) % 2 for _, now, _ in one.seen} == {0.0}
    await one.end()


async def test_a_row_of_samples_survives_a_restart_between_them() -> None:
    one = Watched(SignalSettings())
    await one.go(0)
    await one.run(2)
    await one.end()
    one.job = asyncio.create_task(one.watch.run())
    await one.run(1)
    assert len(one.found) == 1
    await one.end()


async def test_the_standing_tells_samples_cooldown_and_episode(watched: Watched) -> None:
    watched.watch.rule = Rule(SignalSettings(), TERMS)
    await watched.run(2)
    standing = watched.watch.standing("PEPE", "binance", "okx")
    assert (standing.samples, standing.needed, standing.cooldown_left_s) == (2, 3, 0.0)
    assert (standing.episode_open, standing.threshold_pct) == (False, 0.6)
    assert standing.measured_pct == pytest.approx(1.0)
    await watched.run(3)
    standing = watched.watch.standing("PEPE", "binance", "okx")
    assert (standing.samples, standing.cooldown_left_s, standing.episode_open) == (5, 26.0, True)
    assert watched.watch.standing("PEPE", "okx", "binance").samples == 0
    assert watched.watch.standing("NONE", "okx", "binance").measured_pct is None


@given(st.integers(0, 10_000), st.integers(0, 100_000))
def test_the_next_sample_lies_on_the_grid_after_now(due: int, late: int) -> None:
    now = due + late / 8
    following = next_due(float(due), now, 2.0)
    assert now < following <= now + 2.0
    assert (following - due) % 2.0 == 0.0


async def test_every_sample_is_taken_after_the_verdicts_on_identity() -> None:
    watched = Watched(SignalSettings())
    order: list[str] = []
    watched.watch.before = lambda: order.append("judged")
    watched.watch.observe = lambda _rows, _now, _now_ms: order.append("sampled")
    watched.watch.sample()
    assert order == ["judged", "sampled"]
    await watched.end()
