"""Frames that are too large, in too many parts or packed: the line ends with 1009 in words and backs off; little memory is
spent. Each in a program of its own, whose memory alone is measured, with both WebSocket libraries."""

import asyncio
import base64
import hashlib
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from frmon.config import Settings
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.frames import framed
from tests.scenarios.stand import stand

MIB = 2**20
CLOSE = 0x88  # first byte of a close frame
LISTENER = """
import asyncio, json, resource, sys
from frmon.errors import Unreachable
from frmon.feeds.transport import dial
from frmon.feeds.wire import Dial

def peak_kb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

async def main(url, library):
    sizes = []
    how = Dial(url=url, verdict=lambda *_: None)
    before = peak_kb()
    socket = await dial(how, lambda raw: sizes.append(len(raw)), library)
    try:
        async with asyncio.timeout(8):
            end = str(await socket.closed())
    except TimeoutError:
        end = "open"
    await socket.close()
    print(json.dumps({"end": end, "sizes": sizes, "grown_mib": (peak_kb() - before) / 1024}))

asyncio.run(main(*sys.argv[1:]))
"""


def plain(size: int) -> bytes:
    return framed(b'{"a":"' + b"x" * (size - 8) + b'"}')


def parts(size: int, count: int) -> bytes:
    """One message of so many bytes in so many frames."""
    step = size // count
    bodies = [framed(b"x" * step, (0x01 if n == 0 else 0x00) | (0x80 if n == count - 1 else 0)) for n in range(count)]
    return b"".join(bodies)


def packed(size: int) -> bytes:
    """A compressed frame (RSV1), though compression was never agreed on."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = pack.compress(b" " * size) + pack.flush(zlib.Z_SYNC_FLUSH)
    return framed(body[:-4], 0xC1)


@asynccontextmanager
async def peer(said: bytes) -> AsyncIterator[str]:
    """A server that says this to everybody who comes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(
            line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + said)
        try:
            await writer.drain()
            while (heard := await reader.read(65536)) and heard[0] != CLOSE:
                pass
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def listen(said: Callable[[], bytes], library: str) -> dict[str, object]:
    async with peer(said()) as url:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LISTENER, url, library, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
    told: dict[str, object] = json.loads(out)
    return told


BOMBS: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "20 MiB": (lambda: plain(20 * MIB), ("1009",)),
    "20 MiB in 100 parts": (lambda: parts(20 * MIB, 100), ("1009",)),
    "10 000 parts": (lambda: parts(10_000 * 64, 10_000), ("1009",)),
    "200 MiB packed": (lambda: packed(200 * MIB), ("1002", "1009", "1007")),
}


@pytest.mark.parametrize("library", ["picows", "websockets"])
@pytest.mark.parametrize("bomb", BOMBS)
async def test_s49_a_bomb_ends_its_line_and_costs_little_memory(bomb: str, library: str) -> None:
    said, codes = BOMBS[bomb]
    told = await listen(said, library)
    assert told["sizes"] == []
    assert any(code in str(told["end"]) for code in codes), told
    assert float(str(told["grown_mib"])) < 50, told


@pytest.mark.parametrize("library", ["picows", "websockets"])
async def test_s49_a_frame_of_one_and_a_half_mebibytes_is_heard(library: str) -> None:
    told = await listen(lambda: plain(3 * MIB // 2) + framed(b"", 0x88), library)
    assert told["sizes"] == [3 * MIB // 2]


def by_websockets(settings: Settings) -> None:
    settings.feeds.transport = "websockets"


@pytest.mark.parametrize("change", [None, by_websockets], ids=["picows", "websockets"])
async def test_s49_a_line_that_was_sent_a_giant_backs_off_and_comes_back(
    change: Callable[[Settings], None] | None,
) -> None:
    async with stand("okx", change=change) as s:
        s.fault(Fault(kind="inject", venue="okx", payload='{"a":1}', size=3 * MIB // 2, for_s=1.0))
        await s.rest(3)
        assert s.state("okx").reconnects == 0
        s.fault(Fault(kind="inject", venue="okx", market="perp", payload='{"a":1}', size=20 * MIB, for_s=1.0))
        await s.within(10, lambda: s.events("okx perp 1: LIVE → RECONNECT (closed 1009"))
        await s.within(20, lambda: s.line("okx perp").status == "LIVE" and s.line("okx perp").reconnects == 1)
        assert s.line("okx spot").reconnects == 0
        await s.still()
