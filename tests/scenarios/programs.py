"""The program in a process of its own, on simulated venues in another one."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from frmon.feeds.sim.child import Child, start_child
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from tests.scenarios.load import Load
from tests.tui.terminal import PATIENCE_S

VENUES = ("binance", "bitget", "bybit", "okx")


def config_text(child: Child, venues: tuple[str, ...], **more: float) -> str:
    """A configuration that names the simulated venues and switches all others off. `more`: `[signals]`, but `time_scale`."""
    scale = more.pop("time_scale", 1.0)
    lines = [f"[feeds]\ntime_scale = {scale}\n[signals]", *(f"{key} = {value}" for key, value in more.items())]
    for name in VENUES:
        lines.append(f"[venues.{name}]\nenabled = {str(name in venues).lower()}")
        if name in venues:
            lines.append(f"[venues.{name}.endpoints]")
            lines += [f'{key} = "{url}"' for key, url in child.endpoints[name].items()]
    return "\n".join(lines)


@contextmanager
def market(
    folder: Path, *venues: str, coins: int = 40, rate: float = 0.3, **more: float
) -> Iterator[tuple[Child, dict[str, str]]]:
    """Simulated venues and the environment of a program that runs on them."""
    with start_child(SimOptions(coins=coins, rate=rate)) as child:
        (folder / "config.toml").write_text(config_text(child, venues, **more))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FRMON_", "XDG_"))}
        places = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "STATE", "DATA", "CACHE")}
        yield child, {**kept, **places, "FRMON_CONFIG": str(folder / "config.toml"), "LC_ALL": "C.UTF-8"}


def order(child: Child, fault: Fault) -> None:
    """Order a fault at venues in another process."""
    request = urllib.request.Request(
        child.status[0].replace("/status", "/fault"), data=msgspec.json.encode(fault), method="POST"
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
        assert reply.status == 200


class Watching:
    """`frmon watch` in a process of its own; `lines`: (monotonic time at which it was read, what it said)."""

    def __init__(self, env: dict[str, str], *options: str) -> None:
        self.lines: list[tuple[float, dict[str, Any]]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "frmon", "watch", "--config", env["FRMON_CONFIG"], *options],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def pictures(self, since: float = 0.0) -> list[dict[str, Any]]:
        return [line for at, line in list(self.lines) if at >= since and "venues" in line]

    def signals(self, since: float = 0.0) -> list[dict[str, Any]]:
        return [line for at, line in list(self.lines) if at >= since and line.get("type") == "signal"]

    def wait(self, true: Callable[[], object], seconds: float = PATIENCE_S) -> float:
        """Wait until it is so; fails when that took longer than `seconds`, as this machine counts them at the moment. Returns
        how long it took."""
        started = time.monotonic()
        with Load() as load:
            while not true():
                assert time.monotonic() - started < PATIENCE_S, self.lines[-1:]
                time.sleep(0.02)
        spent = time.monotonic() - started
        assert spent < load.allows(seconds), f"it took {spent:.1f} s"
        return spent

    def stop_for(self, seconds: float) -> float:
        """SIGSTOP, and SIGCONT after so long; returns the monotonic time at which it went on."""
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        resumed = time.monotonic()
        self.process.send_signal(signal.SIGCONT)
        return resumed

    def end(self) -> str:
        """Ask it to end; returns what it said on stderr."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        self._reader.join(5)
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), json.loads(line)))


def fresh_legs(picture: dict[str, Any]) -> list[dict[str, Any]]:
    """The legs of a picture that are fresh."""
    return [leg for coin in picture["coins"] for leg in coin["legs"] if leg["fresh"]]
