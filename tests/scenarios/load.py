"""What this machine takes at the moment for what would take a second on a good one that has nothing else to do."""

import os
import threading
import time
from functools import cache
from pathlib import Path
from typing import Self

RUNNING = Path("/proc/loadavg")
GOOD_S = 0.003  # of processor time that a good machine takes for `_work`
BEAT_S = 0.01
LOOK_EVERY = 5  # beats


def _work() -> float:
    before = time.thread_time()
    sum(n * n for n in range(100_000))
    return time.thread_time() - before


@cache
def slowness() -> float:
    """How many times as long this machine computes, at least 1; the same whoever else computes on it."""
    return max(1.0, min(_work() for _ in range(5)) / GOOD_S)


def waiting() -> float:
    """How many threads of the whole machine run or wait for a processor now, without this one."""
    try:
        return int(RUNNING.read_text().split()[3].split("/")[0]) - 1.0
    except OSError:
        return os.getloadavg()[0]


class Load:
    """`with Load() as load:` a thread that sleeps 10 ms at a time, remembers the longest that it overslept, and counts who
    else waits for a processor."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._counted: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def crowd(self) -> float:
        """How many threads wait for each processor, at least 1: what computes takes so many times as long."""
        mean = sum(self._counted) / len(self._counted) if self._counted else 0.0
        return max(1.0, mean / (os.cpu_count() or 1), os.getloadavg()[0] / (os.cpu_count() or 1))

    def allows(self, seconds: float) -> float:
        """What the program may take here and now for what takes `seconds` on a good machine that has nothing else to do."""
        return seconds * self.crowd * slowness() + self.worst_s

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        before, beats = time.monotonic(), 0
        while not self._over.wait(BEAT_S):
            now = time.monotonic()
            self.worst_s = max(self.worst_s, now - before - BEAT_S)
            before, beats = now, beats + 1
            if beats % LOOK_EVERY == 0:
                self._counted.append(waiting())
