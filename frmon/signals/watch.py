"""The sampling job: looks at the board on its own steady schedule and hands on what the rule says."""

from collections import deque

from frmon.board import Board
from frmon.clock import Clock
from frmon.config import SignalSettings
from frmon.model import Signal
from frmon.signals.rules import Rule
from frmon.spread import Terms


async def watch(board: Board, settings: SignalSettings, terms: Terms, clock: Clock, out: deque[Signal]) -> None:
    """Sample the board every `sample_every_s` until cancelled; puts signals on the left of `out`, so the newest is first.

    The schedule is a grid on the monotonic clock: a late sample does not shift those after it, steps that were slept
    through are left out, and a step of the wall clock changes nothing but the times that signals show.
    """
    rule = Rule(settings, terms)
    due = clock.mono()
    while True:
        out.extendleft(rule.sample(list(board.rows.values()), clock.mono(), clock.now_ms()))
        due = next_due(due, clock.mono(), settings.sample_every_s)
        await clock.sleep(due - clock.mono())


def next_due(due: float, now: float, every_s: float) -> float:
    """The next point after `now` of the grid that `due` lies on."""
    return due + every_s * max(1, int((now - due) // every_s) + 1)
