"""The real program in a real terminal, on simulated venues that are a process of their own; a tape says what its feeds
heard and when."""

import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Self

import msgspec

from frmon.feeds.sim.child import Child, start_child
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from tests.scenarios.load import Load
from tests.tui.terminal import SMALL, Size, Terminal

READY = "GROSS%"
GAP_S = 0.3
"""The longest silence that a feed may have while something happens to the terminal."""
CALM_S = 3.0
"""So long before it happens is listened how long their silences are on this machine anyhow."""


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

    def lost(self) -> int:
        """How many connections there were that are not there any more; a handshake under way counts until it is done."""
        lines = 0
        for url in self.child.status:
            with urllib.request.urlopen(url, timeout=10) as reply:
                found = msgspec.json.decode(reply.read())
            lines += found["lines"]
        dials = (n for name, n in found["counters"].items() if name.startswith("connects "))
        return int(sum(dials)) - lines

    def pid(self) -> int:
        return self.child._process.pid


@contextmanager
def market(coins: int = 40, rate: float = 1.0, scene: str = "calm") -> Iterator[Market]:
    """Serve simulated venues."""
    with start_child(SimOptions(coins=coins, rate=rate, scene=scene)) as child:
        yield Market(child)


class Screen(Terminal):
    """`frmon` on simulated venues; records what its feeds hear. `program`: another module that is the same, with its own
    options."""

    def __init__(
        self,
        venues: Market | None,
        home: Path,
        *options: str,
        size: Size = SMALL,
        extra: Mapping[str, str] | None = None,
        deaf_to_hangup: bool = False,
        own_session: bool = False,
        program: Sequence[str] = ("frmon",),
    ) -> None:
        home.mkdir(exist_ok=True)
        self.home, self.tape = home, home / "tape"
        self.log = home / "log"
        environ = {} if venues is None else venues.environ(home)
        super().__init__(
            [sys.executable, "-m", *program, "--record", str(self.tape), "--log", str(self.log), *options],
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

    @staticmethod
    def gap_s(heard: Sequence[float], since: float, until: float) -> float:
        """The longest silence of the feeds in a span of the wall clock."""
        times = [since, *(t for t in heard if since <= t <= until), until]
        return max(b - a for a, b in pairwise(times))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def in_time(self, seconds: float = 3.0, reading: bool = True) -> int:
        """The exit code of a program that ends within `seconds`, as this machine counts them."""
        started = time.monotonic()
        with Load() as load:
            code = self.end(reading)
        spent = time.monotonic() - started
        assert spent < load.allows(seconds), f"it took {spent:.1f} s"
        return code

    def minds(self) -> bool:
        """Whether the program has settled what a hangup does: before, it is Python that still begins."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return False
        caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
        return bool(int(caught, 16) >> (signal.SIGHUP - 1) & 1)


class Feeds:
    """`with Feeds(tape) as feeds:` something happens to the terminal in the block; after the end of the program `unmoved` says
    whether its feeds went on meanwhile. `wait`: lets time pass."""

    def __init__(self, tape: Path, wait: Callable[[float], None]) -> None:
        self.load = Load()
        self._tape = tape
        self._wait = wait
        self._times: list[float] = []

    def __enter__(self) -> Self:
        self._times.append(time.time())
        self.load.__enter__()
        self._wait(CALM_S)
        self._times.append(time.time())
        return self

    def __exit__(self, *_: object) -> None:
        self._times.append(time.time())
        self.load.__exit__()

    def unmoved(self) -> bool:
        """Whether no silence was longer than the bound, or than twice those of just before on the same machine."""
        heard = Screen.heard(self._tape)
        before, struck, after = self._times
        usual, found = Screen.gap_s(heard, before, struck), Screen.gap_s(heard, struck, after)
        assert found < max(self.load.allows(GAP_S), 2 * usual), f"{found:.2f} s, before {usual:.2f} s"
        return True
