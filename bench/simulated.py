"""The whole engine on the simulated venues, both in processes of their own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

from frmon.feeds.sim.child import Child, start_child
from frmon.feeds.sim.options import SimOptions

Look = dict[str, float]


@contextmanager
def market(rate: float = 1.0) -> Iterator[Child]:
    """Simulated venues with their limits in force; `rate` multiplies the number of changes per second."""
    child = start_child(SimOptions(rate=rate))
    try:
        yield child
    finally:
        child.stop()


def looks(child: Child, every_s: float, seconds: float) -> Iterator[Look]:
    """What the engine says of itself, for at most so long after it was started. It is ended when the caller stops."""
    told = json.dumps({"endpoints": child.endpoints, "every_s": every_s})
    end = time.monotonic() + seconds
    command = [sys.executable, "-m", "bench.peers.engine", told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                yield json.loads(line)
                if time.monotonic() > end:
                    break
        finally:
            process.terminate()


def violations(child: Child) -> dict[str, Any]:
    """What the venues counted against us: rule -> how often."""
    with urlopen(child.status[0]) as reply:
        told: dict[str, Any] = json.loads(reply.read())
    found = told["violations"]
    assert isinstance(found, dict)
    return found
