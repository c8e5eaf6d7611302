"""What a line shows of itself: one word, the rest in words, and every change of the word told once."""

import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from math import ceil

from frmon.clock import Clock
from frmon.feeds.pacer import Wait
from frmon.model import LineState, Status

LOG = logging.getLogger("frmon.line")
BARRED = frozenset({Status.BANNED, Status.BLOCKED})
"""States whose end the venue decides."""

SPEAKING = frozenset({Status.LIVE, Status.LAG, Status.STALE})
"""States of a line that spoke and was not given up."""

_LASTING = frozenset({Status.NO_DATA, Status.STALE, Status.CONNECTING})


def speaking(
    frozen: Collection[str], silent_s: float, lag_ms: float | None, refused: Collection[str], unread: str = ""
) -> tuple[Status, str]:
    """Which of these it is. `frozen`: kinds that repeat themselves; `silent_s`: 0 for no silence worth a word; `unread`: what
    could not be read, in words."""
    status, detail = _speaking(frozen, silent_s, lag_ms, refused)
    return status, "; ".join(part for part in (detail, unread) if part)


def _speaking(
    frozen: Collection[str], silent_s: float, lag_ms: float | None, refused: Collection[str]
) -> tuple[Status, str]:
    if frozen:
        return Status.STALE, f"content frozen: {', '.join(sorted(frozen))} repeats what it said before"
    if silent_s:
        return Status.STALE, f"no data for {silent_s:.0f} s"
    if lag_ms is not None:
        return Status.LAG, f"{lag_ms:.0f} ms late"
    return Status.LIVE, f"{len(refused)} refused ({names(refused)})" if refused else ""


def names(symbols: Collection[str], most: int = 3) -> str:
    """The first of them by name: "A, B, C, ..."."""
    return ", ".join(sorted(symbols)[:most]) + (", ..." if len(symbols) > most else "")


def until(why: str, now_ms: int, seconds: float) -> str:
    """The reason of a ban and the time of day at which it ends."""
    return f"{why}; until {datetime.fromtimestamp(now_ms / 1000 + seconds, UTC):%H:%M:%S} UTC"


class Shown:
    """Writes status and detail of a line's state. While the line waits, `refresh` brings the countdown up to date."""

    def __init__(self, state: LineState, clock: Clock, tell: Callable[[str], None]) -> None:
        self._state = state
        self._clock = clock
        self._tell = tell
        self._why = ""
        self._again_at: float | None = None  # monotonic; None while it does not wait

    def show(self, status: Status, detail: str) -> None:
        """It is so from now on."""
        self._again_at = None
        self._put(status, detail)

    def begin(self, detail: str) -> None:
        """It dials or asks: what was wrong stays so, and is said, until data says otherwise."""
        before = self._state.status if self._state.reconnects else Status.CONNECTING
        hint = f"{self._why}; " if self._state.reconnects and self._why else ""
        self.show(before if before in _LASTING else Status.RECONNECT, hint + detail)

    def wait(self, status: Status, why: str, seconds: float) -> None:
        """It waits that long before it goes on."""
        self._again_at = self._clock.mono() + seconds
        self._why = why
        if status in BARRED:
            self._why = until(why, self._clock.now_ms(), seconds)
        self._put(status, self._waiting(self._again_at))

    def hold(self, wait: Wait, ban: str) -> None:
        """It waits for permission to dial; `ban`: why, where that is the reason. Else why it must dial at all is said beside."""
        why, status = (ban, Status(wait.barred)) if wait.is_barred else (self._why, self._state.status)
        self.show(status, f"{why}; {wait.words}" if why else wait.words)

    def refresh(self) -> None:
        """What is left of a wait is said anew."""
        if self._again_at is not None:
            self._state.detail = self._waiting(self._again_at)

    def _waiting(self, again_at: float) -> str:
        left = ceil(again_at - self._clock.mono() - 0.001)
        return f"{self._why}; again in {left} s" if left >= 1 else self._why

    def _put(self, status: Status, detail: str) -> None:
        state, before = self._state, self._state.status
        state.status = status
        state.detail = detail
        if status is not before:
            told = f"{state.name}: {before} → {status}" + (f" ({detail})" if detail else "")
            LOG.info("%s", told)
            self._tell(told)
