"""How the simulated Binance speaks over WebSocket: acks that prove nothing, routed futures paths, 1,024 streams a line."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from frmon.feeds.sim.dialects import Close, Out, Ping, Query, Reply, Session, Stage, dumps
from frmon.feeds.sim.instrument import Instrument

DAY_MS = 86_400_000
MAX_STREAMS = 1_024
_SLOTS = 40  # a symbol's once-a-second frame leaves in its own fortieth of the second
_TRADFI = frozenset({"tradfi", "premarket"})


# frames


def _day_times(i: Instrument) -> str:
    q = i.quote
    return f'"O":{q.changed_ms - DAY_MS},"C":{q.changed_ms},"F":1,"L":{q.trades},"n":{q.trades}'


def spot_ticker(i: Instrument, now_ms: int) -> bytes:
    """`<s>@ticker`: the only spot stream with last, best bid and ask, volume and event time together."""
    q = i.quote
    change = q.last - q.open
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{i.symbol}","p":"{change:.8f}","P":"{change / q.open * 100:.3f}",'
        f'"w":"{q.turnover / q.volume:.8f}","x":"{q.open:.8f}","c":"{q.last:.8f}","Q":"{q.last_size:.8f}",'
        f'"b":"{q.bid:.8f}","B":"{q.bid_size:.8f}","a":"{q.ask:.8f}","A":"{q.ask_size:.8f}","o":"{q.open:.8f}",'
        f'"h":"{q.high:.8f}","l":"{q.low:.8f}","v":"{q.volume:.8f}","q":"{q.turnover:.8f}",{_day_times(i)}}}'
    ).encode()


def spot_mini(i: Instrument, now_ms: int) -> bytes:
    """`<s>@miniTicker`."""
    q = i.quote
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{i.symbol}","c":"{q.last:.8f}","o":"{q.open:.8f}","h":"{q.high:.8f}",'
        f'"l":"{q.low:.8f}","v":"{q.volume:.8f}","q":"{q.turnover:.8f}"}}'
    ).encode()


def spot_book(i: Instrument, now_ms: int) -> bytes:
    """`<s>@bookTicker`: no event name and no time in it."""
    q = i.quote
    return (
        f'{{"u":{q.seq},"s":"{i.symbol}","b":"{q.bid:.8f}","B":"{q.bid_size:.8f}","a":"{q.ask:.8f}",'
        f'"A":"{q.ask_size:.8f}"}}'
    ).encode()


def _pair(i: Instrument) -> str:
    return i.symbol.split("_")[0]


def _side(i: Instrument) -> int:
    return 2 if i.kind == "coinm" else 1


def perp_ticker(i: Instrument, now_ms: int) -> bytes:
    """`<s>@ticker` of futures: no bid, no ask."""
    q, p = i.quote, i.price
    change = q.last - q.open
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{i.symbol}","ps":"{_pair(i)}","p":"{p(change)}",'
        f'"P":"{change / q.open * 100:.3f}","w":"{p(q.turnover / q.volume)}","c":"{p(q.last)}","Q":"{i.size(q.last_size)}",'
        f'"o":"{p(q.open)}","h":"{p(q.high)}","l":"{p(q.low)}","v":"{i.size(q.volume)}","q":"{q.turnover:.2f}",'
        f'{_day_times(i)},"st":{_side(i)}}}'
    ).encode()


def perp_mini(i: Instrument, now_ms: int) -> bytes:
    """`<s>@miniTicker` of futures."""
    q, p = i.quote, i.price
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{i.symbol}","ps":"{_pair(i)}","c":"{p(q.last)}","o":"{p(q.open)}",'
        f'"h":"{p(q.high)}","l":"{p(q.low)}","v":"{i.size(q.volume)}","q":"{q.turnover:.2f}","st":{_side(i)}}}'
    ).encode()


def perp_book(i: Instrument, now_ms: int) -> bytes:
    """`<s>@bookTicker` of futures."""
    q = i.quote
    return (
        f'{{"e":"bookTicker","u":{q.seq},"s":"{i.symbol}","ps":"{_pair(i)}","b":"{i.price(q.bid)}",'
        f'"B":"{i.size(q.bid_size)}","a":"{i.price(q.ask)}","A":"{i.size(q.ask_size)}","T":{q.changed_ms},'
        f'"E":{q.changed_ms + 1},"st":{_side(i)}}}'
    ).encode()


def mark_price(i: Instrument, now_ms: int) -> bytes:
    """`<s>@markPrice@1s`; T is 0 where no funding is scheduled."""
    q = i.quote
    rate = f"{q.funding_rate:.8f}" if i.funding_h or i.kind != "dated" else ""
    return (
        f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{i.symbol}","p":"{q.mark:.8f}","ap":"{q.mark:.8f}",'
        f'"P":"{q.index:.8f}","i":"{q.index:.8f}","r":"{rate}","T":{q.next_funding_ms},"st":{_side(i)}}}'
    ).encode()


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
        self._version = stage.world.version

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
            return self._subscribe(names, number)
        if method == "UNSUBSCRIBE":
            for name in names:
                self.streams.pop(name, None)
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
        for stream in self.streams:
            if self.market == "perp" and route_of(stream) != (self.route or "public"):
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
        self._take_changes(outs, now_ms)
        while self._tick < now_ms // 25:
            self._tick += 1
            self._flush_slot(outs, now_ms)
            if self._tick % _SLOTS == 0:
                self._flush_second(outs, now_ms, self._tick // _SLOTS)
        outs += self._keep_alive(now_ms)
        return outs

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
                fresh = [i for i in self._rows() if i.on_ms > now_ms - 5_000]
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


def contract_info(i: Instrument, now_ms: int) -> bytes:
    """`!contractInfo`: an instrument appeared."""
    return dumps(
        {
            "e": "contractInfo", "E": now_ms, "s": i.symbol, "ps": _pair(i), "ct": "PERPETUAL", "dt": 4_133_404_800_000,
            "ot": i.on_ms, "cs": "TRADING", "st": _side(i),
        }
    )  # fmt: skip


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
