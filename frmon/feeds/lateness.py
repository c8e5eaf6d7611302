"""How late a line's statements come: the venue's time of an event against our time of hearing it."""

from collections import deque
from collections.abc import Sequence
from statistics import median

from frmon.model import Tick

SETTLING_S = 5.0  # after asking, in which first pictures of quiet symbols come, however old they are
LAGGING_MS = 2_000
RECENT_MS = 3_000  # for which a delay counts, ...
LEAST = 5  # ... but so many last ones always do
AHEAD_MS = 2_000  # by which a venue's time may be ahead of the venue's clock and still be believed


def believe(ticks: Sequence[Tick], venue_now_ms: float) -> bool:
    """Take back times that lie in the venue's future: a price so dated would outlive every true one after it. Returns
    whether there were none."""
    odd = [tick for tick in ticks if tick.event_ms is not None and tick.event_ms > venue_now_ms + AHEAD_MS]
    for tick in odd:
        tick.event_ms = int(venue_now_ms)
    return not odd


class Lateness:
    """The delays of recent statements of one connection, in milliseconds of the two clocks' difference."""

    def __init__(self) -> None:
        self._delays: deque[tuple[int, float]] = deque(maxlen=64)  # (when heard, delay)
        self._newest_ms = 0

    def clear(self) -> None:
        """A new connection."""
        self._delays.clear()
        self._newest_ms = 0

    def note(self, event_ms: int | None, now_ms: int, since_asked_s: float) -> None:
        """A statement came. What is no newer than what was heard before was not late: nothing had happened since."""
        if event_ms is None or event_ms <= self._newest_ms:
            return
        self._newest_ms = event_ms
        if since_asked_s <= SETTLING_S:
            return
        self._delays.append((now_ms, now_ms - event_ms))
        while len(self._delays) > LEAST and now_ms - self._delays[0][0] > RECENT_MS:
            self._delays.popleft()

    def typical_ms(self, skew_ms: float) -> float | None:
        """The median delay, with the clocks' difference (venue minus ours) taken out; None while unknown."""
        return max(0.0, round(median(self._told()) + skew_ms, 1)) if self._delays else None

    def is_lagging(self, skew_ms: float) -> bool:
        """Whether even the freshest statements come late: a venue that throttles delays some, not all."""
        return bool(self._delays) and min(self._told()) + skew_ms > LAGGING_MS

    def _told(self) -> list[float]:
        return [delay for _, delay in self._delays]
