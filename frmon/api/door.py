"""Connections of clients: not too many, none that dawdles, and no answer that says more than it must."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

MOST = 32
HEAD_S = 5.0
"""In which the head of a request must be there, from the connection's beginning or the end of the last answer."""

ANSWER_S = 30.0
"""In which an answer must be read, unless it is a stream."""

LOOK_S = 0.5

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Server": "frmon"}
_BODY = b'{"error":"too many connections"}'
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"X-Content-Type-Options: nosniff\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


def reply(value: object, status: int = 200, **headers: str) -> web.Response:
    """A value, or JSON that is written already, as an answer."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return web.Response(body=body, status=status, content_type="application/json", headers={**HEADERS, **named})


class Visitor(RequestHandler):
    """One connection. `deadline`: loop time at which it is cut."""

    def __init__(self, door: "Door", **options: Any) -> None:
        super().__init__(door, **options)
        self._door = door
        self.deadline = door.loop.time() + HEAD_S

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._door.visitors.discard(self)
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, or to a bug of ours, which the log tells of."""
        if status >= 500:
            self.log_exception("an answer failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is sent already")
        answer = reply({"error": "bad request" if status < 500 else "internal error"}, status)
        answer.force_close()
        return answer


class Full(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so and hang up."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(FULL)
        transport.close()


class Door(web.Server):
    """Lets at most `MOST` connections in."""

    def __init__(self, answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        options: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": HEAD_S,
            "lingering_time": 0.5,
            "max_line_size": 4_096,
            "max_field_size": 8_190,
            "max_headers": 64,
            "auto_decompress": False,
        }
        super().__init__(answer, **options)
        self.loop = asyncio.get_running_loop()
        self.visitors: set[Visitor] = set()
        self.refused = 0
        self._options = options

    def __call__(self) -> Any:
        """The protocol of a new connection."""
        if len(self.visitors) >= MOST:
            self.refused += 1
            return Full()
        visitor = Visitor(self, loop=self.loop, **self._options)
        self.visitors.add(visitor)
        return visitor

    async def watch(self) -> None:
        """Cut those whose time is up, for ever."""
        while True:
            now = self.loop.time()
            for visitor in [v for v in self.visitors if v.deadline < now]:
                if visitor.transport is not None:
                    visitor.transport.abort()
            await asyncio.sleep(LOOK_S)


def allow(request: web.BaseRequest, seconds: float) -> None:
    """From now on this connection may take so long; inf for a stream."""
    visitor = request.protocol
    assert isinstance(visitor, Visitor)
    visitor.deadline = inf if seconds == inf else asyncio.get_running_loop().time() + seconds


async def send(request: web.BaseRequest, answer: web.StreamResponse) -> None:
    """Write an answer; the next request must be there soon after."""
    allow(request, ANSWER_S)
    await answer.prepare(request)
    await answer.write_eof()
    allow(request, HEAD_S)
