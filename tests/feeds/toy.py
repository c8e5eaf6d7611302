"""A venue small enough to see through, and a loopback server that plays it by script."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web
from websockets.asyncio.server import Server, ServerConnection, serve

from frmon.errors import DecodeError, Notice, Refused, Unreachable
from frmon.feeds.contract import (
    Ask,
    Channel,
    Directory,
    Heard,
    Page,
    Request,
    Rule,
    ServerTime,
    Snapshot,
    Stream,
    Venue,
)
from frmon.model import Listing, Market, Tick
from tests.leaping import clock_here


def ask(symbols: Sequence[str], first: int) -> Sequence[Ask]:
    frames = []
    for i in range(0, len(symbols), 3):
        batch, request = tuple(symbols[i : i + 3]), str(first + i // 3)
        frames.append(Ask(json.dumps({"id": request, "ask": batch}).encode(), request, batch))
    return frames


def parse(raw: bytes) -> Heard:
    try:
        frame = json.loads(raw)
    except ValueError:
        raise DecodeError("not JSON") from None
    if "bug" in frame:
        raise KeyError("a parser with a bug")
    if "no" in frame:
        raise Refused("unknown", symbol=frame["no"], request=frame["id"])
    if "notice" in frame:
        raise Notice(frame["notice"], "soon")
    if "ok" in frame or "pong" in frame:
        return "", ()
    return frame.get("kind", "book"), [_tick(row) for row in frame["rows"]]


def _tick(row: dict[str, Any]) -> Tick:
    return Tick(symbol=row["s"], event_ms=row.get("t"), bid=row.get("b"), ask=row.get("a"), mark=row.get("m"))


def parse_reply(body: bytes) -> Sequence[Tick]:
    return parse(body)[1]


def parse_page(body: bytes) -> Page:
    page = json.loads(body)
    rows = [Listing(venue="toy", market=Market.PERP, symbol=s, base=s.removesuffix("USDT")) for s in page["symbols"]]
    more = Request(endpoint="rest", path="/list", query=f"page={page['next']}") if page.get("next") else None
    return Page(rows, more, page.get("skipped", 0))


def verdict(status: int, headers: Mapping[str, str], _body: bytes) -> Unreachable | None:
    if status == 429:
        return Unreachable("BANNED", "too many", float(headers.get("retry-after", "1")))
    return Unreachable("BLOCKED", f"HTTP {status}", 60.0) if status == 451 else None


BOOK = Channel(kind="book", parts=frozenset({"quote"}), quiet_after_s=10.0, snapshot_on_ask=True)
PUSHED = Channel(kind="book", parts=frozenset({"quote"}), quiet_after_s=60.0, pushes_changes=True)
MARK = Channel(kind="mark", parts=frozenset({"ref"}), quiet_after_s=10.0)
STREAM = Stream(
    name="perp",
    market=Market.PERP,
    endpoint="ws",
    path="/stream",
    channels=(BOOK,),
    ask=ask,
    parse=parse,
    symbols_per_line=6,
    refusal_voids_ask=True,
    ping=b'{"ping":1}',
    ping_every_s=5.0,
    connect_costs=(("connects", 1),),
)
SNAPSHOT = Snapshot(
    kind="book",
    market=Market.PERP,
    request=Request(endpoint="rest", path="/book", costs=(("weight", 1),)),
    parse=parse_reply,
    parts=frozenset({"quote"}),
)
VENUE = Venue(
    name="toy",
    title="Toy",
    code="TY",
    endpoints={"rest": "http://127.0.0.1:1", "ws": "ws://127.0.0.1:1"},
    taker_fee_spot=0.001,
    taker_fee_perp=0.0005,
    rules=(Rule("connects", 1000, 1.0), Rule("weight", 10_000, 1.0)),
    directories=(
        Directory(market=Market.PERP, request=Request(endpoint="rest", path="/list"), parse=parse_page, every_s=600.0),
    ),
    snapshots=(SNAPSHOT,),
    streams=(STREAM,),
    server_times=(ServerTime(Request(endpoint="rest", path="/time"), lambda body: int(json.loads(body)["t"])),),
    verdict=verdict,
)


def changed(stream: Stream, **fields: Any) -> Stream:
    """The stream with other fields."""
    return msgspec.structs.replace(stream, **fields)


class Peer:
    """One accepted connection of the script's server: what the client said, and a way to answer."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.pings = 0

    async def say(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def quote(self, symbol: str, bid: float, ask_: float) -> None:
        await self.say(rows=[{"s": symbol, "b": bid, "a": ask_, "t": clock_here().now_ms()}])

    async def asked(self) -> list[str]:
        """The symbols of the next subscribe frame; pings are answered and passed over."""
        while True:
            frame = await asyncio.wait_for(self.heard.get(), 20)
            if "ask" in frame:
                return list(frame["ask"])

    async def asked_all(self, count: int) -> set[str]:
        """The symbols of as many subscribe frames as it takes to name `count`."""
        found: set[str] = set()
        while len(found) < count:
            found.update(await self.asked())
        return found


class Stage:
    """A loopback WebSocket server; `peer()` waits for the next client."""

    def __init__(self, *, pongs: bool = True, refuse: Callable[[], int | None] = lambda: None) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.connects = 0
        self._pongs = pongs
        self._refuse = refuse
        self._server: Server | None = None

    async def __aenter__(self) -> "Stage":
        self._server = await serve(self._serve, "127.0.0.1", 0, process_request=self._judge)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}"

    async def peer(self) -> Peer:
        return await asyncio.wait_for(self.peers.get(), 20)

    def _judge(self, connection: ServerConnection, _request: object) -> Any:
        self.connects += 1
        status = self._refuse()
        return None if status is None else connection.respond(status, "no\n")

    async def _serve(self, connection: ServerConnection) -> None:
        peer = Peer(connection)
        await self.peers.put(peer)
        async for message in connection:
            frame = json.loads(message)
            if "ping" in frame:
                peer.pings += 1
                if self._pongs:
                    await peer.say(pong=1)
            else:
                await peer.heard.put(frame)


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until a condition holds; fails loudly instead of waiting for ever."""
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"never came true: {what or condition}")


Job = Callable[[], Awaitable[None]]


class Desk:
    """A loopback HTTP server: `answers` maps a path to what it gives, `asked` counts."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[web.Request], web.StreamResponse | Awaitable[web.StreamResponse]]] = {}
        self.asked: list[str] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    def give(self, path: str, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer JSON."""
        self.answers[path] = lambda _: web.json_response(value, status=status, headers=headers)

    async def __aenter__(self) -> "Desk":
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        answer = self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404, text="no")
        given = answer(request)
        return await given if isinstance(given, Awaitable) else given
