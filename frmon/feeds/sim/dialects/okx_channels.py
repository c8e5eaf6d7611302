"""How the simulated OKX speaks over WebSocket: one ack per argument, text pings, a cut after 30 s without a push."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from frmon.feeds.sim.dialects import Close, Out, Query, Reply, Session, Stage, dumps
from frmon.feeds.sim.dialects.okx_rows import (
    funding_row,
    index_row,
    inst_type,
    instrument_row,
    mark_row,
    status_row,
    ticker_row,
)
from frmon.feeds.sim.instrument import Instrument

IDLE_MS = 30_000
TOKENS = 480  # requests per connection; one comes back every 7.5 s
TOKEN_MS = 7_500


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
            if not self._known(topic) or self._refused(topic, now_ms):
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

    def _refused(self, topic: Topic, now_ms: int) -> bool:
        market = "perp" if topic[1].endswith("-SWAP") else "spot"
        return self.stage.refuses(market, topic[1], now_ms)

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
        return [i for i in rows if inst_type(i) == name]

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

    def notice(self, what: str, now_ms: int) -> Sequence[Out]:
        """The end of a line, a maintenance, or the lists once more."""
        if what == "shutdown":
            text = "The connection will soon be closed for a service upgrade. Please reconnect."
            return [dumps({"event": "notice", "code": "64008", "msg": text, "connId": self.conn_id})]
        if what == "maintenance" and ("status", "") in self._topics:
            row = status_row(now_ms, self.stage.world.resting.get("okx", now_ms))
            return [dumps({"arg": {"channel": "status"}, "data": [row]})]
        names = [name for channel, name in self._topics if channel == "instruments" and what == "listing"]
        return [self._list(name, self._listed(name)) for name in names]

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
            self._index()
            self._say_lists(outs, now_ms)

    def _say_lists(self, outs: list[Out], now_ms: int) -> None:
        """What is new."""
        for channel, name in self._topics:
            if channel == "instruments":
                gone = [i for i in self.stage.world.gone if i.venue == "okx" and inst_type(i) == name]
                rows = [i for i in self._listed(name) + gone if now_ms - 5_000 < max(i.on_ms, i.listed_ms) <= now_ms]
                outs += [self._list(name, rows)] if rows else []


def connect(stage: Stage, path: str, query: Query, now_ms: int) -> Session | Reply:
    """Public channels are on one path; candles and the like, on the business path, do not exist here."""
    if path not in ("/ws/v5/public", "/ws/v5/business"):
        return Reply(404, b"")
    return OkxSession(stage, now_ms)
