"""One leg's latest values, and how fresh they are. Times are monotonic seconds (`at`) or Unix milliseconds (`_ms`);
prices are per one coin."""

from math import inf

import msgspec

from frmon.model import Carrier, Leg, Spread

Sides = tuple[float | None, float | None]
"""Bid and ask; None: there is none, or it is not known."""


class Freshness(msgspec.Struct, frozen=True):
    """How old a confirmation may be: `max_age_s` in general, `max_quiet_s` for quiet on a live push-on-change carrier."""

    max_age_s: float = 5.0
    max_quiet_s: float = 300.0


class Part:
    """A group of a cell's fields that comes on one carrier: who stated it last and when it was confirmed."""

    __slots__ = ("at", "by", "generation")

    def __init__(self) -> None:
        self.at = -inf  # own last statement or agreeing REST reply
        self.by: Carrier | None = None
        self.generation = 0

    def confirmed_at(self, now: float, max_quiet_s: float) -> float:
        """When this was last confirmed (monotonic), -inf for never. Quiet on a live push-on-change carrier confirms; what a
        connection said ends with it."""
        by = self.by
        if by is None or by.source != "ws":
            return self.at
        if not by.live or by.generation != self.generation:
            return -inf
        return max(self.at, by.heard_at) if by.pushes_changes and now - self.at <= max_quiet_s else self.at

    def is_past(self) -> bool:
        """Whether all that is known was remembered from before the program was started."""
        return self.at == -inf and self.by is not None

    def rides(self) -> bool:
        """Whether it came on a stream whose connection still lives."""
        by = self.by
        return by is not None and by.source == "ws" and by.live and by.generation == self.generation

    def pushes_changes(self) -> bool:
        """Whether it came on a stream on which silence means that nothing changed."""
        return self.by is not None and self.by.pushes_changes

    def repeat(self, carrier: Carrier, at: float) -> None:
        """What is held was stated once more. A REST reply leaves it to the stream that it rides on."""
        if carrier.source == "rest" and self.rides():
            self.at = max(self.at, at)
        else:
            self.state(carrier, at)

    def state(self, carrier: Carrier, at: float) -> None:
        """It was stated on `carrier`, received at `at`."""
        self.at = at
        self.by = carrier
        self.generation = carrier.generation


class Cell:
    """One leg's latest values; None while unknown. The `_ms` fields hold the venue time of each field's statement."""

    __slots__ = (
        "ask", "ask_ms", "ask_seq", "ask_size", "bid", "bid_ms", "bid_seq", "bid_size", "carried", "doubted", "event_ms",
        "funding", "funding_interval_h", "funding_rate", "index", "index_ms", "interval_ms", "key", "last", "last_ms", "leg", "mark",
        "mark_ms", "moves", "next_funding_ms", "next_ms", "quote", "rate_ms", "received_ms", "ref", "row", "scale", "settled_ms",
        "settled_rate", "source", "told", "told_on", "trade", "version", "volume_ms", "volume_usd", "whole_by", "whole_generation",
    )  # fmt: skip

    def __init__(self, leg: Leg, row: "Row") -> None:
        self.key = leg.key
        self.row = row
        self.version = 0
        self.moves = 0  # changes of bid or ask that streams told
        self.whole_by: Carrier | None = None
        self.whole_generation = 0
        self.reset(leg)

    def reset(self, leg: Leg) -> None:
        """Forget all values; from now on prices are divided by `leg.multiplier`."""
        self.leg = leg
        self.scale = leg.multiplier
        self.bid: float | None = None
        self.ask: float | None = None
        self.bid_size: float | None = None
        self.ask_size: float | None = None
        self.last: float | None = None
        self.mark: float | None = None
        self.index: float | None = None
        self.volume_usd: float | None = None
        self.funding_rate: float | None = None
        self.settled_rate: float | None = None
        self.next_funding_ms: int | None = None
        self.funding_interval_h: float | None = leg.funding_h
        self.bid_ms = self.ask_ms = self.bid_seq = self.ask_seq = self.last_ms = self.mark_ms = self.index_ms = 0
        self.volume_ms = self.rate_ms = self.interval_ms = self.next_ms = self.settled_ms = 0
        self.quote = Part()
        self.ref = Part()
        self.trade = Part()  # of `last`
        self.funding = Part()
        self.event_ms: int | None = None
        self.received_ms: int | None = None
        self.source: str | None = None
        self.carried = Part()  # the stream that it was asked for on, and when
        self.told: Sides = None, None  # what a stream said last, in the venue's units
        self.told_on = Part()  # that stream
        self.doubted: Sides | None = None  # a quote that REST refuted; see `frmon.doubt`
        self.version += 1

    def recall(self, past: "Cell") -> None:
        """Take what is remembered of this leg wherever nothing was said yet. It is stale, and whatever is said replaces
        it."""
        if self.source is None and self.quote.at == -inf:
            self.bid, self.ask, self.quote = past.bid, past.ask, past.quote
        self.mark = past.mark if self.mark is None else self.mark
        self.index = past.index if self.index is None else self.index
        if self.funding_rate is None and self.funding.at == -inf:
            self.funding_rate, self.funding.by = past.funding_rate, past.funding.by
        self.version += 1

    def count_moves(self, bid: float | None, ask: float | None) -> None:
        """Count what a stream tells otherwise than it did before, whatever REST put beside it meanwhile. None: not told."""
        told = self.told[0] if bid is None else bid, self.told[1] if ask is None else ask
        if told != self.told:
            self.told = told
            self.moves += 1

    def age_s(self, now: float, freshness: Freshness) -> float | None:
        """Age of the quote's confirmation in seconds; None while there is none, and for a moment after its connection ended
        (then it counts from the last statement, but is never as small as a fresh one's)."""
        at = self.quote.confirmed_at(now, freshness.max_quiet_s)
        if at == -inf and now - self.quote.at > freshness.max_age_s:
            at = self.quote.at
        return None if at == -inf else max(0.0, now - at)

    def is_fresh(self, now: float, freshness: Freshness) -> bool:
        """Whether the quote was confirmed at most `max_age_s` ago."""
        return now - self.quote.confirmed_at(now, freshness.max_quiet_s) <= freshness.max_age_s

    def is_last_fresh(self, now: float, freshness: Freshness) -> bool:
        """Whether the last price was confirmed at most `max_age_s` ago, as a quote is: stated, also unchanged, repeated by a
        REST reply, or unchanged on a live push-on-change stream. It says nothing about when the trade was."""
        return now - self.trade.confirmed_at(now, freshness.max_quiet_s) <= freshness.max_age_s

    def set_back(self, now_ms: int) -> None:
        """No statement was made later than `now_ms`: its venue's clock was set back to that."""
        self.bid_ms, self.ask_ms = min(self.bid_ms, now_ms), min(self.ask_ms, now_ms)
        self.last_ms, self.volume_ms = min(self.last_ms, now_ms), min(self.volume_ms, now_ms)
        self.mark_ms, self.index_ms = min(self.mark_ms, now_ms), min(self.index_ms, now_ms)
        self.rate_ms, self.next_ms = min(self.rate_ms, now_ms), min(self.next_ms, now_ms)
        self.interval_ms, self.settled_ms = min(self.interval_ms, now_ms), min(self.settled_ms, now_ms)

    def is_crossed(self) -> bool:
        """Whether the bid stands above the ask."""
        bid, ask = self.bid, self.ask
        return bid is not None and ask is not None and bid > ask

    def mid(self) -> float | None:
        """The best guess of what the coin is worth here: mid, else mark, else last; for comparison of identity only."""
        bid, ask = self.bid, self.ask
        if bid and ask:
            return (bid + ask) / 2
        return self.mark or self.last


class Row:
    """One coin: its cells in the order of their keys."""

    __slots__ = ("cells", "coin", "spread", "version")

    def __init__(self, coin: str) -> None:
        self.coin = coin
        self.cells: list[Cell] = []
        self.spread: Spread | None = None  # set by the engine's spread job
        self.version = 0
