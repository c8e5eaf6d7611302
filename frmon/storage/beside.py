"""Two small files beside the file, written in turn: whenever the program is killed, one of them is whole. They are written in
place and never forced to the disk: the system keeps what a killed program wrote, and writes it back in its own time."""

import os
from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from typing import NamedTuple

from frmon.storage.running import MOST_BYTES, Frame, Minute, Part, Unframed, minutes_of, parts_of, seal, unseal

ENDINGS = ("-minute-a", "-minute-b")


class Left(NamedTuple):
    """What is found: minutes of the newest frame, and what is wrong with the files, "" if nothing is."""

    run: str
    parts: Sequence[Part]
    minutes: dict[int, Minute]
    wrong: str


def nothing(wrong: str) -> Left:
    """Nothing that can be used."""
    return Left("", (), {}, wrong)


class Beside:
    """The running minute of one file, on disk. Blocking."""

    def __init__(self, path: Path, market: str) -> None:
        self.market = market
        self._paths = [path.with_name(path.name + ending) for ending in ENDINGS]
        self._number = 0
        self._writing = Lock()

    def read(self) -> Left:
        """What a program left. Whatever lies there, nothing is raised."""
        wrong: dict[bool, str] = {}
        frames: dict[int, tuple[Path, Frame]] = {}
        for path in self._paths:
            try:
                if data := _bytes(path):
                    number, frame = unseal(data)
                    frames[number] = path, frame
            except Unframed as error:
                wrong[error.torn] = f"{path.name}: {error}"
            except OSError as error:
                wrong[False] = f"{path.name}: {_why(error)}"
        if not frames:
            return nothing("; ".join(wrong.values()))
        self._number = max(frames)
        return self._judged(*frames[self._number], wrong.get(False, ""))

    def write(self, frame: Frame) -> None:
        """Keep this frame in place of the last but one. Raises `OSError`, and then the last one is as it was."""
        with self._writing:
            number = self._number + 1
            path = self._paths[number % len(self._paths)]
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
            try:
                _put(descriptor, seal(number, frame))
            finally:
                os.close(descriptor)
            self._number = number

    def _judged(self, path: Path, frame: Frame, wrong: str) -> Left:
        if frame.market != self.market:
            return nothing(f"{path.name}: {frame.market} prices, these are {self.market}")
        try:
            parts = parts_of(frame)
            return Left(frame.run, parts, minutes_of(parts), wrong)
        except Unframed as error:
            return nothing(f"{path.name}: {error}")


def _bytes(path: Path) -> bytes:
    """What a file holds, nothing if it is not there. Raises `OSError` and `Unframed`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    with os.fdopen(descriptor, "rb") as stream:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            raise Unframed("no file")
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Unframed("too large")
    return data


def _put(descriptor: int, data: bytes) -> None:
    at = 0
    while at < len(data):
        at += os.pwrite(descriptor, data[at:] if at else data, at)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
