"""How much of a core the answers may take: the feeds run beside them in the same interpreter and come first."""

import asyncio
import sys
import time
from collections.abc import Callable

SHARE = 0.35
"""Of a core, on the average."""

BURST_S = 0.25
"""CPU seconds that may be spent at once after a quiet while."""

LONGEST_S = 2.0

SWITCH_S = 0.0005
"""So long a thread may go on while another one waits: reads of sockets are many and short, and wait at each."""


class Share:
    """The CPU time of one thread. `spent`: reads it, in seconds."""

    def __init__(
        self, spent: Callable[[], float] = time.thread_time, mono: Callable[[], float] = time.monotonic
    ) -> None:
        self._spent, self._mono = spent, mono
        self._left = BURST_S
        self._seen = spent()
        self._at = mono()

    def wait_s(self) -> float:
        """Seconds until the next answer may begin; 0 while there is something left."""
        now, spent = self._mono(), self._spent()
        self._left = min(BURST_S, self._left + (now - self._at) * SHARE - (spent - self._seen))
        self._at, self._seen = now, spent
        return min(LONGEST_S, max(0.0, -self._left / SHARE))

    async def turn(self) -> None:
        """Wait until the next answer may begin."""
        if (seconds := self.wait_s()) > 0:
            await asyncio.sleep(seconds)


def switch_often() -> None:
    """Let threads take turns more often than they would."""
    sys.setswitchinterval(SWITCH_S)
