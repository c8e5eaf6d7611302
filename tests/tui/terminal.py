"""A program in a real terminal: a pty of a size, which the test reads or does not read, with a screen in memory."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyte

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60.0
"""A test that waits longer failed; it says nothing of how fast the program is."""
ALTERNATE, MOUSE, CURSOR = (
    (b"\x1b[?1049l", b"\x1b[?1049h"),
    (b"\x1b[?1003l", b"\x1b[?1003h"),
    (b"\x1b[?25h", b"\x1b[?25l"),
)
"""(given back, taken)."""


class Size(NamedTuple):
    """Of a terminal."""

    columns: int
    lines: int


SMALL = Size(80, 24)


class Terminal:
    """A pty with a program in it."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str] | None = None,
        size: Size = SMALL,
        *,
        deaf_to_hangup: bool = False,
        own_session: bool = False,
    ) -> None:
        self.screen = pyte.Screen(size.columns or 80, size.lines or 25)
        self.stream = pyte.ByteStream(self.screen)
        self.sent = b""
        self.looks = True  # False: read without keeping the screen up to date, which is slow work
        self.master, self.slave = pty.openpty()
        self.resize(size)
        self.before = termios.tcgetattr(self.slave)

        def prepare() -> None:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test that runs in the background ignores it
            if not own_session:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if deaf_to_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave, cwd=ROOT, preexec_fn=prepare,  # noqa: PLW1509
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})},
        )  # fmt: skip
        if deaf_to_hangup or own_session:
            self.close_slave()

    def resize(self, size: Size) -> None:
        """The window has another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))

    def close_slave(self) -> None:
        if self.slave >= 0:
            os.close(self.slave)
            self.slave = -1

    def vanish(self) -> None:
        """The window is closed: nobody holds the other end any more."""
        os.close(self.master)
        self.master = -1
        self.close_slave()

    def read(self, seconds: float = 0.1) -> bool:
        """Take what the program sent; whether there was anything."""
        if self.master < 0:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.sent += data
        if self.looks:
            self.stream.feed(data)
        return bool(data)

    def read_for(self, seconds: float) -> None:
        """Read for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(min(0.1, left))

    @property
    def shown(self) -> str:
        """The screen's text."""
        return "\n".join(self.screen.display)

    def until(self, true: Callable[[], bool], seconds: float = PATIENCE_S) -> float:
        """Read until it is so; how long that took."""
        started = time.monotonic()
        while not true():
            assert time.monotonic() - started < seconds, f"{self.process.poll()}\n{self.shown}"
            self.read(0.05)
        return time.monotonic() - started

    def until_shown(self, text: str, seconds: float = PATIENCE_S) -> float:
        return self.until(lambda: text in self.shown, seconds)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self, reading: bool = True) -> int:
        """Until the program ended; its exit code."""
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end, "it does not end"
            if reading:
                self.read(0.02)
            else:
                time.sleep(0.02)
        while reading and self.read():
            continue
        return self.process.returncode

    def is_restored(self) -> bool:
        """Main screen, no mouse, a cursor, the line discipline as before."""
        modes = self.slave < 0 or termios.tcgetattr(self.slave)[3] == self.before[3]
        seen = all(self.sent.rfind(back) > self.sent.rfind(taken) for back, taken in (ALTERNATE, MOUSE, CURSOR))
        return modes and (seen or ALTERNATE[1] not in self.sent)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.close_slave()
        if self.master >= 0:
            os.close(self.master)
