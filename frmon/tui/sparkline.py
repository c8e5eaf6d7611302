"""The last hour of a coin's best spread in a few cells. Pure."""

from array import array
from collections.abc import Callable, Sequence
from math import isnan

from frmon.signals.series import Series, Tier

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-:=+*#"
HOUR = 1
"""Which of a series' spans is drawn."""

LEAST_PCT = 0.04
"""A spread that moved less is drawn as nearly flat: noise must not look like a mountain."""


class Sparks:
    """The sparklines of all coins. One is made anew only when its series has another point."""

    def __init__(self, series: Callable[[str], Series | None], ascii_only: bool) -> None:
        self._series = series
        self._levels = PLAIN if ascii_only else BLOCKS
        self._made: dict[str, tuple[array[float], int, str]] = {}
        self.drawn = 0  # how many were made

    def of(self, coin: str, width: int) -> str:
        """So many cells, the latest at the right; blank where nothing is known, "" where nothing is remembered."""
        series = self._series(coin)
        if series is None:
            self._made.pop(coin, None)
            return ""
        tier = series.tiers[HOUR]
        points = tier.points
        made = self._made.get(coin)
        if made is None or made[0] is not points or made[1] != width:
            self.drawn += 1
            made = self._made[coin] = (points, width, sparkline(cells(tier, width), self._levels))
        return made[2]


def cells(tier: Tier, width: int) -> list[float | None]:
    """The mean of each of `width` equal parts of the span, the last of which still runs; None where nothing is known. Parts
    begin at fixed times: only the last one changes from one point to the next."""
    points, end_s = tier.points, tier.end_s
    if end_s is None or width < 1:
        return [None] * max(0, width)
    each = max(1, -int(-tier.span_s // (tier.step_s * width)))
    end = round(end_s / tier.step_s)
    first, found = end // each - width + 1, []
    for cell in range(first, first + width):
        since = max(0, cell * each - end + len(points))
        found.append(_mean(points[since : max(0, (cell + 1) * each - end + len(points))]))
    return found


def sparkline(values: Sequence[float | None], levels: str = BLOCKS) -> str:
    """One character a value, from the lowest to the highest of them; a blank for None."""
    known = [v for v in values if v is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    room = max(high - low, LEAST_PCT)
    low -= (room - (high - low)) / 2
    top = len(levels) - 1
    return "".join(" " if v is None else levels[min(top, int((v - low) / room * len(levels)))] for v in values)


def _mean(points: "array[float]") -> float | None:
    total = sum(points)
    if not isnan(total):
        return total / len(points) if points else None
    known = [p for p in points if not isnan(p)]
    return sum(known) / len(known) if known else None
