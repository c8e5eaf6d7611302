"""What is handed to the journal and read back: plain values. Times are Unix milliseconds UTC, percents percent, rates
fractions per interval, prices USDT per coin."""

import msgspec

from frmon.storage.bars import Bar, Gap

Place = tuple[str, str]
"""Venue, market."""


class LegName(msgspec.Struct, frozen=True):
    """Which leg a bar is of. A leg whose coin or multiplier changed is another one: its prices are not comparable."""

    venue: str
    market: str
    symbol: str
    coin: str
    multiplier: int = 1


class LegBar(msgspec.Struct, frozen=True):
    """One minute of one leg."""

    leg: LegName
    bar: Bar


class PairName(msgspec.Struct, frozen=True):
    """Where the best spread of a coin is bought and sold."""

    buy: Place
    sell: Place


class CoinGap(msgspec.Struct, frozen=True):
    """One minute of one coin's best spread. `gap.pair` is ignored: the file numbers pairs by itself."""

    coin: str
    pair: PairName
    gap: Gap


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What one funding settlement of a perpetual paid. `source`: "stream" (the venue stated it), "history" (its public
    history), "estimate" (the last prediction seen before). `at_ms` is written as the nearest whole minute: venues stamp the
    same settlement some milliseconds apart in stream and history, and it is one."""

    leg: LegName
    at_ms: int
    rate: float
    interval_h: float | None
    source: str


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A signal as it fired."""

    at_ms: int
    kind: str
    coin: str
    short: str
    long: str
    percent: float
    price_short: float
    price_long: float
    note: str = ""


class EpisodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """An episode; written when it opens, when its peak grows, and when it closes. `seen_ms`: the last sample that saw it;
    `reason`: why it closed, None while it is open; "interrupted" when the program ended before it did."""

    opened_ms: int
    kind: str
    coin: str
    short: str
    long: str
    opened_pct: float
    peak_pct: float
    peak_ms: int
    last_pct: float
    seen_ms: int
    duration_s: float
    area: float
    samples: int
    closed_ms: int | None = None
    reason: str | None = None


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a venue, a line, a leg or a job, in words."""

    at_ms: int
    text: str


class SampleRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the program itself used, once a minute. `loop_lag_ms`: the worst of the minute; None where it cannot be told."""

    at_ms: int
    cpu_pct: float | None
    rss_mb: float | None
    loop_lag_ms: float | None
    messages_per_s: float
    legs: int
    fresh_legs: int
    reconnects: int


Record = LegBar | CoinGap | Settlement | SignalRow | EpisodeRow | EventRow | SampleRow
