"""Peers that speak no HTTP, or not enough of it, are told of in plain words, whatever library met them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from frmon.errors import Unreachable
from frmon.feeds.rest import Http
from frmon.feeds.transport import dial
from frmon.feeds.wire import HUNG_UP, NO_HANDSHAKE, NO_HTTP, Dial, Library

UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@asynccontextmanager
async def peer(said: bytes) -> AsyncIterator[str]:
    """Host and port of somebody who says this to everybody and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("library", ["picows", "websockets"])
@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", HUNG_UP),
        (b"HTTP/1.1 200 OK\r\nContent-", HUNG_UP),
        (b"\x00\xff\x13\x88garbage\r\n\r\n", NO_HTTP),
        (b"HTTP/1.1 abc OK\r\n\r\n", NO_HTTP),
        (UPGRADE + b"\r\n", NO_HANDSHAKE),
        (UPGRADE + b"Sec-WebSocket-Accept: abc\r\n\r\n", NO_HANDSHAKE),
    ],
)
async def test_a_handshake_that_is_answered_by_nonsense(library: Library, said: bytes, words: str) -> None:
    async with peer(said) as where:
        with pytest.raises(Unreachable) as caught:
            await dial(Dial(url=f"ws://{where}/", verdict=lambda *_: None), lambda _: None, library)
    assert (caught.value.status, caught.value.why) == ("RECONNECT", words)


@pytest.mark.parametrize("library", ["picows", "websockets"])
@pytest.mark.parametrize("status", [b"520 ", b"520 Web Server Returned an Unknown Error", b"529 Site Overloaded"])
async def test_a_refusal_with_a_status_that_no_standard_names_is_judged_as_any_other(
    library: Library, status: bytes
) -> None:
    seen: list[tuple[int, str, bytes]] = []

    def verdict(code: int, headers: Mapping[str, str], body: bytes) -> Unreachable:
        seen.append((code, headers.get("retry-after", ""), body))
        return Unreachable("BANNED", "as the venue says", 7.0)

    async with peer(b"HTTP/1.1 " + status + b"\r\nServer: x\r\nRetry-After: 7\r\n\r\nbusy") as where:
        with pytest.raises(Unreachable) as caught:
            await dial(Dial(url=f"ws://{where}/", verdict=verdict), lambda _: None, library)
    assert (caught.value.why, caught.value.retry_s) == ("as the venue says", 7.0)
    assert seen == [(int(status[:3]), "7", b"busy")]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", HUNG_UP),
        (b"SSH-2.0-OpenSSH_9.0\r\n", NO_HTTP),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", NO_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "answer cut off"),
    ],
)
async def test_a_request_that_is_answered_by_nonsense(said: bytes, words: str) -> None:
    http = Http()
    async with peer(said) as where:
        with pytest.raises(Unreachable) as caught:
            await http.fetch(f"http://{where}/")
    await http.close()
    assert (caught.value.status, caught.value.why) == ("RECONNECT", words)
