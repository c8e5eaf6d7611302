"""One port of a simulated venue: REST, WebSocket handshakes, and the simulator's own two paths.

`GET /_sim/status` says what was counted; `POST /_sim/fault` takes one `Fault` as JSON, `POST /_sim/turn` one `Turn` (400
with the reason if it is none).
"""

import asyncio
import gzip
from collections import Counter
from collections.abc import Callable
from typing import cast

import msgspec
from aiohttp import WSMsgType, web

from frmon.errors import ConfigError
from frmon.feeds.sim.dialects import Close, Dialect, Quota, Reply, Route
from frmon.feeds.sim.faults import Fault, Faults, Place
from frmon.feeds.sim.line import Line
from frmon.feeds.sim.quotas import Meter
from frmon.feeds.sim.turns import Turn
from frmon.feeds.sim.world import World


class Port:
    """Answers the requests of one dialect. It is the `Stage` of its sessions."""

    def __init__(  # noqa: PLR0913  what all ports share
        self,
        dialect: Dialect,
        world: World,
        now_ms: Callable[[], int],
        *,
        faults: Faults,
        counters: Counter[str],
        violations: Counter[str],
        order: Callable[[Fault], None],
        turn: Callable[[Turn], None],
    ) -> None:
        self.dialect = dialect
        self.world = world
        self.now_ms = now_ms
        self.faults = faults
        self.counters = counters
        self.violations = violations
        self._order = order
        self._turn = turn
        self.lines: list[Line] = []
        self.lifetime_s = 0.0  # after which lines are closed; 0: never
        self._quotas = {q.name: q for q in dialect.quotas}
        self._meters: dict[tuple[str, str], Meter] = {}
        self._last: dict[str, Reply] = {}

    def violate(self, rule: str) -> None:
        """Count a breach."""
        self.violations[f"{self.dialect.venue}: {rule}"] += 1

    def speak(self, now_ms: int) -> None:
        """Let every line say what is due; forget the closed ones."""
        mute = self.faults.find("mute", self.dialect.venue, now_ms)
        freeze = self.faults.find("freeze", self.dialect.venue, now_ms)
        for line in self.lines:
            if not line.closed:
                line.speak(now_ms, mute, freeze)

    def drop(self, code: int) -> None:
        """Close all lines."""
        for line in list(self.lines):
            line.close(Close(code, "dropped"))

    def refuses(self, market: str, symbol: str, now_ms: int) -> bool:
        """Whether a fault refuses subscriptions to this symbol."""
        on = self.faults.here(Place(self.dialect.venue, market), now_ms)
        return any(f.kind == "refuse_symbol" and f.match == symbol for f in on)

    def notice(self, fault: Fault, now_ms: int) -> None:
        """Tell all lines what the fault announces; after "shutdown" they are closed."""
        for line in self.lines:
            line.say(line.session.notice(fault.how, now_ms))
            if fault.how == "shutdown":
                asyncio.get_running_loop().call_later(fault.delay_s, line.close, Close(fault.code, fault.reason))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request."""
        if request.path == "/_sim/status":
            return _json(self.status())
        if request.path == "/_sim/fault":
            return self._fault(await request.read())
        if request.path == "/_sim/turn":
            return self._ordered(await request.read())
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._shake(request)
        return await self._rest(request)

    def status(self) -> dict[str, object]:
        """What `/_sim/status` says; violations and counters are of all venues."""
        return {
            "simulated": True,
            "venue": self.dialect.venue,
            "name": self.dialect.name,
            "seed": self.world.seed,
            "scene": self.world.scene.name,
            "now_ms": self.now_ms(),
            "lines": len(self.lines),
            "violations": dict(self.violations),
            "counters": dict(self.counters),
        }

    def _fault(self, body: bytes) -> web.StreamResponse:
        try:
            fault = msgspec.json.decode(body, type=Fault)
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        self._order(fault)
        return _json({"ok": True})

    def _ordered(self, body: bytes) -> web.StreamResponse:
        try:
            self._turn(msgspec.json.decode(body, type=Turn))
        except (msgspec.DecodeError, ConfigError) as error:
            return _json({"error": str(error)}, 400)
        return _json({"ok": True})

    # REST

    async def _rest(self, request: web.BaseRequest) -> web.StreamResponse:
        now_ms, path, venue = self.now_ms(), request.path, self.dialect.venue
        self.counters[f"rest {venue} {path}"] += 1
        delay = self.faults.find("delay_rest", venue, now_ms, path)
        if delay is not None:
            await asyncio.sleep(delay.delay_s)
        broken = self.faults.find("rest_status", venue, now_ms, path)
        if broken is not None:
            return web.Response(status=broken.status, body=b"")
        return _response(self._reply(request), request, self._headers(request))

    def _reply(self, request: web.BaseRequest) -> Reply:
        now_ms, path = self.now_ms(), request.path
        route = self.dialect.routes.get(path)
        query = dict(request.query)
        refusal = self._charge(request, route, query, now_ms)
        if refusal is not None:
            return refusal
        if route is None:
            return self.dialect.missing(path)
        if self.faults.find("freeze", self.dialect.venue, now_ms) and request.path_qs in self._last:
            return self._last[request.path_qs]
        said = self._last[request.path_qs] = route.answer(self.world, query, now_ms)
        return said

    def _charge(
        self, request: web.BaseRequest, route: Route | None, query: dict[str, str], now_ms: int
    ) -> Reply | None:
        """Take the route's weight from its quotas; the refusal of the first that is used up."""
        if route is None:
            return None
        units = route.weight if isinstance(route.weight, int) else route.weight(query)
        for name in route.quotas:
            refusal = self._meter(request, self._quotas[name]).charge(now_ms, units)
            if refusal is not None:
                self.violate(f"REST {name}")
                return refusal
        return None

    def _meter(self, request: web.BaseRequest, quota: Quota) -> Meter:
        """A quota whose name ends in * is one per path."""
        key = (request.remote or "", quota.name + (request.path if quota.name.endswith("*") else ""))
        if key not in self._meters:
            self._meters[key] = Meter(quota)
        return self._meters[key]

    def _headers(self, request: web.BaseRequest) -> dict[str, str]:
        """What the quotas of this path tell about themselves."""
        route = self.dialect.routes.get(request.path)
        quotas = [self._quotas[name] for name in route.quotas] if route else []
        now_ms = self.now_ms()
        return {q.header: str(self._meter(request, q).used(now_ms)) for q in quotas if q.header}

    # WebSocket

    async def _shake(self, request: web.BaseRequest) -> web.StreamResponse:
        now_ms, venue = self.now_ms(), self.dialect.venue
        self.counters[f"connects {venue}"] += 1
        refuse = self.faults.find("refuse", venue, now_ms)
        if refuse is not None:
            return web.Response(status=refuse.status)
        refusal = self._meter(request, self.dialect.connects).charge(now_ms, 1)
        if refusal is not None:
            self.violate("connects")
            return _response(refusal, request, {})
        if len(self.lines) >= self.dialect.connections:
            self.violate("connections")
            return _response(self.dialect.connects.refuse(60.0), request, {})
        session = self.dialect.connect(self, request.path, dict(request.query), now_ms)
        if isinstance(session, Reply):
            return _response(session, request, {})
        return await self._serve(request, Line(self.dialect, session, self.counters, self.violations))

    async def _serve(self, request: web.BaseRequest, line: Line) -> web.StreamResponse:
        await line.open(request)
        self.lines.append(line)
        if self.lifetime_s:
            asyncio.get_running_loop().call_later(self.lifetime_s, line.close, Close(1001, "24 hours"))
        try:
            async for message in line.socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG, WSMsgType.BINARY):
                    outs = line.heard(message.type, cast("bytes | str", message.data), self.now_ms())
                    mute = self.faults.find("mute", self.dialect.venue, self.now_ms())
                    if not (mute and mute.deep):
                        line.say(outs)
            await line.settle()
        finally:
            self.lines.remove(line)
        return line.socket


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _response(said: Reply, request: web.BaseRequest, headers: dict[str, str]) -> web.Response:
    """Compressed where the client accepts gzip and the body is worth it."""
    headers = {**headers, **said.headers}
    body = said.body
    if len(body) > 1_024 and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, status=said.status, headers=headers, content_type="application/json")
