"""Round numbers and round times along the axes of a chart. Pure."""

import time
from math import ceil, floor, log10

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS
TIMES_MS = tuple(
    n * MINUTE_MS for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2 * 1440, 7 * 1440)
)  # fmt: skip
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def steps(low: float, high: float, most: int) -> list[float]:
    """At most `most` round numbers from low to high, at equal distances; at least one where any is there."""
    if not low < high or most < 1:
        return []
    step = 10.0 ** floor(log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20):
        first, last = ceil(low / (step * factor) - 1e-9), floor(high / (step * factor) + 1e-9)
        if last - first < most:
            return [n * step * factor for n in range(first, last + 1)]
    return []


def places(values: list[float]) -> int:
    """How many decimals tell neighbouring round numbers apart."""
    gap = values[1] - values[0] if len(values) > 1 else abs(values[0]) / 10 if values and values[0] else 1.0
    return max(0, ceil(-log10(gap) - 1e-9))


def times(since_ms: int, until_ms: int, most: int) -> list[int]:
    """At most `most` round moments in UTC, at equal distances."""
    for step in TIMES_MS:
        first = -(-since_ms // step) * step
        found = list(range(first, until_ms + 1, step))
        if len(found) <= most:
            return found
    return []


def moment(ms: int, span_ms: int) -> str:
    """A moment on the axis: the time of day in UTC; the day where the span is longer than two."""
    at = time.gmtime(ms // 1000)
    return f"{at.tm_mday} {MONTHS[at.tm_mon - 1]}" if span_ms > 2 * DAY_MS else f"{at.tm_hour:02d}:{at.tm_min:02d}"
