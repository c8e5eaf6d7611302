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


def strained(server: Server, rate: int) -> Figures:
    """One run of frmon at a high rate for five seconds: how late its loop was, how far it was behind the server at the end,
    and how far the server itself was behind its schedule at most."""
    count = rate * 5
    until = int(count * 0.98)
    told = {"ports": server.ports, "shares": FOUR, "skip": count // 10, "until": until, "lag": True}
    command = [sys.executable, "-m", "bench.peers.frmon", json.dumps(told)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        pin(process, 0)
        _await_connections(server, process, len(FOUR))
        sent = server.order(do="run", shares=FOUR, count=count, rate=rate)
        assert process.stdout is not None
        found: Figures = json.loads(process.stdout.readline()) | json.loads(process.stdout.readline())
        process.terminate()
    server.order(do="drop")
    behind_s = found["reached_at"] - sent["started_at"] - until / rate
    return found | {"late_s": sent["late"] / rate, "behind_s": max(0.0, behind_s)}


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
    ("websockets", FOUR, 0),
    ("frmon", THREE, 80_000),
    ("cryptofeed", THREE, 60_000),
)
"""Peer, mix, messages of the blasted run (0: none)."""

LAGGING = 20_000  # messages per second at which the loop's lag is measured
FULL = 50_000  # messages per second at which nothing may pile up
HONEST_S = 0.1  # a server further behind its own schedule did not deliver the rate
PILED_S = 0.25  # behind the server by more than this at the end is a backlog


def measure(runs: int) -> dict[str, Figures]:
    """All peers, in turn within each round, so that what else the machine does falls on all of them."""
    found: dict[str, list[Figures]] = {}
    with serving() as server:
        for _ in range(runs):
            for peer, shares, blasted in PLAN:
                name = f"{peer} {len(shares)}"
                paced = PACED * 8 if peer != "ccxt" else PACED * 4
                if blasted:
                    found.setdefault(f"{name} blasted", []).append(one(server, peer, shares, blasted, 0))
                found.setdefault(f"{name} paced", []).append(one(server, peer, shares, paced, PACED))
            for rate in (LAGGING, FULL):
                found.setdefault(f"frmon at {rate}", []).append(strained(server, rate))
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

    return [
        Claim("CPU per message, blasted, four venues", f"{cpu('frmon 4 blasted'):.1f} µs"),
        _ratio(found, "frmon 4 blasted", "ccxt 4 blasted", 0.12),
        _ratio(found, "frmon 3 blasted", "cryptofeed 3 blasted", 0.6),
        Claim(f"CPU at {PACED:,} messages/s, four venues", f"{found['frmon 4 paced']['cpu_pct']:.1f} % of a core"),
        _ratio(found, "frmon 4 paced", "websockets 4 paced", 0.35),
        _ratio(found, "frmon 3 paced", "cryptofeed 3 paced", 0.5),
        _ratio(found, "frmon 4 paced", "ccxt 4 paced", None),
        Claim.most(
            f"lag of the loop at {LAGGING:,} messages/s, 99th percentile",
            found[f"frmon at {LAGGING}"]["lag_p99_ms"],
            "ms",
            12,
        ),
        *_backlog(found[f"frmon at {FULL}"]),
        Claim("floor: typed decode of the same bytes", f"{floors['cpu_us']:.2f} µs"),
        Claim("parse and merge without a socket", f"{floors['merge_us']:.2f} µs"),
        Claim.ratio(
            "all-market frame of 500 rows to board, of typed decode",
            floors["array_frmon_us"],
            floors["array_floor_us"],
            1.2,
        ),
    ]


def _ratio(found: dict[str, Figures], ours: str, theirs: str, goal: float | None) -> Claim:
    a, b = found[ours]["cpu_us"], found[theirs]["cpu_us"]
    rival, _, how = theirs.split()
    what = f"  of {rival}, {how} ({a:.1f} of {b:.1f} µs)"
    return Claim(what, f"{a / b:.3f}") if goal is None else Claim.ratio(what, a, b, goal)


def _backlog(found: Figures) -> list[Claim]:
    """Nothing where the server itself could not keep the rate."""
    if found["late_s"] > HONEST_S:
        return []
    return [Claim.most(f"behind at the end of {FULL:,} messages/s", found["behind_s"], "s", PILED_S)]
