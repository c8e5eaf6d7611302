"""What is wrong with one direction of a network path, and the bytes that go through it."""

import asyncio
from collections import deque
from random import Random

import msgspec

CHUNK = 65_536
HELD = 262_144  # bytes under way per direction; then the sender has to wait


class Toxics(msgspec.Struct):
    """What is wrong with one direction; zero or False: nothing.

    latency_s, jitter_s   every byte takes so long, more or less by up to the jitter; the order is kept
    bytes_per_s           bandwidth
    slice_bytes           at most so many bytes at a time
    stall_s, stall_every_s  a loss burst: for `stall_s` nothing passes, then all of it at once; on the average every
                          `stall_every_s`
    blackhole             bytes vanish; a connection that lost some never carries anything again in this direction
    limit_bytes           after so many bytes a connection is closed in the middle of whatever it is
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    slice_bytes: int = 0
    stall_s: float = 0.0
    stall_every_s: float = 0.0
    blackhole: bool = False
    limit_bytes: int = 0


class Lane:
    """One direction of all connections of a tunnel. `passed_on`: bytes so far; `delays`: how many seconds the last pieces
    took; nothing moves while `flowing` is not set."""

    def __init__(self, random: Random, flowing: asyncio.Event) -> None:
        self.toxics = Toxics()
        self.passed_on = 0
        self.delays: deque[float] = deque(maxlen=64)
        self.random = random
        self.flowing = flowing


class Way:
    """One direction of one connection: what was read is held until it is due, then passed on as the toxics let it."""

    def __init__(self, lane: Lane, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._lane = lane
        self._source = source
        self._sink = sink
        self._held: deque[tuple[float, float, bytes | None]] = (
            deque()
        )  # (read, due, bytes); b"" = the end, None = a reset
        self._size = 0
        self._passed = 0
        self._is_lost = False
        self._changed = asyncio.Event()
        self._stalls_at = 0.0
        self._now = asyncio.get_running_loop().time

    async def run(self) -> None:
        """Until the source has said all; raises OSError when either side is gone."""
        reading = asyncio.create_task(self._read())
        try:
            await self._write()
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self) -> None:
        due = 0.0
        while True:
            data = await self._said()
            toxics = self._lane.toxics
            late = toxics.latency_s + self._lane.random.uniform(-toxics.jitter_s, toxics.jitter_s)
            due = max(due, self._now() + late)
            self._held.append((self._now(), due, data))
            self._size += len(data or b"")
            self._changed.set()
            if not data:
                return
            while self._size > HELD:
                self._changed.clear()
                await self._changed.wait()

    async def _said(self) -> bytes | None:
        try:
            return await self._source.read(CHUNK)
        except OSError:
            return None

    async def _write(self) -> None:
        while True:
            while not self._held:
                self._changed.clear()
                await self._changed.wait()
            read, due, data = self._held.popleft()
            if (early := due - self._now()) > 0:
                await asyncio.sleep(early)
            if not data:
                await self._lane.flowing.wait()
                if data is None:
                    raise ConnectionResetError
                if not self._is_lost and not self._sink.transport.is_closing():
                    self._sink.write_eof()
                return
            await self._pass_on(data)
            self._lane.delays.append(self._now() - read)
            self._size -= len(data)
            self._changed.set()

    async def _pass_on(self, data: bytes) -> None:
        while data:
            await self._lane.flowing.wait()
            await self._stall()
            toxics = self._lane.toxics
            piece = data[: _at_once(toxics, self._passed)]
            data = data[len(piece) :]
            self._is_lost = self._is_lost or toxics.blackhole
            if self._is_lost:
                continue
            self._sink.write(piece)
            await self._sink.drain()
            self._passed += len(piece)
            self._lane.passed_on += len(piece)
            if toxics.limit_bytes and self._passed >= toxics.limit_bytes:
                raise ConnectionAbortedError
            if toxics.bytes_per_s:
                await asyncio.sleep(len(piece) / toxics.bytes_per_s)
            elif toxics.slice_bytes:
                await asyncio.sleep(0)

    async def _stall(self) -> None:
        toxics = self._lane.toxics
        if not toxics.stall_s or not toxics.stall_every_s:
            return
        if self._now() >= self._stalls_at:
            if self._stalls_at:
                await asyncio.sleep(toxics.stall_s)
            self._stalls_at = self._now() + self._lane.random.expovariate(1 / toxics.stall_every_s)


def _at_once(toxics: Toxics, passed: int) -> int:
    """How many bytes may go now."""
    size = toxics.slice_bytes or CHUNK
    if toxics.bytes_per_s:
        size = min(size, max(1, int(toxics.bytes_per_s * 0.02)))
    if toxics.limit_bytes:
        size = min(size, max(1, toxics.limit_bytes - passed))
    return size
