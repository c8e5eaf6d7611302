"""Points, windows and half-lives against plain recomputation."""

import statistics
from collections.abc import Sequence
from itertools import pairwise
from math import inf, isnan, log, nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.signals.series import ENOUGH, NOISE_PCT, POINTS, Series, Window, half_life, percentile

STEPS_S = (2.0, 8.0, 32.0)


def filled(values: Sequence[float | None], every_s: float = 2.0, start: float = 1000.0) -> Series:
    series = Series(every_s)
    for n, value in enumerate(values):
        series.take(value, start + n * every_s)
    return series


def slowly(samples: list[tuple[float, float | None]], step_s: float, hold_s: float) -> list[list[float]]:
    """What held in each step of a span, eighth of a second by eighth of a second."""
    held: dict[int, list[float]] = {}
    for (at, value), (until, _) in pairwise(samples):
        for eighth in range(round(at * 8), round(min(until, at + hold_s) * 8)):
            if value is not None:
                held.setdefault(int(eighth / 8 // step_s), []).append(value)
    first, last = int(samples[0][0] // step_s), int(samples[-1][0] // step_s)
    return [held.get(b, []) for b in range(first, last)]


SAMPLES = st.lists(
    st.tuples(st.sampled_from([16, 16, 16, 15, 20, 40, 200, 8000]), st.sampled_from([0.0, 1.0, -2.5, 4.0, None])),
    min_size=1,
    max_size=60,
)


@settings(deadline=None)
@given(SAMPLES)
def test_points_are_what_held_last_and_gaps_stay_gaps(steps: list[tuple[int, float | None]]) -> None:
    at, samples, series = 1000.0, [], Series(2.0)
    for eighths, value in steps:
        at += eighths / 8
        samples.append((at, value))
        series.take(value, at)
    for tier, step_s in zip(series.tiers, STEPS_S, strict=True):
        expected = slowly(samples, step_s, 4.0)[-POINTS:]
        assert tier.step_s == step_s
        assert list(tier.points) == pytest.approx([held[-1] if held else nan for held in expected], nan_ok=True)
        assert list(tier.lows) == [min(held, default=inf) for held in expected]
        assert list(tier.highs) == [max(held, default=-inf) for held in expected]


@pytest.mark.parametrize("span", range(3))
def test_z_of_noise_is_as_wide_in_every_span_as_its_name_says(span: int) -> None:
    random, series, found = Random(1), Series(2.0), []
    for n in range(9000):
        value = 1 + random.gauss(0, 0.1)
        series.take(value, 2.0 * n)
        if n > 7400 and n % 5 == 0:
            found.append(series.tiers[span].window(value))
    zs = [w.z for w in found if w.z is not None]
    assert len(zs) == len(found)
    assert statistics.stdev(zs) == pytest.approx(1.0, abs=0.1)
    assert sum(abs(z) > 3 for z in zs) <= len(zs) / 50
    assert sum(w.percentile in (0, 100) for w in found) <= len(found) / 50


@pytest.mark.parametrize("spike_at", [1500, 1900, 1996, 1997, 1998])
def test_a_spike_is_as_high_in_every_span(spike_at: int) -> None:
    series = filled([3.0 if n == spike_at else -1.0 if n == spike_at - 20 else 0.1 for n in range(2000)])
    windows = [tier.window(0.1) for tier in series.tiers]
    shown = [(w.low, w.high) for w in windows]
    assert shown[1:] == [(-1.0, 3.0)] * 2
    assert shown[0] == ((-1.0, 3.0) if spike_at > 1600 else (0.1, 0.1))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(200, 2500), st.sampled_from([0.5, 2.0, 3.1]))
def test_a_longer_span_reaches_at_least_as_far(seed: int, count: int, every_s: float) -> None:
    random = Random(seed)
    series = filled([random.gauss(0, 1) if random.random() > 0.05 else None for _ in range(count)], every_s, seed / 7)
    windows = [w for tier in series.tiers if (w := tier.window(0.0)).points >= ENOUGH]
    for shorter, longer in pairwise(windows):
        assert shorter.low is not None
        assert shorter.high is not None
        assert longer.low is not None
        assert longer.high is not None
        assert longer.low <= shorter.low
        assert longer.high >= shorter.high


def test_nothing_is_said_before_there_are_enough_points() -> None:
    few = filled([1.0] * ENOUGH).tiers[0].window(1.0)
    assert few == Window(span_s=900.0, points=ENOUGH - 1)
    enough = filled([1.0] * (ENOUGH + 1)).tiers[0].window(1.0)
    assert (enough.points, enough.mean, enough.std, enough.z, enough.percentile) == (ENOUGH, 1.0, 0.0, 0.0, 50.0)


def test_the_live_value_is_no_part_of_what_it_is_compared_with() -> None:
    values = [1.0, 1.2] * 50
    window = filled([*values, 9.0]).tiers[0].window(9.0)
    assert window.mean == pytest.approx(statistics.fmean(values))
    assert window.std == pytest.approx(statistics.stdev(values))
    assert (window.low, window.high, window.percentile) == (1.0, 1.2, 100.0)
    assert window.z == pytest.approx((9.0 - statistics.fmean(values)) / statistics.stdev(values))


def test_a_premium_that_never_closes_has_no_z_and_a_dislocation_has() -> None:
    random = Random(1)
    structural = filled([4.0 + random.gauss(0, 0.02) for _ in range(400)] + [4.0])
    dislocated = filled([0.1 + random.gauss(0, 0.02) for _ in range(400)] + [0.7])
    a, b = structural.z(), dislocated.z()
    assert a is not None
    assert b is not None
    assert abs(a) < 1
    assert b > 10


def test_a_wobble_within_a_basis_point_is_no_dislocation() -> None:
    z = filled([4.0] * 400 + [4.0 + NOISE_PCT]).z()
    assert z == pytest.approx(1.0)


def test_the_hour_is_the_measure_as_soon_as_it_has_points() -> None:
    values = [1.0, 3.0] * 57
    short = filled(values)
    assert short.tiers[1].norm() is None
    assert short.z() == pytest.approx((3.0 - 2.0) / statistics.stdev(short.tiers[0].points), rel=0.05)
    long = filled([0.5] * 4 * 100 + values)
    norm = long.tiers[1].norm()
    assert norm is not None
    assert long.z() == pytest.approx((3.0 - norm.mean) / norm.std)


def test_without_a_live_value_there_is_no_z() -> None:
    series = filled([1.0] * 100 + [None])
    assert series.z() is None
    window = series.tiers[0].window(None)
    assert (window.mean, window.z, window.percentile) == (1.0, None, None)


def test_memory_is_bounded_however_long_it_runs() -> None:
    series = filled([float(n % 7) for n in range(30_000)])
    assert [len(tier.points) for tier in series.tiers] == [POINTS] * 3
    assert sum(len(a) * a.itemsize for t in series.tiers for a in (t.points, t.lows, t.highs)) <= 33_000


def test_a_sleep_of_days_costs_no_more_than_the_span() -> None:
    series = filled([1.0] * 100)
    series.take(2.0, 1e9)
    assert all(len(tier.points) <= POINTS for tier in series.tiers)
    assert series.tiers[0].window(2.0).points == 0


@pytest.mark.parametrize("every_s", [0.25, 2.0, 10.0, 60.0])
def test_the_spans_stay_what_they_are_at_any_pace(every_s: float) -> None:
    series = filled([1.0] * 200, every_s)
    assert [tier.span_s for tier in series.tiers] == [900.0, 3600.0, 14400.0]
    assert all(len(t.points) * t.step_s <= t.span_s + 1e-6 for t in series.tiers)
    assert all(t.step_s >= every_s for t in series.tiers)
    assert not any(isnan(p) for t in series.tiers for p in t.points)


def reverting(phi: float, n: int = 450, seed: int = 1) -> list[float]:
    random, x, found = Random(seed), 0.0, []
    for _ in range(n):
        x = phi * x + random.gauss(0, 1)
        found.append(x)
    return found


@pytest.mark.parametrize("phi", [0.3, 0.6, 0.8, 0.9])
def test_the_half_life_of_a_reverting_series_is_found(phi: float) -> None:
    found = [half_life(reverting(phi, 5000, seed), 2.0) for seed in range(10)]
    assert statistics.fmean(h for h in found if h is not None) == pytest.approx(2.0 * log(0.5) / log(phi), rel=0.1)


def test_a_random_walk_does_not_revert() -> None:
    taken_for_one = sum(half_life(reverting(1.0, seed=seed), 2.0) is not None for seed in range(200))
    assert taken_for_one <= 20, "one in twenty by the level of the test"


@pytest.mark.parametrize("points", [[], [1.0] * 450, [float(n) for n in range(450)], [1.0, 2.0] * 14, [nan, 1.0] * 200])
def test_what_cannot_be_fitted_has_no_half_life(points: list[float]) -> None:
    assert half_life(points, 2.0) is None


def test_what_is_gone_after_one_step_has_a_half_life_of_zero() -> None:
    assert half_life(reverting(-0.5), 2.0) == 0.0


@given(st.lists(st.integers(-5, 5), min_size=1), st.integers(-6, 6))
def test_percentiles_count_what_is_below_and_half_of_what_is_equal(known: list[int], live: int) -> None:
    found = percentile([float(k) for k in known], float(live))
    assert found == pytest.approx(100 * sum((k < live) + (k == live) * 0.5 for k in known) / len(known))
    assert found + percentile([-float(k) for k in known], -float(live)) == pytest.approx(100.0)
