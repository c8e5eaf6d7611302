"""A tape: raw frames and replies of any venue in a file, and a server that says them again with the original timing.

The file is JSON lines, gzip where the name ends in .gz. First `{"tape": 1, "started_ms": ...}`; then for every source, before
its first record, `{"source": n, "venue": ..., "kind": "ws" or "rest", "path": ...}` (path with query); and the records:
`[offset_ms, n, text]`, or `[offset_ms, n, base64, 1]` where the payload is not UTF-8.
"""

import asyncio
import gzip
from base64 import b64decode, b64encode
from bisect import bisect_right
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self, cast

import msgspec
from aiohttp import web

from frmon.clock import Clock, SystemClock
from frmon.errors import ConfigError
from frmon.feeds.sim.dialects import all_dialects

PUMP_S = 0.02
Source = tuple[str, str, str]  # venue, kind, path
Said = list[tuple[float, bytes]]  # (offset in ms, payload), in order


class Recorder:
    """Writes a tape. `observe` is what lines and REST access call with every raw payload."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file = _open(path, "ab")
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
        self._file.close()

    def _write(self, value: Any) -> None:
        self._file.write(msgspec.json.encode(value) + b"\n")


def _open(path: Path, mode: Literal["rb", "ab"]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, mode)) if path.suffix == ".gz" else path.open(mode)


def read_tape(path: Path) -> dict[Source, Said]:
    """All that was said, by source. Raises ConfigError if the file is no tape; a torn last line is left out."""
    sources: dict[int, Source] = {}
    said: dict[Source, Said] = {}
    with _open(path, "rb") as lines:
        if not lines.readline().startswith(b'{"tape":1'):
            raise ConfigError(f"{path}: this is no tape")
        for line in lines:
            if not line.endswith(b"\n"):
                break
            row = msgspec.json.decode(line)
            if isinstance(row, dict):
                sources[row["source"]] = (row["venue"], row["kind"], row["path"])
                continue
            payload = b64decode(row[2]) if len(row) > 3 else row[2].encode()
            said.setdefault(sources[row[1]], []).append((row[0], payload))
    return said


class TapeServer:
    """`async with TapeServer(path) as tape:` serves a tape on loopback, one port per venue, from its beginning.

    A REST request gets the latest recorded reply of its path at the tape's position (the first one, where none was
    recorded yet); a WebSocket gets every frame that was recorded on its path, at its time. `speed` 2.0 is twice as fast.
    """

    def __init__(self, path: Path, speed: float = 1.0, clock: Clock | None = None) -> None:
        self.said = read_tape(path)
        self.speed = speed
        self.endpoints: dict[str, dict[str, str]] = {}
        self._clock: Clock = clock or SystemClock()
        self._start = self._clock.mono()
        self._lines: dict[Source, list[web.WebSocketResponse]] = {}
        self._spoken: dict[Source, int] = {}
        self._runners: list[web.ServerRunner] = []
        self._pump: asyncio.Task[None] | None = None

    @property
    def position_ms(self) -> float:
        """Where on the tape we are."""
        return (self._clock.mono() - self._start) * 1000 * self.speed

    async def __aenter__(self) -> Self:
        for venue in sorted({source[0] for source in self.said}):
            await self._open(venue)
        self._start = self._clock.mono()
        self._pump = asyncio.create_task(self._live())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        for sockets in list(self._lines.values()):
            for socket in list(sockets):
                await socket.close()
        for runner in self._runners:
            await runner.cleanup()

    async def _open(self, venue: str) -> None:
        runner = web.ServerRunner(web.Server(lambda request: self._answer(venue, request)), shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        names = {name: scheme for d in all_dialects() if d.venue == venue for name, scheme in d.endpoints.items()}
        self.endpoints[venue] = {name: f"{scheme}://{address}" for name, scheme in names.items()}

    async def _answer(self, venue: str, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            body = self._reply(venue, request)
            return web.Response(body=body or b"", status=404 if body is None else 200, content_type="application/json")
        source = self._source(venue, "ws", request)
        if source is None:
            return web.Response(status=404)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._lines.setdefault(source, []).append(socket)
        try:
            async for _ in socket:
                pass  # what the client asks was answered on the tape
        finally:
            self._lines[source].remove(socket)
        return socket

    def _source(self, venue: str, kind: str, request: web.BaseRequest) -> Source | None:
        """The recorded source of this request: with its query, else by its path alone."""
        exact = (venue, kind, request.path_qs)
        if exact in self.said:
            return exact
        return next((s for s in self.said if s[:2] == (venue, kind) and s[2].split("?")[0] == request.path), None)

    def _reply(self, venue: str, request: web.BaseRequest) -> bytes | None:
        source = self._source(venue, "rest", request)
        if source is None:
            return None
        replies = self.said[source]
        place = bisect_right(replies, self.position_ms, key=lambda r: r[0])
        return replies[max(0, place - 1)][1]

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(PUMP_S)
            for source, frames in self.said.items():
                if source[1] == "ws":
                    await self._say(source, frames)

    async def _say(self, source: Source, frames: Said) -> None:
        """All frames of one source that are due."""
        start, position = self._spoken.get(source, 0), self.position_ms
        end = bisect_right(frames, position, lo=start, key=lambda f: f[0])
        self._spoken[source] = end
        for socket in list(self._lines.get(source, ())):
            for _, payload in frames[start:end]:
                if not socket.closed:
                    await socket.send_str(payload.decode("utf-8", "replace"))
