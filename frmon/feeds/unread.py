"""What could not be read, counted by what it was: a frame, a row, a field by its name on the wire, a symbol whose frames met
a bug. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

KEPT_S = 60.0  # after the last one: then it is over
TOLD_S = 60.0  # between words in the event log
NAMED = 3  # of the most frequent that words name
WHOLE = "frame"


class Unread:
    """The counts of one line or of one kind of reply. Times are monotonic seconds."""

    def __init__(self, time_scale: float) -> None:
        self.total = 0
        self._counts: Counter[str] = Counter()
        self._kept_s = KEPT_S * time_scale
        self._told_s = TOLD_S * time_scale
        self._last_at = self._told_at = float("-inf")

    def note(self, names: Iterable[str], now: float) -> bool:
        """These could not be read. Returns whether that is worth a word now: at first, and once a minute while it goes on."""
        if now - self._last_at > self._kept_s:
            self._counts.clear()
        before = self._counts.total()
        self._counts.update(names)
        self.total += self._counts.total() - before
        self._last_at = now
        if now - self._told_at < self._told_s:
            return False
        self._told_at = now
        return True

    def count(self, now: float) -> int:
        """How many lately; 0 a minute after the last."""
        return self._counts.total() if now - self._last_at <= self._kept_s else 0

    def words(self, now: float) -> str:
        """ "PARSE 12: bidPx 9, frame 3"; "" while there is nothing to say."""
        count = self.count(now)
        if not count:
            return ""
        named = ", ".join(f"{name} {n}" for name, n in self._counts.most_common(NAMED))
        return f"PARSE {count}: {named}"


def worst(parts: Mapping[str, Unread], now: float) -> str:
    """Of all parts of a venue: "PARSE 12: toy spot 1: bidPx 9, frame 3"; "" while all is read."""
    counts = {name: count for name, part in parts.items() if (count := part.count(now))}
    if not counts:
        return ""
    name = max(counts, key=lambda one: counts[one])
    return f"PARSE {sum(counts.values())}: {name} {parts[name].words(now).partition(': ')[2]}"


def culprit(raw: bytes, symbols: Iterable[str]) -> str:
    """Whose frame it is that met a bug: the symbol that it names, or `WHOLE` where it names several or none."""
    if len(raw) > 4096:
        return WHOLE
    found = sorted((s for s in symbols if s.encode() in raw), key=len)
    return found[-1] if found and all(s in found[-1] for s in found) else WHOLE
