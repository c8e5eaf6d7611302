"""Proxies as networks have them: HTTP with CONNECT and plain GET, and SOCKS5. They know hosts that nobody else knows."""

import asyncio
import base64
import struct
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from frmon.feeds.sim.tunnel import HOST


class Proxy:
    """`async with Proxy("http") as p:` at `p.url`. Every host is on loopback. `targets`: what was asked for, by host; `login`: a
    "user:password" without which the answer is 407, or a refusal."""

    def __init__(self, scheme: str, login: str = "") -> None:
        self.scheme = scheme
        self.login = login
        self.targets: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """As in the configuration."""
        login = f"{self.login}@" if self.login else ""
        return f"{self.scheme}://{login}{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.die()

    async def open(self) -> None:
        """Listen, on the same port as before if it did once."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def die(self) -> None:
        """Refuse all connections, drop those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await (self._socks if self.scheme.startswith("socks") else self._http)(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            writer.close()
            self._open.discard(writer)

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        wanted = base64.b64encode(self.login.encode())
        if self.login and wanted not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        assert url.port is not None
        self.targets.append(f"{method} {url.hostname}")
        far, to_far = await asyncio.open_connection(HOST, url.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = url.path + (f"?{url.query}" if url.query else "")
            to_far.write(head.replace(target.encode(), path.encode(), 1))
        await self._join(reader, writer, far, to_far)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = struct.unpack("BB", await reader.readexactly(2))
        await reader.readexactly(methods)
        writer.write(b"\x05\x02" if self.login else b"\x05\x00")
        if self.login:
            _, size = struct.unpack("BB", await reader.readexactly(2))
            user = await reader.readexactly(size)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            if f"{user.decode()}:{password.decode()}" != self.login:
                writer.write(b"\x01\x01")
                return
            writer.write(b"\x01\x00")
        _, command, _, kind = struct.unpack("BBBB", await reader.readexactly(4))
        assert (command, kind) == (1, 3), "a CONNECT to a name: what it means is for the proxy to find out"
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        self.targets.append(f"SOCKS {host}")
        far, to_far = await asyncio.open_connection(HOST, port)
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await self._join(reader, writer, far, to_far)

    async def _join(
        self,
        near: asyncio.StreamReader,
        to_near: asyncio.StreamWriter,
        far: asyncio.StreamReader,
        to_far: asyncio.StreamWriter,
    ) -> None:
        self._open.add(to_far)
        try:
            await asyncio.gather(_pour(near, to_far), _pour(far, to_near))
        finally:
            to_far.close()
            self._open.discard(to_far)


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()
    if not sink.is_closing():
        sink.write_eof()
