"""How the simulated Binance speaks over WebSocket: acks that prove nothing, routed futures paths, 1,024 streams a line."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from frmon.feeds.sim.dialects import Close, Out, Ping, Query, Reply, Session, Stage, dumps
from frmon.feeds.sim.dialects.binance_frames import (
    contract_info,
    mark_price,
    perp_book,
    perp_mini,
    perp_ticker,
    spot_book,
    spot_mini,
    spot_ticker,
)
from frmon.feeds.sim.instrument import Instrument

MAX_STREAMS = 1_024
_SLOTS = 40  # a symbol's once-a-second frame leaves in its own fortieth of the second
_TRADFI = frozenset({"tradfi", "premarket"})


Build = Callable[[Instrument, int], bytes]
_SPOT: dict[str, Build] = {"ticker": spot_ticker, "miniTicker": spot_mini, "bookTicker": spot_book}
_PERP: dict[str, Build] = {
    "ticker": perp_ticker,
    "miniTicker": perp_mini,
    "bookTicker": perp_book,
    "markPrice": mark_price,
    "markPrice@1s": mark_price,
}
_STEADY = frozenset({"markPrice", "markPrice@1s"})  # pushed whether changed or not


def stage_refuses(stage: Stage, market: str, stream: str, now_ms: int) -> bool:
    """Whether the symbol of a stream is one that the stage refuses."""
    return stage.refuses(market, stream.partition("@")[0].upper(), now_ms)


def route_of(stream: str) -> str:
    """The path on which futures deliver a stream."""
    public = stream.endswith(("@bookTicker", "@trade")) or "@depth" in stream or "@rpiDepth" in stream
    return "public" if public or stream == "!bookTicker" else "market"


class BinanceSession:
    """One line. `route`: "public", "market", "" = the old futures root, "spot"."""

    def __init__(self, stage: Stage, route: str, combined: bool, now_ms: int) -> None:
        self.stage = stage
        self.market = market = "spot" if route == "spot" else "perp"
        self.route = route
        self.combined = combined
        self.streams: dict[str, None] = {}
        self.builders = _SPOT if market == "spot" else _PERP
        self.ping_ms = 20_000 if market == "spot" else 180_000
        self.pong_ms = 60_000 if market == "spot" else 600_000
        self._changes = stage.world.changes("binance")
        self._topics: dict[int, list[tuple[str, str]]] = {}  # instrument id -> (stream, what)
        self._alls: dict[str, str] = {}  # stream of all symbols -> what
        self._marked: dict[str, Instrument] = {}  # streams that are pushed whether anything changed or not
        self._pending: list[dict[int, Instrument]] = [{} for _ in range(_SLOTS)]
        self._changed: dict[int, Instrument] = {}  # since the last second's arrays
        self._books: dict[int, Instrument] = {}  # since the last five-second push
        self._tick = now_ms // 25
        self._pinged_ms = self._ponged_ms = now_ms
        self._version = self._indexed = stage.world.version
        self._refused: set[str] = set()

    # what the client says

    def hear(self, text: str, now_ms: int) -> Sequence[Out]:
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return [dumps({"error": {"code": 3, "msg": f"Invalid JSON: {error}"}})]
        if not isinstance(asked, dict):
            return [dumps({"error": {"code": 2, "msg": "Invalid request: expected an object"}})]
        method, number = asked.get("method"), asked.get("id")
        names = [str(n) for n in asked.get("params") or ()]
        if method == "SUBSCRIBE":
            self._refused |= {n for n in names if stage_refuses(self.stage, self.market, n, now_ms)}
            return self._subscribe(names, number)
        if method == "UNSUBSCRIBE":
            for name in names:
                self.streams.pop(name, None)
                self._refused.discard(name)
            self._index()
            return [dumps({"result": None, "id": number})]
        if method == "LIST_SUBSCRIPTIONS":
            return [dumps({"result": list(self.streams), "id": number})]
        return [dumps({"error": {"code": 2, "msg": f"Invalid request: unknown variant `{method}`"}, "id": number})]

    def _subscribe(self, names: list[str], number: Any) -> Sequence[Out]:
        """Everything is acknowledged; the 1,025th stream ends the line."""
        self.streams.update(dict.fromkeys(names))
        if len(self.streams) > MAX_STREAMS:
            self.stage.violate("streams per connection")
            refusal = {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": number}
            return [dumps(refusal), Close(1008, "Invalid request")]
        self._index()
        return [dumps({"result": None, "id": number})]

    def _index(self) -> None:
        """Which instruments the streams mean. Unknown names stay silent, and so do names on the wrong path."""
        rows = self.stage.world.instruments("binance", self.market)
        lower = {i.symbol.lower(): i for i in rows.values() if i.symbol == i.symbol.upper()}
        self._topics, self._alls, self._marked = {}, {}, {}
        self._indexed = self.stage.world.version
        for stream in self.streams:
            if stream in self._refused or (self.market == "perp" and route_of(stream) != (self.route or "public")):
                continue
            symbol, _, what = stream.partition("@")
            if stream.startswith("!"):
                self._alls[stream] = stream.removeprefix("!").removesuffix("@1s").removesuffix("@arr")
            elif what in _STEADY and symbol in lower:
                self._marked[stream] = lower[symbol]
            elif what in self.builders and symbol in lower:
                self._topics.setdefault(lower[symbol].id, []).append((stream, what))

    def pong(self, now_ms: int) -> None:
        self._ponged_ms = now_ms

    # what is due

    def speak(self, now_ms: int) -> Sequence[Out]:
        outs: list[Out] = []
        if self._indexed != self.stage.world.version:
            self._index()
        self._take_changes(outs, now_ms)
        while self._tick < now_ms // 25:
            self._tick += 1
            self._flush_slot(outs, now_ms)
            if self._tick % _SLOTS == 0:
                self._flush_second(outs, now_ms, self._tick // _SLOTS)
        outs += self._keep_alive(now_ms)
        return outs

    def notice(self, what: str, now_ms: int) -> Sequence[Out]:
        """Spot names the end of a server; futures have no such word."""
        if what != "shutdown" or self.market != "spot":
            return []
        return [self._wrap("!serverShutdown", dumps({"e": "serverShutdown", "E": now_ms}))]

    def _keep_alive(self, now_ms: int) -> list[Out]:
        if now_ms - self._ponged_ms > self.ping_ms + self.pong_ms:
            self.stage.violate("no pong")
            return [Close(1006, "no pong")]
        if now_ms - self._pinged_ms >= self.ping_ms:
            self._pinged_ms = now_ms
            return [Ping(str(now_ms).encode())]
        return []

    def _take_changes(self, outs: list[Out], now_ms: int) -> None:
        """Real-time streams go at once, the others wait for their slot."""
        for i in self._changes.take():
            if i.market != self.market:
                continue
            if self._alls:
                self._changed[i.id] = self._books[i.id] = i
            for stream, what in self._topics.get(i.id, ()):
                if what == "bookTicker":
                    outs.append(
                        self._wrap(stream, i.once("book " + i.market, lambda x: self.builders["bookTicker"](x, now_ms)))
                    )
                else:
                    self._pending[i.id % _SLOTS][i.id] = i

    def _flush_slot(self, outs: list[Out], now_ms: int) -> None:
        slot = self._pending[self._tick % _SLOTS]
        for i in slot.values():
            for stream, what in self._topics.get(i.id, ()):
                if what != "bookTicker":
                    outs.append(self._wrap(stream, self.builders[what](i, now_ms)))
        slot.clear()
        if "!bookTicker" in self._alls and self._books:
            place = self._tick % (5 * _SLOTS)
            for key in [k for k in self._books if k % (5 * _SLOTS) == place]:
                outs.append(self._wrap("!bookTicker", perp_book(self._books.pop(key), now_ms)))

    def _flush_second(self, outs: list[Out], now_ms: int, second: int) -> None:
        for stream, what in self._alls.items():
            if what in ("ticker", "miniTicker"):
                self._say_changed(outs, stream, what, now_ms)
            elif what == "markPrice" and (stream.endswith("@1s") or second % 3 == 0):
                self._say_marks(outs, stream, now_ms)
            elif what == "contractInfo" and self._version != self.stage.world.version:
                self._version = self.stage.world.version
                rows = self._rows() + [i for i in self.stage.world.gone if (i.venue, i.market) == ("binance", "perp")]
                fresh = [i for i in rows if now_ms - 5_000 < max(i.on_ms, i.listed_ms) <= now_ms]
                outs.extend(self._wrap(stream, contract_info(i, now_ms)) for i in fresh)
        self._changed.clear()
        for stream, i in self._marked.items():
            if stream.endswith("@1s") or second % 3 == 0:
                outs.append(self._wrap(stream, mark_price(i, now_ms)))

    def _rows(self) -> list[Instrument]:
        return list(self.stage.world.instruments("binance", self.market).values())

    def _say_changed(self, outs: list[Out], stream: str, what: str, now_ms: int) -> None:
        """Only changed rows; spot has no `!ticker@arr` any more (March 2026)."""
        live = [i for i in self._changed.values() if i.state == "trading"]
        if live and (what == "miniTicker" or self.market == "perp"):
            outs.append(self._wrap(stream, _array(self.builders[what], live, now_ms)))

    def _say_marks(self, outs: list[Out], stream: str, now_ms: int) -> None:
        """Two frames: coins with COIN-M, then shares and the like."""
        for part in (False, True):
            some = [i for i in self._rows() if (i.kind in _TRADFI) is part]
            outs.append(self._wrap(stream, _array(mark_price, some, now_ms)))

    def _wrap(self, stream: str, data: bytes) -> bytes:
        """Combined paths name the stream."""
        return b'{"stream":"%b","data":%b}' % (stream.encode(), data) if self.combined else data


def _array(build: Build, rows: Sequence[Instrument], now_ms: int) -> bytes:
    return b"[" + b",".join([build(i, now_ms) for i in rows]) + b"]"


# paths


def _open(stage: Stage, route: str, path: str, query: Query, now_ms: int) -> Session | Reply:
    """`/ws`, `/ws/<stream>`, `/stream?streams=a/b`, behind the route's own part of the path."""
    root, _, rest = path.lstrip("/").partition("/")
    if root not in ("ws", "stream"):
        return Reply(404, b"")
    session = BinanceSession(stage, route, root == "stream", now_ms)
    names = [n for n in (query.get("streams", "") if root == "stream" else rest).split("/") if n]
    if any("," in n for n in names):
        return Reply(400, b"")
    if names:
        session.hear(dumps({"method": "SUBSCRIBE", "params": names, "id": 0}).decode(), now_ms)
    return session


def connect_spot(stage: Stage, path: str, query: Query, now_ms: int) -> Session | Reply:
    """A spot line."""
    return _open(stage, "spot", path, query, now_ms)


def connect_perp(stage: Stage, path: str, query: Query, now_ms: int) -> Session | Reply:
    """A futures line; without `/public` or `/market` it opens, and market streams stay silent."""
    first, _, rest = path.lstrip("/").partition("/")
    if first in ("public", "market"):
        return _open(stage, first, rest, query, now_ms)
    return _open(stage, "", path, query, now_ms)
