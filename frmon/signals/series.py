"""How one spread went: points at equal steps over a few spans, in bounded memory, and what they say about the spread of
now. Points are samples, no means: what is compared is of one kind. Pure; times are seconds on a monotonic clock, values
percent."""

from array import array
from collections.abc import Sequence
from itertools import pairwise
from math import fsum, inf, isnan, log, nan, sqrt
from typing import NamedTuple

import msgspec

SPANS_S = (900.0, 3_600.0, 14_400.0)

POINTS = 450
"""Points of a span, at most: 15 min in steps of 2 s, 1 h of 8 s, 4 h of 32 s."""

STEPS = 4
"""Steps of a span in one of the next longer span."""

UNKNOWN = (nan, inf, -inf)
"""Last, lowest and highest value of a step in which none is known."""

ENOUGH = 30
"""Fewer points say nothing."""

NOISE_PCT = 0.01
"""A basis point. The standard deviation that a z-score divides by is never smaller: a premium that stands still within its
price steps has not moved, however little it moved before."""

REVERTS = -2.88
"""Critical value at 5 % of the Dickey-Fuller t statistic with a constant, for some 250 points (Fuller 1976, table 8.5.2;
-2.93 for 50, -2.86 for many): what does not reach it may as well be a random walk."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One span's view of the live value. All statistics are of the points before it, `low` and `high` of everything between
    them too; None with fewer than `ENOUGH`."""

    span_s: float
    points: int
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None
    z: float | None = None  # (live - mean) / std; 0 = as usual
    percentile: float | None = None  # share of points below live, half of the equal ones with them, 0 to 100
    half_life_s: float | None = None  # of a deviation from the mean; None = does not revert, 0 = within one step


class Held(NamedTuple):
    """What is remembered of a stretch of time: the value that held last, the lowest and the highest."""

    since: float
    until: float
    last: float
    low: float
    high: float


class Norm(msgspec.Struct, frozen=True, kw_only=True):
    """What live values are compared with."""

    mean: float
    std: float

    def z(self, live: float) -> float:
        """How unusual a value is."""
        return (live - self.mean) / max(self.std, NOISE_PCT)


class Tier:
    """One span in equal steps. Of every step: `points` the value that held last, as raw as a live one; `lows` and `highs`
    all that held in it. The arrays are replaced, never changed: others may read them at any time. Steps in which nothing
    was known: nan, inf, -inf."""

    __slots__ = (
        "_bucket", "_high", "_last", "_low", "_most", "_norm", "_norm_of", "highs", "lows", "points", "span_s", "step_s",
    )  # fmt: skip

    def __init__(self, span_s: float, step_s: float) -> None:
        self.span_s = span_s
        self.step_s = step_s
        self.points = array("d")
        self.lows = array("d")
        self.highs = array("d")
        self._most = max(1, int(span_s / step_s + 1e-9))
        self._bucket: int | None = None  # the open step, and what is known of it
        self._last, self._low, self._high = UNKNOWN
        self._norm_of: array[float] | None = None
        self._norm: Norm | None = None

    @property
    def end_s(self) -> float | None:
        """Where the last of the points ends; None before the first sample."""
        return None if self._bucket is None else self._bucket * self.step_s

    def hold(self, value: float, since: float, until: float) -> None:
        """`value` held from `since` to `until`."""
        if since >= until:
            return
        step = self.step_s
        for bucket in range(int(since // step), int(until // step) + 1):
            if bucket * step < until:
                self.reach(bucket)
                self._last = value
                self._low = min(self._low, value)
                self._high = max(self._high, value)

    def reach(self, bucket: int) -> None:
        """Close the steps before this one."""
        last = self._bucket
        if last == bucket:
            return
        self._bucket = bucket
        if last is None:
            return
        gaps = min(bucket - last - 1, self._most)
        most = self._most
        no_point, no_low, no_high = UNKNOWN
        self.points = _longer(self.points, [self._last] + [no_point] * gaps, most)
        self.lows = _longer(self.lows, [self._low] + [no_low] * gaps, most)
        self.highs = _longer(self.highs, [self._high] + [no_high] * gaps, most)
        self._last, self._low, self._high = UNKNOWN

    def recall(self, past: Sequence[Held], now: float) -> None:
        """Put this before what was sampled up to `now`."""
        step, end = self.step_s, int(now // self.step_s)
        end = end if self._bucket is None else self._bucket
        start = end - self._most
        steps = [UNKNOWN] * self._most
        for held in past:
            for bucket in range(max(start, int(held.since // step)), min(end, int(held.until // step) + 1)):
                if bucket * step < held.until:
                    _, low, high = steps[bucket - start]
                    steps[bucket - start] = held.last, min(low, held.low), max(high, held.high)
        for place, sampled in enumerate(zip(self.points, self.lows, self.highs, strict=True), -len(self.points)):
            if not isnan(sampled[0]):
                steps[place] = sampled
        self._bucket = end
        self.points, self.lows, self.highs = (array("d", column) for column in zip(*steps, strict=True))

    def norm(self) -> Norm | None:
        """Mean and deviation of the points; None while there are too few."""
        points = self.points
        if self._norm_of is not points:
            known = _known(points)
            self._norm = _norm(known) if len(known) >= ENOUGH else None
            self._norm_of = points
        return self._norm

    def window(self, live: float | None) -> Window:
        """What the points say about a live value."""
        points = self.points
        known = _known(points)
        if len(known) < ENOUGH:
            return Window(span_s=self.span_s, points=len(known))
        norm = _norm(known)
        return Window(
            span_s=self.span_s,
            points=len(known),
            mean=norm.mean,
            std=norm.std,
            low=min(self._low, *self.lows),
            high=max(self._high, *self.highs),
            z=None if live is None else norm.z(live),
            percentile=None if live is None else percentile(known, live),
            half_life_s=half_life(points, self.step_s),
        )


class Series:
    """One spread. A sample holds until the next one, at most `hold_s`; a sample without a value ends what held."""

    __slots__ = ("_at", "_hold_s", "live", "tiers")

    def __init__(self, every_s: float) -> None:
        step_s = max(SPANS_S[0] / POINTS, every_s)
        self.tiers = tuple(Tier(span_s, step_s * STEPS**n) for n, span_s in enumerate(SPANS_S))
        self.live: float | None = None
        self._at = 0.0
        self._hold_s = 2 * every_s

    def take(self, value: float | None, at: float) -> None:
        """One more sample."""
        for tier in self.tiers:
            if self.live is not None:
                tier.hold(self.live, self._at, min(at, self._at + self._hold_s))
            tier.reach(int(at // tier.step_s))
        self.live, self._at = value, at

    def recall(self, past: Sequence[Held], now: float) -> None:
        """Begin with what was before the first sample, in the order of time and coarser than samples."""
        for tier in self.tiers:
            tier.recall(past, now)

    def z(self) -> float | None:
        """How unusual the live value is: within the hour, or the quarter of an hour while that is all there is."""
        if self.live is None:
            return None
        norm = self.tiers[1].norm() or self.tiers[0].norm()
        return None if norm is None else norm.z(self.live)


def percentile(known: Sequence[float], live: float) -> float:
    """Where a value stands among others, 0 to 100."""
    below = sum(value < live for value in known)
    equal = sum(value == live for value in known)
    return (below + equal / 2) / len(known) * 100


def half_life(points: Sequence[float], step_s: float) -> float | None:
    """Seconds in which half of a deviation is gone, by x[t+1] = a + b·x[t] fitted to equally spaced points (nan = gap).
    None where the fit cannot tell it from a random walk; 0 where nothing of a deviation is left after one step."""
    steps = [(x, y) for x, y in pairwise(points) if not isnan(x) and not isnan(y)]
    n = len(steps)
    if n < ENOUGH - 1:
        return None
    mean_x, mean_y = fsum(x for x, _ in steps) / n, fsum(y for _, y in steps) / n
    sxx = fsum((x - mean_x) ** 2 for x, _ in steps)
    if sxx <= n * 1e-18:
        return None
    b = fsum((x - mean_x) * (y - mean_y) for x, y in steps) / sxx
    rest = fsum((y - mean_y - b * (x - mean_x)) ** 2 for x, y in steps)
    error = sqrt(rest / (n - 2) / sxx)
    if b >= 1 or (b - 1) > REVERTS * error:
        return None
    return step_s * log(2) / -log(b) if b > 0 else 0.0


def _longer(known: "array[float]", more: list[float], most: int) -> "array[float]":
    longer = known + array("d", more)
    return longer if len(longer) <= most else longer[-most:]


def _known(points: "array[float]") -> list[float]:
    return [p for p in points if p == p]  # noqa: PLR0124  only nan differs from itself


def _norm(known: Sequence[float]) -> Norm:
    mean = fsum(known) / len(known)
    return Norm(mean=mean, std=sqrt(fsum((p - mean) ** 2 for p in known) / (len(known) - 1)))
