"""What each kind of rule reads from a coin's legs: pure.

A reader says for every key of a coin what its value is now, in percent. It is handed legs that qualify and are no
outliers; `may_reach` spares it the coins whose legs, qualified or not, are nowhere near the threshold.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from frmon.board import Cell, Freshness, Row
from frmon.config import KindSettings, RuleSettings, SignalSettings
from frmon.funding import funding_is_fresh
from frmon.model import LegKey, Market
from frmon.signals.trigger import Key, Limits, Reading
from frmon.spread import Terms, fees_pct, gross_pct, hourly, outliers, qualified

SPREAD, BASIS, FUNDING, INTERVAL = "spread", "basis", "funding", "interval"

CLOSES_AT = 0.75
"""Of the threshold: the level below which an episode closes, unless the settings name one."""

LEGS_KEPT = 20_000
"""More legs than all venues list: beyond that the intervals are learned anew."""

HOURS = 8

ONLY_PERP = frozenset({Market.PERP})
ONLY_SPOT = frozenset({Market.SPOT})


class Reader(Protocol):
    """How one kind reads a coin."""

    def may_reach(self, row: Row, limits: Limits) -> bool:
        """Whether any key of this coin could be at or above the threshold."""
        ...

    def read(self, coin: str, cells: Sequence[Cell], now: float) -> Iterator[Reading]:
        """The value of every key whose legs are among these, at `now` (monotonic seconds)."""
        ...

    def is_seated(self, row: Row, key: Key) -> bool:
        """Whether the row has both legs of a key, qualified or not."""
        ...


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One rule at work."""

    name: str
    limits: Limits
    close_pct: float | None  # below it an episode closes; None: its signals open no episodes
    reader: Reader
    heed: Callable[[Iterable[Key]], None] | None = None  # is told what fired


def kinds(settings: SignalSettings, terms: Terms, rules: RuleSettings) -> list[Kind]:
    """The rules that are on; first that of `[signals]`."""
    found = [_spread(settings, terms)]
    if rules.basis.on:
        found.append(_kind(BASIS, rules.basis, settings, Prices(bought=ONLY_SPOT, sold=ONLY_PERP, same_venue=True)))
    if rules.funding.on:
        found.append(_kind(FUNDING, rules.funding, settings, Carry(terms)))
    if rules.interval.on:
        reader = Intervals(_limits(rules.interval, settings))
        changes = _kind(INTERVAL, rules.interval, settings, reader)
        found.append(msgspec.structs.replace(changes, close_pct=None, heed=reader.heed))
    return found


def sound(row: Row, terms: Terms, now: float, now_ms: int) -> list[Cell]:
    """The legs that qualify and are no outliers among those that do."""
    cells = qualified(row.cells, terms, now, now_ms)
    out = outliers(cells)
    return [cell for cell in cells if cell not in out] if out else cells


def _spread(settings: SignalSettings, terms: Terms) -> Kind:
    markets = frozenset(Market(name) for name in settings.markets)
    sold = markets if terms.allow_borrow else markets - ONLY_SPOT
    executable = settings.basis == "executable"
    buy, sell = ("ask", "bid") if executable else ("last", "last")
    return Kind(
        name=SPREAD,
        limits=Limits(
            threshold_pct=settings.threshold_pct,
            samples=settings.samples,
            max_gap_s=settings.max_gap_s,
            cooldown_s=settings.cooldown_s,
        ),
        close_pct=(settings.close_pct or CLOSES_AT * settings.threshold_pct) if executable else None,
        reader=Prices(bought=markets, sold=sold, buy=buy, sell=sell, last=None if executable else terms.freshness),
    )


def _kind(name: str, kind: KindSettings, settings: SignalSettings, reader: Reader) -> Kind:
    limits = _limits(kind, settings)
    return Kind(name=name, limits=limits, close_pct=CLOSES_AT * kind.threshold_pct, reader=reader)


def _limits(kind: KindSettings, settings: SignalSettings) -> Limits:
    return Limits(
        threshold_pct=kind.threshold_pct,
        samples=kind.samples,
        max_gap_s=settings.max_gap_s,
        cooldown_s=kind.cooldown_s,
    )


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """The spread between the lowest price of the long venue's legs and the highest of the short venue's."""

    bought: frozenset[Market]
    sold: frozenset[Market]
    same_venue: bool = False  # also two legs of one venue
    buy: str = "ask"  # the field of a cell that is paid
    sell: str = "bid"  # the field of a cell that is received
    last: Freshness | None = None  # how old last prices may be, where these are compared

    def may_reach(self, row: Row, limits: Limits) -> bool:
        lows = [price for cell in row.cells if (price := getattr(cell, self.buy))]
        highs = [price for cell in row.cells if (price := getattr(cell, self.sell))]
        low, high = min(lows, default=0.0), max(highs, default=0.0)
        return low > 0 and high > low and limits.reached(gross_pct(low, high))

    def read(self, coin: str, cells: Sequence[Cell], now: float) -> Iterator[Reading]:
        if self.last is not None:
            cells = [c for c in cells if c.is_last_fresh(now, self.last)]
        longs = _per_venue((c for c in cells if c.key.market in self.bought), self.buy, min)
        shorts = _per_venue((c for c in cells if c.key.market in self.sold), self.sell, max)
        for short, high in shorts.items():
            for long, low in longs.items():
                if self.same_venue or long != short:
                    yield Reading((coin, short, long), gross_pct(low, high), high, low)

    def is_seated(self, row: Row, key: Key) -> bool:
        return _has(row, key[1], self.sold) and _has(row, key[2], self.bought)


class Carry:
    """What holding two perpetuals pays by funding in 8 h, in percent, less the taker fees of a round trip. Rates that are
    not fresh say nothing. The price of a key is that of entering it: bid of the short leg, ask of the long one."""

    def __init__(self, terms: Terms) -> None:
        self._fees = terms.fees

    def may_reach(self, row: Row, limits: Limits) -> bool:
        rates = [rate for c in row.cells if c.key.market is Market.PERP and (rate := hourly(c)) is not None]
        return len(rates) > 1 and limits.reached((max(rates) - min(rates)) * HOURS * 100)

    def read(self, coin: str, cells: Sequence[Cell], now: float) -> Iterator[Reading]:
        perps = (c for c in cells if c.key.market is Market.PERP and funding_is_fresh(c, now))
        legs = [(rate, c) for c in perps if (rate := hourly(c)) is not None]
        longs = {c.key.venue: (rate, c) for rate, c in sorted(legs, key=_rate, reverse=True)}  # the lowest rate stays
        shorts = {c.key.venue: (rate, c) for rate, c in sorted(legs, key=_rate)}
        for short, (received, sell) in shorts.items():
            for long, (paid, buy) in longs.items():
                if short != long and buy.ask is not None and sell.bid is not None:
                    value = (received - paid) * HOURS * 100 - fees_pct(buy.key, sell.key, self._fees)
                    yield Reading((coin, short, long), value, sell.bid, buy.ask)

    def is_seated(self, row: Row, key: Key) -> bool:
        return _has(row, key[1], ONLY_PERP) and _has(row, key[2], ONLY_PERP)


class _Interval(NamedTuple):
    """Of one leg: the interval that is known, another one that was seen since with a rate below the threshold, in so many
    samples."""

    known: float
    seen: float
    small: int = 0


class Intervals:
    """Changes of funding intervals. A change is news until it was signalled, went back, or was seen in as many samples as
    a signal takes with a rate below the threshold; samples without the leg, pauses and cooldowns only delay it. Its value
    is the funding rate per 8 h in percent, without its sign. Both venues of a key are the leg's own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._legs: dict[LegKey, _Interval] = {}
        self._news: dict[Key, tuple[LegKey, float]] = {}  # what a key that fires now has told: leg, hours

    def may_reach(self, row: Row, limits: Limits) -> bool:
        if len(self._legs) > LEGS_KEPT:
            self._legs.clear()
        news = [self._is_news(cell) for cell in row.cells]  # all of them: it also learns
        return any(news)

    def _is_news(self, cell: Cell) -> bool:
        hours = cell.funding_interval_h
        if not hours:
            return False
        known = self._legs.setdefault(cell.key, _Interval(hours, hours)).known
        if known == hours:
            self._legs[cell.key] = _Interval(hours, hours)
        return known != hours

    def read(self, coin: str, cells: Sequence[Cell], now: float) -> Iterator[Reading]:
        for cell in cells:
            rate, hours = hourly(cell), cell.funding_interval_h
            if rate is not None and hours and funding_is_fresh(cell, now) and self._is_news(cell):
                was, value = self._legs[cell.key], abs(rate) * HOURS * 100
                key = (coin, cell.key.venue, cell.key.venue)
                if self._limits.reached(value):
                    self._news[key] = (cell.key, hours)
                    yield Reading(key, value, cell.bid or 0.0, cell.ask or 0.0, f"{was.known:g} h -> {hours:g} h")
                else:
                    self._pass_over(cell.key, was, hours)

    def _pass_over(self, leg: LegKey, was: _Interval, hours: float) -> None:
        small = was.small + 1 if was.seen == hours else 1
        done = small >= self._limits.samples
        self._legs[leg] = _Interval(hours, hours) if done else _Interval(was.known, hours, small)

    def heed(self, fired: Iterable[Key]) -> None:
        """These keys were signalled: what they told is known from now on."""
        for key in fired:
            leg, hours = self._news[key]
            self._legs[leg] = _Interval(hours, hours)
        self._news.clear()

    def is_seated(self, row: Row, key: Key) -> bool:
        return _has(row, key[1], ONLY_PERP)


def _has(row: Row, venue: str, markets: frozenset[Market]) -> bool:
    return any(c.key.venue == venue and c.key.market in markets for c in row.cells)


def _rate(leg: tuple[float, Cell]) -> float:
    return leg[0]


def _per_venue(cells: Iterable[Cell], price: str, better: Callable[[float, float], float]) -> dict[str, float]:
    """The best known price above zero of every venue. `price`: a field of a cell."""
    found: dict[str, float] = {}
    for cell in cells:
        value: float | None = getattr(cell, price)
        if value is not None and value > 0:
            venue = cell.key.venue
            found[venue] = better(found.get(venue, value), value)
    return found
