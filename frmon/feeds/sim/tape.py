"""A tape: raw frames and replies of any venue in a file.

The file is JSON lines, gzip where the name ends in .gz. First `{"tape": 1, "started_ms": ...}`; then for every source, before
its first record, `{"source": n, "venue": ..., "kind": "ws" or "rest", "path": ...}` (path with query); and the records:
`[offset_ms, n, text]`, or `[offset_ms, n, base64, 1]` where the payload is not UTF-8.
"""

import gzip
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal, cast

import msgspec

from frmon.clock import Clock
from frmon.errors import ConfigError

Source = tuple[str, str, str]  # venue, kind, path
Said = list[tuple[float, bytes]]  # (offset in ms, payload), in order


class Recorder:
    """Writes a tape. `observe` is what lines and REST access call with every raw payload. A file that can no longer be
    written ends the recording, never the caller: `trouble` says why, `tell` is told once. Raises ConfigError if the file
    exists or cannot be made."""

    def __init__(self, path: Path, clock: Clock, tell: Callable[[str], None] | None = None) -> None:
        self.trouble = ""
        self._path = path
        self._tell = tell
        self._file: IO[bytes] | None = _open(path, "xb")
        self._start = clock.mono()
        self._sources: dict[Source, int] = {}
        self._write({"tape": 1, "started_ms": clock.now_ms()})

    def observe(self, venue: str, kind: str, path: str, raw: bytes, at: float) -> None:
        """A payload arrived at `at` (seconds on the clock that was given)."""
        source = (venue, kind, path)
        if source not in self._sources:
            self._sources[source] = len(self._sources)
            self._write({"source": self._sources[source], "venue": venue, "kind": kind, "path": path})
        record: list[Any] = [round((at - self._start) * 1000, 3), self._sources[source]]
        try:
            record.append(raw.decode())
        except UnicodeDecodeError:
            record += [b64encode(raw).decode(), 1]
        self._write(record)

    def close(self) -> None:
        """Finish the file."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._fail(error)

    def _write(self, value: Any) -> None:
        if self._file is not None:
            try:
                self._file.write(msgspec.json.encode(value) + b"\n")
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        file, self._file = self._file, None
        self.trouble = self.trouble or f"{self._path}: recording ended: {error.strerror or error}"
        if self._tell is not None:
            self._tell(self.trouble)
        if file is not None:
            with suppress(OSError):  # what is lost has been told
                file.close()


class Tape(msgspec.Struct, frozen=True):
    """What is on a tape. `said`: by source; `length_ms`: offset of the last record."""

    started_ms: int
    said: dict[Source, Said]

    @property
    def length_ms(self) -> float:
        return max((records[-1][0] for records in self.said.values()), default=0.0)


class _Head(msgspec.Struct):
    tape: Literal[1]
    started_ms: int


def _open(path: Path, mode: Literal["rb", "xb"]) -> IO[bytes]:
    try:
        return cast("IO[bytes]", gzip.open(path, mode)) if path.suffix == ".gz" else path.open(mode)
    except FileExistsError:
        raise ConfigError(f"{path}: exists already") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def read_tape(path: Path) -> Tape:
    """All that is on a tape; a torn end is left out. Raises ConfigError if the file cannot be read or is no tape."""
    sources: dict[int, Source] = {}
    said: dict[Source, Said] = {}
    with _open(path, "rb") as file:
        lines = _whole_lines(file)
        try:
            head = msgspec.json.decode(next(lines, b""), type=_Head)
            for line in lines:
                row = msgspec.json.decode(line)
                if isinstance(row, dict):
                    sources[row["source"]] = (row["venue"], row["kind"], row["path"])
                    continue
                payload = b64decode(row[2]) if len(row) > 3 else row[2].encode()
                said.setdefault(sources[row[1]], []).append((row[0], payload))
        except (OSError, msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError):
            raise ConfigError(f"{path}: this is no tape") from None
    return Tape(head.started_ms, said)


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file that may be torn at its end."""
    with suppress(EOFError):  # gzip's word for a torn end
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield line
