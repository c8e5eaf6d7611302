"""What spreads did in the last hours, in memory: the best spread, whatever pair makes it, of the coins that are or lately
were among the widest or looked at; and of the latter the pairs that made it. Outliers make none. Pure. Structural premium
against dislocation: a spread that never closes has a z near 0, one that jumps has a large one, also if another pair makes it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from typing import TypeVar

import msgspec

from frmon.board import Cell, Row
from frmon.model import LegKey, Market, Spread
from frmon.signals.kinds import sound
from frmon.signals.series import Held, Series, Window
from frmon.spread import Terms, best_of, gross_pct

TOP_COINS = 200
MOST_COINS = 400
"""Beyond that, the coin that has not been on top or looked at for the longest time is forgotten. At 450 points, lows and
highs in three spans a spread takes some 33 kB."""

MOST_PAIRS = 100
"""Beyond that, the pair that has not been the best of a coin looked at for the longest time is forgotten."""

Side = tuple[str, Market]
Pair = tuple[str, Side, Side]
"""Coin, where it is bought, where it is sold."""

K = TypeVar("K")


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """The past of a coin's best spread, `buy` and `sell` being the pair that makes it now, or of one pair. `live_pct`: the
    executable gross spread at the last sample, None while a leg does not qualify. `windows`: 15 min, 1 h, 4 h. `z`: that of
    the hour, of the quarter of an hour while there is no more."""

    coin: str
    buy: Side
    sell: Side
    live_pct: float | None
    z: float | None
    windows: tuple[Window, ...]


class History:
    """All pasts. One thread takes samples; others may read `z` and call `look` at any time."""

    def __init__(self, terms: Terms, every_s: float) -> None:
        self.z: Mapping[str, float] = {}  # coin -> z of its best spread, where known
        self._terms = terms
        self.every_s = every_s
        self._coins: dict[str, Series] = {}  # the latest chosen last
        self._pairs: dict[Pair, Series] = {}  # the latest best last
        self._best: Mapping[str, Pair] = {}
        self._looks: dict[tuple[Pair, bool], Past] = {}  # of this sample, replaced with the next

    def __len__(self) -> int:
        """How many spreads are remembered."""
        return len(self._coins) + len(self._pairs)

    def sample(self, rows: Sequence[Row], looked_at: Iterable[str], now: float, now_ms: int) -> None:
        """Take one sample of every spread at `now` (monotonic seconds). What is widest is told by `Row.spread`."""
        board = {row.coin: row for row in rows}
        seen = [coin for coin in looked_at if coin in board][:MOST_COINS]
        for coin in (*_widest(rows), *seen):
            _refresh(self._coins, coin, self.every_s)
        self._forget(board)
        cells = {
            coin: sound(board[coin], self._terms, now, now_ms) for coin in {*self._coins, *(p[0] for p in self._pairs)}
        }
        best = self._take_coins(cells, now)
        for pair in (best[coin] for coin in seen if coin in best):
            _refresh(self._pairs, pair, self.every_s)
        _trim(self._pairs, MOST_PAIRS)
        for (coin, buy, sell), series in self._pairs.items():
            series.take(_gross(cells[coin], buy, sell), now)
        self._best = best
        self._looks = {}
        self.z = {coin: z for coin, series in self._coins.items() if (z := series.z()) is not None}

    def recall(self, coin: str, past: Sequence[Held], now: float) -> None:
        """Begin with what is remembered of a coin's best spread from before the program was started, minute by minute: the
        last value stands for the whole of it, `low` and `high` are of what is known. Means and deviations are then those
        of one sample a minute; half-lives below a minute are not seen."""
        series = self._coins.get(coin)
        if series is None:
            series = self._coins[coin] = Series(self.every_s)
        series.recall(past, now)

    def look(self, coin: str, buy: Side | None = None, sell: Side | None = None) -> Past | None:
        """The past of a coin's best spread, or of the pair that is named; None while it is not remembered, or nothing makes
        it. Computed at most once a sample."""
        named = buy is not None and sell is not None
        pair = (coin, buy, sell) if buy is not None and sell is not None else self._best.get(coin)
        if pair is None:
            return None
        series = self._pairs.get(pair) if named else self._coins.get(coin)
        if series is None:
            return None
        looks = self._looks
        found = looks.get((pair, named))
        if found is None:
            found = looks[pair, named] = _past(pair, series)
        return found

    def series(self, coin: str) -> Series | None:
        """What a coin's best spread was, sample by sample; None while it is not remembered."""
        return self._coins.get(coin)

    def counts(self) -> Iterator[tuple[str, int]]:
        """Coin -> how many points of its best spread are remembered."""
        for coin, series in list(self._coins.items()):
            yield coin, sum(len(tier.points) for tier in series.tiers)

    def _take_coins(self, cells: Mapping[str, Sequence[Cell]], now: float) -> dict[str, Pair]:
        """Sample the best spread of every coin; returns the pairs that make them."""
        best = {}
        for coin, series in self._coins.items():
            spread = best_of(cells[coin], self._terms)
            series.take(None if spread is None else spread.gross_pct, now)
            if spread is not None:
                best[coin] = _pair(coin, spread)
        return best

    def _forget(self, board: Collection[str]) -> None:
        """What left the board, and the oldest of too many."""
        for coin in self._coins.keys() - set(board):
            del self._coins[coin]
        for pair in [p for p in self._pairs if p[0] not in board]:
            del self._pairs[pair]
        _trim(self._coins, MOST_COINS)


def _widest(rows: Iterable[Row]) -> list[str]:
    spreads = [(spread.gross_pct, row.coin) for row in rows if (spread := row.spread) is not None]
    return [coin for _, coin in nlargest(TOP_COINS, spreads)]


def _refresh(kept: dict[K, Series], key: K, every_s: float) -> None:
    """Remember this one, as the latest."""
    series = kept.pop(key, None)
    kept[key] = Series(every_s) if series is None else series


def _trim(kept: dict[K, Series], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]


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
