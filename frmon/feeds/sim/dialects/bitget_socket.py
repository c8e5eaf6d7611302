"""One client's connection to Bitget's v2 public socket: text pings, one ack per arg, limits, tickers without end."""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from frmon.feeds.sim.dialects import Close, Out, Stage, Window, dumps
from frmon.feeds.sim.dialects.bitget_rows import product_type, ticker_pattern
from frmon.feeds.sim.instrument import Instrument

PING_MS = 120_000  # documented and measured: no text `ping` for two minutes ends the connection, even while it streams
MESSAGES_PER_S = 10  # documented
SUBSCRIBES_PER_HOUR = 240  # documented
CHANNELS = 1_000  # documented
MEAN_PUSH_MS = 150  # measured: 48 to 198 ms, unchanged tickers too
PRODUCTS = frozenset({"SPOT", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES"})
OPS = frozenset({"subscribe", "unsubscribe"})
LIVE = frozenset({"trading", "halted"})

Arg = dict[str, str]
Key = tuple[str, str]


class Ticker:
    """One subscribed ticker."""

    __slots__ = ("due_ms", "instrument")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.due_ms = 0


class Socket:
    """A session of `/v2/ws/public`."""

    def __init__(self, stage: Stage, now_ms: int) -> None:
        self.stage = stage
        self.rng = Random(now_ms)
        self.tickers: dict[Key, Ticker | None] = {}
        self.messages = Window(MESSAGES_PER_S, 1.0)
        self.subscribes = Window(SUBSCRIBES_PER_HOUR, 3_600.0)
        self.warned_ms: int | None = None
        self.pinged_ms = now_ms
        self.version = stage.world.version

    def hear(self, text: str, now_ms: int) -> Sequence[Out]:
        if not self.messages.take(now_ms):
            return self._too_many(now_ms)
        if text == "ping":
            self.pinged_ms = now_ms
            return [b"pong"]
        try:
            request = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError:
            request = {}
        args = request.get("args")
        if request.get("op") not in OPS or not isinstance(args, list):
            return [_error(30002, f"Unrecognized request:{text}")]
        if request["op"] == "unsubscribe":
            return [self._unsubscribe(arg) for arg in map(_arg, args)]
        if not self.subscribes.take(now_ms):
            self.stage.violate(f"{SUBSCRIBES_PER_HOUR} subscribe requests per hour and connection")
            return [_error(30007, "request over limit,connection close"), Close(1006)]
        return [*(self._subscribe(_arg(arg), now_ms) for arg in args), *self.speak(now_ms)]

    def notice(self, what: str, _now_ms: int) -> Sequence[Out]:
        """A restart of the service is told; its code is text here."""
        return [dumps({"event": "error", "code": "30033", "msg": "upgrade"})] if what == "shutdown" else []

    def pong(self, now_ms: int) -> None:
        """Protocol pongs keep nothing alive here: the venue waits for the text `ping`."""

    def speak(self, now_ms: int) -> Sequence[Out]:
        if now_ms - self.pinged_ms >= PING_MS:
            return [Close(1006)]
        if self.version != self.stage.world.version:
            self._forget_delisted()
        out: list[Out] = []
        for ticker in self.tickers.values():
            if ticker is not None and now_ms >= ticker.due_ms and ticker.instrument.stuck != "silent":
                ticker.due_ms = now_ms + self._pause_ms()
                out.append(ticker.instrument.once("bitget ticker", ticker_pattern) % (now_ms, now_ms))
        return out

    def _pause_ms(self) -> int:
        return max(48, round(MEAN_PUSH_MS * self.rng.uniform(0.67, 1.33) / max(self.stage.world.rate, 0.01)))

    # requests

    def _too_many(self, now_ms: int) -> Sequence[Out]:
        """The first breach is told, the next one within a second ends the connection."""
        self.stage.violate(f"{MESSAGES_PER_S} messages per second and connection")
        warned, self.warned_ms = self.warned_ms, now_ms
        if warned is None or now_ms - warned > 1_000:
            return [_error(30006, "request too many")]
        return [_error(30007, "request over limit,connection close"), Close(1006)]

    def _subscribe(self, arg: Arg, now_ms: int) -> bytes:
        inst_type, symbol = arg.get("instType", ""), arg.get("instId", "")
        if inst_type not in PRODUCTS or arg.get("channel") != "ticker":
            return _refusal(arg, 30016, "Param error")
        found = self._find(inst_type, symbol)
        refused = self.stage.refuses("spot" if inst_type == "SPOT" else "perp", symbol, now_ms)
        if refused or (found is None and not self._is_known(symbol)):
            named = f"instType:{inst_type},channel:ticker,instId:{symbol},precision:null"
            return _refusal(arg, 30001, f"{named} doesn't exist")
        if len(self.tickers) >= CHANNELS and (inst_type, symbol) not in self.tickers:
            self.stage.violate(f"{CHANNELS} channels per connection")
            return _refusal(arg, 30006, "request too many")
        if found is None or (inst_type, symbol) not in self.tickers:
            self.tickers[inst_type, symbol] = Ticker(found) if found else None
        return dumps({"event": "subscribe", "arg": arg})

    def _unsubscribe(self, arg: Arg) -> bytes:
        self.tickers.pop((arg.get("instType", ""), arg.get("instId", "")), None)
        return dumps({"event": "unsubscribe", "arg": arg})

    def _find(self, inst_type: str, symbol: str) -> Instrument | None:
        """What streams under this name: what trades or rests, of this very product."""
        market = "spot" if inst_type == "SPOT" else "perp"
        i = self.stage.world.instruments("bitget", market).get(symbol)
        if i is None or i.state not in LIVE or (market == "perp" and product_type(i) != inst_type):
            return None
        return i

    def _is_known(self, symbol: str) -> bool:
        """Whether any product has that symbol: then a wrong product is acked, and silent."""
        return any(self._find(product, symbol) for product in PRODUCTS)

    def _forget_delisted(self) -> None:
        """What left the lists falls silent, what is back on them is heard again."""
        self.version = self.stage.world.version
        for key, ticker in self.tickers.items():
            found = self._find(*key)
            if ticker is None or found is not ticker.instrument:
                self.tickers[key] = Ticker(found) if found else None


def _arg(value: object) -> Arg:
    """An arg as the venue repeats it: instType, channel, instId."""
    given = value if isinstance(value, dict) else {}
    return {key: str(given.get(key, "")) for key in ("instType", "channel", "instId")}


def _error(code: int, message: str) -> bytes:
    return dumps({"event": "error", "code": code, "msg": message})


def _refusal(arg: Arg, code: int, message: str) -> bytes:
    return dumps({"event": "error", "arg": arg, "code": code, "msg": message, "op": "subscribe"})
