"""Samples of one thing over time, and what of them falls into the columns of a chart. What no sample covers is a gap. Pure."""

from collections.abc import Iterable, Sequence
from math import isnan
from typing import NamedTuple

from frmon.signals.series import Series


class Sample(NamedTuple):
    """What held from `since_ms` until `until_ms`; `most`: the largest of it."""

    since_ms: int
    until_ms: int
    value: float
    most: float


class Window(NamedTuple):
    """A stretch of time in equal columns."""

    since_ms: int
    until_ms: int
    columns: int

    def reach(self, sample: Sample) -> range:
        """The columns that a sample covers, also in part."""
        span = self.until_ms - self.since_ms
        first = (sample.since_ms - self.since_ms) * self.columns // span
        end = -((self.since_ms - sample.until_ms) * self.columns // span)
        return range(max(0, first), min(self.columns, end))


Values = list[float | None]


class Track(NamedTuple):
    """One line of a chart: its values per column, and the value that its name stands beside."""

    label: str
    ink: str
    values: Values
    last: float


def fold(samples: Iterable[Sample], window: Window) -> tuple[Values, Values]:
    """Per column the mean of the samples that cover it, and the largest of them; None in a gap."""
    sums, counts = [0.0] * window.columns, [0] * window.columns
    most: Values = [None] * window.columns
    for sample in samples:
        for n in window.reach(sample):
            sums[n] += sample.value
            counts[n] += 1
            before = most[n]
            most[n] = sample.most if before is None else max(before, sample.most)
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)], most


def over(upper: Values, lower: Values) -> Values:
    """The upper one, and the lower one where that knows nothing."""
    return [b if a is None else a for a, b in zip(upper, lower, strict=True)]


def runs(values: Sequence[float | None]) -> list[tuple[int, list[float]]]:
    """The stretches without a gap: the first column and the values of each."""
    found: list[tuple[int, list[float]]] = []
    for n, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1][0] + len(found[-1][1]) == n:
            found[-1][1].append(value)
        else:
            found.append((n, [value]))
    return found


def remembered(series: Series, span_s: float, now: float, now_ms: int) -> list[Sample]:
    """What memory holds of a spread, in the finest steps that reach back so far; the live value at the end. `now`:
    monotonic seconds of the wall clock's `now_ms`."""
    tier = next((t for t in series.tiers if t.span_s >= span_s), series.tiers[-1])
    points, highs, end_s, step_s = tier.points, tier.highs, tier.end_s, tier.step_s
    if end_s is None:
        return []
    origin_ms = now_ms - now * 1000
    begin_s = end_s - len(points) * step_s
    found = [
        Sample(
            int(origin_ms + (begin_s + n * step_s) * 1000), int(origin_ms + (begin_s + (n + 1) * step_s) * 1000), p, h
        )
        for n, (p, h) in enumerate(zip(points, highs, strict=False))
        if not isnan(p)
    ]
    live = series.live
    return found if live is None else [*found, Sample(int(origin_ms + end_s * 1000), now_ms, live, live)]
