"""What an open line is, how one is asked for, and what its failures are called; the same for every WebSocket library."""

import errno
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Literal, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
from python_socks import ProxyConnectionError, ProxyError

from frmon.errors import Unreachable, VenueError
from frmon.feeds.text import clean

OPENED = 101  # HTTP status of a handshake that succeeds
MAX_FRAME = 4 * 2**20  # bytes; all-market frames are below 0.3 MB
OPEN_TIMEOUT_S = 8.0
CLOSE_TIMEOUT_S = 1.0
PONG_TIMEOUT_S = 5.0
PONG_EVERY_S = (
    1.0  # venues count pongs among our messages; a flood of pings is answered by the newest one (RFC 6455, 5.5.3)
)
HAPPY_EYEBALLS_S = 0.25
TLS_RETRY_S = 30.0  # a wrong certificate does not heal in seconds
NO_HTTP = "what it answers is no HTTP"
NO_HANDSHAKE = "its answer opens no WebSocket"
HUNG_UP = "hung up without an answer"
USER_AGENT = "frmon (read-only market monitor)"

ThreadlessError = RuntimeError
"""What a system that starts no more threads makes of a name to be resolved."""

Library = Literal["picows", "websockets"]
Hear = Callable[[bytes], None]
Verdict = Callable[[int, Mapping[str, str], bytes], Unreachable | None]


class Dial(msgspec.Struct, frozen=True, kw_only=True):
    """How to open a line. `verdict` judges a refused handshake; `ping_s`: own protocol pings, None for none; `proxy`:
    http(s):// or socks5:// URL, empty = environment, never for loopback."""

    url: str
    verdict: Verdict
    proxy: str = ""
    ping_s: float | None = None
    time_scale: float = 1.0

    @property
    def proxy_url(self) -> str | None:
        """The proxy that this URL goes through."""
        return proxy_for(self.url, self.proxy)

    @property
    def scale(self) -> float:
        """For network timeouts, which can't be scaled down without end."""
        return max(self.time_scale, 0.02)


class Closed(VenueError):
    """The connection ended. `code`: WebSocket close code, 1006 when there was no close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed {code}" + (f" {clean(reason, 80)}" if reason else ""))
        self.code = code


class Socket(Protocol):
    """An open line."""

    async def send(self, text: bytes) -> None:
        """Send one text frame. Raises `Closed`."""
        ...

    async def closed(self) -> Closed:
        """Wait for the end and say how it was."""
        ...

    async def close(self) -> None:
        """Close; never takes longer than a second or so."""
        ...


def refused(how: Dial, status: int, headers: Mapping[str, str], body: bytes) -> Unreachable:
    """What a handshake that was answered with this status means. `headers`: lower-case names. Nobody follows redirects: who
    answers under another address than the configured one is not the venue."""
    target = clean(headers.get("location", ""), 60) if 300 <= status < 400 else ""
    if how.url.startswith("wss:") and target.startswith(("ws:", "http:")):
        return Unreachable("TLS", f"redirected to unencrypted {target}", TLS_RETRY_S)
    judged = how.verdict(status, headers, body[:4096])
    return judged or Unreachable("RECONNECT", NO_HANDSHAKE if status == OPENED else f"handshake answered {status}")


def unreached(how: Dial, error: BaseException) -> Unreachable:
    """What it means that a line could not be opened; what only a proxy can be the reason of is named so."""
    found = unreachable(error)
    is_local = isinstance(error, OSError) and not isinstance(error, (ssl.SSLError, TimeoutError))
    if how.proxy_url and is_local and not found.why.startswith("proxy: "):
        return Unreachable(found.status, f"proxy: {found.why}", found.retry_s)
    return found


def unreachable(error: BaseException) -> Unreachable:
    """What a failed connection means: DNS, TLS, or something that passes."""
    if isinstance(error, Unreachable):
        return error
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
        return Unreachable("TLS", clean(reason, 80) or "refused", TLS_RETRY_S)
    if isinstance(error, socket.gaierror):
        return Unreachable("DNS", clean(error.strerror or error.args[-1], 60).lower() or "no answer")
    if isinstance(error, (ProxyError, ProxyConnectionError)):
        return Unreachable("RECONNECT", f"proxy: {clean(error, 80)}")
    if isinstance(error, TimeoutError):
        return Unreachable("RECONNECT", "no answer in time")
    if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
        return Unreachable("RECONNECT", "no file descriptors left")
    if isinstance(error, OSError) and error.errno is not None:
        return Unreachable("RECONNECT", os.strerror(error.errno).lower())
    return Unreachable(
        "RECONNECT",
        clean(error, 80) or (HUNG_UP if isinstance(error, (EOFError, ConnectionError)) else type(error).__name__),
    )


def proxy_for(url: str, configured: str) -> str | None:
    """The proxy for a URL: the configured one, else the environment's; none for loopback. SOCKS is `socks5://` whether the
    text says socks5 or socks5h: the proxy looks names up, in both libraries and for REST."""
    if is_loopback(url):
        return None
    found = configured or _of_environment(url)
    return found.replace("socks5h://", "socks5://", 1) if found else None


def _of_environment(url: str) -> str | None:
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return proxies.get(scheme) or proxies.get("all")


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine: such connections never go through a proxy."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
