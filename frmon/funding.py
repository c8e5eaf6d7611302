"""What funding pays, when and to whom: pure. A positive rate is what longs pay shorts at a settlement, as a fraction of the
position. `Cell.funding_rate` is the prediction for the coming settlement, `Cell.settled_rate` what the last one paid: two
numbers that are never mixed. Nothing is assumed about intervals: unknown stays unknown."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from math import inf

import msgspec

from frmon.board import Cell, Row
from frmon.model import LegKey, Market, Spread
from frmon.spread import hourly

HOUR_MS = 3_600_000
DEAD_BAND = 1e-5
"""A rate per interval nearer to zero than this (0.001 %) has no sign."""

SLACK_MS = 60_000
"""How far our wall clock may be behind a venue's when it says that a settlement was."""

MAX_AGE_S = 600.0
"""A predicted rate that nobody confirmed for longer is not current: venues state theirs every 1 to 90 s on streams, and in
every REST reply."""

MAX_QUIET_S = 32_400.0
"""How long silence on a live stream that pushes changes confirms a rate: rates at their default stay the same from one
settlement to the next, 8 h, and an hour is for what may be late."""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The predicted rate of one leg in comparable units, in percent of the position."""

    per_hour_pct: float
    per_8h_pct: float
    apr_pct: float  # per 8760 hours, not compounded


def rates(cell: Cell) -> Rates | None:
    """The predicted rate by hour, 8 hours and year; zeros for spot, None while rate or interval is unknown."""
    rate = hourly(cell)
    return None if rate is None else Rates(per_hour_pct=rate * 100, per_8h_pct=rate * 800, apr_pct=rate * 876_000)


def funding_is_fresh(cell: Cell, now: float) -> bool:
    """Whether a leg's predicted rate was confirmed at most `MAX_AGE_S` before `now` (monotonic): stated, repeated by a REST
    reply, or unchanged on a live stream that pushes changes. Always true for spot, which pays nothing."""
    return cell.key.market is Market.SPOT or now - cell.funding.confirmed_at(now, MAX_QUIET_S) <= MAX_AGE_S


def interval_ms(cell: Cell) -> int | None:
    """Time between two settlements; None while unknown."""
    return _millis(cell.funding_interval_h)


def next_settlement_ms(cell: Cell, now_ms: int) -> int | None:
    """The first settlement after now, Unix ms: as the venue states it, or whole intervals later while it still states one
    that has passed. None while unknown, and for spot."""
    due = cell.next_funding_ms
    if due is None or due > now_ms:
        return due
    step = interval_ms(cell)
    return None if step is None else due + ((now_ms - due) // step + 1) * step


def countdown_s(cell: Cell, now_ms: int) -> float | None:
    """Seconds to the next settlement: above zero and at most one interval, even if our clock is behind the venue's."""
    due = next_settlement_ms(cell, now_ms)
    if due is None:
        return None
    return min(due - now_ms, interval_ms(cell) or inf) / 1000


def settlements(cell: Cell, now_ms: int, until_ms: int) -> range | None:
    """The times (Unix ms) at which a leg settles in (now, until]; none for spot, None while they are unknown."""
    if cell.key.market is Market.SPOT:
        return range(0)
    due = next_settlement_ms(cell, now_ms)
    if due is None:
        return None
    if due >= until_ms:
        return range(due, until_ms + 1)
    step = interval_ms(cell)
    return None if step is None else range(due, until_ms + 1, step)


def carry(buy: Cell, sell: Cell, now_ms: int, horizon_ms: int) -> float | None:
    """What the holder of long `buy`, short `sell` receives in (now, now + horizon] as a fraction of the position: each
    leg's own settlements at its predicted rate, as if that stayed. None while a rate or time that it needs is unknown."""
    paid = _flow(buy, now_ms, now_ms + horizon_ms)
    received = _flow(sell, now_ms, now_ms + horizon_ms)
    return None if paid is None or received is None else received - paid


class Carries(msgspec.Struct, frozen=True, kw_only=True):
    """Carry of a pair by its settlement schedule, fractions of the position; None where unknown."""

    next_ms: int | None  # the first settlement of either leg; None also for two spot legs
    to_next: float | None  # up to and with that settlement
    in_8h: float | None
    in_24h: float | None


def carries(buy: Cell, sell: Cell, now_ms: int, now: float | None = None) -> Carries:
    """Carry to the usual horizons; nothing is known where a rate is not fresh at `now` (monotonic; None: do not ask)."""
    if now is not None and not (funding_is_fresh(buy, now) and funding_is_fresh(sell, now)):
        return Carries(next_ms=None, to_next=None, in_8h=None, in_24h=None)
    due = first_settlement_ms(buy, sell, now_ms)
    return Carries(
        next_ms=due,
        to_next=carry(buy, sell, now_ms, 0 if due is None else due - now_ms),
        in_8h=carry(buy, sell, now_ms, 8 * HOUR_MS),
        in_24h=carry(buy, sell, now_ms, 24 * HOUR_MS),
    )


def first_settlement_ms(buy: Cell, sell: Cell, now_ms: int) -> int | None:
    """When either perp of a pair settles next; None while one of them is unknown, and for two spot legs."""
    dues = [next_settlement_ms(c, now_ms) for c in (buy, sell) if c.key.market is Market.PERP]
    known = [due for due in dues if due is not None]
    return min(known) if known and len(known) == len(dues) else None


def break_even_hold_h(spread: Spread) -> float | None:
    """Hours of carry that pay for entry, exit and fees if the spread stays as it is. 0 where nothing is to be paid for,
    infinite where the carry is not positive, None while it is unknown."""
    exit_pct = spread.exit_pct
    return None if exit_pct is None else _hours(spread.fees_pct - spread.gross_pct + exit_pct, spread.carry_per_hour)


def break_even_converge_h(spread: Spread) -> float | None:
    """As `break_even_hold_h`, if the spread goes to zero."""
    return _hours(spread.fees_pct - spread.gross_pct, spread.carry_per_hour)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The widest funding difference of a coin: what long `low`, short `high` receives, in percent per 8 hours."""

    pct: float
    high: LegKey
    low: LegKey


def is_known(cell: Cell) -> bool:
    """Whether a leg's funding may be compared: not quarantined, not halted."""
    return not (cell.leg.quarantine or cell.leg.halted)


def difference_8h(row: Row, fit: Callable[[Cell], bool] = is_known) -> Difference | None:
    """Highest minus lowest predicted funding per 8 h over the coin's perps that `fit`, among equals the alphabetically
    first; None while fewer than two are known."""
    perps = (c for c in row.cells if c.key.market is Market.PERP and fit(c))
    known = {c.key: rate for c in perps if (rate := hourly(c)) is not None}
    if len(known) < 2:
        return None
    high = max(known, key=known.__getitem__)
    top = known.pop(high)
    low = min(known, key=known.__getitem__)
    return Difference(pct=(top - known[low]) * 800, high=high, low=low)


class Change(StrEnum):
    """What happened to a leg's funding."""

    INTERVAL = "interval"  # before and after: hours
    FLIP = "flip"  # the prediction changed its sign; before: the last with the old sign outside the dead band
    SETTLEMENT = "settlement"  # before: what was paid, after: the prediction for the next


class FundingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to one leg's funding; rates are fractions per interval."""

    kind: Change
    coin: str
    key: LegKey
    at_ms: int  # of a settlement when it was due, of all else when it was noticed
    before: float | None
    after: float | None
    stated: bool = True  # False: what was paid is the last prediction seen before, not the venue's word
    interval_h: float | None = None  # which a settlement ended, None while unknown


class Watcher:
    """Turns looks at the board into events. Remembers only the perps of the last look."""

    def __init__(self, dead_band: float = DEAD_BAND) -> None:
        self._dead_band = dead_band
        self._memories: dict[LegKey, _Memory] = {}

    def __len__(self) -> int:
        """How many legs are remembered."""
        return len(self._memories)

    def look(self, rows: Iterable[Row], now_ms: int) -> list[FundingEvent]:
        """What happened since the last look at all rows of the board, in their order. A leg's first look tells nothing,
        and a leg that is missing from a look is forgotten."""
        before, self._memories = self._memories, {}
        events: list[FundingEvent] = []
        for row in rows:
            for cell in row.cells:
                if cell.key.market is Market.PERP:
                    memory = self._memories[cell.key] = before.get(cell.key) or _Memory()
                    if memory.version != cell.version:
                        memory.version = cell.version
                        events += memory.look(cell, now_ms, self._dead_band)
        return events


class _Memory:
    """What is remembered of one leg."""

    __slots__ = ("due", "interval", "passed", "rate", "side", "side_rate", "version")

    def __init__(self) -> None:
        self.version = -1
        self.interval: float | None = None
        self.due: int | None = None  # the settlement that the venue stated last
        self.passed = 0  # the last settlement that was told
        self.rate: float | None = None  # the prediction for `due`, as it stood when that came
        self.side = 0  # sign of the rate when it was outside the dead band last
        self.side_rate: float | None = None

    def look(self, cell: Cell, now_ms: int, dead_band: float) -> Iterator[FundingEvent]:
        yield from self._settlement(cell, now_ms)
        yield from self._interval(cell, now_ms)
        yield from self._flip(cell, now_ms, dead_band)

    def _settlement(self, cell: Cell, now_ms: int) -> Iterator[FundingEvent]:
        """The stated next settlement went on past one whose time, by our clock or the venue's, has come. A time that is
        only moved is none; one that goes back to what has passed is from an older reply and is not believed."""
        due, old = cell.next_funding_ms, self.due
        if due is not None and due != old and (old is None or due > old or due > (cell.next_ms or now_ms)):
            come_ms = max(now_ms, cell.next_ms) + SLACK_MS
            if old is not None and due > old and self.passed < old <= come_ms:
                yield self._settled(cell, old, come_ms)
            self.due = due
            self.rate = None
        if self.rate is None or self.due is None or (cell.rate_ms or now_ms) < self.due:
            self.rate = cell.funding_rate

    def _settled(self, cell: Cell, old: int, come_ms: int) -> FundingEvent:
        """Of several settlements that were missed, the last; what it paid is then unknown unless the venue says."""
        step = _millis(self.interval)
        assert cell.next_funding_ms is not None
        last_ms = min(come_ms, cell.next_funding_ms - 1)
        at_ms = old if step is None else old + (last_ms - old) // step * step
        self.passed = at_ms
        stated = cell.settled_rate is not None and cell.settled_ms >= cell.next_ms
        before = cell.settled_rate if stated else self.rate if at_ms == old else None
        event = _event(Change.SETTLEMENT, cell, at_ms, (before, cell.funding_rate), stated)
        return msgspec.structs.replace(event, interval_h=self.interval)

    def _interval(self, cell: Cell, now_ms: int) -> Iterator[FundingEvent]:
        new, old = cell.funding_interval_h, self.interval
        if new is not None and new != old:
            self.interval = new
            if old is not None:
                yield _event(Change.INTERVAL, cell, now_ms, (old, new))

    def _flip(self, cell: Cell, now_ms: int, dead_band: float) -> Iterator[FundingEvent]:
        rate = cell.funding_rate
        if rate is None or rate == 0 or abs(rate) < dead_band:
            return
        side = 1 if rate > 0 else -1
        if self.side == -side:
            yield _event(Change.FLIP, cell, now_ms, (self.side_rate, rate))
        self.side, self.side_rate = side, rate


def _event(
    kind: Change, cell: Cell, at_ms: int, change: tuple[float | None, float | None], stated: bool = True
) -> FundingEvent:
    before, after = change
    return FundingEvent(
        kind=kind, coin=cell.leg.coin, key=cell.key, at_ms=at_ms, before=before, after=after, stated=stated
    )


def _flow(cell: Cell, now_ms: int, until_ms: int) -> float | None:
    """What a long pays in (now, until]."""
    times = settlements(cell, now_ms, until_ms)
    if times is None:
        return None
    if not times:
        return 0.0
    return None if cell.funding_rate is None else cell.funding_rate * len(times)


def _millis(hours: float | None) -> int | None:
    if hours is None or not 0 < hours < inf:
        return None
    return round(hours * HOUR_MS) or None


def _hours(cost_pct: float, carry_per_hour: float | None) -> float | None:
    if carry_per_hour is None:
        return None
    if cost_pct <= 0:
        return 0.0
    return cost_pct / 100 / carry_per_hour if carry_per_hour > 0 else inf
