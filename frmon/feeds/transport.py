"""The one place that knows a WebSocket library. Dials, hands out raw frames, says in our words why it could not.

Also the event loop that feeds want: at live rates waking up for every frame costs more than parsing them all, so its
selector asks the system for input at most every few milliseconds and finds many frames waiting.
"""

import asyncio
import os
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from python_socks import ProxyConnectionError, ProxyError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxyStatus, InvalidStatus, InvalidURI

from frmon.errors import Unreachable, VenueError
from frmon.feeds.text import clean

MAX_FRAME = 4 * 2**20  # bytes; all-market frames are below 0.3 MB
OPEN_TIMEOUT_S = 8.0
CLOSE_TIMEOUT_S = 1.0
PONG_TIMEOUT_S = 5.0
QUANTUM_S = 0.01

Verdict = Callable[[int, Mapping[str, str], bytes], Unreachable | None]


class Closed(VenueError):
    """The connection ended. `code`: WebSocket close code, 1006 when there was no close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed {code}" + (f" {reason}" if reason else ""))
        self.code = code


class Socket(Protocol):
    """An open line. `recv` raises `Closed`."""

    async def recv(self) -> bytes:
        """The next frame, undecoded."""
        ...

    async def send(self, text: bytes) -> None:
        """Send one text frame."""
        ...

    async def close(self) -> None:
        """Close; never takes longer than a second or so."""
        ...


class _Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def recv(self) -> bytes:
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as end:
            raise _closed(end) from None

    async def send(self, text: bytes) -> None:
        try:
            await self._connection.send(text, text=True)
        except ConnectionClosed as end:
            raise _closed(end) from None

    async def close(self) -> None:
        await self._connection.close()


def _closed(end: ConnectionClosed) -> Closed:
    frame = end.rcvd or end.sent
    return Closed(1006, "") if frame is None else Closed(frame.code, clean(frame.reason, 80))


async def dial(
    url: str, verdict: Verdict, *, proxy: str = "", ping_s: float | None = None, time_scale: float = 1.0
) -> Socket:
    """Open a WebSocket to `url`. `proxy`: http(s):// or socks5:// URL, empty = environment; never for loopback.
    `ping_s`: own protocol pings. Raises `Unreachable` with the state that the screen shows."""
    try:
        connection = await connect(
            url,
            proxy=None if is_loopback(url) else (proxy or True),
            compression=None,
            open_timeout=OPEN_TIMEOUT_S * time_scale,
            close_timeout=CLOSE_TIMEOUT_S * time_scale,
            ping_interval=None if ping_s is None else ping_s * time_scale,
            ping_timeout=PONG_TIMEOUT_S * max(time_scale, 0.2),
            max_size=MAX_FRAME,
            max_queue=4096,
            user_agent_header=USER_AGENT,
            happy_eyeballs_delay=0.25,
        )
    except InvalidProxyStatus as error:
        raise Unreachable("RECONNECT", f"proxy answered {error.response.status_code}") from None
    except InvalidStatus as error:
        raise _refused(error, verdict) from None
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, ProxyError, EOFError, ValueError) as error:
        raise unreachable(error) from None
    return _Socket(connection)


USER_AGENT = "frmon (read-only market monitor)"


def _refused(error: InvalidStatus, verdict: Verdict) -> Unreachable:
    response = error.response
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    why = verdict(response.status_code, headers, bytes(response.body or b"")[:4096])
    return why or Unreachable("RECONNECT", f"handshake answered {response.status_code}")


def unreachable(error: BaseException) -> Unreachable:
    """What a failed connection means: DNS, TLS, or something that passes."""
    if isinstance(error, Unreachable):
        return error
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        return Unreachable("TLS", f"TLS: {clean(reason, 80)}", 30.0)
    if isinstance(error, socket.gaierror):
        return Unreachable("DNS", f"DNS: {clean(error.strerror, 60)}")
    if isinstance(error, (ProxyError, ProxyConnectionError)):
        return Unreachable("RECONNECT", f"proxy: {clean(error, 80)}")
    if isinstance(error, TimeoutError):
        return Unreachable("RECONNECT", "no answer in time")
    if isinstance(error, OSError) and error.errno is not None:
        return Unreachable("RECONNECT", os.strerror(error.errno).lower())
    return Unreachable("RECONNECT", clean(error, 80) or type(error).__name__)


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine: such connections never go through a proxy."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class CoalescingSelector(selectors.DefaultSelector):
    """Looks for input at most once per quantum while there is little to do, so that frames are read in batches. When
    the loop is busy it never waits; timers and calls from other threads are late by at most one quantum."""

    quantum_s = QUANTUM_S

    def __init__(self) -> None:
        super().__init__()
        self._looked_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            rest = self._looked_at + self.quantum_s - time.monotonic()
            if rest > 0:
                time.sleep(rest if timeout is None else min(rest, timeout))
                timeout = None if timeout is None else max(0.0, timeout - rest)
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        self._looked_at = time.monotonic()
        return ready


def new_loop() -> asyncio.AbstractEventLoop:
    """The event loop of the engine."""
    return asyncio.SelectorEventLoop(CoalescingSelector())
