"""The engine under every rule: counts, per key, the samples in a row that reach a threshold. Pure."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

EPSILON_PCT = 1e-9
"""Percent points by which a value may miss its threshold: 100.6 over 100.0 is 0.6 %, whatever binary floats say."""

EPSILON_S = 1e-9
"""Seconds by which differences of clock readings may miss what they are compared with."""

Key = tuple[str, str, str]
"""Coin, short venue, long venue."""


class Reading(NamedTuple):
    """What one sample says about a key. `value` in percent; prices are those that were compared."""

    key: Key
    value: float
    price_short: float
    price_long: float
    note: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a key fires: `samples` in a row at or above `threshold_pct`, each less than `max_gap_s` after the one before,
    and `cooldown_s` since it fired last."""

    threshold_pct: float
    samples: int
    max_gap_s: float
    cooldown_s: float

    def reached(self, value: float) -> bool:
        """Whether a value is at or above the threshold."""
        return value >= self.threshold_pct - EPSILON_PCT


class Trigger:
    """The runs of all keys. Remembers only keys that are wide now or cool down."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._runs: dict[Key, _Run] = {}

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._runs)

    def take(self, wide: Collection[Key], now: float, held: Collection[Key] = ()) -> list[Key]:
        """Take one sample at `now` (monotonic seconds). `wide`: the keys that reach the threshold, all others start anew;
        `held`: keys that may not fire now. Returns those that fire, in the order of `wide`."""
        self._end_others(wide, now)
        return [key for key in wide if self._fires(key, now) and self._mark(key, now, held)]

    def standing(self, key: Key, now: float) -> tuple[int, float]:
        """Samples in a row so far, seconds of cooldown left. From any thread."""
        run = self._runs.get(key)
        if run is None:
            return 0, 0.0
        left = run.fired_at + self.limits.cooldown_s - now
        return run.length, max(0.0, left)

    def _fires(self, key: Key, now: float) -> bool:
        run = self._runs.setdefault(key, _Run())
        run.length = run.length + 1 if now - run.at < self.limits.max_gap_s - EPSILON_S else 1
        run.at = now
        return run.length >= self.limits.samples and self._is_cool(run, now)

    def _mark(self, key: Key, now: float, held: Collection[Key]) -> bool:
        if key in held:
            return False
        self._runs[key].fired_at = now
        return True

    def _is_cool(self, run: "_Run", now: float) -> bool:
        return now - run.fired_at >= self.limits.cooldown_s - EPSILON_S

    def _end_others(self, wide: Iterable[Key], now: float) -> None:
        for key in self._runs.keys() - set(wide):
            run = self._runs[key]
            run.length = 0
            if self._is_cool(run, now):
                del self._runs[key]


class _Run:
    """What is remembered of one key: samples in a row, when the last was, when it fired last."""

    __slots__ = ("at", "fired_at", "length")

    def __init__(self) -> None:
        self.length = 0
        self.at = 0.0
        self.fired_at = float("-inf")
