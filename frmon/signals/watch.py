"""The sampling job: looks at the board on its own steady schedule and hands on what the rules say."""

from collections.abc import Callable, Iterable, Sequence

from frmon.board import Board, Row
from frmon.clock import Clock
from frmon.gates import Standing
from frmon.model import Signal
from frmon.signals.history import History
from frmon.signals.rules import Rule

Observer = Callable[[Sequence[Row], float, int], None]
"""Called with what a sample is about to see: rows, monotonic seconds, Unix milliseconds."""


class Grid:
    """A steady schedule on the monotonic clock. A late step does not shift those after it, steps that were slept through
    are left out, and whoever starts again goes on with the same grid."""

    def __init__(self, clock: Clock, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._due: float | None = None

    async def next(self) -> None:
        """Wait for the next point; the first one is now."""
        now = self._clock.mono()
        if self._due is None:
            self._due = now
        else:
            await self._clock.sleep(self._due - now)
        self._due = next_due(self._due, self._clock.mono(), self._every_s)


def next_due(due: float, now: float, every_s: float) -> float:
    """The next point after `now` of the grid that `due` lies on."""
    return due + every_s * max(1, int((now - due) // every_s) + 1)


class Watch:
    """Samples of the board, as long as the engine lives: when its job is started again it goes on with what it knows, so
    nothing is signalled twice. `hear` is told every signal, in order, at once."""

    def __init__(
        self, board: Board, rule: Rule, clock: Clock, hear: Callable[[Signal], None], observe: Observer | None = None
    ) -> None:
        self.rule = rule
        self._board = board
        self._clock = clock
        self._hear = hear
        self.observe = observe
        self.before: Callable[[], None] | None = None  # called before each sample: nothing unjudged may signal
        self._grid = Grid(clock, rule.settings.sample_every_s)

    async def run(self) -> None:
        """Sample every `sample_every_s` until cancelled. A step of the wall clock changes nothing but the times that
        signals show."""
        while True:
            await self._grid.next()
            self.sample()

    def sample(self) -> None:
        """Take one sample now."""
        if self.before is not None:
            self.before()
        rows = list(self._board.rows.values())
        now, now_ms = self._clock.mono(), self._clock.now_ms()
        if self.observe is not None:
            self.observe(rows, now, now_ms)
        for signal in self.rule.sample(rows, now, now_ms):
            self._hear(signal)

    def standing(self, coin: str, short: str, long: str) -> Standing:
        """How near a coin and its short and long venue are to a signal of the seed's rule. From any thread."""
        row = self._board.rows.get(coin)
        return self.rule.standing((coin, short, long), row, self._clock.mono(), self._clock.now_ms())


async def remember(history: History, board: Board, clock: Clock, looked_at: Callable[[], Iterable[str]]) -> None:
    """Let the history take its samples until cancelled. `looked_at`: coins that are remembered whatever their spread."""
    grid = Grid(clock, history.every_s)
    while True:
        await grid.next()
        history.sample(list(board.rows.values()), looked_at(), clock.mono(), clock.now_ms())
