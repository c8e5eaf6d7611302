"""Whether time itself behaves: the one clock of the program, which notices when the program stood still (a stopped process, a
suspended machine) and when somebody set the wall clock."""

from collections.abc import Callable
from threading import get_ident

from frmon.clock import Clock

BEAT_S = 0.1
STALLED_AT_LEAST_S = 2.0  # shorter pauses are those of a busy machine, however fast the timers run
STALLED_AT_MOST_S = 10.0
STEP_MS = 500.0  # of the wall clock against the monotonic one from one reading to the next: nobody slews as fast
BLINK_S = 0.05  # between two readings that are compared
LATE_S = 1.0  # that is worth telling


class Vigil:
    """A `Clock` over another one. What the engine's thread reads is compared with what it read last, at least ten times a
    second. So nothing is ever dated after a standstill that was not noticed: `stalled` is called first, within `mono`.

    A step of the wall clock is told to `stepped` and not followed, until `follow`: times go on as if nobody had set it.
    """

    def __init__(self, clock: Clock, max_age_s: float) -> None:
        self.stalled: Callable[[float], None] = _nothing  # told for how many seconds
        self.stepped: Callable[[float], None] = _nothing  # told by how many seconds
        self.late: Callable[[float], None] = _nothing  # told by how many seconds the loop was late
        self.stalled_s = max(STALLED_AT_LEAST_S, min(STALLED_AT_MOST_S, max_age_s))
        self.held_ms = 0.0  # what is added to the wall clock so that it goes on as before its steps
        self.worst_s = 0.0  # by which the loop was late, until somebody sets it back
        self._clock = clock
        self._thread = 0  # whose readings are compared
        self._at = 0.0
        self._offset_ms = 0.0

    def begin(self) -> None:
        """From now on the readings of this thread are compared."""
        self._at = self._clock.mono()
        self._offset_ms = self._clock.now_ms() - self._at * 1000
        self._thread = get_ident()

    def now_ms(self) -> int:
        if get_ident() != self._thread:
            return int(self._clock.now_ms() + self.held_ms)
        before = self._clock.mono()
        now = self._clock.now_ms()
        if self._clock.mono() - before < BLINK_S:
            self._compare(now - before * 1000)
        return int(now + self.held_ms)

    def mono(self) -> float:
        now = self._clock.mono()
        if get_ident() == self._thread:
            gap, self._at = now - self._at, now
            if gap > self.stalled_s:
                self.stalled(gap)
        return now

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def follow(self) -> float:
        """Let the wall clock be right as it is now. Returns the milliseconds by which `now_ms` moves."""
        moved, self.held_ms = -self.held_ms, 0.0
        return moved

    async def run(self) -> None:
        """Read both clocks all the time, for ever."""
        while True:
            asked_at = self.mono()
            await self._clock.sleep(BEAT_S)
            self.now_ms()
            late_s = self.mono() - asked_at - BEAT_S
            self.worst_s = max(self.worst_s, late_s)
            if LATE_S < late_s <= self.stalled_s:
                self.late(late_s)

    def _compare(self, offset_ms: float) -> None:
        step_ms, self._offset_ms = offset_ms - self._offset_ms, offset_ms
        if abs(step_ms) > STEP_MS:
            self.held_ms -= step_ms
            self.stepped(step_ms / 1000)


def _nothing(_seconds: float) -> None:
    """Nobody wants to know."""
