"""`frmon serve` in a process of its own, and clients that say to it what they like."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.scenarios.programs import market

Json = dict[str, Any]


class Served:
    """A running `frmon serve`. `said`: its lines on stderr."""

    def __init__(self, env: dict[str, str], *options: str) -> None:
        self.said: list[str] = []
        self.env = env
        self.port = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "frmon", "serve", "--port", "0", *options],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def up(self, seconds: float = 20.0) -> Self:
        """Wait until it serves."""
        self.until(lambda: self.port or self.process.poll() is not None, seconds)
        assert self.port, self.said
        return self

    def ready(self, seconds: float = 30.0) -> Self:
        """Wait until its data is fresh."""
        self.until(lambda: self.get("/readyz")[0] == 200, seconds)
        return self

    def until(self, true: Any, seconds: float) -> float:
        started = time.monotonic()
        while not true():
            assert time.monotonic() - started < seconds, self.said[-5:]
            time.sleep(0.05)
        return time.monotonic() - started

    def get(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer. `headers`: `_` stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            named = {name.replace("_", "-"): text for name, text in headers.items()}
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, path: str) -> Json:
        """The body of an answer that must be fine."""
        status, body = self.get(path)
        assert status == 200, (path, status, body[:300])
        found: Json = json.loads(body)
        return found

    def raw(self, sent: bytes, seconds: float = 8.0) -> bytes:
        """What comes back to these bytes until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as line:
            line.settimeout(seconds)
            got = b""
            try:
                line.sendall(sent)
                while part := line.recv(65536):
                    got += part
            except (ConnectionResetError, BrokenPipeError):
                return got
            return got

    def end(self, number: int = signal.SIGTERM) -> float:
        """Signal it; how many seconds it took to end."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(15)
        self._reader.join(5)
        return time.monotonic() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))
            if found := re.search(r"serving http://\S+:(\d+)", line):
                self.port = int(found[1])


@contextmanager
def serving(folder: Path, *options: str, coins: int = 40, **more: float) -> Iterator[Served]:
    """A `frmon serve` on simulated venues in another process, its data fresh."""
    folder.mkdir(exist_ok=True)
    with market(folder, "okx", "bybit", coins=coins, **more) as (_, env), Served(env, *options) as served:
        yield served.up().ready()


def environment(folder: Path) -> dict[str, str]:
    """Of a user with nothing."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FRMON_", "XDG_"))}
    return {**kept, **{f"XDG_{n}_HOME": str(folder / n) for n in ("CONFIG", "STATE", "DATA", "CACHE")}}
