"""Episodes: from the signal that opens one until its spread is narrow again. Pure.

An episode opens with a signal and closes at the first sample below its closing level. A sample that lacks one of the two
legs (stale, crossed, halted, outlier, quarantined), and a pause between samples of `max_gap_s` or more, suspends it: that
time adds no area and closes nothing, unless it lasts longer than `SUSPENDED_S` or the legs leave the board.
"""

from collections import deque
from collections.abc import Callable, KeysView, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from frmon.signals.trigger import EPSILON_PCT, EPSILON_S, Key, Reading

SUSPENDED_S = 900.0
"""An episode unseen for longer is closed: whatever comes after it is another one."""

KEPT = 50
"""Closed episodes that are remembered."""


class State(StrEnum):
    """What an episode is doing."""

    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Reason(StrEnum):
    """Why an episode closed."""

    NARROW = "narrow"  # below the closing level
    STALE = "stale"  # unseen for too long
    GONE = "gone"  # a leg left the board


class Moment(NamedTuple):
    """One instant on both clocks."""

    at: float  # monotonic seconds
    ms: int  # wall clock, Unix milliseconds: for display only


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One episode as of the last sample. Values in percent; `area` in percent × seconds, by trapezoids between samples that
    saw it; `duration_s` from the opening to the last sample that saw it."""

    coin: str
    kind: str
    short: str
    long: str
    opened_ms: int
    opened_pct: float
    live_pct: float  # at the last sample that saw it
    peak_pct: float
    peak_ms: int
    area: float = 0.0
    duration_s: float = 0.0
    samples: int = 1
    state: State = State.OPEN
    reason: Reason | None = None
    closed_ms: int | None = None
    opened_at: float  # monotonic
    seen_at: float  # monotonic, of the last sample that saw it
    closed_at: float | None = None  # monotonic

    @property
    def key(self) -> Key:
        """Coin, short venue, long venue."""
        return self.coin, self.short, self.long


class Episodes:
    """All that are open, and the last `KEPT` that closed. Other threads may read `open` and `closed` at any time."""

    def __init__(self, max_gap_s: float) -> None:
        self.open: tuple[Episode, ...] = ()  # the latest opened first
        self.closed: deque[Episode] = deque(maxlen=KEPT)  # the latest closed first
        self.hear: Callable[[Episode], None] | None = None  # is told every one that opens or closes
        self._max_gap_s = max_gap_s
        self._open: dict[str, dict[Key, Episode]] = {}

    def keys(self, kind: str) -> KeysView[Key]:
        """The keys whose episode of this kind is open."""
        return self._open.setdefault(kind, {}).keys()

    def is_open(self, kind: str, key: Key) -> bool:
        """Whether an episode is on, suspended or not."""
        return key in self._open.get(kind, {})

    def begin(self, kind: str, reading: Reading, now: Moment) -> None:
        """Open one with its signal."""
        coin, short, long = reading.key
        episode = self._open.setdefault(kind, {})[reading.key] = Episode(
            coin=coin,
            kind=kind,
            short=short,
            long=long,
            opened_ms=now.ms,
            opened_pct=reading.value,
            live_pct=reading.value,
            peak_pct=reading.value,
            peak_ms=now.ms,
            opened_at=now.at,
            seen_at=now.at,
        )
        self._tell(episode)

    def follow(
        self, kind: str, close_pct: float, seen: Mapping[Key, Reading], is_seated: Callable[[Key], bool], now: Moment
    ) -> None:
        """Take a sample of every open episode of this kind. `seen`: the keys whose two legs qualify; `is_seated`: whether
        both legs of a key are on the board at all."""
        mine = self._open.setdefault(kind, {})
        for key, episode in list(mine.items()):
            reading = seen.get(key)
            if reading is None and not is_seated(key):
                after = _close(episode, Reason.GONE, now)
            else:
                after = step(episode, None if reading is None else reading.value, close_pct, self._max_gap_s, now)
            mine[key] = after
            if after.state is State.CLOSED:
                del mine[key]
                self.closed.appendleft(after)
                self._tell(after)

    def publish(self) -> None:
        """Show others what is open now."""
        found = [e for mine in self._open.values() for e in mine.values()]
        self.open = tuple(sorted(found, key=lambda e: -e.opened_at))

    def _tell(self, episode: Episode) -> None:
        if self.hear is not None:
            self.hear(episode)


def step(episode: Episode, value: float | None, close_pct: float, max_gap_s: float, now: Moment) -> Episode:
    """An open episode after one more sample. `value`: None where a leg does not qualify."""
    away = now.at - episode.seen_at
    was_away = episode.state is State.SUSPENDED or away >= max_gap_s - EPSILON_S
    if was_away and away > SUSPENDED_S:
        return _close(episode, Reason.STALE, now)
    if value is None:
        return replace(episode, state=State.SUSPENDED)
    is_peak = value > episode.peak_pct
    after = replace(
        episode,
        state=State.OPEN,
        live_pct=value,
        peak_pct=value if is_peak else episode.peak_pct,
        peak_ms=now.ms if is_peak else episode.peak_ms,
        area=episode.area + (0.0 if was_away else away * (value + episode.live_pct) / 2),
        duration_s=now.at - episode.opened_at,
        samples=episode.samples + 1,
        seen_at=now.at,
    )
    return _close(after, Reason.NARROW, now) if value < close_pct - EPSILON_PCT else after


def _close(episode: Episode, reason: Reason, now: Moment) -> Episode:
    return replace(episode, state=State.CLOSED, reason=reason, closed_ms=now.ms, closed_at=now.at)
