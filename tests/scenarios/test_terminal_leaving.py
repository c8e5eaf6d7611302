"""However and whenever the program is told to end: within three seconds, nothing left behind, the terminal as it was."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.keptrows import is_sound, store_of
from tests.scenarios.load import Load
from tests.scenarios.screens import Market, Screen, market
from tests.scenarios.trials import run_trials
from tests.tui.terminal import PATIENCE_S, ROOT, Terminal

REAL_TIME = "the program runs in a process of its own"
STATES = ("starting", "normal", "stalled", "help", "filter", "dead")
WAYS = {"SIGTERM": 143, "SIGINT": 130, "SIGINT twice": 130}


@pytest.fixture(scope="module")
def venues() -> Iterator[Market]:
    with market() as found:
        yield found


@pytest.fixture
def opened() -> Iterator[list[Terminal]]:
    found: list[Terminal] = []
    yield found
    for each in found:
        each.close()


def bring(term: Screen, state: str) -> None:
    """Bring a program that was just started into a state."""
    if state == "starting":
        term.until(lambda: b"\x1b[?1049h" in term.sent)
        return
    term.until_shown("RECONNECT" if state == "dead" else " LIVE")
    if state == "stalled":
        for _ in range(80):
            term.press(b"r")
            time.sleep(0.01)
    keys, shown = {"help": (b"?", "one coin down"), "filter": (b"/ETH", "/ ETH")}.get(state, (b"", ""))
    if keys:
        term.press(keys)
        term.until_shown(shown)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", STATES)
def test_s59_a_signal_ends_it_in_every_state(
    venues: Market, opened: list[Terminal], tmp_path: Path, state: str, way: str
) -> None:
    term = Screen(venues, tmp_path, extra=nowhere(venues) if state == "dead" else {})
    opened.append(term)
    bring(term, state)
    for _ in range(2 if way.endswith("twice") else 1):
        term.signal(signal.Signals[way.split(maxsplit=1)[0]])
        time.sleep(0.05)
    assert term.in_time(reading=state != "stalled") == WAYS[way]
    while term.read():
        continue
    assert term.is_restored()
    assert b"Traceback" not in term.sent


def nowhere(venues: Market) -> dict[str, str]:
    """Endpoints where nobody listens."""
    found = {name: value for name, value in venues.environ(Path("/")).items() if "ENDPOINTS" in name}
    return {name: ("ws" if name.endswith("WS") else "http") + "://127.0.0.1:9" for name in found}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.4, 0.8])
def test_s59_a_signal_before_there_is_a_screen_ends_it(
    venues: Market, opened: list[Terminal], tmp_path: Path, number: signal.Signals, after_s: float
) -> None:
    """As soon as Python itself has begun: quietly."""
    term = Screen(venues, tmp_path)
    opened.append(term)
    term.until(term.minds)
    term.read_for(after_s)
    term.signal(number)
    assert term.in_time() == 128 + number
    assert term.is_restored()
    assert b"\x1b[?1049h" in term.sent or term.sent.replace(b"^C", b"") == b""
    assert b"Traceback" not in term.sent


def children(pid: int) -> list[int]:
    """The children of a process."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def all_end(pids: list[int]) -> float:
    """How long it takes until all of these processes have ended."""
    started = time.monotonic()
    while any(map(lives, pids)):
        assert time.monotonic() < started + PATIENCE_S
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "SIGHUP", "vanish", "q", "SIGKILL"])
def test_s59_the_simulated_venues_of_the_demo_end_with_it(opened: list[Terminal], tmp_path: Path, way: str) -> None:
    term = Screen(None, tmp_path, "--demo", extra={"XDG_STATE_HOME": str(tmp_path)})
    opened.append(term)
    term.until_shown(" LIVE")
    simulators = children(term.process.pid)
    assert len(simulators) == 1
    with Load() as load:
        if way == "vanish":
            term.vanish()
        elif way == "q":
            term.press(b"q")
        else:
            term.signal(signal.Signals[way])
        code = term.in_time(reading=way != "vanish")
        spent = all_end(simulators)
    assert spent < load.allows(3.0)
    assert code == {"SIGTERM": 143, "SIGINT": 130, "SIGHUP": 129, "vanish": 129, "q": 0, "SIGKILL": -9}[way]
    assert way in {"vanish", "SIGKILL"} or term.is_restored()


@pytest.mark.parametrize("deaf", [{}, {"deaf_to_hangup": True}, {"own_session": True}], ids=str)
def test_s58_a_closed_terminal_ends_it(
    venues: Market, opened: list[Terminal], tmp_path: Path, deaf: dict[str, bool]
) -> None:
    """With a hangup, with one that is ignored, and without any because the terminal controls nobody."""
    term = Screen(venues, tmp_path, **deaf)  # type: ignore[arg-type]
    opened.append(term)
    term.until_shown(" LIVE")
    term.press(b" ")
    term.until_shown("★")
    term.vanish()
    assert term.in_time(reading=False) == 129
    assert b'"pins": []' not in (tmp_path / "state" / "frmon" / "state.json").read_bytes()
    assert is_sound(store_of(tmp_path))


@pytest.mark.parametrize("lost", ["stdin", "stderr"])
def test_s58_either_end_of_a_terminal_in_two_pieces_ends_it(venues: Market, tmp_path: Path, lost: str) -> None:
    """Keys come from one terminal, the picture goes to another: losing one of them is losing the terminal."""
    keys, keys_slave = pty.openpty()
    picture, picture_slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "frmon"], stdin=keys_slave, stdout=picture_slave, stderr=picture_slave, cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", **venues.environ(tmp_path)}, start_new_session=True,
    )  # fmt: skip
    os.close(keys_slave)
    os.close(picture_slave)
    try:
        seen, end = b"", time.monotonic() + PATIENCE_S
        while b"GROSS%" not in seen:
            assert time.monotonic() < end
            seen += os.read(picture, 65536)
        gone, kept = (keys, picture) if lost == "stdin" else (picture, keys)
        os.close(gone)
        started = time.monotonic()
        with Load() as load:
            while process.poll() is None and time.monotonic() < started + PATIENCE_S:
                drain(kept)
        assert process.returncode == 129
        assert time.monotonic() - started < load.allows(3.0)
        os.close(kept)
    finally:
        process.kill()
        process.wait()


def drain(terminal: int) -> None:
    os.set_blocking(terminal, False)
    try:
        os.read(terminal, 65536)
    except OSError:
        time.sleep(0.02)


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_s61_without_a_terminal_it_says_in_one_line_what_to_use(env: dict[str, str], closed: str) -> None:
    """Any of the three that is no terminal."""
    _, slave = pty.openpty()
    streams: dict[str, int] = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
    streams[closed] = subprocess.PIPE if closed != "stdin" else subprocess.DEVNULL
    if closed != "stderr":
        streams["stderr"] = subprocess.PIPE
    found = subprocess.run([sys.executable, "-m", "frmon", "--demo"], cwd=ROOT, env=env, check=False, **streams)  # type: ignore[call-overload]
    os.close(slave)
    assert found.returncode == 2
    assert not found.stdout
    assert found.stderr.count(b"\n") == 1
    assert b"frmon snapshot" in found.stderr


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_s61_a_terminal_that_cannot_place_text_is_refused_in_one_line(
    venues: Market, opened: list[Terminal], tmp_path: Path, kind: str
) -> None:
    term = Screen(venues, tmp_path, extra={"TERM": kind})
    opened.append(term)
    assert term.end() == 2
    assert term.sent.count(b"\n") == 1
    assert b"\x1b" not in term.sent


@pytest.mark.parametrize("kind", ["screen", "screen-256color", "tmux", "linux", "vt100", "xterm"])
def test_s61_it_is_usable_in_every_other_kind_of_terminal(
    venues: Market, opened: list[Terminal], tmp_path: Path, kind: str
) -> None:
    term = Screen(venues, tmp_path, extra={"TERM": kind, "COLORTERM": ""})
    opened.append(term)
    term.until_shown(" LIVE")
    term.press(b"j\r")
    term.until_shown("FUNDING%")
    term.press(b"\x03")
    assert term.in_time() == 0
    assert term.is_restored()


def test_s59_trials_at_random_moments_by_random_means_leave_nothing_behind(venues: Market, tmp_path: Path) -> None:
    """Six of the two hundred of `scripts/trials.py`."""
    found = list(run_trials(venues, tmp_path, count=6, seed=59))
    assert [trial for trial in found if trial.trouble] == []
    assert len({trial[:3] for trial in found}) > 3
