"""The screen in a real terminal: start, keys, quit, signals, a terminal that is lost and one that does not read."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.terminal import PATIENCE_S, ROOT, Terminal

REAL_TIME = "the program runs in a process of its own"


class Demo(Terminal):
    """The demo program, whose engine counts its beats."""

    def __init__(self, tmp_path: Path, *, deaf_to_hangup: bool = False, own_session: bool = False, **extra: str):
        self.beat_file = tmp_path / "beat"
        super().__init__(
            [sys.executable, "-m", "tests.tui.demo_app", str(tmp_path / "state.json")],
            {"FRMON_TEST_BEAT": str(self.beat_file), **extra},
            deaf_to_hangup=deaf_to_hangup,
            own_session=own_session,
        )

    def beats(self) -> int:
        """How often the engine's loop turned."""
        try:
            return int(self.beat_file.read_text() or 0)
        except OSError:
            return 0


Open = Callable[..., Demo]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    opened: list[Demo] = []

    def make(**options: bool | str) -> Demo:
        opened.append(Demo(tmp_path, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_it_starts_obeys_keys_and_gives_the_terminal_back(terminal: Open) -> None:
    term = terminal()
    term.until_shown("NET%▼")
    assert "SIMULATED MARKET - not real prices" in term.screen.display[0]
    term.press(b"j\r")
    term.until_shown("FUNDING%")
    term.press(b"?")
    term.until_shown("one coin down")
    assert "SIMULATED MARKET" in term.screen.display[0]
    term.press(b"\x1b")
    term.until(lambda: "one coin down" not in "\n".join(term.screen.display))
    term.press(b"q")
    assert term.end() == 0
    assert term.is_restored()


def test_control_c_quits(terminal: Open) -> None:
    term = terminal()
    term.until_shown("NET%▼")
    term.press(b"\x03")
    assert term.end() == 0
    assert term.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_an_orderly_way(terminal: Open, number: signal.Signals) -> None:
    term = terminal()
    term.until_shown("NET%▼")
    term.process.send_signal(number)
    assert term.end() == 128 + number
    assert term.is_restored()


@pytest.mark.parametrize("options", [{"deaf_to_hangup": True}, {"own_session": True}])
def test_a_lost_terminal_ends_it(terminal: Open, options: dict[str, bool]) -> None:
    term = terminal(**options)
    term.until_shown("NET%▼")
    term.vanish()
    assert term.end(reading=False) == 128 + signal.SIGHUP


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "linux"}])
def test_a_terminal_that_wants_no_colours_of_ours_gets_its_own(terminal: Open, environ: dict[str, str]) -> None:
    term = terminal(**environ)
    term.until_shown("NET%▼")
    assert re.search(rb"\x1b\[[0-9;]*[34]8;[25];", term.sent) is None
    coloured = re.search(rb"\x1b\[(?:[0-9]+;)*3[0-7][;m]", term.sent) is not None
    assert coloured is ("NO_COLOR" not in environ)


def test_an_engine_that_never_ends_does_not_hold_it(terminal: Open) -> None:
    term = terminal(FRMON_TEST_HANG="1")
    term.until_shown("NET%▼")
    term.press(b"q")
    assert term.end() == 0
    assert b"the engine did not end in time" in term.sent
    assert term.is_restored()


def test_a_terminal_that_does_not_read_does_not_hold_the_engine(terminal: Open) -> None:
    term = terminal()
    term.until_shown("NET%▼")
    term.until(lambda: term.beats() > 20)
    start = term.beats()
    for _ in range(60):
        term.press(b"r")  # every key wants a whole new picture
        time.sleep(0.05)
    until = time.monotonic() + PATIENCE_S
    while term.beats() < start + 100:
        assert time.monotonic() < until
        time.sleep(0.05)  # nobody reads the terminal; an engine that hangs on it would never get there
    term.press(b"q")
    assert term.end() == 0
    assert term.is_restored()


def test_a_signal_ends_it_while_the_terminal_does_not_read(terminal: Open) -> None:
    term = terminal()
    term.until_shown("NET%▼")
    for _ in range(60):
        term.press(b"r")
        time.sleep(0.03)
    term.process.send_signal(signal.SIGTERM)
    assert term.end(reading=False) == 128 + signal.SIGTERM


def test_without_a_terminal_it_says_what_to_use(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tests.tui.demo_app", str(tmp_path / "state.json")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "FRMON_TEST_BEAT": str(tmp_path / "beat")},
    )  # fmt: skip
    assert found.returncode == 2
    assert found.stdout == ""
    assert "frmon snapshot" in found.stderr
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("way", ["q", "vanish"])
def test_s63_ways_that_cannot_be_saved_are_told_after_the_end_and_change_nothing_of_it(
    terminal: Open, tmp_path: Path, way: str
) -> None:
    (tmp_path / "state.json").mkdir()
    term = terminal()
    term.until_shown("NET%▼")
    if way == "q":
        term.press(b"q")
        assert term.end() == 0
        assert term.is_restored()
        assert re.search(rb"\x1b\[\?1049l.*frmon: cannot save .*state.json: ", term.sent, re.DOTALL)
    else:
        term.vanish()
        assert term.end(reading=False) == 129
