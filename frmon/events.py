"""What happened and is worth a line: a bounded log, newest first, in which repetitions are one row."""

import logging
from collections import Counter, deque
from collections.abc import Callable

import msgspec

from frmon.clock import Clock
from frmon.feeds.text import clean
from frmon.logfile import trouble
from frmon.redact import redact

LOG = logging.getLogger("frmon.engine")
KEPT = 500
LIMIT = 300  # characters of a row
LOOK_BACK = 8  # rows among which a repetition is looked for
REPEATED_S = 60.0  # since the row that is repeated
NOTABLE = ("TASK ", "CLOCK ", "RESUMED ", "LAG ", "DISK ")
NOTABLE_S = 30.0  # for which the status bar says it too
MOST = 150  # rows of one source in `MOST_S`: whatever a venue says in ever new words, the rows of others stay
MOST_S = 60.0
CHANGE = " → "  # of a status, at most two a second: what is said beside them takes no room from them


class Event(msgspec.Struct, frozen=True):
    """Something that happened: a change of status, a restarted job, a verdict on a coin. `text` ends in " x12" when it
    happened twelve times; `said` is the text without that."""

    at_ms: int
    text: str
    said: str = ""
    count: int = 1
    at: float = 0.0  # monotonic


class EventLog:
    """The latest events. The engine's thread writes; any thread may read `rows`."""

    def __init__(self, clock: Clock) -> None:
        self.rows: deque[Event] = deque(maxlen=KEPT)  # newest first
        self.hear: Callable[[Event], None] | None = None  # is told every row, a repeated one with its count
        self._clock = clock
        self._told: Counter[str] = Counter()  # by source and kind, since
        self._since = float("-inf")

    def tell(self, text: str) -> None:
        """Add a row, or count what one of the latest rows says already. A source that says too much is only counted."""
        now, count = self._clock.mono(), 1
        source = text.partition(":")[0]
        if self._is_too_much(source + CHANGE if CHANGE in text else source, now):
            text = f"{source}: more of its like is only counted"
        said = clean(redact(text), LIMIT)
        LOG.info("%s", said)
        for place, row in zip(range(LOOK_BACK), self.rows, strict=False):
            if row.said == said and now - row.at < REPEATED_S:
                count += row.count
                del self.rows[place]
                break
        shown = said if count == 1 else f"{said} x{count}"
        event = Event(self._clock.now_ms(), shown, said, count, now)
        self.rows.appendleft(event)
        if self.hear is not None:
            self.hear(event)

    def _is_too_much(self, kind: str, now: float) -> bool:
        if now - self._since >= MOST_S:
            self._since = now
            self._told.clear()
        self._told[kind] += 1
        return self._told[kind] > MOST

    def notices(self) -> tuple[str, ...]:
        """What is wrong with the program itself, newest first; empty when nothing is."""
        now = self._clock.mono()
        found = [f"LOG {why}"] if (why := trouble()) else []
        for row in self.rows:
            if now - row.at > NOTABLE_S:
                break
            if row.said.startswith(NOTABLE):
                found.append(row.text)
        return tuple(found)
