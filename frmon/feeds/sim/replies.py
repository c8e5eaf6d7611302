"""REST of a simulated venue: answers, and what faults make of them."""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from functools import partial

from aiohttp import web

from frmon.feeds.sim.bodies import spoilt
from frmon.feeds.sim.dialects import Dialect, Reply
from frmon.feeds.sim.faults import Fault, Faults, Kind, Place
from frmon.feeds.sim.quotas import Meters
from frmon.feeds.sim.shelf import Shelf
from frmon.feeds.sim.spoil import shifted
from frmon.feeds.sim.world import World

LOOK_S = 0.02


class Replies:
    """Answers the REST requests of one dialect."""

    def __init__(
        self, dialect: Dialect, world: World, now_ms: Callable[[], int], faults: Faults, meters: Meters
    ) -> None:
        self.dialect = dialect
        self.world = world
        self.now_ms = now_ms
        self.faults = faults
        self._meters = meters
        self._shelf = Shelf()

    def place(self, request: web.BaseRequest) -> Place:
        """Where faults find this request."""
        return Place(self.dialect.venue, self.dialect.market_of(request.path_qs))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Count, wait, answer."""
        place, client = self.place(request), request.remote or ""
        refusal = self._meters.ask(client, request.path, request.query, self.now_ms())
        await self.held(place)
        delay = self.faults.find("delay_rest", place, self.now_ms(), request.path_qs)
        if delay is not None:
            await asyncio.sleep(delay.delay_s)
        on = [f for f in self.faults.here(place, self.now_ms()) if f.match in request.path_qs]
        broken = _first(on, "rest_status")
        if broken is not None:
            return refused(broken)
        said = self._spoilt(refusal or self._reply(request, on), on)
        headers = self._meters.headers(client, request.path, self.now_ms())
        if any(f.kind == "rest_body" and f.how == "drip" for f in on):
            return await _drip(request, said, headers)
        return response(said, request, headers)

    async def held(self, place: Place) -> None:
        """Wait while the peer is frozen."""
        while self.faults.find("hold", place, self.now_ms()) is not None:  # noqa: ASYNC110  by the simulator's clock
            await asyncio.sleep(LOOK_S)

    def speak(self, now_ms: int) -> None:
        """While late answers are wanted: note what is true now."""
        late = self.faults.find("late_rest", self.dialect.venue, now_ms)
        if late is not None:
            self._shelf.renew(now_ms, max(250.0, late.delay_s * 125))

    def _reply(self, request: web.BaseRequest, on: Sequence[Fault]) -> Reply:
        now_ms, key = self.now_ms(), request.path_qs
        route = self.dialect.routes.get(request.path)
        if route is None:
            return self.dialect.missing(request.path)
        frozen = any(f.kind == "freeze" and not f.bump for f in on)
        said = self._shelf.last(key) if frozen else None
        if said is not None:
            return said
        again = partial(route.answer, self.world, dict(request.query))
        said = again(now_ms)
        self._shelf.put(key, now_ms, said, again)
        late = _first(on, "late_rest")
        return said if late is None else self._shelf.before(key, now_ms - int(late.delay_s * 1000)) or said

    def _spoilt(self, said: Reply, on: Sequence[Fault]) -> Reply:
        for fault in on:
            if fault.kind == "skew":
                ahead_ms = int(fault.delay_s * 1000)
                said = Reply(said.status, shifted(said.body, self.now_ms(), ahead_ms, fault.how), said.headers)
            elif fault.kind == "rest_body":
                said = spoilt(said, fault.how)
        return said


def _first(faults: Sequence[Fault], kind: Kind) -> Fault | None:
    return next((fault for fault in faults if fault.kind == kind), None)


def refused(fault: Fault) -> web.Response:
    """What the fault says instead of an answer."""
    return web.Response(status=fault.status, body=fault.content, headers=fault.headers)


def response(said: Reply, request: web.BaseRequest, headers: dict[str, str]) -> web.Response:
    """Compressed where the client accepts gzip and the body is worth it."""
    headers = {"Content-Type": "application/json", **headers, **said.headers}
    body, encoding = said.body, headers.get("Content-Encoding")
    if len(body) > 1_024 and encoding is None and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, status=said.status, headers=headers)


async def _drip(request: web.BaseRequest, said: Reply, headers: dict[str, str]) -> web.StreamResponse:
    """One byte a second."""
    slow = web.StreamResponse(status=said.status, headers={"Content-Type": "application/json", **headers})
    slow.content_length = len(said.body)
    await slow.prepare(request)
    for n in range(len(said.body)):
        if request.transport is None or request.transport.is_closing():
            break
        await slow.write(said.body[n : n + 1])
        await asyncio.sleep(1.0)
    return slow
