"""What SIGINT, SIGTERM and SIGHUP do while the program begins and while a command without a screen runs.

At first there is nothing to end in an orderly way, and much is imported: they end the process at once, without a word. Later
the first one raises `SystemExit`, which closes everything on its way. An exception that is raised just anywhere can be lost,
where a library swallows it, or be held up: so an alarm ends the process when the grace is over. The exit code is always 128
and the signal's number. What whoever started the program had ignored stays ignored.
"""

import atexit
import os
import signal
from types import FrameType

GRACE_S = 2.5
"""So long an orderly end may take."""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_codes: list[int] = []  # the exit code of what ends the program; the first counts


def at_once() -> None:
    """From now on a signal ends the process at once. Call in the main thread."""
    atexit.register(_ended)
    nothing_left()


def nothing_left() -> None:
    """There is nothing left to close: a signal ends the process at once again. Call in the main thread."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def in_order() -> None:
    """From now on there is something to close: a signal raises `SystemExit`, once. Does nothing unless `at_once` was called
    before. Call in the main thread."""
    for number in ENDING:
        if signal.getsignal(number) is _end:
            signal.signal(number, _leave)


def leaving(code: int) -> None:
    """The program ends by itself with this code: signals change nothing any more, and the grace runs. Does nothing unless
    `in_order` did something. Call in the main thread."""
    if any(signal.getsignal(number) is _leave for number in ENDING):
        _hurry(code)


def take_over() -> int:
    """For whoever minds the signals from now on: the exit code of one that was heard before, and whose exception is lost or
    on its way; 0 if there was none."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    return _codes[0] if _codes else 0


def _ended() -> None:
    """The last that is heard of Python, which forgets all handlers: nothing may spoil the exit code now."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _hurry(code: int) -> None:
    _codes.append(code)
    signal.signal(signal.SIGALRM, _end_late)
    signal.setitimer(signal.ITIMER_REAL, GRACE_S)


def _leave(number: int, _frame: FrameType | None) -> None:
    if not _codes:
        _hurry(128 + number)
        raise SystemExit(128 + number)


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(_codes[0] if _codes else 128 + number)


def _end_late(_number: int, _frame: FrameType | None) -> None:
    os._exit(_codes[0])
