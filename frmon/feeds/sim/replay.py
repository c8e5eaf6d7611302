"""Serves a tape again with the original timing, one port per venue."""

import asyncio
from bisect import bisect_right
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import msgspec
from aiohttp import web

from frmon.clock import Clock, SystemClock
from frmon.feeds.sim.dialects import all_dialects
from frmon.feeds.sim.stopping import stopping
from frmon.feeds.sim.tape import Said, Source, read_tape

PUMP_S = 0.02
MISSED_MS = 60_000


class TapeServer:
    """`async with TapeServer(path) as server:` serves a tape on loopback, one port per venue. It runs from the first request.

    A REST request gets the latest recorded reply of its path and query at the tape's position (the first one, where none
    was recorded yet); a WebSocket gets every frame that was recorded on its path, at its time, and if it is opened in the
    first minute what it missed: whoever dials a little later than on the tape still hears the first pictures. `speed` 2.0
    is twice as fast.
    """

    def __init__(self, path: Path, speed: float = 1.0, clock: Clock | None = None) -> None:
        self.tape = read_tape(path)
        self.speed = speed
        self.endpoints: dict[str, dict[str, str]] = {}
        self._clock: Clock = clock or SystemClock()
        self._start: float | None = None
        self._lines: dict[web.WebSocketResponse, _Place] = {}
        self._runners: list[web.ServerRunner] = []
        self._pump: asyncio.Task[None] | None = None

    @property
    def position_ms(self) -> float:
        """Where on the tape we are."""
        return 0.0 if self._start is None else (self._clock.mono() - self._start) * 1000 * self.speed

    async def __aenter__(self) -> Self:
        for venue in sorted({source[0] for source in self.tape.said}):
            await self._open(venue)
        self._pump = asyncio.create_task(self._live())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        for socket in list(self._lines):
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
        if self._start is None:
            self._start = self._clock.mono()
        if request.headers.get("Upgrade", "").lower() != "websocket":
            body = self._reply(venue, request)
            return web.Response(body=body or b"", status=404 if body is None else 200, content_type="application/json")
        source = self._source(venue, "ws", request)
        if source is None:
            return web.Response(status=404)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        frames, position = self.tape.said[source], self.position_ms
        missed = 0 if position <= MISSED_MS else bisect_right(frames, position, key=_offset)
        self._lines[socket] = _Place(frames, missed)
        try:
            async for _ in socket:
                pass  # what the client asks was answered on the tape
        finally:
            del self._lines[socket]
        return socket

    def _source(self, venue: str, kind: str, request: web.BaseRequest) -> Source | None:
        """The recorded source of this request. A line may carry its subscriptions in the query: there the path decides."""
        exact = (venue, kind, request.path_qs)
        if exact in self.tape.said or kind == "rest":
            return exact if exact in self.tape.said else None
        return next((s for s in self.tape.said if s[:2] == (venue, kind) and s[2].split("?")[0] == request.path), None)

    def _reply(self, venue: str, request: web.BaseRequest) -> bytes | None:
        source = self._source(venue, "rest", request)
        if source is None:
            return None
        replies = self.tape.said[source]
        return replies[max(0, bisect_right(replies, self.position_ms, key=_offset) - 1)][1]

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(PUMP_S)
            await asyncio.gather(*(self._say(socket, place) for socket, place in self._lines.items()))

    async def _say(self, socket: web.WebSocketResponse, place: "_Place") -> None:
        """All frames that are due on one line."""
        start = place.next
        place.next = bisect_right(place.frames, self.position_ms, lo=start, key=_offset)
        with suppress(ConnectionError):  # it left; its reader sees that too
            for _, payload in place.frames[start : place.next]:
                await socket.send_str(payload.decode("utf-8", "replace"))


class _Place:
    """Where a line is on its part of the tape."""

    def __init__(self, frames: Said, start: int) -> None:
        self.frames = frames
        self.next = start


def _offset(record: tuple[float, bytes]) -> float:
    return record[0]


class TapeClock(SystemClock):
    """Shows the time of the tape, which begins to run now; waits and ages as ever."""

    def __init__(self, started_ms: int) -> None:
        self._shift_ms = super().mono() * 1000 - started_ms

    def now_ms(self) -> int:
        return int(self.mono() * 1000 - self._shift_ms)


async def serve_tape(path: Path, speed: float, out: TextIO, until_eof: TextIO | None = None) -> None:
    """Serve a tape until SIGTERM or SIGINT (or until `until_eof` ends), after one JSON line on `out` that says where.

    The line: simulated, endpoints, status (empty), started_ms (when it was recorded), length_s. Raises ConfigError."""
    async with TapeServer(path, speed) as server:
        hello = {
            "simulated": True,
            "endpoints": server.endpoints,
            "status": [],
            "started_ms": server.tape.started_ms,
            "length_s": server.tape.length_ms / 1000 / speed,
        }
        with stopping(until_eof) as stop:
            out.write(msgspec.json.encode(hello).decode() + "\n")
            out.flush()
            await stop.wait()
