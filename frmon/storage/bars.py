"""What is kept of a leg and of a coin per minute, and how minutes become quarters of an hour and hours: pure.

`start` is the number of minutes since 1970-01-01 UTC, of a bar's first minute. Prices are USDT per one coin.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol, TypeVar

MINUTE_MS = 60_000
STEPS = (1, 15, 60)
"""Minutes of one bar, as they are kept: a minute, a quarter of an hour, an hour."""


class Bar(NamedTuple):
    """One leg in one minute or more. Mids were looked at once a second while the leg was fresh; a minute in which it never
    was has no bar. `bid` to `rate`: as last seen in the bar, None where the venue says nothing of the kind; `updates`: how
    many changes were merged into it."""

    start: int
    open: float
    high: float
    low: float
    close: float
    bid: float
    ask: float
    mark_price: float | None
    index_price: float | None
    rate: float | None  # funding, fraction per interval
    updates: int


class Gap(NamedTuple):
    """The best executable gross spread of one coin in one minute or more, in percent: the largest, the mean over the
    seconds in which there was one, the last, and the number of the pair that made the last."""

    start: int
    most: float
    mean: float
    last: float
    pair: int
    seconds: int


class Started(Protocol):
    """Whatever begins at a minute."""

    @property
    def start(self) -> int:
        """Minutes since 1970."""
        ...


S = TypeVar("S", bound=Started)


def minute_of(ms: int) -> int:
    """The minute in which a moment lies."""
    return ms // MINUTE_MS


def roll_bars(bars: Iterable[Bar], step: int) -> list[Bar]:
    """Coarser bars of bars in the order of time. To roll twice is the same as to roll once."""
    return [_whole_bar(start, parts) for start, parts in _grouped(bars, step)]


def roll_gaps(gaps: Iterable[Gap], step: int) -> list[Gap]:
    """Coarser spreads of spreads in the order of time."""
    return [_whole_gap(start, parts) for start, parts in _grouped(gaps, step)]


def _grouped(parts: Iterable[S], step: int) -> Iterator[tuple[int, list[S]]]:
    for number, group in groupby(parts, key=lambda part: part.start // step):
        yield number * step, list(group)


def _whole_bar(start: int, parts: Sequence[Bar]) -> Bar:
    if len(parts) == 1:
        return parts[0]._replace(start=start)
    _, opens, highs, lows, closes, bids, asks, marks, indices, rates, updates = zip(*parts, strict=True)
    mark, index, rate = _latest(marks), _latest(indices), _latest(rates)
    ends = opens[0], max(highs), min(lows), closes[-1], bids[-1], asks[-1]
    return Bar(start, *ends, mark, index, rate, sum(updates))


def _whole_gap(start: int, parts: Sequence[Gap]) -> Gap:
    if len(parts) == 1:
        return parts[0]._replace(start=start)
    seconds = sum(p.seconds for p in parts)
    mean = sum(p.mean * p.seconds for p in parts) / seconds if seconds else parts[-1].mean
    return Gap(start, max(p.most for p in parts), mean, parts[-1].last, parts[-1].pair, seconds)


def _latest(values: Sequence[float | None]) -> float | None:
    """The last that is known."""
    if values[-1] is not None:
        return values[-1]
    return next((v for v in reversed(values) if v is not None), None)
