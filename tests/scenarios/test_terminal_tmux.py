"""In tmux: detached and attached again, in copy mode, with two clients of different size, and with its server killed."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.keptrows import is_sound, store_of
from tests.scenarios.load import Load
from tests.scenarios.screens import READY, Feeds, Market, market
from tests.scenarios.trials import members
from tests.tui.terminal import PATIENCE_S, ROOT, Size, Terminal

REAL_TIME = "the program runs in a process of its own"
pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")


@pytest.fixture(scope="module")
def venues() -> Iterator[Market]:
    with market() as found:
        yield found


class Tmux:
    """A tmux server with the program in its only window."""

    def __init__(self, venues: Market, home: Path) -> None:
        self.socket, self.tape, self.pid = str(home / "s"), home / "tape", home / "pid"
        kept = " ".join(f"{name}={value}" for name, value in venues.environ(home).items())
        program = f"env {kept} {sys.executable} -m frmon --record {self.tape}; echo $? > {home}/code"
        self.tell("new-session", "-d", "-x", "100", "-y", "30", "-c", str(ROOT), program)
        self.clients: list[Terminal] = []
        self.home = home

    def tell(self, *words: str) -> str:
        """A command to tmux."""
        done = subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *words], capture_output=True, text=True, check=False,
            env={**os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip
        return done.stdout

    @property
    def shown(self) -> str:
        return self.tell("capture-pane", "-p")

    def until(self, true: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.shown
            self.rest(0.05)

    def rest(self, seconds: float) -> None:
        """Let time pass, with the clients read."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for client in self.clients:
                client.read(0.01)
            time.sleep(0.01)

    def attach(self, size: Size) -> Terminal:
        self.clients.append(Terminal(["tmux", "-S", self.socket, "attach"], size=size))
        return self.clients[-1]

    def close(self) -> None:
        self.tell("kill-server")
        for client in self.clients:
            client.close()


@pytest.fixture
def tmux(venues: Market, tmp_path: Path) -> Iterator[Tmux]:
    found = Tmux(venues, tmp_path)
    try:
        found.until(lambda: READY in found.shown and " LIVE" in found.shown)
        yield found
    finally:
        found.close()


def edge(tmux: Tmux) -> int:
    """How wide the last line is."""
    return len(tmux.shown.rstrip("\n").splitlines()[-1].rstrip())


def test_s61_tmux_clients_come_go_and_copy_and_no_feed_notices(tmux: Tmux) -> None:
    with Feeds(tmux.tape, tmux.rest) as feeds:
        first = tmux.attach(Size(120, 41))
        tmux.until(lambda: edge(tmux) == 119)
        second = tmux.attach(Size(84, 25))
        tmux.tell("set", "-g", "window-size", "smallest")
        tmux.until(lambda: edge(tmux) == 83)
        second.close()
        tmux.clients.remove(second)
        tmux.until(lambda: edge(tmux) == 119)
        tmux.tell("copy-mode")
        tmux.until(lambda: tmux.tell("display-message", "-p", "#{pane_in_mode}") == "1\n")
        tmux.rest(1.5)
        tmux.tell("send-keys", "-X", "cancel")
        tmux.tell("detach-client", "-a")
        tmux.tell("detach-client")
        tmux.until(lambda: first.process.poll() is not None)
        tmux.rest(1)
        third = tmux.attach(Size(90, 31))
        tmux.until(lambda: edge(tmux) == 89 and READY in third.shown)
    tmux.tell("send-keys", "q")
    code = tmux.home / "code"
    tmux.until(lambda: code.exists() and code.read_text().endswith("\n"))
    assert code.read_text() == "0\n"
    assert feeds.unmoved()


def test_s58_a_killed_tmux_server_leaves_nobody(tmux: Tmux) -> None:
    pane = int(tmux.tell("display-message", "-p", "#{pane_pid}"))
    assert len(members(pane)) >= 1
    started = time.monotonic()
    with Load() as load:
        tmux.tell("kill-server")
        while members(pane):
            assert time.monotonic() - started < PATIENCE_S
            time.sleep(0.05)
    assert time.monotonic() - started < load.allows(3.0)
    assert is_sound(store_of(tmux.home))
