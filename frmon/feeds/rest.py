"""REST of one venue: paced, bounded in time and size, and frank about why there is no answer.

`Rest(http, venue, endpoints, pacer, clock).get(request)` returns the body of a `contract.Request` and when it was asked
for, or raises `Unreachable`. One `Http` serves all venues; close it at the end.
"""

import asyncio
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from math import inf

import aiohttp
from aiohttp_socks import ProxyConnectionError as SocksConnectionError
from aiohttp_socks import ProxyConnector
from aiohttp_socks import ProxyError as SocksError
from yarl import URL

from frmon.clock import Clock
from frmon.errors import Unreachable, VenueError
from frmon.feeds.contract import Request, Venue
from frmon.feeds.pacer import Pacer
from frmon.feeds.text import clean, is_crowded
from frmon.feeds.wire import HUNG_UP, NO_HTTP, USER_AGENT, ThreadlessError, proxy_for, unreachable

MAX_BODY = 8 * 2**20  # bytes after decompression; the largest real reply is below 2 MB
STEP = 2**16  # bytes that are read or unpacked at once
LARGE_BODY = 2**19  # bytes; beyond, only one answer of a host is read at the same time
TOTAL_S = 10.0
CONNECT_S = 4.0
PROXY_LOGIN = 407  # only a proxy says that
WRONGLY = "answer packed wrongly"
_TITLE = re.compile(rb"<title>([^<]{1,200})", re.IGNORECASE)
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}

_PLAIN: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ServerDisconnectedError, HUNG_UP),
    (aiohttp.ClientPayloadError, "answer cut off"),
    (aiohttp.ClientResponseError, NO_HTTP),
)  # what the library says of these is for its developers

Answer = tuple[int, dict[str, str], bytes]
"""HTTP status, headers with lower-case names, body."""

Observe = Callable[[str, str, str, bytes, float], None]
"""Sees what venues said: venue, "ws" or "rest", path (with query), the raw payload, monotonic seconds."""


class Http:
    """The HTTP session of all venues. `proxy`: as in the configuration; empty = environment. Loopback is never proxied."""

    def __init__(self, proxy: str = "", time_scale: float = 1.0) -> None:
        scale = max(time_scale, 0.2)
        self._proxy = proxy
        self._timeout = aiohttp.ClientTimeout(
            total=TOTAL_S * scale, sock_connect=CONNECT_S * scale, ceil_threshold=inf
        )  # the library rounds long ones up
        self._large: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by host and port
        self._sessions: dict[str, aiohttp.ClientSession] = {}  # by SOCKS proxy; "" = all others

    async def fetch(self, url: str) -> Answer:
        """One GET of an already encoded URL, as it is answered; no redirects. Raises `Unreachable`."""
        try:
            return await self._fetch(url)
        except (
            aiohttp.ClientError, SocksError, SocksConnectionError, OSError, TimeoutError, ValueError, ThreadlessError,
        ) as error:  # fmt: skip
            raise _why(error) from None

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def _fetch(self, url: str) -> Answer:
        proxy = proxy_for(url, self._proxy) or ""
        socks = proxy if proxy.startswith("socks") else ""
        hop = None if socks else proxy or None
        async with self._session(socks).get(URL(url, encoded=True), proxy=hop, allow_redirects=False) as reply:
            if reply.status == PROXY_LOGIN:
                raise Unreachable("RECONNECT", f"proxy: answered {reply.status}")
            headers = {k.lower(): v for k, v in reply.headers.items()}
            return reply.status, headers, await self._read(reply.content, headers, self._large[reply.url.authority])

    async def _read(self, content: aiohttp.StreamReader, headers: Mapping[str, str], large: asyncio.Lock) -> bytes:
        """The whole body. Of those that grow large only one of a host may go on at once, or hostile ones would fill the memory
        together; no other host waits for it."""
        body = Body(headers.get("content-encoding", ""))
        async with AsyncExitStack() as stack:
            async for chunk in content.iter_chunked(STEP):
                left = chunk
                while left:
                    was_large = len(body.held) > LARGE_BODY
                    left = body.add(left)
                    if len(body.held) > LARGE_BODY and not was_large:
                        await stack.enter_async_context(large)
        return body.whole()

    def _session(self, socks: str) -> aiohttp.ClientSession:
        session = self._sessions.get(socks)
        if session is None:
            by_socks = ProxyConnector.from_url(socks, limit_per_host=6) if socks else None
            connector = by_socks or aiohttp.TCPConnector(limit_per_host=6)
            session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                headers=_HEADERS,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),  # nobody is logged in, and what is kept for them grows
            )
            self._sessions[socks] = session
        return session


class Body:
    """A body as it comes, unpacked no further than it may be large. `held`: what there is of it so far."""

    def __init__(self, encoding: str) -> None:
        if encoding not in {"", "identity", "gzip"}:
            raise Unreachable("RECONNECT", f"answer packed as {clean(encoding, 20)}")
        self.held = bytearray()
        self._packed = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None

    def add(self, chunk: bytes) -> bytes:
        """Take in the next piece, STEP bytes of content at most -> what is left of the piece. Raises Unreachable."""
        left = b""
        try:
            if self._packed is None:
                self.held += chunk
            else:
                self.held += self._packed.decompress(chunk, STEP)
                left = self._packed.unconsumed_tail
        except zlib.error:
            raise Unreachable("RECONNECT", WRONGLY) from None
        if self._packed is not None and self._packed.unused_data:  # where whatever follows the end would be kept
            raise Unreachable("RECONNECT", WRONGLY)
        if len(self.held) > MAX_BODY:
            self.held.clear()
            raise Unreachable("RECONNECT", f"answer above {MAX_BODY >> 20} MiB")
        return left

    def whole(self) -> bytes:
        """All of it, now that nothing more comes. Raises Unreachable."""
        if self._packed is not None and self.held and not self._packed.eof:
            raise Unreachable("RECONNECT", "answer cut off")
        return bytes(self.held)


class Rest:
    """GETs for one venue. `observe`: sees every answer that is one."""

    observe: Observe | None = None

    def __init__(self, http: Http, venue: Venue, endpoints: dict[str, str], pacer: Pacer, clock: Clock) -> None:
        self._http = http
        self._venue = venue
        self._endpoints = endpoints
        self._pacer = pacer
        self._clock = clock

    async def get(self, request: Request) -> tuple[bytes, float]:
        """The body of the answer and the monotonic time at which the request left. Waits for the budget first. Raises
        `Unreachable`; an answer that bans us stops everything that costs the same budgets until the ban is over."""
        await self._pacer.grant(request.costs, request.path)
        path = request.path + (f"?{request.query}" if request.query else "")
        asked_at = self._clock.mono()
        status, headers, body = await self._http.fetch(self._endpoints[request.endpoint] + path)
        refusal = self._venue.verdict(status, headers, body[:4096])
        if refusal is None and not 200 <= status < 300:
            refusal = Unreachable("RECONNECT", f"HTTP {status}")
        if refusal is None and body[:256].lstrip().startswith(b"<"):
            refusal = Unreachable("RECONNECT", f"a web page instead of data: {_title(body)}")
        if refusal is None and is_crowded(body):
            refusal = Unreachable("RECONNECT", "answer of too many parts")
        if refusal is not None:
            self._mind(request, refusal)
            raise refusal
        if self.observe is not None:
            self.observe(self._venue.name, "rest", path, body, self._clock.mono())
        return body, asked_at

    def _mind(self, request: Request, refusal: Unreachable) -> None:
        if refusal.retry_s is not None and refusal.status in {"BANNED", "BLOCKED"}:
            self._pacer.bar(request.costs, refusal.retry_s, refusal.status)


def _title(page: bytes) -> str:
    """What a page calls itself, or how it begins."""
    found = _TITLE.search(page[:4096])
    return clean((found[1] if found else page[:80]).decode("utf-8", "replace"), 60)


def _why(error: BaseException) -> Unreachable:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Unreachable("TLS", clean(error.certificate_error, 80), 30.0)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Unreachable("RECONNECT", f"proxy: answered {error.status}")
    if isinstance(error, (SocksError, SocksConnectionError, aiohttp.ClientProxyConnectionError)):
        return Unreachable("RECONNECT", f"proxy: {clean(error, 80)}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable("DNS", clean(error.os_error.strerror or error.os_error.args[-1], 60).lower())
    plain = next((words for kind, words in _PLAIN if isinstance(error, kind)), "")
    return Unreachable("RECONNECT", plain) if plain else unreachable(getattr(error, "os_error", None) or error)


def kept(error: VenueError) -> Unreachable:
    """The same for keeping: without the frames that raised it, which hold whole bodies."""
    if isinstance(error, Unreachable):
        return Unreachable(error.status, error.why, error.retry_s)
    return Unreachable("NO-DATA", f"not what was expected ({error})")


def waited_out(why: Unreachable, left_s: float) -> Unreachable:
    """The same with what is left of the wait that it brought, in words that count down."""
    if left_s < 1:
        return why
    if why.status == "BANNED":
        return Unreachable(why.status, f"banned, {left_s:.0f} s left: {why.why}", left_s)
    return Unreachable(why.status, f"{why.why}; again in {left_s:.0f} s", left_s)
