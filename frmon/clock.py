"""The only place that reads clocks. Everything that needs time is handed a `Clock`; tests hand in their own."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Three readings and one wait."""

    def now_ms(self) -> int:
        """Wall clock, Unix milliseconds: for display and for comparison with venues' times."""
        ...

    def mono(self) -> float:
        """Seconds since some start, never set back; counts time in which the machine was suspended, where the system can.
        All ages, windows and cooldowns are measured on it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets others run."""
        ...


_ID = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono(self) -> float:
        return time.clock_gettime(_ID)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is told to go: `advance` moves both readings, `step_wall` only the wall clock."""

    def __init__(self, now_ms: int = 1_795_325_580_000, mono: float = 1_000.0) -> None:
        self._now_ms = float(now_ms)
        self._mono = mono
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return int(self._now_ms)

    def mono(self) -> float:
        return self._mono

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; wakes every sleeper whose time has come."""
        self._mono += seconds
        self._now_ms += seconds * 1000
        due = [s for s in self._sleepers if s[0] <= self._mono]
        self._sleepers = [s for s in self._sleepers if s[0] > self._mono]
        for _, future in due:
            if not future.done():
                future.set_result(None)

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back without time passing."""
        self._now_ms += seconds * 1000

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._mono + seconds, future))
        await future
