"""The real program in a real terminal, on simulated venues that are a process of their own; a tape says what its feeds
heard and when, a second thread how late this machine lets anybody be."""

import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec

from frmon.feeds.sim.child import Child, start_child
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from tests.tui.terminal import SMALL, Size, Terminal

READY = "GROSS%"
GAP_S = 0.3
"""The longest silence that a feed may have while something happens to the terminal."""


def crowd() -> float:
    """How many processes wait for each processor of this machine, at least 1: what needs the processor takes so many times
    as long."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Lateness:
    """A thread that sleeps 10 ms at a time and remembers the longest that it overslept."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Lateness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._over.wait(0.01):
            now = time.monotonic()
            self.worst_s = max(self.worst_s, now - before - 0.01)
            before = now


class Market:
    """Simulated venues and how to reach them."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._base = child.status[0].removesuffix("/_sim/status")

    def environ(self, home: Path) -> dict[str, str]:
        """What makes the program use these venues and write only below `home`."""
        found = {
            f"FRMON_VENUES_{venue}_ENDPOINTS_{key}".upper(): url
            for venue, urls in self.child.endpoints.items()
            for key, url in urls.items()
        }
        for name in ("CONFIG", "STATE", "DATA", "CACHE"):
            found[f"XDG_{name}_HOME"] = str(home / name.lower())
        return found

    def fault(self, fault: Fault) -> None:
        """Order a fault."""
        request = urllib.request.Request(f"{self._base}/_sim/fault", msgspec.json.encode(fault), method="POST")
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.status == 200

    def status(self) -> dict[str, dict[str, int]]:
        """What the simulator counted."""
        with urllib.request.urlopen(f"{self._base}/_sim/status", timeout=10) as reply:
            found: dict[str, dict[str, int]] = msgspec.json.decode(reply.read())
            return found

    def pid(self) -> int:
        return self.child._process.pid


@contextmanager
def market(coins: int = 40, rate: float = 1.0, scene: str = "calm") -> Iterator[Market]:
    """Serve simulated venues."""
    with start_child(SimOptions(coins=coins, rate=rate, scene=scene)) as child:
        yield Market(child)


class Screen(Terminal):
    """`frmon` on simulated venues; records what its feeds hear."""

    def __init__(
        self,
        venues: Market | None,
        home: Path,
        *options: str,
        size: Size = SMALL,
        extra: Mapping[str, str] | None = None,
        deaf_to_hangup: bool = False,
        own_session: bool = False,
    ) -> None:
        home.mkdir(exist_ok=True)
        self.tape = home / "tape"
        self.log = home / "log"
        environ = {} if venues is None else venues.environ(home)
        super().__init__(
            [sys.executable, "-m", "frmon", "--record", str(self.tape), "--log", str(self.log), *options],
            {**environ, **(extra or {})},
            size,
            deaf_to_hangup=deaf_to_hangup,
            own_session=own_session,
        )

    def up(self) -> None:
        """Until there are coins."""
        self.until_shown(READY)
        self.until_shown(" coins")

    @staticmethod
    def heard(tape: Path) -> list[float]:
        """When frames came, in seconds of the wall clock; ask after the end."""
        lines = tape.read_bytes().splitlines()
        started = msgspec.json.decode(lines[0])["started_ms"] / 1000
        streams, times = set(), []
        for line in lines[1:]:
            try:
                record = msgspec.json.decode(line)
            except msgspec.DecodeError:
                break  # the program was killed while it wrote
            if isinstance(record, dict):
                if record["kind"] == "ws":
                    streams.add(record["source"])
            elif record[1] in streams:
                times.append(started + record[0] / 1000)
        return times

    def gap_s(self, since: float, until: float) -> float:
        """The longest silence of the feeds in a span of the wall clock."""
        return self.gap_s_of(self.tape, since, until)

    @staticmethod
    def gap_s_of(tape: Path, since: float, until: float) -> float:
        """The same of any tape."""
        times = [since, *(t for t in Screen.heard(tape) if since <= t <= until), until]
        return max(b - a for a, b in pairwise(times))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def in_time(self, seconds: float = 3.0, reading: bool = True) -> int:
        """The exit code of a program that ends within `seconds`, and what this machine was late by."""
        started = time.monotonic()
        with Lateness() as late:
            code = self.end(reading)
        spent = time.monotonic() - started
        assert spent < seconds * crowd() + late.worst_s, f"it took {spent:.1f} s"
        return code
