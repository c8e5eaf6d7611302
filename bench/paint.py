"""The screen in a real pseudo-terminal: CPU, bytes to the terminal, key to paint; frmon's table and DataTable."""

import fcntl
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pyte

from bench.report import Claim

WIDE, HIGH = 120, 40
START_S = 8.0
WATCH_S = 10.0
KEYS = 40

Figures = dict[str, float]


class Heard(NamedTuple):
    """A piece of output and when it was read."""

    at: float
    data: bytes


class Terminal:
    """A program in a pseudo-terminal of 120 columns and 40 lines that reads all it is sent."""

    def __init__(self, module: str, feeder: Path) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HIGH, WIDE, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "BENCH_FEEDER": str(feeder)},
        )
        os.close(slave)
        self.heard: list[Heard] = []

    def read(self, seconds: float) -> int:
        """Read for so long; bytes read."""
        end, count = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                data = os.read(self.master, 65536)
                self.heard.append(Heard(time.monotonic(), data))
                count += len(data)
        return count

    def type(self, key: str) -> float:
        """Press a key; when."""
        os.write(self.master, key.encode())
        return time.monotonic()

    def end(self) -> None:
        """Quit."""
        self.type("q")
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


def measure() -> dict[str, Figures]:
    """Both screens, one after the other."""
    return {name: _measure(f"bench.peers.{name}") for name in ("screen", "datatable")}


def _measure(module: str) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        feeder = Path(folder) / "feeder"
        terminal = Terminal(module, feeder)
        try:
            terminal.read(START_S)
            thread = int(feeder.read_text())
            before = _cpu(terminal.process.pid, thread)
            count = terminal.read(WATCH_S)
            after = _cpu(terminal.process.pid, thread)
            pressed = _press(terminal)
        finally:
            terminal.end()
    waits = sorted(delays(terminal.heard, pressed))
    return {
        "screen_cpu_pct": (after[0] - before[0]) / WATCH_S * 100,
        "market_cpu_pct": (after[1] - before[1]) / WATCH_S * 100,
        "kB_per_s": count / WATCH_S / 1000,
        "keys": len(pressed),
        "painted": len(waits),
        "key_p50_ms": statistics.median(waits) * 1000,
        "key_p95_ms": waits[int(len(waits) * 0.95)] * 1000,
    }


def _cpu(pid: int, feeder: int) -> tuple[float, float]:
    """CPU seconds of everything but the market's thread, and of that thread."""
    import psutil  # what only the bench needs stays out of the tests

    by_thread = {t.id: t.user_time + t.system_time for t in psutil.Process(pid).threads()}
    fed = by_thread.pop(feeder)
    return sum(by_thread.values()), fed


def _press(terminal: Terminal) -> list[float]:
    """Bring the cursor into sight, then move it down and up at irregular times; when those keys were pressed."""
    rng = random.Random(5)
    for _ in range(3):
        terminal.type("j")
        terminal.read(1.0)
    pressed = []
    for n in range(KEYS):
        pressed.append(terminal.type("jk"[n % 2]))
        terminal.read(rng.uniform(0.6, 0.9))
    return pressed


def delays(heard: list[Heard], pressed: list[float]) -> Iterator[float]:
    """For every key, the seconds until the line under the cursor was painted on another line."""
    moves = moved(heard)
    for at, following in pairwise([*pressed, pressed[-1] + 1.0]):
        found = next((move for move in moves if at <= move < following), None)
        if found is not None:
            yield found - at


def moved(heard: list[Heard]) -> list[float]:
    """When the cursor was seen on another line: the output is replayed on a terminal in memory."""
    screen = pyte.Screen(WIDE, HIGH)
    stream = pyte.ByteStream(screen)
    line: int | None = None
    found = []
    for at, data in heard:
        stream.feed(data)
        now = _cursor_line(screen)
        if now is not None and now != line:
            line = now
            found.append(at)
    return found


def _cursor_line(screen: pyte.Screen) -> int | None:
    """The one line in the table's body whose background differs from all the others."""
    grounds = {y: screen.buffer[y][3].bg for y in range(2, HIGH - 2)}
    counts = Counter(grounds.values())
    odd = [y for y, ground in grounds.items() if counts[ground] == 1]
    return odd[0] if len(odd) == 1 else None


def claims(found: dict[str, Figures]) -> list[Claim]:
    """What the figures say, against the goals."""
    ours, theirs = found["screen"], found["datatable"]
    return [
        Claim.most("screen, CPU of a core (market apart)", ours["screen_cpu_pct"], "%", 20),
        Claim("  DataTable", f"{theirs['screen_cpu_pct']:.3g} %"),
        Claim("to the terminal", f"{ours['kB_per_s']:.3g} kB/s"),
        Claim("  DataTable", f"{theirs['kB_per_s']:.3g} kB/s"),
        Claim.most("key to paint, p95", ours["key_p95_ms"], "ms", 40),
        Claim("key to paint, median", f"{ours['key_p50_ms']:.3g} ms"),
        Claim("  DataTable, median and p95", f"{theirs['key_p50_ms']:.3g}, {theirs['key_p95_ms']:.3g} ms"),
    ]
