"""The way to a collector: its address, the question that is asked there, and what its refusals mean."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
import msgspec

from frmon.attach.sse import Event, Parser
from frmon.errors import ConfigError, DecodeError, FrmonError
from frmon.feeds.text import clean

DIAL_S = 5.0
SILENCE_S = 5.0
"""The collector speaks at least once a second: one that is silent for so long is lost."""

BUFFER = 1024 * 1024


class Lost(FrmonError):
    """The collector cannot be reached or has stopped speaking: exit 3 where that is the end."""

    exit_code = 3


class Denied(Lost):
    """It answers and does not let us in, or is no collector: exit 2 where that is the end."""

    exit_code = 2


class Address(msgspec.Struct, frozen=True):
    """Where a collector answers. `token`: "" = none is needed."""

    url: str  # scheme, host and port
    token: str = ""

    @property
    def place(self) -> str:
        """Host and port, as people say it."""
        return urlsplit(self.url).netloc


def address_of(text: str, token: str = "") -> Address:
    """The address that an option names. Raises `ConfigError`."""
    said = f"--connect: {clean(text, 100)!r}"
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ConfigError(f"{said} is no URL") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"{said} must look like http://127.0.0.1:4002")
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ConfigError(f"{said} must be scheme, host and port only: http://127.0.0.1:4002")
    if token and parts.scheme == "http" and not is_near(text):
        raise ConfigError(f"{said} would send the token in the clear: use https or a tunnel")
    where = f"[{host}]" if ":" in host else host
    return Address(f"{parts.scheme}://{where}" + ("" if port is None else f":{port}"), token)


def is_near(url: str) -> bool:
    """Whether only programs of this machine answer there."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def opened(address: Address, query: str = "", last: str = "") -> AsyncIterator[AsyncIterator[list[Event]]]:
    """The stream's events, a few at a time, until it ends. `last`: the id of the last event that was heard. Raises `Lost`
    and `Denied`; the block's own errors pass."""
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}
    if address.token:
        headers["Authorization"] = f"Bearer {address.token}"
    if last:
        headers["Last-Event-ID"] = last
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=DIAL_S, sock_read=SILENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, read_bufsize=BUFFER, trust_env=False) as session:
        try:
            answer = await session.get(f"{address.url}/api/stream{query}", headers=headers, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Lost(_why(error)) from None
        async with answer:
            _admit(answer)
            yield _events(answer)


def _admit(answer: aiohttp.ClientResponse) -> None:
    """Whether this is the stream of a collector. Raises `Denied`, `Lost` where that may pass."""
    if answer.status == 401:
        raise Denied("it wants a token: --token-file FILE with the one of frmon serve")
    if answer.status in {429, 503}:
        raise Lost(f"it is busy (HTTP {answer.status})")
    if answer.status != 200:
        raise Denied(f"HTTP {answer.status}: is that frmon serve?")
    if answer.content_type != "text/event-stream":
        raise Denied(f"it answers {clean(answer.content_type)}, no stream: is that frmon serve?")


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[list[Event]]:
    parser = Parser()
    try:
        async for chunk in answer.content.iter_any():
            if found := parser.feed(chunk):
                yield found
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Lost(_why(error)) from None
    except DecodeError as error:
        raise Denied(str(error)) from None
    raise Lost("it ended the stream")


def _why(error: Exception) -> str:
    """In a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, ConnectionResetError | aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "the connection broke"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    return clean(getattr(cause, "strerror", None) or type(error).__name__, 80)
