"""What all ports count together, and what was sent."""

from collections import Counter, deque
from typing import NamedTuple


class Sent(NamedTuple):
    """One data frame. `number` counts all of them; `line` is the generation: every line that was ever open has its own."""

    number: int
    at_ms: int  # the simulator's clock
    line: int
    venue: str
    delivered: bool  # False: a fault lost it (or put something else in its place)
    frame: bytes  # the text; of what is no whole text frame: as it is on the wire


class Ledger:
    """`log`: every data frame since it was put there; None: nothing is logged."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.violations: Counter[str] = Counter()
        self.log: deque[Sent] | None = None
        self._lines = 0
        self._frames = 0

    def next_line(self) -> int:
        """The number of a line that opens."""
        self._lines += 1
        return self._lines

    def note(self, at_ms: int, line: int, venue: str, frames: dict[bool, list[bytes]]) -> None:
        """Log frames: delivered or not -> which."""
        if self.log is None:
            return
        for delivered, some in frames.items():
            for frame in some:
                self._frames += 1
                self.log.append(Sent(self._frames, at_ms, line, venue, delivered, bytes(frame)))
