"""Whether anything new is said. A stream that goes on repeating what it said is as dead as one that is silent, and a reply
that comes again confirms nothing."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from frmon.errors import Unreachable
from frmon.feeds.contract import Channel
from frmon.feeds.lateness import AHEAD_MS
from frmon.feeds.watchdog import MISSED
from frmon.model import Tick

REPEATS_S = 5.0  # for which no statement has a newer venue time than the newest so far
REPLIES = 8  # that are remembered: caches of one venue may differ


class Content:
    """The newest venue times of one line's channels. They outlive connections: a venue that repeats itself does so on the
    next one too."""

    def __init__(self, channels: Collection[Channel], scale: float) -> None:
        self.frozen: set[str] = set()  # kinds that repeat themselves
        self._beats_ms = {c.kind: c.cadence_s * 1000 for c in channels}
        self._limits = {c.kind: max(REPEATS_S * scale, MISSED * c.cadence_s) for c in channels}
        self._newest: dict[str, int] = {}
        self._news_at: dict[str, float] = {}

    def begin(self, kinds: Iterable[str], now: float) -> None:
        """A new connection: first pictures may be old, unless the channel repeated itself before."""
        self._news_at |= dict.fromkeys(set(kinds) - self.frozen, now)

    def is_news(self, kind: str, ticks: Sequence[Tick], now: float, venue_now_ms: float) -> bool:
        """Take in a frame. Without venue times nothing can be told, and everything is news. What was newest counts no more
        once it lies in the future: then a clock was set back."""
        newest = max((t.event_ms for t in ticks if t.event_ms is not None), default=None)
        held = self._newest.get(kind, 0)
        if newest is not None and newest <= held <= venue_now_ms + AHEAD_MS:
            if self._is_of_this_beat(kind, newest, held, venue_now_ms):
                return True
            if now - self._news_at.get(kind, now) > self._limits[kind]:
                self.frozen.add(kind)
            return False
        if newest is not None:
            self._newest[kind] = newest
        self._news_at[kind] = now
        self.frozen.discard(kind)
        return True

    def _is_of_this_beat(self, kind: str, newest: int, held: int, venue_now_ms: float) -> bool:
        """Whether it happened so lately that a channel which pushes each symbol in its own turn could not tell it sooner. What
        is repeated grows too old for that."""
        beat_ms = self._beats_ms[kind]
        return beat_ms > 0 and newest > max(held - beat_ms, venue_now_ms - beat_ms - AHEAD_MS)


class Replies:
    """The latest replies to one question, where each says when it was made, so that no two are the same."""

    def __init__(self, scale: float) -> None:
        self._seen: deque[int] = deque(maxlen=REPLIES)
        self._limit_s = REPEATS_S * scale
        self._news_at = float("inf")

    def is_news(self, body: bytes, now: float) -> bool:
        """Take in a reply: whether it is not one of the last again. Raises `Unreachable` where only these come for too long."""
        digest = hash(body)
        if digest not in self._seen:
            self._news_at = now
            self._seen.append(digest)
            return True
        if now - self._news_at > self._limit_s:
            raise Unreachable("STALE", f"content frozen: the same answer for {now - self._news_at:.0f} s")
        return False
