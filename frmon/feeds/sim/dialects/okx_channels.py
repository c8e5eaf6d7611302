"""How the simulated OKX speaks over WebSocket: one ack per argument, text pings, a cut after 30 s without a push."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from frmon.feeds.sim.dialects import Close, Out, Query, Reply, Session, Stage, dumps
from frmon.feeds.sim.dialects.okx_rows import instrument_row
from frmon.feeds.sim.instrument import Instrument

HOUR_MS = 3_600_000
IDLE_MS = 30_000
TOKENS = 480  # requests per connection; one comes back every 7.5 s
TOKEN_MS = 7_500
_SETTLING_MS = 2_000  # settState says so for a moment after a settlement


def DECIMAL16(value: float) -> str:  # noqa: N802  a format, used as one
    """Sixteen decimals, as OKX writes funding rates."""
    return f"{value:.16f}"


def _kind(i: Instrument) -> str:
    return {"xperp": "FUTURES"}.get(i.kind, "SWAP" if i.market == "perp" else "SPOT")


def _side(value: float, text: str) -> str:
    """An empty book side is "" on OKX."""
    return text if value else ""


def ticker_row(i: Instrument) -> dict[str, Any]:
    """A row of /api/v5/market/tickers and of the `tickers` channel. Sizes of swaps are contracts."""
    q, swap = i.quote, i.market == "perp"
    return {
        "instType": _kind(i), "instId": i.symbol, "last": i.price(q.last), "lastSz": i.size(q.last_size),
        "askPx": _side(q.ask, i.price(q.ask)), "askSz": _side(q.ask, i.size(q.ask_size)),
        "bidPx": _side(q.bid, i.price(q.bid)), "bidSz": _side(q.bid, i.size(q.bid_size)),
        "open24h": i.price(q.open), "high24h": i.price(q.high), "low24h": i.price(q.low), "sodUtc0": i.price(q.open),
        "sodUtc8": i.price(q.open), "volCcy24h": f"{q.volume if swap else q.turnover:.4f}",
        "vol24h": f"{q.volume / i.contract:.4f}", "ts": str(q.changed_ms),
    }  # fmt: skip


def funding_row(i: Instrument, now_ms: int) -> dict[str, Any]:
    """`fundingTime` is the coming settlement, `nextFundingTime` the one after it."""
    q = i.quote
    fresh = now_ms - q.prev_funding_ms < _SETTLING_MS
    return {
        "formulaType": "withRate", "fundingRate": DECIMAL16(q.funding_rate), "fundingTime": str(q.next_funding_ms),
        "impactValue": "20000.0000000000000000", "instId": i.symbol, "instType": _kind(i),
        "interestRate": "0.0001000000000000", "maxFundingRate": "0.00375", "method": "current_period",
        "minFundingRate": "-0.00375", "nextFundingRate": "", "nextFundingTime": str(q.next_funding_ms + i.funding_h * HOUR_MS),
        "premium": DECIMAL16(round(i.basis, 12)), "prevFundingTime": str(q.prev_funding_ms),
        "settFundingRate": DECIMAL16(q.settled_rate), "settState": "processing" if fresh else "settled", "ts": str(now_ms),
    }  # fmt: skip


def mark_row(i: Instrument) -> dict[str, Any]:
    """A row of mark-price."""
    q = i.quote
    return {
        "instId": i.symbol,
        "instType": _kind(i),
        "markPx": f"{q.mark:.{i.decimals + 1}f}",
        "ts": str(q.changed_ms),
    }


def index_row(i: Instrument) -> dict[str, Any]:
    """A row of index-tickers, keyed by the pair."""
    q = i.quote
    return {
        "instId": i.symbol.removesuffix("-SWAP"), "idxPx": f"{q.index:.{i.decimals + 1}f}", "high24h": i.price(q.high),
        "low24h": i.price(q.low), "open24h": i.price(q.open), "sodUtc0": i.price(q.open), "sodUtc8": i.price(q.open),
        "ts": str(q.changed_ms),
    }  # fmt: skip


def _book(i: Instrument) -> dict[str, Any]:
    q = i.quote
    asks = [[i.price(q.ask), i.size(q.ask_size), "0", "3"]] if q.ask else []
    bids = [[i.price(q.bid), i.size(q.bid_size), "0", "2"]] if q.bid else []
    return {"asks": asks, "bids": bids, "instId": i.symbol, "ts": str(q.changed_ms), "seqId": q.seq}


def _top(i: Instrument) -> dict[str, Any]:
    row = _book(i)
    del row["instId"]
    return row


def _frame(channel: str, inst_id: str, rows: list[Any]) -> bytes:
    return dumps({"arg": {"channel": channel, "instId": inst_id}, "data": rows})


def ticker_frame(i: Instrument) -> bytes:
    """The `tickers` push: always a whole statement."""
    return _frame("tickers", i.symbol, [ticker_row(i)])


_ROWS: dict[str, Callable[[Instrument], dict[str, Any]]] = {
    "tickers": ticker_row,
    "mark-price": mark_row,
    "index-tickers": index_row,
    "bbo-tbt": _top,
    "books5": _book,
}
_EVERY_MS = {"tickers": 100, "mark-price": 200, "index-tickers": 100, "bbo-tbt": 10, "books5": 100}  # at most
_AT_LEAST_MS = {"mark-price": 10_000, "index-tickers": 60_000, "funding-rate": 60_000}
Topic = tuple[str, str]  # channel, instId or instType


class OkxSession:
    """One line."""

    def __init__(self, stage: Stage, now_ms: int) -> None:
        self.stage = stage
        stage.counters["okx lines"] += 1
        self.conn_id = f"{stage.counters['okx lines'] * 2_654_435_761 % 2**32:08x}"
        self._topics: dict[Topic, int] = {}  # -> when it was pushed last
        self._by_instrument: dict[int, list[Topic]] = {}
        self._held: dict[Topic, Instrument] = {}  # changed sooner than the channel may speak again
        self._changes = stage.world.changes("okx")
        self._tokens = float(TOKENS)
        self._refilled_ms = self._pushed_ms = now_ms
        self._second = now_ms // 1000
        self._version = stage.world.version

    def pong(self, now_ms: int) -> None:
        """OKX does not rely on protocol pings."""

    # what the client says

    def hear(self, text: str, now_ms: int) -> Sequence[Out]:
        self._pushed_ms = now_ms
        if text == "ping":
            return [b"pong"]
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict) or asked.get("op") not in ("subscribe", "unsubscribe") or not asked.get("args"):
            return [self._error("60012", f"Invalid request: {text[:200]}", None)]
        number = asked.get("id")
        if not self._spend(now_ms):
            self.stage.violate("requests per hour")
            return [self._error("60014", "Requests too frequent", number)]
        return self._ask(asked["op"], asked["args"], number, now_ms)

    def _spend(self, now_ms: int) -> bool:
        """One token for one request."""
        self._tokens = min(TOKENS, self._tokens + (now_ms - self._refilled_ms) / TOKEN_MS)
        self._refilled_ms = now_ms
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _ask(self, operation: str, args: list[Any], number: Any, now_ms: int) -> list[Out]:
        """One ack per argument, then snapshots; now and then data comes before its ack."""
        acks: list[Out] = []
        data: list[Out] = []
        for item in args:
            arg = item if isinstance(item, dict) else {}
            topic = (str(arg.get("channel")), str(arg.get("instId") or arg.get("instType") or ""))
            if not self._known(topic):
                acks.append(self._unknown(topic, number))
                continue
            ack = {"event": operation, "arg": arg, "connId": self.conn_id}
            acks.append(dumps(ack if number is None else {"id": number, **ack}))
            if operation == "unsubscribe":
                self._topics.pop(topic, None)
            elif topic not in self._topics:
                self._topics[topic] = now_ms
                data += self._snapshot(topic, now_ms)
        self._index()
        return data + acks if len(self._topics) % 7 == 6 else acks + data

    def _known(self, topic: Topic) -> bool:
        channel, name = topic
        if channel == "status":
            return True
        if channel == "instruments":
            return name in ("SPOT", "SWAP", "FUTURES")
        i = self._instrument(topic)
        if i is None or i.state == "prelaunch" or (i.kind == "xperp" and channel != "funding-rate"):
            return False
        return channel in _ROWS or (channel == "funding-rate" and i.funding_h > 0)

    def _instrument(self, topic: Topic) -> Instrument | None:
        channel, name = topic
        rows = self.stage.world.instruments
        if channel == "index-tickers":
            return rows("okx", "perp").get(f"{name}-SWAP") or rows("okx", "spot").get(name)
        return rows("okx", "perp").get(name) or rows("okx", "spot").get(name)

    def _unknown(self, topic: Topic, number: Any) -> bytes:
        where = f"Subscribe failed, wrong URL or channel:{topic[0]},instId:{topic[1]} doesn't exist."
        return self._error(
            "60018", where + " Please use the correct URL, channel and parameters referring to API document.", number
        )

    def _error(self, code: str, text: str, number: Any) -> bytes:
        refusal = {"event": "error", "msg": text, "code": code, "connId": self.conn_id}
        return dumps(refusal if number is None else {**refusal, "id": number})

    def _index(self) -> None:
        self._by_instrument.clear()
        for topic in self._topics:
            i = self._instrument(topic) if topic[0] in _ROWS else None
            if i is not None:
                self._by_instrument.setdefault(i.id, []).append(topic)

    # what is due

    def _snapshot(self, topic: Topic, now_ms: int) -> list[Out]:
        channel, name = topic
        if channel == "instruments":
            return [self._list(name, self._listed(name))]
        i = self._instrument(topic)
        if i is None:
            return []
        rows = [funding_row(i, now_ms)] if channel == "funding-rate" else [_ROWS[channel](i)]
        return [_frame(channel, name, rows)]

    def _listed(self, name: str) -> list[Instrument]:
        rows = self.stage.world.instruments("okx", "spot" if name == "SPOT" else "perp").values()
        return [i for i in rows if _kind(i) == name]

    def _list(self, name: str, rows: list[Instrument]) -> bytes:
        data = [instrument_row(i) for i in rows]
        return dumps({"arg": {"channel": "instruments", "instType": name}, "data": data})

    def speak(self, now_ms: int) -> Sequence[Out]:
        outs: list[Out] = []
        held, self._held = self._held, {}
        for topic, i in held.items():
            self._push(outs, topic, i, now_ms)
        for i in self._changes.take():
            for topic in self._by_instrument.get(i.id, ()):
                self._push(outs, topic, i, now_ms)
        if now_ms // 1000 != self._second:
            self._second = now_ms // 1000
            self._each_second(outs, now_ms)
        if outs:
            self._pushed_ms = now_ms
        elif now_ms - self._pushed_ms > IDLE_MS:
            self.stage.violate("idle 30 s")
            return [Close(4004, "No data received in 30s")]
        return outs

    def _push(self, outs: list[Out], topic: Topic, i: Instrument, now_ms: int) -> None:
        """Now, or when the channel may speak about this symbol again."""
        channel, name = topic
        if topic not in self._topics:
            return
        if now_ms - self._topics[topic] < _EVERY_MS[channel]:
            self._held[topic] = i
            return
        self._topics[topic] = now_ms
        row = _ROWS[channel]
        outs.append(i.once(channel, lambda x: _frame(channel, name, [row(x)])))

    def _each_second(self, outs: list[Out], now_ms: int) -> None:
        """Funding once a minute per instrument; marks at least every 10 s, indices every minute; lists when they change."""
        for topic, at in self._topics.items():
            longest = _AT_LEAST_MS.get(topic[0])
            i = self._instrument(topic) if longest else None
            if i is None or longest is None:
                continue
            if topic[0] == "funding-rate" and i.id % 60 == self._second % 60:
                outs.append(_frame(*topic, [funding_row(i, now_ms)]))
            elif topic[0] != "funding-rate" and now_ms - at > longest:
                self._push(outs, topic, i, now_ms)
        if self._version != self.stage.world.version:
            self._version = self.stage.world.version
            self._say_lists(outs, now_ms)

    def _say_lists(self, outs: list[Out], now_ms: int) -> None:
        """What is new."""
        for channel, name in self._topics:
            if channel == "instruments":
                outs.append(self._list(name, [i for i in self._listed(name) if now_ms - 5_000 < i.on_ms <= now_ms]))


def connect(stage: Stage, path: str, query: Query, now_ms: int) -> Session | Reply:
    """Public channels are on one path; candles and the like, on the business path, do not exist here."""
    if path not in ("/ws/v5/public", "/ws/v5/business"):
        return Reply(404, b"")
    return OkxSession(stage, now_ms)
