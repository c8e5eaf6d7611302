"""A TCP proxy in front of a loopback address that behaves as bad as networks do; it knows nothing of what it carries.

`async with Tunnel(port) as t:` dial `t.port`; set `t.up` and `t.down` (towards and from the target) at any time; call
`cut`, `half_close`, `freeze`, `vanish`. All seconds are those of the loop.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import Self
from weakref import WeakSet

from frmon.feeds.sim.toxics import Lane, Toxics, Way

HOST = "127.0.0.1"
_RESET = struct.pack("ii", 1, 0)


class Tunnel:
    """Listens on `port` of loopback from `open` to `close` and carries every connection to `target`. `connections`: how many
    were accepted so far."""

    def __init__(self, target_port: int = 0, target_host: str = HOST, *, host: str = HOST, seed: int = 0) -> None:
        self.target = target_host, target_port
        self.host = host
        self.port = 0
        self.connections = 0
        random = Random(seed)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._up, self._down = Lane(random, self._flowing), Lane(random, self._flowing)
        self._listener: socket.socket | None = None
        self._leaving: WeakSet[asyncio.StreamWriter] = WeakSet()  # closed, but maybe with bytes that nobody takes
        self._hole: Hole | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._carried: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def up(self) -> Toxics:
        """What is wrong towards the target."""
        return self._up.toxics

    @up.setter
    def up(self, toxics: Toxics) -> None:
        self._up.toxics = toxics

    @property
    def down(self) -> Toxics:
        """What is wrong from the target."""
        return self._down.toxics

    @down.setter
    def down(self, toxics: Toxics) -> None:
        self._down.toxics = toxics

    @property
    def bytes_up(self) -> int:
        """Passed on to the target so far."""
        return self._up.passed_on

    @property
    def bytes_down(self) -> int:
        """Passed on from the target so far."""
        return self._down.passed_on

    @property
    def delays_down(self) -> Sequence[float]:
        """Seconds that the last pieces from the target took."""
        return self._down.delays

    def open(self) -> None:
        """Listen; on the same port as before, if it did once."""
        self._listener = _listening(self.host, self.port, 128)
        self.port = self._listener.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept(self._listener))

    async def close(self) -> None:
        """End everything."""
        self._flowing.set()
        if self._hole is not None:
            self._hole.close()
            self._hole = None
        await self._deafen()
        self.cut()
        tasks = list(self._carried)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._reset(list(self._leaving))
        await asyncio.sleep(0)  # in which the last of them end

    @property
    def live(self) -> int:
        """Connections that are open now."""
        return len(self._carried)

    def cut(self) -> None:
        """Reset every connection, on both sides."""
        for writer in self._writers():
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def half_close(self) -> None:
        """Tell both sides of every connection that the other one will say no more; what they say is still taken."""
        for writer in self._writers():
            if not writer.transport.is_closing():
                writer.write_eof()

    def freeze(self) -> None:
        """Nothing moves any more, on connections to come either; they stay open."""
        self._flowing.clear()

    def thaw(self) -> None:
        """All goes on where it stopped."""
        self._flowing.set()

    async def vanish(self) -> None:
        """The route is gone: open connections freeze, attempts to connect get no answer at all."""
        self.freeze()
        await self._deafen()
        self._hole = Hole(self.host, self.port)

    def appear(self, *, reset: bool = True) -> None:
        """The route is back; connections from before are reset, as by a machine that forgot them, or go on."""
        if self._hole is not None:
            self._hole.close()
            self._hole = None
            self.open()
        if reset:
            self.cut()
        self.thaw()

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [writer for pair in self._carried.values() for writer in pair]

    async def _deafen(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listener)
            near, to_near = await asyncio.open_connection(sock=accepted)
            self.connections += 1
            pair = [to_near]
            task = asyncio.create_task(self._carry(near, pair))
            self._carried[task] = pair
            task.add_done_callback(lambda done: self._carried.pop(done, None) and None)

    async def _carry(self, near: asyncio.StreamReader, pair: list[asyncio.StreamWriter]) -> None:
        try:
            await self._flowing.wait()
            if pair[0].transport.is_closing():
                return  # given up before anything moved: the target never hears of it
            far, to_far = await asyncio.open_connection(*self.target)
            pair.append(to_far)
            ways = Way(self._up, near, to_far), Way(self._down, far, pair[0])
            await asyncio.gather(*(way.run() for way in ways))
        except OSError:
            self._reset(pair)  # one side is gone: so is the other
        finally:
            for writer in pair:
                writer.close()
                self._leaving.add(writer)

    def _reset(self, writers: list[asyncio.StreamWriter]) -> None:
        for writer in writers:
            writer.transport.abort()


class Hole:
    """A port that answers nothing, as an address behind a dead route: its queue of connections is full, so the kernel drops
    every further attempt without a word. (Linux.)"""

    def __init__(self, host: str = HOST, port: int = 0) -> None:
        self._sockets = [_listening(host, port, 0)]
        self.port: int = self._sockets[0].getsockname()[1]
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((host, self.port))
            self._sockets.append(filler)

    def close(self) -> None:
        """Answer again, with a refusal."""
        for one in self._sockets:
            one.close()


def _listening(host: str, port: int, backlog: int) -> socket.socket:
    listener = socket.socket(
        proto=socket.IPPROTO_TCP
    )  # named, or what it accepts waits to send until it was acknowledged
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setblocking(False)
    listener.bind((host, port))
    listener.listen(backlog)
    return listener
