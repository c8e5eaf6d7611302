"""What a signal does to a program that begins, and to a command without a screen."""

import signal
import subprocess
import sys

import pytest

from tests.tui.terminal import Terminal

REAL_TIME = "the program runs in a process of its own"
FIRST = "import os, signal, sys, time; from frmon import departure; departure.at_once()\n"
STRIKE = "os.kill(os.getpid(), signal.SIG{0})\n"
NAMES = ("INT", "TERM", "HUP")


def ran(text: str) -> "subprocess.CompletedProcess[str]":
    """A program of its own."""
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_at_first_a_signal_ends_it_at_once_and_without_a_word(name: str) -> None:
    ended = ran(f"{FIRST}try:\n    {STRIKE.format(name)}finally:\n    print('never')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.Signals[f"SIG{name}"], "", "")


@pytest.mark.parametrize("name", NAMES)
def test_later_everything_is_closed_first_and_a_second_signal_does_not_disturb(name: str) -> None:
    strike = STRIKE.format(name)
    ended = ran(f"{FIRST}departure.in_order()\ntry:\n    {strike}finally:\n    {strike}    print('closed')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.Signals[f"SIG{name}"], "closed\n", "")


def test_a_signal_whose_exception_is_swallowed_ends_it_all_the_same() -> None:
    lost = f"try:\n    {STRIKE.format('INT')}except SystemExit:\n    print('lost', flush=True)\n"
    ended = ran(f"{FIRST}departure.in_order()\n{lost}while True:\n    time.sleep(1)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "lost\n", "")


def test_the_screen_hears_of_a_signal_whose_exception_was_swallowed() -> None:
    lost = f"try:\n    {STRIKE.format('TERM')}except SystemExit:\n    print('lost', flush=True)\n"
    screen = "from frmon.tui.guard import Guard\nguard = Guard()\nguard.start()\nguard.tell(lambda code: print('told', code))\n"
    term = Terminal([sys.executable, "-c", f"{FIRST}departure.in_order()\n{lost}{screen}time.sleep(1000)"])
    try:
        assert term.end() == 143
        assert term.sent.startswith(b"lost\r\ntold 143\r\n")
    finally:
        term.close()


@pytest.mark.parametrize("later", ["", "departure.in_order()\n"])
def test_what_was_ignored_stays_ignored(later: str) -> None:
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    ended = ran(f"{ignored}{FIRST}{later}{STRIKE.format('HUP')}print('lives')")
    assert (ended.returncode, ended.stdout) == (0, "lives\n")


def test_who_ends_by_itself_is_not_disturbed_and_has_its_own_code() -> None:
    ended = ran(
        f"{FIRST}departure.in_order()\ndeparture.leaving(3)\n{STRIKE.format('TERM')}print('on')\ntime.sleep(60)"
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "on\n", "")


def test_an_end_that_python_itself_takes_long_for_keeps_its_code() -> None:
    slow = "class Slow:\n    def __del__(self):\n        sleep(4)\n\nfrom time import sleep\nslow = Slow()\n"
    ended = ran(f"{FIRST}{slow}departure.in_order()\ndeparture.leaving(3)\nsys.exit(3)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "", "")


def test_within_other_programs_nobody_touches_their_signals() -> None:
    ended = ran("import signal\nfrom frmon import departure\ndeparture.in_order()\ndeparture.leaving(3)\n"
                "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getitimer(signal.ITIMER_REAL))")  # fmt: skip
    assert ended.stdout == "True (0.0, 0.0)\n"


def test_before_it_is_settled_what_signals_do_nothing_that_takes_time_is_imported() -> None:
    ended = ran("import sys, frmon.__main__; print(*sys.modules)")
    assert "frmon.departure" in ended.stdout.split()
    assert {"asyncio", "logging", "msgspec", "typer", "textual", "frmon.cli"}.isdisjoint(ended.stdout.split())
