"""The program is ended in random states by random means, again and again; see `scripts/trials.py`.

Each trial must end within three seconds, as this machine counts them at the moment, with the exit code of its means, leave no
process of its session behind, and a terminal that can be read as it was before.
"""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.scenarios.load import Load
from tests.scenarios.screens import Market, Screen
from tests.tui.terminal import ALTERNATE, Size

BOUND_S = 3.0
LEFT_S = 10.0  # processes of its session that are there after so long are left behind
STATES = (
    "starting", "normal", "stalled", "help", "filter", "menu", "detail", "paused", "resizing", "dead", "tiny",
)  # fmt: skip
MEANS = ("SIGTERM", "SIGINT", "SIGINT twice", "SIGHUP", "closed", "closed, deaf", "closed, no session", "q", "ctrl+c")
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT, "SIGINT twice": signal.SIGINT, "SIGHUP": signal.SIGHUP}
KEYS = {"q": b"q", "ctrl+c": b"\x03"}
OPENING = {"help": b"?", "filter": b"/ETH", "menu": b"s", "detail": b"j\r", "paused": b"p"}


class Trial(NamedTuple):
    """One end: what ran, in which state, by which means; the exit code, how long it took, and what was wrong."""

    program: str
    state: str
    means: str
    code: int
    seconds: float
    trouble: str


def one(venues: Market, home: Path, draw: random.Random) -> Trial:
    """One trial."""
    program = draw.choices(("live", "demo"), (4, 1))[0]
    state, means = draw.choice(STATES), draw.choice(MEANS)
    if means == "q" and state in {"help", "filter", "menu"}:
        means = "ctrl+c"  # there q is a letter, or closes what lies over the table
    term = start(venues, home, program, state, means)
    try:
        bring(term, state, draw)
        with Load() as load:
            ready(term, means)
            started = time.monotonic()
            act(term, means)
            code = ended(term, reading=state != "stalled" or means in KEYS)
            spent = time.monotonic() - started
            left = left_behind(term.process.pid)
        trouble = judge(term, means, code, left)
        if spent > load.allows(BOUND_S):
            trouble += f" it took {spent:.1f} s"
    finally:
        term.close()
    return Trial(program, state, means, code, spent, trouble.strip())


def start(venues: Market, home: Path, program: str, state: str, means: str) -> Screen:
    """The program in a new terminal."""
    nowhere = {}
    if state == "dead" and program == "live":
        urls = (name for name in venues.environ(home) if "ENDPOINTS" in name)
        nowhere = {name: ("ws" if name.endswith("WS") else "http") + "://127.0.0.1:9" for name in urls}
    return Screen(
        venues if program == "live" else None,
        home,
        *(["--demo"] if program == "demo" else []),
        extra={"XDG_STATE_HOME": str(home), **nowhere},
        deaf_to_hangup=means == "closed, deaf",
        own_session=means == "closed, no session",
    )


def bring(term: Screen, state: str, draw: random.Random) -> None:
    """Bring a program that was just started into a state."""
    if state == "starting":
        term.until(term.minds)
        term.read_for(draw.uniform(0.0, 1.5))
        return
    term.until(lambda: any(word in term.shown for word in (" LIVE", "RECONNECT", "BLOCKED")))
    term.read_for(draw.uniform(0.0, 0.5))
    if state == "stalled":
        for _ in range(draw.randrange(100)):
            term.press(b"r")
            time.sleep(0.01)
    elif state == "tiny":
        term.resize(Size(1, 1))
    elif state == "resizing":
        for n in range(30):
            term.resize(Size(60 + n, 20 + n))
            term.read(0.005)
    term.press(OPENING.get(state, b""))
    if state != "stalled":
        term.read_for(draw.uniform(0.0, 0.3))


def ready(term: Screen, means: str) -> None:
    """Before somebody reads keys there is no sense in pressing one."""
    if means in KEYS and b"\x1b[?2004h" not in term.sent:
        term.until(lambda: b"\x1b[?2004h" in term.sent or term.process.poll() is not None)


def act(term: Screen, means: str) -> None:
    """What ends it."""
    if means in KEYS:
        term.press(KEYS[means])
    elif means in SIGNALS:
        term.process.send_signal(SIGNALS[means])
        if means == "SIGINT twice":
            time.sleep(0.1)
            term.process.send_signal(signal.SIGINT)
    else:
        term.vanish()


def ended(term: Screen, reading: bool) -> int:
    """The exit code."""
    end = time.monotonic() + 30
    while term.process.poll() is None and time.monotonic() < end:
        if reading:
            term.read(0.02)
        else:
            time.sleep(0.02)
    return -999 if term.process.poll() is None else term.process.returncode


def left_behind(session: int) -> list[int]:
    """Processes of a session that are still there after a while."""
    end = time.monotonic() + LEFT_S
    while (found := members(session)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def members(session: int) -> list[int]:
    """Processes of a session that are no zombies."""
    told = subprocess.run(["ps", "-s", str(session), "-o", "pid=,stat="], capture_output=True, text=True, check=False)
    rows = [line.split() for line in told.stdout.splitlines()]
    return [int(pid) for pid, state in rows if not state.startswith("Z")]


def judge(term: Screen, means: str, code: int, left: list[int]) -> str:
    """What is wrong with an end; "" if nothing is."""
    while term.master >= 0 and term.read(0.05):
        continue
    wrong = []
    number = SIGNALS.get(means, signal.SIGHUP)
    wanted = {0} if means in KEYS else {128 + number}
    if means.startswith("closed") and ALTERNATE[1] not in term.sent:
        wanted |= {1, 2}  # there was no screen yet: a program without a terminal says so, where nobody hears it
    if code not in wanted:
        wrong.append(f"exit code {code}")
    if left:
        wrong.append(f"left behind: {left}")
    if term.master >= 0 and not term.is_restored():
        wrong.append("the terminal was not given back")
    if b"Traceback" in term.sent:
        wrong.append("a traceback")
    return ", ".join(wrong)


def run_trials(venues: Market, home: Path, count: int, seed: int) -> Iterator[Trial]:
    """Trials one after the other."""
    draw = random.Random(seed)
    for n in range(count):
        yield one(venues, home / str(n), draw)
