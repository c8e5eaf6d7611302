"""The event loop that feeds want: at live rates waking up for every frame costs more than parsing them all, so its
selector asks the system for input at most every few milliseconds and finds many frames waiting."""

import asyncio
import selectors
import time

QUANTUM_S = 0.02


class CoalescingSelector(selectors.DefaultSelector):
    """Looks for input at most once per quantum while there is little to do, so that frames are read in batches. When
    the loop is busy it never waits; timers and calls from other threads are late by at most one quantum."""

    quantum_s = QUANTUM_S

    def __init__(self) -> None:
        super().__init__()
        self._looked_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            rest = self._looked_at + self.quantum_s - time.monotonic()
            if rest > 0:
                time.sleep(rest if timeout is None else min(rest, timeout))
                timeout = None if timeout is None else max(0.0, timeout - rest)
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        self._looked_at = time.monotonic()
        return ready


def new_loop() -> asyncio.AbstractEventLoop:
    """The event loop of the engine."""
    return asyncio.SelectorEventLoop(CoalescingSelector())
