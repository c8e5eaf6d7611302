"""The simulated venues in a process of their own, so that they do not share the interpreter lock with the screen."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from frmon.errors import FrmonError
from frmon.feeds.sim.options import SimOptions

DEADLINE_S = 20.0


class ChildError(FrmonError):
    """The simulated venues did not start; the text says why in one line."""


class _Hello(msgspec.Struct):
    """The one line that the child prints."""

    simulated: bool
    endpoints: dict[str, dict[str, str]]
    status: list[str]
    started_ms: int = 0
    length_s: float = 0.0


class Child:
    """A running `frmon sim`. `endpoints`: venue -> endpoint name -> base URL; `status`: where it tells what it counted; of a
    tape, when it was recorded and how long it runs.

    It ends with `stop()`, and by itself when this process ends, however that happens.
    """

    def __init__(self, process: subprocess.Popen[bytes], hello: _Hello, errors: IO[bytes]) -> None:
        self.endpoints = hello.endpoints
        self.status = hello.status
        self.started_ms = hello.started_ms
        self.length_s = hello.length_s
        self._process = process
        self._errors = errors

    @property
    def running(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def stop(self, wait_s: float = 3.0) -> None:
        """End it: its input closes, then SIGTERM, then SIGKILL. May be called again."""
        _end(self._process, wait_s)
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_child(options: SimOptions | None = None, deadline_s: float = DEADLINE_S) -> Child:
    """Start the simulated venues and wait until they serve. Raises ChildError after `deadline_s` or if they end at once."""
    return _start(arguments(options or SimOptions()), "the simulated venues did not start", deadline_s)


def start_tape(path: Path, deadline_s: float = 60.0) -> Child:
    """The same with venues that say again what is on a tape."""
    return _start(["sim", "--tape", str(path), "--until-eof"], "the tape cannot be served", deadline_s)


def _start(arguments: list[str], failed: str, deadline_s: float) -> Child:
    errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
    process = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "frmon", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
    )  # fmt: skip
    try:
        hello = msgspec.json.decode(_first_line(process, deadline_s), type=_Hello)
    except (TimeoutError, msgspec.DecodeError) as error:
        _end(process, 1.0)
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip().splitlines()
        errors.close()
        why = said[-1].removeprefix("frmon: ") if said else error
        raise ChildError(f"{failed}: {why}") from error
    return Child(process, hello, errors)


def arguments(options: SimOptions) -> list[str]:
    """The command line that means these options."""
    given: dict[str, object] = {
        "--seed": options.seed,
        "--coins": options.coins,
        "--port": options.port,
        "--scene": options.scene,
        "--rate": options.rate,
    }
    if options.faults is not None:
        given["--faults"] = options.faults
    return ["sim", *(str(part) for pair in given.items() for part in pair), "--until-eof"]


def _first_line(process: subprocess.Popen[bytes], deadline_s: float) -> bytes:
    """The child's first line; TimeoutError if it does not come, what there is if the child ended."""
    assert process.stdout is not None
    until = time.monotonic() + deadline_s
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise TimeoutError(f"nothing heard within {deadline_s:g} s")
        part = os.read(process.stdout.fileno(), 65_536)
        if not part:
            break
        line += part
    return line


def _end(process: "subprocess.Popen[bytes]", wait_s: float) -> None:
    """First only its input ends, then it is asked, then it is killed."""
    if process.stdin is not None:
        process.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            process.send_signal(number)
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            continue
        break
    if process.stdout is not None:
        process.stdout.close()
