"""CPU per message from socket to board: frmon, ccxt.pro and cryptofeed on the same loopback server, and the floor."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from bench.frames import FOUR, THREE
from bench.report import Claim

PACED = 5_000  # messages per second
CONNECTS_S = 60.0
SETTLE_S = 1.0

Figures = dict[str, float]


class Server:
    """The server process and the pipe to it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout
        self.ports: dict[str, int] = json.loads(self._out.readline())

    def order(self, **order: Any) -> Any:
        """Give a command and wait for its answer."""
        print(json.dumps(order), file=self._in, flush=True)
        return json.loads(self._out.readline())


def pin(process: "subprocess.Popen[str]", core: int) -> None:
    """Keep client and server off each other's core, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(process.pid, {cores[core]})


@contextmanager
def serving() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    command = [sys.executable, "-m", "bench.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pin(process, -1)
        yield Server(process)
        assert process.stdin is not None
        process.stdin.close()


def one(server: Server, peer: str, shares: dict[str, int], count: int, rate: float) -> Figures:
    """One run of one peer: dial, settle, `count` messages, of which the first tenth warms up."""
    told = {"ports": server.ports, "shares": shares, "skip": count // 10, "until": int(count * 0.98)}
    command = [sys.executable, "-m", f"bench.peers.{peer}", json.dumps(told)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        pin(process, 0)
        _await_connections(server, process, len(shares))
        sent = server.order(do="run", shares=shares, count=count, rate=rate)
        assert process.stdout is not None
        found: Figures = json.loads(process.stdout.readline())
        process.terminate()
    server.order(do="drop")
    assert sent["sent"] == count, (peer, sent)
    return found | {"late": sent["late"]}


def _await_connections(server: Server, process: "subprocess.Popen[str]", least: int) -> None:
    """Until the peer dialled every venue and has asked nothing new for a while."""
    end = time.monotonic() + CONNECTS_S
    before: Any = None
    while time.monotonic() < end and process.poll() is None:
        time.sleep(SETTLE_S)
        now = server.order(do="count")
        if now == before and now["connections"] >= least:
            return
        before = now
    raise RuntimeError(f"{process.args!r} did not connect")


def median_of(runs: list[Figures]) -> Figures:
    """The median of every figure."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


PLAN = (
    ("frmon", FOUR, 80_000),
    ("ccxt", FOUR, 20_000),
    ("frmon", THREE, 80_000),
    ("cryptofeed", THREE, 60_000),
)


def measure(runs: int) -> dict[str, Figures]:
    """All peers, in turn within each round, so that what else the machine does falls on all of them."""
    found: dict[str, list[Figures]] = {}
    with serving() as server:
        for _ in range(runs):
            for peer, shares, blasted in PLAN:
                name = f"{peer} {len(shares)}"
                paced = PACED * 8 if peer != "ccxt" else PACED * 4
                found.setdefault(f"{name} blasted", []).append(one(server, peer, shares, blasted, 0))
                found.setdefault(f"{name} paced", []).append(one(server, peer, shares, paced, PACED))
    return {name: median_of(told) for name, told in found.items()} | {"floor": floor()}


def floor() -> Figures:
    """C-speed decoding of the same bytes, and what frmon does with them without a socket."""
    told = json.dumps({"ports": {}, "shares": FOUR, "skip": 0, "until": 20_000})
    command = [sys.executable, "-m", "bench.peers.floor", told]
    figures: Figures = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return figures


def claims(found: dict[str, Figures]) -> list[Claim]:
    """What the figures say, against the goals."""
    floors = found["floor"]

    def cpu(name: str) -> float:
        return found[name]["cpu_us"]

    rows = [
        Claim("CPU per message, blasted, four venues", f"{cpu('frmon 4 blasted'):.1f} µs"),
        _ratio(found, "frmon 4 blasted", "ccxt 4 blasted", 0.12),
        _ratio(found, "frmon 3 blasted", "cryptofeed 3 blasted", 0.6),
        Claim(f"CPU at {PACED:,} messages/s, four venues", f"{found['frmon 4 paced']['cpu_pct']:.1f} % of a core"),
        _ratio(found, "frmon 4 paced", "ccxt 4 paced", 0.2),
        _ratio(found, "frmon 3 paced", "cryptofeed 3 paced", 0.48),
        Claim("floor: typed decode of the same bytes", f"{floors['cpu_us']:.2f} µs"),
        Claim("parse and merge without a socket", f"{floors['merge_us']:.2f} µs"),
        Claim.ratio(
            "all-market frame of 500 rows to board, of typed decode",
            floors["array_frmon_us"],
            floors["array_floor_us"],
            1.2,
        ),
    ]
    return [row for row in rows if row is not None]


def _ratio(found: dict[str, Figures], ours: str, theirs: str, goal: float) -> Claim:
    a, b = found[ours]["cpu_us"], found[theirs]["cpu_us"]
    rival, _, how = theirs.split()
    return Claim.ratio(f"  of {rival}, {how} ({a:.1f} of {b:.1f} µs)", a, b, goal)
