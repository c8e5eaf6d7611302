"""The publications of one linear ticker: a state, and the deltas that led to it. One tape serves all connections."""

from collections import deque
from random import Random

from frmon.feeds.sim.dialects import dumps
from frmon.feeds.sim.dialects.bybit_rows import Fields, linear_ticker
from frmon.feeds.sim.instrument import Instrument

EVERY_MS = 100  # documented push interval of linear tickers
UNREAD_MS = 1_000  # after which nobody may have read for a while, and nothing is kept back any longer
_GROUPS = {
    "bid1Price": "bid", "bid1Size": "bid", "ask1Price": "ask", "ask1Size": "ask", "indexPrice": "index",
    "markPrice": "mark", "openInterest": "mark", "openInterestValue": "mark", "singleOpenInterest": "mark",
    "singleOpenInterestValue": "mark", "nextFundingTime": "funding", "fundingRate": "funding",
    "fundingIntervalHour": "funding",
}  # fmt: skip


class Tape:
    """Publishes at most every 100 ms. What one delta leaves out, the next one carries: bid and ask, index, mark and
    funding reach the client separately now and then, as they do on the venue."""

    __slots__ = ("_held", "_past", "_rng", "_seen", "at_ms", "cs", "instrument", "shown", "version")

    def __init__(self, instrument: Instrument, now_ms: int) -> None:
        self.instrument = instrument
        self.at_ms = now_ms
        self.shown: Fields = linear_ticker(instrument)
        self.version = 0
        self.cs = 764_000_000_000
        self._seen = instrument.quote.seq
        self._held: set[str] = set()
        self._past: deque[bytes] = deque(maxlen=8)
        self._rng = Random(instrument.id)

    def publish(self, now_ms: int) -> None:
        """Take one step, if something changed and the last one is long enough ago."""
        if now_ms - self.at_ms < EVERY_MS or (self.instrument.quote.seq == self._seen and not self._held):
            return
        now = linear_ticker(self.instrument)
        changed = {key: value for key, value in now.items() if self.shown.get(key) != value}
        self._seen = self.instrument.quote.seq
        told = self._choose(changed, now_ms)
        if not told:
            return
        self.at_ms = now_ms
        self.shown |= told
        self.version += 1
        self.cs += self._rng.randrange(1, 400)
        self._past.append(self._frame("delta", {"symbol": self.instrument.symbol} | told, now_ms))

    def _choose(self, changed: Fields, now_ms: int) -> Fields:
        """Mostly all that changed; now and then some groups wait for the next delta, none twice in a row."""
        groups = sorted({_GROUPS.get(key, "trade") for key in changed})
        before, self._held = self._held, set()
        if len(groups) > 1 and now_ms - self.at_ms < UNREAD_MS and self._rng.random() < 0.3:
            free = [g for g in groups if g not in before]
            wait = {g for g in free if self._rng.random() < 0.5}
            self._held = wait if len(wait) < len(groups) else set(free[1:])
        return {key: value for key, value in changed.items() if _GROUPS.get(key, "trade") not in self._held}

    def snapshot(self, now_ms: int) -> bytes:
        """The whole present state."""
        return self._frame("snapshot", self.shown, now_ms)

    def since(self, version: int, now_ms: int) -> list[bytes]:
        """Frames that bring a reader of `version` up to date: deltas, or a snapshot where they are gone."""
        behind = self.version - version
        if behind > len(self._past):
            return [self.snapshot(now_ms)]
        return list(self._past)[len(self._past) - behind :]

    def _frame(self, kind: str, data: Fields, now_ms: int) -> bytes:
        topic = f"tickers.{self.instrument.symbol}"
        return dumps({"topic": topic, "type": kind, "data": data, "cs": self.cs, "ts": now_ms})


def tape_of(instrument: Instrument, now_ms: int) -> Tape:
    """The instrument's tape, begun now if nobody listened before."""
    held = instrument.frames.get("bybit tape")
    if held is None:
        held = instrument.frames["bybit tape"] = (0, Tape(instrument, now_ms))
    tape: Tape = held[1]
    return tape
