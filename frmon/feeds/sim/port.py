"""One port of a simulated venue: REST, WebSocket handshakes, and the simulator's own two paths.

`GET /_sim/status` says what was counted; `POST /_sim/fault` takes one `Fault` as JSON, `POST /_sim/turn` one `Turn` (400
with the reason if it is none).
"""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import cast

import msgspec
from aiohttp import WSMsgType, web

from frmon.errors import ConfigError
from frmon.feeds.sim.dialects import Close, Dialect, Reply
from frmon.feeds.sim.faults import Fault, Faults, Place, reaches
from frmon.feeds.sim.ledger import Ledger
from frmon.feeds.sim.line import Line
from frmon.feeds.sim.quotas import Meters
from frmon.feeds.sim.replies import LOOK_S, Replies, refused, response
from frmon.feeds.sim.trouble import Trouble
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
        ledger: Ledger,
        order: Callable[[Fault], None],
        turn: Callable[[Turn], None],
    ) -> None:
        self.dialect = dialect
        self.world = world
        self.now_ms = now_ms
        self.faults = faults
        self.ledger = ledger
        self.counters = ledger.counters
        self._order = order
        self._turn = turn
        self.lines: list[Line] = []
        self.lifetime_s = 0.0  # after which lines are closed; 0: never
        self._meters = Meters(dialect, self.violate)
        self.rest = Replies(dialect, world, self._clock, faults, self._meters)

    def violate(self, rule: str) -> None:
        """Count a breach."""
        self.ledger.violations[f"{self.dialect.venue}: {rule}"] += 1

    def _clock(self) -> int:
        return self.now_ms()

    def speak(self, now_ms: int) -> None:
        """Let every line say what is due; forget the closed ones."""
        if not self.faults.any(now_ms):
            for line in self.lines:
                if not line.closed:
                    line.speak(now_ms)
            return
        for line in self.lines:
            if not line.closed:
                line.speak(now_ms, self.faults.here(line.place, now_ms))
        self.rest.speak(now_ms)

    def drop(self, code: int) -> None:
        """Close all lines."""
        for line in list(self.lines):
            line.close(Close(code, "dropped"))

    def hit(self, fault: Fault) -> list[Line]:
        """Open lines that the fault reaches, oldest first."""
        return [line for line in self.lines if not line.closed and reaches(fault, line.place)]

    def refuses(self, market: str, symbol: str, now_ms: int) -> bool:
        """Whether a fault refuses subscriptions to this symbol."""
        on = self.faults.here(Place(self.dialect.venue, market), now_ms)
        return any(f.kind == "refuse_symbol" and f.match == symbol for f in on)

    def notice(self, fault: Fault, now_ms: int) -> None:
        """Tell lines what the fault announces; after "shutdown" they are closed."""
        for line in self.hit(fault):
            line.answer(line.session.notice(fault.how, now_ms), now_ms)
            if fault.how == "shutdown":
                asyncio.get_running_loop().call_later(fault.delay_s, line.close, Close(fault.code, fault.reason))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request; answers are dated by the simulator's clock."""
        said = await self._answer(request)
        if not said.prepared:
            said.headers.setdefault("Date", formatdate(self.now_ms() / 1000, usegmt=True))
        return said

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/_sim/status":
            return _json(self.status())
        if request.path == "/_sim/fault":
            return self._fault(await request.read())
        if request.path == "/_sim/turn":
            return self._ordered(await request.read())
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._shake(request)
        self.ledger.counters[f"rest {self.dialect.venue} {request.path}"] += 1
        return await self.rest.answer(request)

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
            "violations": dict(self.ledger.violations),
            "counters": dict(self.ledger.counters),
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

    # WebSocket

    async def _shake(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handshakes count when they arrive, whatever comes of them."""
        now_ms, dialect = self.now_ms(), self.dialect
        self.ledger.counters[f"connects {dialect.venue}"] += 1
        refusal = self._meters.connect(request.remote or "", now_ms)
        place = Place(dialect.venue, dialect.market_of(request.path_qs), request.path_qs)
        await self.rest.held(place)
        refuse = self.faults.find("refuse", place, self.now_ms())
        if refuse is not None:
            return refused(refuse)
        if self.faults.find("hang", place, self.now_ms()) is not None:
            await _left(request)
        if _gone(request):
            return web.Response(status=499)
        if refusal is None and len(self.lines) >= dialect.connections:
            self.violate("connections")
            refusal = dialect.connects.refuse(60.0)
        session = refusal or dialect.connect(self, request.path, dict(request.query), self.now_ms())
        if isinstance(session, Reply):
            return response(session, request, {})
        trouble = Trouble(self.faults.random, self.now_ms())
        return await self._serve(request, Line(dialect, session, self.ledger, place, trouble))

    async def _serve(self, request: web.BaseRequest, line: Line) -> web.StreamResponse:
        await line.open(request)
        self.lines.append(line)
        if self.lifetime_s:
            asyncio.get_running_loop().call_later(self.lifetime_s, line.close, Close(1001, "24 hours"))
        try:
            async for message in line.socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG, WSMsgType.BINARY):
                    await self.rest.held(line.place)
                    now_ms = self.now_ms()
                    outs = line.heard(message.type, cast("bytes | str", message.data), now_ms)
                    line.answer(outs, now_ms, self.faults.here(line.place, now_ms))
            await line.settle()
        finally:
            self.lines.remove(line)
        return line.socket


def _gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _left(request: web.BaseRequest) -> None:
    """Wait until the client gives up."""
    while not _gone(request):  # noqa: ASYNC110  transports wake nobody
        await asyncio.sleep(LOOK_S)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
