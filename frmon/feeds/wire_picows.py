"""Lines by the `picows` library: frames are cut in C and handed over by a call, without a task per connection."""

import asyncio
import logging
import re
import socket
from contextlib import suppress

from aiohappyeyeballs import start_connection
from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSParsedURL,
    WSTransport,
    ws_connect,
)
from picows.picows import WSCloseHandshake
from python_socks import ProxyError

from frmon.errors import Unreachable
from frmon.feeds.text import clean
from frmon.feeds.wire import (
    CLOSE_TIMEOUT_S,
    HAPPY_EYEBALLS_S,
    MAX_FRAME,
    NO_HTTP,
    OPEN_TIMEOUT_S,
    PONG_EVERY_S,
    PONG_TIMEOUT_S,
    USER_AGENT,
    Closed,
    Dial,
    Hear,
    ThreadlessError,
    refused,
    unreached,
)

LOG = logging.getLogger("frmon.wire")
MAX_FRAGMENTS = 4096
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: |\r|$)")
_DATA = {WSMsgType.TEXT, WSMsgType.BINARY}


class Wire(WSListener):
    """One connection: gathers fragments, answers the close, remembers how it ended."""

    def __init__(self, hear: Hear, close_timeout_s: float) -> None:
        self._hear = hear
        self._close_timeout_s = close_timeout_s
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._end: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self._ping: bytes | None = None  # to be answered
        self._resting: asyncio.TimerHandle | None = None  # after a pong

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._watching = asyncio.get_running_loop().create_task(_outlast(transport))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if frame.payload_size > MAX_FRAME:
            return  # the library closes the line for it
        if frame.rsv1:  # packed, which was never agreed on
            transport.send_close(WSCloseCode.PROTOCOL_ERROR, b"")
            transport.disconnect()
        elif kind in _DATA and frame.fin and not self._parts:
            self._hear(frame.get_payload_as_bytes())
        elif kind in _DATA or kind == WSMsgType.CONTINUATION:
            self._gather(transport, frame)
        elif kind == WSMsgType.PING:
            self._ping = frame.get_payload_as_bytes()
            self._pong()
        elif kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), b"")
            transport.disconnect()

    def _pong(self) -> None:
        transport = self._transport
        if self._ping is None or self._resting is not None or transport is None or transport.is_disconnected:
            return
        transport.send_pong(self._ping)
        self._ping = None
        self._resting = asyncio.get_running_loop().call_later(PONG_EVERY_S, self._rested)

    def _rested(self) -> None:
        self._resting = None
        self._pong()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._resting is not None:
            self._resting.cancel()
        if not self._end.done():
            self._end.set_result(_closed(transport))

    async def send(self, text: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_disconnected or self._end.done():
            raise Closed(1006, "")
        transport.send(WSMsgType.TEXT, text)

    async def closed(self) -> Closed:
        return await asyncio.shield(self._end)

    async def close(self) -> None:
        transport = self._transport
        if transport is None or self._end.done():
            return
        transport.send_close(WSCloseCode.OK)
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await asyncio.shield(self._end)
        except TimeoutError:
            transport.disconnect(False)

    def _gather(self, transport: WSTransport, frame: WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        self._size += frame.payload_size
        if self._size > MAX_FRAME or len(self._parts) > MAX_FRAGMENTS:
            transport.send_close(WSCloseCode.MESSAGE_TOO_BIG, b"")
            transport.disconnect()
        elif frame.fin:
            whole = b"".join(self._parts)
            self._parts = []
            self._size = 0
            self._hear(whole)


async def _outlast(transport: WSTransport) -> None:
    """Take note of the library's own complaint about the peer, which it tells nobody else."""
    try:
        await transport.wait_disconnected()
    except WSError as complaint:
        LOG.info("closed: %s", clean(complaint, 120))


def _closed(transport: WSTransport) -> Closed:
    ended: WSCloseHandshake | None = transport.close_handshake
    if ended is None:
        return Closed(1006, "")
    told = (ended.recv if ended.recv_then_sent else ended.sent) or ended.recv or ended.sent  # who closed first says why
    if told is None:
        return Closed(1006, "")
    code = told.code  # a plain number where the library has no name for it
    return Closed(code.value if isinstance(code, WSCloseCode) else int(code), told.reason or "")


class Opening:
    """One attempt to connect. Keeps the socket at hand, for an attempt that is given up half-way leaves it open else."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    async def connect(self, url: WSParsedURL) -> socket.socket:
        """A socket to the host of the URL, or of the proxy's: all its addresses are tried, each a little after the one
        before."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        self._socket = await start_connection(found, happy_eyeballs_delay=HAPPY_EYEBALLS_S)
        return self._socket

    def abandon(self) -> None:
        """Let whoever owns the socket by now see its end, and close it."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


async def dial(how: Dial, hear: Hear) -> Wire:
    """See `transport.dial`."""
    opening = Opening()
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S * how.scale):
            return await _open(how, hear, opening)
    except WSHandshakeError as error:
        opening.abandon()
        raise _refused(how, error) from None
    except (OSError, TimeoutError, WSError, ProxyError, EOFError, ValueError, ThreadlessError) as error:
        opening.abandon()
        raise unreached(how, error) from None
    except asyncio.CancelledError:
        opening.abandon()
        raise


def _refused(how: Dial, error: WSHandshakeError) -> Unreachable:
    """Statuses that have no name in the library, or none at all, are no HTTP for it: their answers are read here."""
    body = error.raw_body or b""
    if error.response is not None:
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        return refused(how, int(error.response.status), headers, body)
    lines = (error.raw_header or b"").split(b"\r\n")
    status = _STATUS.match(lines[0])
    if status is None:
        return Unreachable("RECONNECT", NO_HTTP)
    pairs = (line.decode("latin-1").partition(":") for line in lines[1:])
    return refused(how, int(status[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}, body)


async def _open(how: Dial, hear: Hear, opening: Opening) -> Wire:
    proxy = how.proxy_url
    _, wire = await ws_connect(
        lambda: Wire(hear, CLOSE_TIMEOUT_S * how.scale),
        how.url,
        websocket_handshake_timeout=OPEN_TIMEOUT_S * how.scale,
        logger_name=LOG,
        enable_auto_pong=False,
        enable_auto_ping=how.ping_s is not None,
        auto_ping_idle_timeout=(how.ping_s or 10.0) * how.scale,
        auto_ping_reply_timeout=PONG_TIMEOUT_S * how.scale,
        max_frame_size=MAX_FRAME,
        max_redirects=0,
        extra_headers={"User-Agent": USER_AGENT},
        proxy=proxy,
        read_buffer_init_size=65536,
        socket_factory=None if proxy and proxy.startswith("socks") else opening.connect,
    )
    if not isinstance(wire, Wire):
        raise EOFError  # the library is content with a peer that hung up instead of an answer
    return wire
