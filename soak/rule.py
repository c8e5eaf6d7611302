"""The signal rule once more, sample by sample, from its wording in plain floats: what the program should have signalled of
what its samples saw. Nothing of the program's own rules is used, only its cells as data."""

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations
from typing import NamedTuple

from frmon.board import Cell, Row

EPSILON = 1e-9
FOREVER_S = 900.0
AGREE = 1.05
OFF = 0.2

Key = tuple[str, str, str]
"""Coin, short venue, long venue."""


class Wanted(NamedTuple):
    """The rule's figures: percent and seconds."""

    threshold: float
    close: float
    samples: int
    gap_s: float
    cooldown_s: float
    max_age_s: float
    max_quiet_s: float


class _Life:
    """What is remembered of one key."""

    __slots__ = ("fired_at", "open", "seen_at", "wide")

    def __init__(self) -> None:
        self.wide: list[float] = []  # times of the last samples, all wide, without a gap
        self.fired_at = float("-inf")
        self.open = False
        self.seen_at = 0.0


class Rule:
    """`see` is told every sample before the program judges it; `due` then holds the keys that must signal."""

    def __init__(self, wanted: Wanted, venues: Iterable[str]) -> None:
        self.wanted = wanted
        self.due: set[Key] = set()
        self.samples = 0
        self._pairs = list(permutations(sorted(venues), 2))
        self._lives: dict[Key, _Life] = {}

    def see(self, rows: Sequence[Row], now: float, now_ms: int) -> None:
        """One sample."""
        self.samples += 1
        self.due = set()
        seen = {row.coin for row in rows}
        for row in rows:
            legs = self._fit(row.cells, now, now_ms)
            seated = {c.key.venue for c in row.cells if c.key.market == "perp"}
            followed = any((row.coin, *pair) in self._lives for pair in self._pairs)
            if followed or _is_wide(legs, self.wanted.close):
                for pair in self._pairs:
                    self._judge((row.coin, *pair), legs, seated, now)
        for key in [k for k in self._lives if k[0] not in seen]:
            self._judge(key, [], set(), now)

    def _judge(self, key: Key, legs: Sequence[Cell], seated: set[str], now: float) -> None:
        gross = _gross(legs, key[1], key[2])
        wide = gross is not None and gross >= self.wanted.threshold - EPSILON
        life = self._lives.get(key)
        if life is None:
            if not wide:
                return
            life = self._lives[key] = _Life()
        if life.wide and now - life.wide[-1] >= self.wanted.gap_s:
            life.wide = []
        life.wide = [*life.wide, now][-self.wanted.samples :] if wide else []
        was_open = life.open
        self._follow(life, gross, set(key[1:]) <= seated, now)
        # An episode that just closed cannot open again with the same sample, unless it closed for want of news.
        if len(life.wide) == self.wanted.samples and not (was_open and life.open) and self._is_cool(life, now):
            self.due.add(key)
            life.fired_at, life.open, life.seen_at = now, True, now
        if not life.open and not life.wide and self._is_cool(life, now):
            del self._lives[key]

    def _is_cool(self, life: _Life, now: float) -> bool:
        return now - life.fired_at >= self.wanted.cooldown_s

    def _follow(self, life: _Life, gross: float | None, seated: bool, now: float) -> None:
        if not life.open:
            return
        if now - life.seen_at > FOREVER_S or (gross is None and not seated):
            life.open = False
        elif gross is not None:
            life.seen_at = now
            life.open = gross >= self.wanted.close - EPSILON

    def _fit(self, cells: Sequence[Cell], now: float, now_ms: int) -> list[Cell]:
        sane = [c for c in cells if self._is_allowed(c, now, now_ms) and c.bid and c.ask and c.bid <= c.ask]
        return [c for c in sane if not _is_outlier(c, [o for o in sane if o is not c])]

    def _is_allowed(self, cell: Cell, now: float, now_ms: int) -> bool:
        """Fresh by the contract's words, trading, not quarantined."""
        leg, quote = cell.leg, cell.quote
        if leg.quarantine or leg.halted or (leg.off_ms is not None and leg.off_ms <= now_ms):
            return False
        confirmed, by = quote.at, quote.by
        if by is not None and by.source == "ws":
            if not by.live or by.generation != quote.generation:
                return False  # what a connection said ends with it
            if by.pushes_changes and now - quote.at <= self.wanted.max_quiet_s:
                confirmed = max(confirmed, by.heard_at)
        return now - confirmed <= self.wanted.max_age_s


def _middle(cell: Cell) -> float:
    assert cell.bid is not None
    assert cell.ask is not None
    return (cell.bid + cell.ask) / 2


def _is_outlier(cell: Cell, others: Sequence[Cell]) -> bool:
    prices = sorted(map(_middle, others))
    if len(prices) < 2 or prices[-1] > prices[0] * AGREE:
        return False
    half = len(prices) // 2
    median = prices[half] if len(prices) % 2 else (prices[half - 1] + prices[half]) / 2
    return abs(_middle(cell) - median) > median * OFF


def _gross(legs: Sequence[Cell], short: str, long: str) -> float | None:
    perps = [c for c in legs if c.key.market == "perp"]
    high = max((c.bid for c in perps if c.key.venue == short and c.bid), default=None)
    low = min((c.ask for c in perps if c.key.venue == long and c.ask), default=None)
    return None if high is None or low is None else (high - low) / low * 100


def _is_wide(legs: Sequence[Cell], percent: float) -> bool:
    perps = [c for c in legs if c.key.market == "perp"]
    high = max((c.bid for c in perps if c.bid), default=0.0)
    low = min((c.ask for c in perps if c.ask), default=0.0)
    return bool(low) and (high - low) / low * 100 >= percent


Sampled = Callable[[Sequence[Row], float, int], None]
