"""What spreads did in the last hours, in memory: for the pairs that are or lately were the best of a coin among those with
the widest spreads or looked at. Pure. Structural premium against dislocation: a spread that never closes has a z near 0."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nlargest

import msgspec

from frmon.board import Cell, Row
from frmon.model import LegKey, Market, Spread
from frmon.signals.kinds import sound
from frmon.signals.series import Series, Window
from frmon.spread import Terms, gross_pct

TOP_COINS = 200
MOST_COINS = 400
"""Coins looked at and on top together."""

MOST_PAIRS = 600
"""Beyond that, the pair that has not been the best of its coin for the longest time is forgotten. At 450 points in three
spans a pair takes some 11 kB."""

Side = tuple[str, Market]
Pair = tuple[str, Side, Side]
"""Coin, where it is bought, where it is sold."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One pair's past. `live_pct`: its executable gross spread at the last sample, None while a leg does not qualify.
    `windows`: 15 min, 1 h, 4 h. `z`: that of the hour, of the quarter of an hour while there is no more."""

    coin: str
    buy: Side
    sell: Side
    live_pct: float | None
    z: float | None
    windows: tuple[Window, ...]


class History:
    """The pasts of all pairs. One thread takes samples; others may read `z` and call `look` at any time."""

    def __init__(self, terms: Terms, every_s: float) -> None:
        self.z: Mapping[str, float] = {}  # coin -> z of its best pair, where known
        self._terms = terms
        self.every_s = every_s
        self._series: dict[Pair, Series] = {}  # the latest best last
        self._best: Mapping[str, Pair] = {}
        self._looks: dict[Pair, Past] = {}  # of this sample, replaced with the next

    def __len__(self) -> int:
        """How many pairs are remembered."""
        return len(self._series)

    def sample(self, rows: Sequence[Row], looked_at: Iterable[str], now: float, now_ms: int) -> None:
        """Take one sample of every pair at `now` (monotonic seconds). Best pairs are those of `Row.spread`."""
        board = {row.coin: row for row in rows}
        best = {row.coin: _pair(row.coin, spread) for row, spread in _chosen(rows, board, looked_at)}
        for pair in best.values():
            series = self._series.pop(pair, None)
            self._series[pair] = Series(self.every_s) if series is None else series
        self._forget(board)
        self._take(board, now, now_ms)
        self._best = best
        self._looks = {}
        self.z = {coin: z for coin, pair in best.items() if (z := self._series[pair].z()) is not None}

    def look(self, coin: str, buy: Side | None = None, sell: Side | None = None) -> Past | None:
        """The past of a coin's best pair, or of the pair that is named; None while it is not remembered. Computed at most
        once a sample."""
        pair = (coin, buy, sell) if buy is not None and sell is not None else self._best.get(coin)
        series = self._series.get(pair) if pair is not None else None
        if pair is None or series is None:
            return None
        looks = self._looks
        found = looks.get(pair)
        if found is None:
            found = looks[pair] = _past(pair, series)
        return found

    def _take(self, board: Mapping[str, Row], now: float, now_ms: int) -> None:
        cells: dict[str, list[Cell]] = {}
        for (coin, buy, sell), series in self._series.items():
            if coin not in cells:
                cells[coin] = sound(board[coin], self._terms, now, now_ms)
            series.take(_gross(cells[coin], buy, sell), now)

    def _forget(self, board: Collection[str]) -> None:
        """Pairs of coins that left, and the oldest of too many."""
        for pair in [p for p in self._series if p[0] not in board]:
            del self._series[pair]
        while len(self._series) > MOST_PAIRS:
            del self._series[next(iter(self._series))]


def _chosen(rows: Sequence[Row], board: Mapping[str, Row], looked_at: Iterable[str]) -> list[tuple[Row, Spread]]:
    """The rows to remember, with their best pairs."""
    spreads = [(row, spread) for row in rows if (spread := row.spread) is not None]
    top = nlargest(TOP_COINS, spreads, key=lambda found: found[1].gross_pct)
    seen = [(row, spread) for coin in looked_at if (row := board.get(coin)) and (spread := row.spread) is not None]
    return list({row.coin: (row, spread) for row, spread in (*top, *seen)}.values())[:MOST_COINS]


def _pair(coin: str, spread: Spread) -> Pair:
    return coin, _side(spread.buy), _side(spread.sell)


def _side(key: LegKey) -> Side:
    return key.venue, key.market


def _gross(cells: Iterable[Cell], buy: Side, sell: Side) -> float | None:
    """The executable spread between two sides, of the best leg where one has several."""
    low = min((c.ask for c in cells if _side(c.key) == buy and c.ask is not None), default=None)
    high = max((c.bid for c in cells if _side(c.key) == sell and c.bid is not None), default=None)
    return None if low is None or high is None else gross_pct(low, high)


def _past(pair: Pair, series: Series) -> Past:
    live = series.live
    windows = tuple(tier.window(live) for tier in series.tiers)
    z = next((w.z for w in (windows[1], windows[0]) if w.z is not None), None)
    return Past(coin=pair[0], buy=pair[1], sell=pair[2], live_pct=live, z=z, windows=windows)
