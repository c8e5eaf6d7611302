"""The rule that turns spreads into signals: pure. One `Rule` lives as long as the engine and is handed a sample of the
board at every step of the program's monotonic clock.

A key is (coin, short venue, long venue), for every ordered pair of different venues. Its spread at a sample is that of
the best combination of legs which qualify: lowest price among the long venue's legs, highest among the short venue's.
Spot is never sold, since that needs a borrow, unless `Terms.allow_borrow` says so. A venue without a qualifying leg
resets all its keys.
"""

from collections.abc import Callable, Iterable, Iterator
from math import isfinite

from frmon.board import Cell, Row
from frmon.config import SignalSettings
from frmon.model import Market, Signal
from frmon.spread import Terms, gross_pct, qualifies

EPSILON_PCT = 1e-9
"""Percent points by which a spread may miss the threshold: 100.6 over 100.0 is 0.6 %, whatever binary floats say."""

EPSILON_S = 1e-9

Key = tuple[str, str, str]
"""Coin, short venue, long venue."""

_Wide = tuple[Key, float, float, float]


class _Run:
    """What is remembered of one key: samples in a row at or above the threshold, and its last signal."""

    __slots__ = ("at", "length", "open", "signalled_at")

    def __init__(self) -> None:
        self.length = 0
        self.at = 0.0
        self.open = False  # an episode is on
        self.signalled_at = float("-inf")

    def extend(self, now: float, max_gap_s: float) -> None:
        self.length = self.length + 1 if now - self.at < max_gap_s else 1
        self.at = now

    def end(self) -> None:
        self.length = 0
        self.open = False


class Rule:
    """The seed's rule with its state. Remembers only keys that are wide now or cool down."""

    def __init__(self, settings: SignalSettings, terms: Terms) -> None:
        self.settings = settings
        self.terms = terms
        self._runs: dict[Key, _Run] = {}
        self._markets = frozenset(settings.markets)
        self._sold = self._markets if terms.allow_borrow else self._markets - {Market.SPOT}
        executable = settings.basis == "executable"
        self._ask: _Price = _ask if executable else _last
        self._bid: _Price = _bid if executable else _last

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._runs)

    def sample(self, rows: Iterable[Row], now: float, now_ms: int) -> list[Signal]:
        """Take one sample of every coin at `now` (monotonic seconds); `now_ms` (wall clock) dates the signals and decides
        what is delisted, nothing else. Returns the signals that fire, in the order of the rows."""
        wide = {w[0]: w for row in rows for w in self._wide(row, now, now_ms)}
        self._end_others(wide, now)
        return [_signal(w, now_ms) for w in wide.values() if self._fires(w[0], now)]

    def _fires(self, key: Key, now: float) -> bool:
        settings = self.settings
        run = self._runs.setdefault(key, _Run())
        run.extend(now, settings.max_gap_s)
        if run.length < settings.samples or run.open or not self._is_cool(run, now):
            return False
        run.signalled_at = now
        run.open = settings.basis == "executable"
        return True

    def _is_cool(self, run: _Run, now: float) -> bool:
        return now - run.signalled_at >= self.settings.cooldown_s - EPSILON_S

    def _end_others(self, wide: dict[Key, _Wide], now: float) -> None:
        for key in self._runs.keys() - wide.keys():
            run = self._runs[key]
            run.end()
            if self._is_cool(run, now):
                del self._runs[key]

    def _wide(self, row: Row, now: float, now_ms: int) -> Iterator[_Wide]:
        """The keys of a coin whose spread is at or above the threshold, with spread and both prices."""
        limit = self.settings.threshold_pct - EPSILON_PCT
        if not self._may_be_wide(row.cells, limit):
            return
        cells = [c for c in row.cells if c.key.market in self._markets and qualifies(c, self.terms, now, now_ms)]
        longs = _per_venue(cells, self._ask, min)
        shorts = _per_venue((c for c in cells if c.key.market in self._sold), self._bid, max)
        for short, high in shorts.items():
            for long, low in longs.items():
                spread = gross_pct(low, high)
                if long != short and spread >= limit and isfinite(spread):
                    yield (row.coin, short, long), spread, high, low

    def _may_be_wide(self, cells: list[Cell], limit: float) -> bool:
        """Whether any two prices are far enough apart, qualified or not: spares most rows the closer look."""
        low = min((p for c in cells if (p := self._ask(c)) is not None and p > 0), default=None)
        high = max((p for c in cells if (p := self._bid(c)) is not None), default=None)
        return low is not None and high is not None and gross_pct(low, high) >= limit


_Price = Callable[[Cell], float | None]


def _ask(cell: Cell) -> float | None:
    return cell.ask


def _bid(cell: Cell) -> float | None:
    return cell.bid


def _last(cell: Cell) -> float | None:
    return cell.last


def _per_venue(cells: Iterable[Cell], price: _Price, better: Callable[[float, float], float]) -> dict[str, float]:
    """The best known price above zero of every venue."""
    found: dict[str, float] = {}
    for cell in cells:
        value = price(cell)
        if value is not None and value > 0:
            venue = cell.key.venue
            found[venue] = better(found.get(venue, value), value)
    return found


def _signal(wide: _Wide, now_ms: int) -> Signal:
    (coin, short, long), spread, price_short, price_long = wide
    return Signal(
        symbol=coin,
        short_exchange=short,
        long_exchange=long,
        spread_percent=spread,
        price_short=price_short,
        price_long=price_long,
        observed_at=iso(now_ms),
        observed_ms=now_ms,
    )


def iso(ms: int) -> str:
    """Unix milliseconds as ISO 8601 UTC with milliseconds: 2026-11-22T05:33:00.123Z. Proleptic Gregorian calendar."""
    days, rest = divmod(ms, 86_400_000)
    year, month, day = _civil(days)
    seconds, milli = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month, day of a number of days since 1970-01-01. Years are counted from March, so that the leap day is last;
    146,097 days are the 400 years after which the calendar repeats."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    from_march = (5 * day_of_year + 2) // 153
    month = from_march + 3 if from_march < 10 else from_march - 9
    return era * 400 + year + (month <= 2), month, day_of_year - (153 * from_march + 2) // 5 + 1
