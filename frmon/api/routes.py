"""Which question is answered by what."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import NamedTuple

import msgspec
from aiohttp import web

from frmon.api import metrics, shapes, stream
from frmon.api.collector import Collector
from frmon.api.door import HEADERS, reply, send
from frmon.api.gate import Asked, Gate
from frmon.api.health import Health
from frmon.api.packing import takes_gzip
from frmon.api.past import INTERVALS, MEMORY_H, Past, newest_rows
from frmon.api.query import Nothing, Query, Symbol, Wrong, body, decoded, name_in, parts_of
from frmon.api.share import Share
from frmon.board import Row
from frmon.errors import FrmonError
from frmon.model import Market
from frmon.snapshot import encode, picture

LOG = logging.getLogger("frmon.api")
SOON_S = 0.5
"""So long an expensive answer is good for everybody."""

Answer = Callable[[web.BaseRequest, list[str]], Awaitable[web.StreamResponse]]


class Route(NamedTuple):
    """`cost`: of the 20 expensive answers a second that a client may have."""

    method: str
    answer: Answer
    cost: float = 1.0


class Routes:
    """Answers every request of one server."""

    def __init__(self, collector: Collector, gate: Gate, past: Past) -> None:
        self._from = collector
        self._gate = gate
        self._past = past
        self._health = Health(collector)
        self._share = Share()
        self.stopped = asyncio.Event()
        self._description = files("frmon.api").joinpath("openapi.json").read_bytes()
        self._routes: dict[str, Route] = {
            "/healthz": Route("GET", self._healthz, 0),
            "/readyz": Route("GET", self._readyz, 0),
            "/metrics": Route("GET", self._metrics),
            "/openapi.json": Route("GET", self._openapi),
            "/api/data": Route("GET", self._data, 0),
            "/api/aggregated_data": Route("GET", self._aggregated),
            "/api/arbitrage/signals": Route("GET", self._signals, 0),
            "/api/markets": Route("GET", self._markets),
            "/api/coverage": Route("GET", self._coverage),
            "/api/system/status": Route("GET", self._status),
            "/api/database/stats": Route("GET", self._stats),
            "/api/database/maintenance": Route("POST", self._maintain),
            "/api/switch_symbol": Route("POST", self._switch),
            "/api/snapshot": Route("GET", self._snapshot),
            "/api/stream": Route("GET", self._stream),
        }

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer, written."""
        self._from.answers += 1
        await self._share.turn()
        answer = await self._judged(request)
        if not answer.prepared:
            await send(request, answer)
        return answer

    async def _judged(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(request.method, request.headers, request.remote or "", _local(request), _target(request))
        refusal = self._gate.refusal(asked)
        if refusal is not None:
            return _refused(refusal.why, refusal.status)
        try:
            route = self._route(request)
            if (misfit := self._gate.misfit(asked)) is not None:
                return _refused(misfit.why, misfit.status)
            if route.cost and self._gate.is_too_much(asked.client, route.cost):
                return reply({"error": "too many requests"}, 429, Retry_After="1")
            return await route.answer(request, parts_of(request.rel_url.raw_path))
        except Wrong as wrong:
            return _refused(str(wrong), wrong.status, keeps=wrong.status in {400, 404})
        except FrmonError as error:
            LOG.warning("%s cannot be answered: %s", request.path, error)
            return reply({"error": "storage cannot be read"}, 503)
        except TimeoutError:
            return reply({"error": "the feeds do not answer"}, 503)

    def _route(self, request: web.BaseRequest) -> Route:
        """What answers this path. Raises `Wrong`."""
        parts = parts_of(request.rel_url.raw_path)
        path = "/" + "/".join(parts)
        route = self._routes.get(path)
        if route is None and parts[:2] == ["api", "history"] and (len(parts) == 3 or parts[3:] == ["database"]):
            route = Route("GET", self._history if len(parts) == 3 else self._database)
        if route is None:
            raise Wrong("not found", 404)
        if request.method != route.method and (request.method, route.method) != ("HEAD", "GET"):
            raise Wrong(f"only {route.method}", 405)
        return route

    async def _healthz(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        good, found = self._health.alive()
        return reply(found, 200 if good else 503)

    async def _readyz(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        good, found = self._health.ready()
        return reply(found, 200 if good else 503)

    async def _metrics(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        engine = self._from.engine
        spent = await self._from.ask(lambda: {name: fleet.spent() for name, fleet in engine.fleets.items()})
        text = self._from.kept("metrics", SOON_S, lambda: metrics.text(self._from, self._health, spent))
        return web.Response(body=text, headers={**HEADERS, "Content-Type": metrics.CONTENT_TYPE})

    async def _openapi(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        return reply(self._description)

    async def _data(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        asked = Query(request.query, ("symbol",)).name("symbol")
        coin = self._from.current if asked is None else self._from.coin(asked)
        row = self._from.engine.board.rows.get(coin or "")
        if row is None:
            raise Wrong("Unsupported symbol" if asked is not None else "no symbol is known yet", 400 if asked else 503)
        now, freshness = self._from.engine.clock.mono(), self._from.engine.terms.freshness
        data = shapes.coin_data(row, self._from.venues, now, freshness)
        return reply({**data, "symbol": coin, **self._stamp()})

    async def _aggregated(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        return reply(self._from.kept("aggregated", SOON_S, self._aggregate))

    def _aggregate(self) -> bytes:
        rows, venues, now = self._rows(), self._from.venues, self._from.engine.clock.mono()
        freshness = self._from.engine.terms.freshness
        data = {row.coin: {v: shapes.venue_values(row, v, now, freshness) for v in venues} for row in rows}
        return msgspec.json.encode({"aggregated_data": data, "supported_symbols": list(data), **self._stamp()})

    async def _signals(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        newest = [told.text for told in reversed(list(self._from.signals))][:50]
        stamp = msgspec.json.encode(self._stamp())
        return reply(b'{"signals":[%s],%s' % (b",".join(newest), stamp[1:]))

    async def _markets(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        return reply(self._from.kept("markets", SOON_S, self._report))

    def _report(self) -> bytes:
        rows = self._rows()
        report = shapes.market_report(rows, self._from.venues)
        found = {"market_report": report, "current_symbols": [row.coin for row in rows], **self._stamp()}
        return msgspec.json.encode(found)

    async def _coverage(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        return reply(self._from.kept("coverage", SOON_S, self._cover))

    def _cover(self) -> bytes:
        engine = self._from.engine
        stats = shapes.coverage_stats(self._rows(), self._from.venues, engine.clock.mono(), engine.terms.freshness)
        return msgspec.json.encode({"coverage_stats": stats, **self._stamp()})

    async def _status(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        return reply(await self._health.status())

    async def _stats(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        stats = await self._past.stats()
        return reply({"status": "success" if stats is not None else "off", "stats": stats, **self._stamp()})

    async def _maintain(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        decoded(await body(request), Nothing)
        upkeep = self._from.engine.upkeep
        if upkeep is None:
            return reply({"status": "error", "message": "nothing is kept", **self._stamp()})
        upkeep.hurry()
        said = "upkeep begins; the writer does it between two writes"
        return reply({"status": "success", "message": said, **self._stamp()})

    async def _switch(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        asked = decoded(await body(request), Symbol)
        assert isinstance(asked, Symbol)
        coin = self._from.coin(name_in(asked.symbol, "symbol"))
        if coin is None:
            return reply({"status": "error", "message": "Unsupported symbol"})
        self._from.choose(coin)
        return reply({"status": "success", "symbol": coin})

    async def _snapshot(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        query = Query(request.query, ("coin", "top"))
        coins, top = query.names("coin"), query.whole("top", 1, 100_000)
        if not coins and top is None:
            return reply(self._from.press.whole().text)
        return reply(encode(picture(self._from.engine, coins or None, top)))

    async def _stream(self, request: web.BaseRequest, _parts: list[str]) -> web.StreamResponse:
        query = Query(request.query, ("every", "coins", "top", "form"))
        coins = (self._from.coin(name) or name for name in query.names("coins"))
        wanted = stream.Wanted(
            every_s=query.number("every", 1.0, 0.25, 10.0),
            coins=frozenset(coins),
            top=query.whole("top", 1, 100_000),
            last_id=request.headers.get("Last-Event-ID", ""),
            by_leg=query.choice("form", "coins", stream.FORMS) == "legs",
            packed=takes_gzip(request.headers.get("Accept-Encoding", "")),
        )
        if request.method == "HEAD":
            raise Wrong("only GET", 405)
        return await stream.serve(request, self._from, wanted, self.stopped)

    async def _history(self, request: web.BaseRequest, parts: list[str]) -> web.StreamResponse:
        Query(request.query, ())
        coin = self._from.coin(name_in(parts[2], "coin"))
        if coin is None:
            return reply({})
        points = await self._past.points(coin, MEMORY_H, self._from.engine.clock.now_ms())
        row = self._from.engine.board.rows.get(coin)
        if row is not None:
            for venue in self._from.venues:
                points.setdefault(venue, []).append(self._present(row, venue))
        return reply(points)

    async def _database(self, request: web.BaseRequest, parts: list[str]) -> web.StreamResponse:
        query = Query(request.query, ("hours", "exchange", "interval"))
        coin, venue = self._from.coin(name_in(parts[2], "coin")), query.name("exchange")
        hours = query.number("hours", 24.0, 0.02, 168.0)
        interval = query.choice("interval", "1min", INTERVALS)
        if coin is None:
            raise Wrong("Unsupported symbol")
        if venue is not None and venue not in self._from.venues:
            raise Wrong("Unsupported exchange")
        points = await self._past.points(coin, hours, self._from.engine.clock.now_ms(), INTERVALS[interval])
        rows = newest_rows(points, venue)
        head = {"symbol": coin, "exchange": venue, "hours": hours, "interval": interval}
        return reply({**head, "data": rows, "count": len(rows)})

    def _present(self, row: Row, venue: str) -> shapes.Json:
        now = shapes.premium(row, venue, ())
        perp = shapes.leg_of(row, venue, Market.PERP)
        values = {"spot": now["spot_price"], "futures": now["futures_price"]}
        return shapes.point({**values, "rate": None if perp is None else perp.funding_rate}, self._from.timestamp())

    def _rows(self) -> list[Row]:
        return list(self._from.engine.board.rows.values())

    def _stamp(self) -> shapes.Json:
        return {"simulated": bool(self._from.engine.simulated), "timestamp": self._from.timestamp()}


def _local(request: web.BaseRequest) -> str:
    """The address at which a connection came in."""
    name = None if request.transport is None else request.transport.get_extra_info("sockname")
    return str(name[0]) if name else ""


def _target(request: web.BaseRequest) -> str:
    """Host and port in the request line itself, "" for a mere path."""
    scheme, sign, rest = request.raw_path.partition("://")
    return rest.partition("/")[0].partition("?")[0] if sign and scheme.isalpha() else ""


def _refused(why: str, status: int, *, keeps: bool = False) -> web.Response:
    answer = reply({"error": why}, status, **({"WWW_Authenticate": "Bearer"} if status == 401 else {}))
    if status == 405:
        answer.headers["Allow"] = "POST" if why.endswith("POST") else "GET, HEAD"
    if not keeps:
        answer.force_close()
    return answer
