"""REST answers that were given, for faults that give them again."""

from collections import deque
from collections.abc import Callable

from frmon.feeds.sim.dialects import Reply

KEEP_MS = 60_000
KEEP = 32  # of one request

Again = Callable[[int], Reply]
"""(now_ms) -> the answer of that moment."""


class Shelf:
    """By path and query."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Again, deque[tuple[int, Reply]]]] = {}
        self._renewed_ms = 0

    def put(self, key: str, now_ms: int, said: Reply, again: Again) -> None:
        """Keep an answer; forget those older than a minute (never the last one)."""
        _, replies = self._held.setdefault(key, (again, deque(maxlen=KEEP)))
        replies.append((now_ms, said))
        while len(replies) > 1 and replies[1][0] < now_ms - KEEP_MS:
            replies.popleft()

    def last(self, key: str) -> Reply | None:
        """The last answer."""
        return self._held[key][1][-1][1] if key in self._held else None

    def before(self, key: str, at_ms: int) -> Reply | None:
        """What was the answer at that time; the oldest one known if that is younger."""
        if key not in self._held:
            return None
        replies = self._held[key][1]
        return next((said for at, said in reversed(replies) if at <= at_ms), replies[0][1])

    def renew(self, now_ms: int, every_ms: float) -> None:
        """Keep the present answer of everything that was ever asked, if that was not done within `every_ms`."""
        if now_ms - self._renewed_ms < every_ms:
            return
        self._renewed_ms = now_ms
        for key, (again, _) in self._held.items():
            self.put(key, now_ms, again(now_ms), again)
