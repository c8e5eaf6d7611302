"""When a line dials again: delays that grow until it was healthy for a while, and never less than its venue demands."""

import asyncio
from collections import deque

from frmon.clock import Clock
from frmon.errors import Unreachable
from frmon.feeds.wire import Closed
from frmon.jobs import backoff, first

HEALTHY_S = 30.0  # of data before the back-off is forgotten
EARLY_S = 10.0  # a connection that its venue closes sooner is no sign of health
POLICY, POLICY_S = 1008, 10.0  # after "policy violation", most often a limit, at least so long
NAMES_S = 7.0  # no venue is asked too often while its name is not known
FLAPS = 3  # such closes in a row that are worth a word


class Retries:
    """The tries of one line. Times are monotonic seconds; delays are multiplied by `scale`, a venue's demands are not."""

    def __init__(self, scale: float) -> None:
        self.number = 0  # tries since it was healthy last
        self._scale = scale
        self._hurried = asyncio.Event()
        self._is_hurried = False  # since the last try began
        self._delays = backoff()
        self._flaps: deque[float] = deque(maxlen=100)  # when connections ended early, one after the other

    def closed(self, error: Closed) -> Unreachable:
        """What it means that the connection ended."""
        return Unreachable("RECONNECT", str(error), POLICY_S * self._scale if error.code == POLICY else None)

    def ended(self, now: float, lasted_s: float | None, healthy_s: float) -> None:
        """A try is over. `lasted_s`: how long the connection stood before its venue closed it, None where there was none
        or we ended it; `healthy_s`: how long it gave data."""
        if healthy_s > HEALTHY_S * self._scale:
            self._delays = backoff()
            self._flaps.clear()
            self.number = 0
        elif lasted_s is not None and lasted_s < EARLY_S * self._scale:
            self._flaps.append(now)

    def wait_s(self, why: Unreachable) -> float:
        """How long to wait now."""
        self.number += 1
        delay = next(self._delays)
        if why.status == "DNS":
            delay = min(delay, NAMES_S)
        if self._is_hurried:
            delay = min(delay, next(backoff()))
            self._is_hurried = False
        return max(delay * self._scale, why.retry_s or 0.0)

    async def pause(self, clock: Clock, wait_s: float, *, is_demanded: bool) -> None:
        """Wait; unless the venue demands it, no longer than until `hurry`."""
        self._hurried.clear()
        await first(clock.sleep(wait_s), *(() if is_demanded else (self._hurry(),)))
        self._is_hurried = False

    def hurry(self) -> None:
        """There is reason to believe that the next try will do better: if it waits, it need not, and if one is under way that
        began before and fails yet, the next comes soon."""
        self._hurried.set()
        self._is_hurried = True

    async def _hurry(self) -> None:
        await self._hurried.wait()

    def words(self, why: str) -> str:
        """Why it waits, and what the last tries were like."""
        tries = f" (try {self.number})" if self.number > 1 else ""
        if len(self._flaps) < FLAPS:
            return f"{why}{tries}"
        return f"flapping, closed {len(self._flaps)} times in {self._flaps[-1] - self._flaps[0]:.0f} s: {why}{tries}"
