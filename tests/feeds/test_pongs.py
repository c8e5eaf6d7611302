"""A flood of pings costs the peer few answers and us little memory, whatever library reads them."""

import asyncio
import base64
import hashlib
from collections.abc import Iterator

import pytest

from frmon.feeds.transport import dial
from frmon.feeds.wire import Dial, Library

UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
PINGS = 2000


def frames(sent: bytes) -> Iterator[tuple[int, bytes]]:
    """(First byte, payload) of a client's short frames."""
    at = 0
    while at < len(sent):
        size, mask = sent[at + 1] & 0x7F, sent[at + 2 : at + 6]
        yield sent[at], bytes(b ^ mask[n % 4] for n, b in enumerate(sent[at + 6 : at + 6 + size]))
        at += 6 + size


@pytest.mark.parametrize("library", ["picows", "websockets"])
async def test_a_flood_of_pings_is_answered_by_the_newest_once_a_second(library: Library) -> None:
    heard = bytearray()

    async def gather(reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65_536):
            heard.extend(data)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split()[1] for line in head.splitlines() if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        gathering = asyncio.create_task(gather(reader))
        writer.write(UPGRADE + accept + b"\r\n\r\n" + b"".join(b"\x89\x04%04d" % n for n in range(PINGS)))
        await asyncio.sleep(2.5)
        writer.write(b"\x89\x04last")
        await asyncio.sleep(2.5)
        gathering.cancel()
        writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        line = await dial(Dial(url=url, verdict=lambda *_: None), lambda _: None, library)
        await line.closed()
        await line.close()
    pongs = [payload for first, payload in frames(bytes(heard)) if first == 0x8A]
    assert 2 <= len(pongs) <= 4
    assert pongs[-1] == b"last"
    assert b"%04d" % (PINGS - 1) in pongs, "the newest of many"
