"""What the program itself uses."""

from collections.abc import Callable, Sequence
from os import getpid

import psutil

from frmon.model import VenueState
from frmon.storage.records import SampleRow
from frmon.vigil import Vigil

SAMPLE_S = 60.0


class Own:
    """What the program itself uses, once a minute. Reconnects: of all lines, in that minute; the loop's lag: the worst that
    was noticed in it."""

    def __init__(self, states: Callable[[], Sequence[VenueState]], clock: Vigil) -> None:
        self._states = states
        self._clock = clock
        self._due: float | None = None
        self._reconnects = 0
        self._process: psutil.Process | None = None

    def sample(self, now: float, now_ms: int) -> SampleRow | None:
        """A sample when one is due. The first is due a minute after the first call."""
        if self._due is None:
            self._due = now + SAMPLE_S
            self._usage()
        if now < self._due:
            return None
        self._due = max(self._due + SAMPLE_S, now)
        cpu_pct, rss_mb = self._usage()
        worst_s, self._clock.worst_s = self._clock.worst_s, 0.0
        states = self._states()
        reconnects = sum(state.reconnects for state in states)
        since, self._reconnects = self._reconnects, reconnects
        return SampleRow(
            at_ms=now_ms,
            cpu_pct=cpu_pct,
            rss_mb=rss_mb,
            loop_lag_ms=round(worst_s * 1000, 1),
            messages_per_s=round(sum(state.messages_per_s for state in states), 1),
            legs=sum(state.legs for state in states),
            fresh_legs=sum(state.fresh_legs for state in states),
            reconnects=max(0, reconnects - since),
        )

    def _usage(self) -> tuple[float | None, float | None]:
        """Percent of one core since the last call, resident MB; None where the system won't say."""
        try:
            if self._process is None:
                self._process = psutil.Process(getpid())
            return self._process.cpu_percent(None), round(self._process.memory_info().rss / 1e6, 1)
        except (psutil.Error, OSError):
            return None, None
