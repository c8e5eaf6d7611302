"""How long what the collector says is on its way, although its wall clock is not ours: pure. The shortest way lately counts
as none, so what is told is how much longer it took than at best."""

from collections import deque

REMEMBERED = 120
"""Events among which the shortest way is looked for: one or two minutes."""

SET_BACK_MS = 1_000
"""A later event cannot be older by that much, unless the collector's clock was set back."""


class Pace:
    """Delays of what comes on one stream."""

    def __init__(self) -> None:
        self._ways: deque[float] = deque(maxlen=REMEMBERED)  # s on our monotonic clock less s on their wall clock
        self._newest_ms = 0
        self.delay_s = 0.0

    def hear(self, at_ms: int, now: float) -> float:
        """Something was said at `at_ms` and heard at `now` (monotonic): seconds that it took."""
        if at_ms < self._newest_ms - SET_BACK_MS:
            self._ways.clear()
        self._newest_ms = at_ms
        way = now - at_ms / 1000
        self._ways.append(way)
        self.delay_s = way - min(self._ways)
        return self.delay_s
