"""Time that leaps: an event loop whose time stands still while anything runs, and goes on to the next timer when everybody
waits. Sockets, servers and the program on them are real, and a scenario of ten minutes takes as long as its work; how busy
the machine is can't be seen in it. For what lives in one thread on loopback sockets; while an answer of another thread (an
executor's, a database's) is waited for, time goes as it does outside.
"""

import asyncio
import selectors
import sys
import time
from typing import Any

from frmon.clock import Clock, SystemClock

BEGAN_MS = 1_795_325_587_250.0  # Unix milliseconds at which every loop begins: what ran once runs again the same
LOOKS = 3  # at the sockets before time leaps far: what was sent on loopback has arrived by then
LOOK_S = 0.000_1
NEAR_S = 0.06  # a leap by which nobody is late whose bytes should come after it; they are nearly always there at once
STEP_S = 0.000_01  # that every round of the loop takes, so that who looks at the clock until it has moved sees it move
CHUNK_S = 0.002  # in which is waited for another thread
THREADED = {"asyncio.futures", "aiosqlite.core"}  # whose futures are answers of other threads


class Eyes(selectors.DefaultSelector):
    """Leaps over what nobody does anything in."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.outside = 0  # things under way that are not of this loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += STEP_S
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        for _ in range(LOOKS if timeout is None or timeout > NEAR_S else 0):
            time.sleep(LOOK_S)
            if ready := super().select(0):
                return ready
        if timeout is None:
            return super().select(None)
        if self.outside:
            started = time.monotonic()
            ready = super().select(min(timeout, CHUNK_S))
            self.now += min(timeout, time.monotonic() - started)
            return ready
        self.now += timeout
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    """The loop; `time` is in its own seconds."""

    def __init__(self) -> None:
        self._eyes = Eyes()
        super().__init__(self._eyes)
        self.wall_ms = BEGAN_MS - self._eyes.now * 1000  # at its second 0
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._eyes.now

    def create_future(self) -> "asyncio.Future[Any]":
        future = super().create_future()
        if sys._getframe(1).f_globals.get("__name__") in THREADED:
            self._eyes.outside += 1
            future.add_done_callback(self._returned)
        return future

    def _returned(self, _: "asyncio.Future[Any]") -> None:
        self._eyes.outside -= 1


class LeapingClock:
    """The `Clock` of such a loop."""

    def __init__(self, loop: LeapingLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        return int(self._loop.wall_ms + self._loop.time() * 1000)

    def mono(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class LeapingPolicy(asyncio.DefaultEventLoopPolicy):
    """Gives such loops."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return LeapingLoop()


def leaps() -> bool:
    """Whether the running loop is one of these."""
    return isinstance(asyncio.get_running_loop(), LeapingLoop)


def clock_here() -> Clock:
    """The clock of the running loop."""
    loop = asyncio.get_running_loop()
    return LeapingClock(loop) if isinstance(loop, LeapingLoop) else SystemClock()
