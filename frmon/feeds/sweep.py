"""What sweeps find: streams that repeat what is no longer true, and symbols that a venue's list of all leaves out. Pure.

A moving market differs from any reply for a moment. So what differs is looked at again a little later, and is wrong only if
it still differs though the board never moved. What moves, but stays further away than any market moves, is named too: it
may be another symbol's.
"""

from collections.abc import Iterable, Set

from frmon.model import Difference, Look

SWEEP_S = 45.0  # agreement confirms quiet quotes, difference unmasks a stream that lost its way
AGAIN_S = 8.0  # the second look; longer than any venue's cadence of pushing
LEAST_SCALE = 0.2  # venues don't push faster because our timers do
NAMED = 3  # symbols that words name


class Sweep:
    """The looks at one market of one venue. Times are monotonic seconds."""

    def __init__(self, time_scale: float) -> None:
        self.differing: set[str] = set()
        self.missing: set[str] = set()
        self._every_s = SWEEP_S * time_scale
        self._again_s = AGAIN_S * max(time_scale, LEAST_SCALE)
        self._looked_at = float("-inf")
        self._suspects: dict[str, Difference] | None = None  # of a first look; None: no second one is due
        self._absent: Set[str] = frozenset()
        self._compared = 0

    def is_due(self, now: float) -> bool:
        """Whether a reply is worth a look."""
        second = self._suspects is not None
        return now - self._looked_at >= (self._again_s if second else self._every_s)

    def look(self, look: Look, now: float) -> set[str]:
        """Take in a reply -> the symbols that are found wrong by it."""
        wrong: set[str] = set()
        astray: set[str] = set()
        if self._suspects is None:
            self._looked_at = now
            is_odd = bool(look.differing.keys() - self.differing or look.missing - self.missing)
            self._suspects = look.differing if is_odd else None
            self._absent = look.missing
            self.missing &= look.missing
        else:
            pairs = {s: (first, look.differing[s]) for s, first in self._suspects.items() if s in look.differing}
            wrong = {s for s, (first, second) in pairs.items() if first.moves == second.moves}
            astray = {s for s, (first, second) in pairs.items() if first.far and second.far}
            self._suspects = None
            self.missing = look.missing & self._absent
        self._compared = look.compared
        self.differing = look.doubted | wrong | astray
        return wrong

    def words(self) -> str:
        """ "sweep: 3 of 412 differ (A, B, C), 1 missing (D)"; "" while all is well."""
        parts = []
        if self.differing:
            parts.append(f"{len(self.differing)} of {self._compared} differ ({_names(self.differing)})")
        if self.missing:
            parts.append(f"{len(self.missing)} missing ({_names(self.missing)})")
        return f"sweep: {', '.join(parts)}" if parts else ""


def _names(symbols: Iterable[str]) -> str:
    named = sorted(symbols)
    return ", ".join(named[:NAMED]) + (", ..." if len(named) > NAMED else "")
