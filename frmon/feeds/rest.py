"""REST of one venue: paced, bounded in time and size, and frank about why there is no answer.

`Rest(http, venue, endpoints, pacer, clock).get(request)` returns the body of a `contract.Request` and when it was asked
for, or raises `Unreachable`. One `Http` serves all venues; close it at the end.
"""

from collections.abc import Callable

import aiohttp
from aiohttp_socks import ProxyConnectionError as SocksConnectionError
from aiohttp_socks import ProxyConnector
from aiohttp_socks import ProxyError as SocksError
from yarl import URL

from frmon.clock import Clock
from frmon.errors import Unreachable
from frmon.feeds.contract import Request, Venue
from frmon.feeds.pacer import Pacer
from frmon.feeds.text import clean
from frmon.feeds.wire import USER_AGENT, proxy_for, unreachable

MAX_BODY = 16 * 2**20  # bytes after decompression; the largest real reply is below 2 MB
TOTAL_S = 10.0
CONNECT_S = 4.0
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}

Answer = tuple[int, dict[str, str], bytes]
"""HTTP status, headers with lower-case names, body."""

Observe = Callable[[str, str, str, bytes, float], None]
"""Sees what venues said: venue, "ws" or "rest", path (with query), the raw payload, monotonic seconds."""


class Http:
    """The HTTP session of all venues. `proxy`: as in the configuration; empty = environment. Loopback is never proxied."""

    def __init__(self, proxy: str = "", time_scale: float = 1.0) -> None:
        scale = max(time_scale, 0.2)
        self._proxy = proxy
        self._timeout = aiohttp.ClientTimeout(total=TOTAL_S * scale, sock_connect=CONNECT_S * scale)
        self._sessions: dict[str, aiohttp.ClientSession] = {}  # by SOCKS proxy; "" = all others

    async def fetch(self, url: str) -> Answer:
        """One GET of an already encoded URL, as it is answered; no redirects. Raises `Unreachable`."""
        try:
            return await self._fetch(url)
        except (aiohttp.ClientError, SocksError, SocksConnectionError, OSError, TimeoutError, ValueError) as error:
            raise _why(error) from None

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def _fetch(self, url: str) -> Answer:
        proxy = proxy_for(url, self._proxy) or ""
        socks = proxy if proxy.startswith("socks") else ""
        hop = None if socks else proxy or None
        async with self._session(socks).get(URL(url, encoded=True), proxy=hop, allow_redirects=False) as reply:
            body = bytearray()
            async for chunk in reply.content.iter_chunked(65536):
                body += chunk
                if len(body) > MAX_BODY:
                    raise Unreachable("RECONNECT", f"answer above {MAX_BODY >> 20} MiB")
            return reply.status, {k.lower(): v for k, v in reply.headers.items()}, bytes(body)

    def _session(self, socks: str) -> aiohttp.ClientSession:
        session = self._sessions.get(socks)
        if session is None:
            by_socks = ProxyConnector.from_url(socks, limit_per_host=6) if socks else None
            connector = by_socks or aiohttp.TCPConnector(limit_per_host=6)
            session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, headers=_HEADERS)
            self._sessions[socks] = session
        return session


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
        if refusal is not None:
            self._mind(request, refusal)
            raise refusal
        if self.observe is not None:
            self.observe(self._venue.name, "rest", path, body, self._clock.mono())
        return body, asked_at

    def _mind(self, request: Request, refusal: Unreachable) -> None:
        if refusal.retry_s is not None and refusal.status in {"BANNED", "BLOCKED"}:
            self._pacer.bar(request.costs, refusal.retry_s)


def _why(error: BaseException) -> Unreachable:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Unreachable("TLS", clean(error.certificate_error, 80), 30.0)
    if isinstance(error, (SocksError, SocksConnectionError, aiohttp.ClientProxyConnectionError)):
        return Unreachable("RECONNECT", f"proxy: {clean(error, 80)}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable("DNS", clean(error.os_error.strerror or error.os_error.args[-1], 60).lower())
    return unreachable(getattr(error, "os_error", None) or error)


def waited_out(why: Unreachable, left_s: float) -> Unreachable:
    """The same with what is left of the wait that it brought, in words that count down."""
    if left_s < 1:
        return why
    left = f"banned, {left_s:.0f} s left" if why.status == "BANNED" else f"again in {left_s:.0f} s"
    return Unreachable(why.status, f"{left}: {why.why}", left_s)
