"""One client's connection to a public Bybit socket: requests, acks and refusals, and what is due when."""

from collections.abc import Sequence
from random import Random
from string import ascii_lowercase, digits
from typing import Any

import msgspec

from frmon.feeds.sim.dialects import Close, Out, Stage, dumps
from frmon.feeds.sim.dialects.bybit_rows import book_frame, has_book, spot_ticker_frame, status_of
from frmon.feeds.sim.dialects.bybit_tape import tape_of
from frmon.feeds.sim.instrument import Instrument

ARGS_CHARS = 21_000  # documented: total length of topics on one public connection
SPOT_ARGS = 10  # documented: topics in one spot request
SILENCE_MS = 600_000  # documented: a client that says nothing is dropped after about ten minutes
BOOK_REPEAT_MS = 3_000  # documented: an unchanged level-1 book is pushed again
SPOT_TICKER_MS = 50  # documented push interval since November 2025
MARKETS = {"linear": "perp", "spot": "spot", "status": ""}


class Topic:
    """One subscription of one connection, and what was sent last."""

    __slots__ = ("instrument", "sent_ms", "sent_version")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.sent_version = -1
        self.sent_ms = 0

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Frames to send now."""
        raise NotImplementedError


class LinearTicker(Topic):
    """`tickers.X` of a derivative: a snapshot, then deltas."""

    __slots__ = ()

    def due(self, now_ms: int) -> Sequence[bytes]:
        tape = tape_of(self.instrument, now_ms)
        tape.publish(now_ms)
        version, self.sent_version = self.sent_version, tape.version
        if version < 0:
            return [tape.snapshot(now_ms)]
        return tape.since(version, now_ms) if version != tape.version else ()


class SpotTicker(Topic):
    """`tickers.X` of a spot pair: a snapshot per change, at most every 50 ms."""

    __slots__ = ()

    def due(self, now_ms: int) -> Sequence[bytes]:
        i = self.instrument
        if i.quote.seq == self.sent_version or now_ms - self.sent_ms < SPOT_TICKER_MS:
            return ()
        self.sent_version, self.sent_ms = i.quote.seq, now_ms
        return (i.once("bybit ticker", lambda i: spot_ticker_frame(i, now_ms)),)


class Book(Topic):
    """`orderbook.1.X`: a snapshot per change, and again after 3 s without one, under the same `u`."""

    __slots__ = ()

    def due(self, now_ms: int) -> Sequence[bytes]:
        i = self.instrument
        if i.stuck == "silent":
            return ()
        if i.quote.seq == self.sent_version:
            if now_ms - self.sent_ms < BOOK_REPEAT_MS:
                return ()
            self.sent_ms = now_ms
            return (book_frame(i, now_ms),)
        self.sent_version, self.sent_ms = i.quote.seq, now_ms
        return (i.once("bybit book", lambda i: book_frame(i, now_ms)),)


class Socket:
    """A session of `linear`, `spot` or `status`."""

    def __init__(self, stage: Stage, category: str, now_ms: int) -> None:
        rng = Random(f"{category} {now_ms} {id(self)}")
        letters = ascii_lowercase + digits
        self.conn_id = "".join(rng.choices(letters, k=20)) + "-" + "".join(rng.choices(letters, k=5))
        self.stage = stage
        self.category = category
        self.topics: dict[str, Topic | None] = {}
        self.chars = 0
        self.heard_ms = now_ms
        self.version = stage.world.version

    def hear(self, text: str, now_ms: int) -> Sequence[Out]:
        self.heard_ms = now_ms
        try:
            request = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError:
            return [self._undecodable(text)]
        match request.get("op"):
            case "ping":
                return [self._answer(request, True, "pong")]
            case "subscribe":
                return [self._subscribe(request, now_ms), *self.speak(now_ms)]
            case "unsubscribe":
                return [self._unsubscribe(request)]
        return [self._answer(request, False, "error:invalid op")]

    def pong(self, now_ms: int) -> None:
        """Protocol pongs keep nothing alive here: the venue waits for its own ping."""

    def notice(self, what: str, now_ms: int) -> Sequence[Out]:
        """Lines end without a word; a maintenance is told where `system.status` was asked for."""
        if what != "maintenance" or "system.status" not in self.topics:
            return []
        state = {
            "id": "4d95b2a0",
            "title": "Maintenance",
            "state": "ongoing",
            "begin": str(now_ms),
            "end": "",
            "href": "",
        }
        more = {"serviceTypes": [2, 3, 4, 5], "product": [1, 2], "uidSuffix": [], "maintainType": 1, "env": 1}
        return [dumps({"topic": "system.status", "ts": now_ms, "data": [state | more]})]

    def speak(self, now_ms: int) -> Sequence[Out]:
        if now_ms - self.heard_ms >= SILENCE_MS:
            return [Close(1006)]
        if self.version != self.stage.world.version:
            self._forget_delisted()
        out: list[Out] = []
        for topic in self.topics.values():
            if topic is not None:
                out.extend(topic.due(now_ms))
        return out

    # requests

    def _subscribe(self, request: dict[str, Any], now_ms: int) -> bytes:
        """All topics of a request, or none: the first bad one is named."""
        args = request.get("args")
        if not isinstance(args, list) or not args or not all(isinstance(a, str) for a in args):
            return self._answer(request, False, "error:request args invalid")
        if self.category == "spot" and len(args) > SPOT_ARGS:
            self.stage.violate(f"{SPOT_ARGS} args per spot request")
            return self._answer(request, False, f"args size >{SPOT_ARGS}")
        found: dict[str, Topic | None] = {}
        for name in args:
            if name in self.topics or name in found:
                return self._answer(request, False, f"error:already subscribed,topic:{name}")
            refused = self.stage.refuses(MARKETS[self.category], name.rpartition(".")[2], now_ms)
            topic = None if refused else self._find(name)
            if topic is None and (self.category, name) != ("status", "system.status"):
                return self._answer(request, False, f"error:handler not found,topic:{name}")
            found[name] = topic
        chars = self.chars + sum(map(len, args))
        if chars > ARGS_CHARS:
            self.stage.violate(f"{ARGS_CHARS} characters of args per connection")
            return self._answer(request, False, "error:args too long")
        self.chars = chars
        self.topics |= found
        return self._answer(request, True, "subscribe" if self.category == "spot" else "")

    def _unsubscribe(self, request: dict[str, Any]) -> bytes:
        args = request.get("args")
        for name in args if isinstance(args, list) else ():
            if isinstance(name, str) and name in self.topics:
                del self.topics[name]
                self.chars -= len(name)
        return self._answer(request, True, "unsubscribe" if self.category == "spot" else "")

    def _find(self, name: str) -> Topic | None:
        """The topic of that name, None where the venue has none."""
        stem, _, symbol = name.rpartition(".")
        i = (
            self.stage.world.instruments("bybit", MARKETS[self.category]).get(symbol)
            if MARKETS[self.category]
            else None
        )
        if i is None or status_of(i) == "Closed" or (self.category == "spot" and status_of(i) != "Trading"):
            return None
        if stem == "tickers":
            return LinearTicker(i) if self.category == "linear" else SpotTicker(i)
        return Book(i) if stem == "orderbook.1" and has_book(i) else None

    def _forget_delisted(self) -> None:
        """What left the lists falls silent; the subscription itself stays, and is heard again when it is back."""
        self.version = self.stage.world.version
        market = MARKETS[self.category]
        for name, topic in self.topics.items() if market else ():
            found = self._find(name)
            if topic is None or found is None or found.instrument is not topic.instrument:
                self.topics[name] = found

    # answers

    def _answer(self, request: dict[str, Any], success: bool, message: str) -> bytes:
        """One per request; `req_id` only where the request had one."""
        answer: dict[str, Any] = {"success": success, "ret_msg": message, "conn_id": self.conn_id}
        if request.get("req_id"):
            answer["req_id"] = str(request["req_id"])
        return dumps(answer | {"op": str(request.get("op", ""))})

    def _undecodable(self, text: str) -> bytes:
        found = text[:1] or "end of text"
        why = f"readObjectStart: expect {{ or n, but found {found}, error found in #1 byte of ...|{text[:10]}|..."
        return self._answer({}, False, f"Failed to decode incoming data:{why}")
