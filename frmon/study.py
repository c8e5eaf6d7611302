"""What the order books of one coin say, while somebody looks at it: fills of both sides of every leg, and how much the
best pair takes."""

import asyncio
from collections.abc import Mapping

import msgspec

from frmon.board import Board
from frmon.clock import Clock
from frmon.feeds.depth import Depths, Sight
from frmon.ladder import Capacity, Fill, capacity, comparable_usdt, fill, is_first_thinner
from frmon.model import Book, LegKey, Spread
from frmon.spread import Terms

SIZES = (1_000.0, 10_000.0, 50_000.0)
"""USDT for which fills are computed."""

BEAT_S = 0.25


class LegDepth(msgspec.Struct, frozen=True, kw_only=True):
    """One leg. `buys` and `sells`: market orders of each of `SIZES`, empty while there is no book; `age_s`: of the book,
    from when it was asked for; `why`: what is wrong now, in words, "" = nothing. Prices in USDT per coin."""

    key: LegKey
    age_s: float | None
    why: str
    buys: tuple[Fill, ...] = ()
    sells: tuple[Fill, ...] = ()
    bids: int = 0  # levels that are known ...
    asks: int = 0
    levels: int = 0  # ... of so many that the venue tells at most: fewer are the whole side (0: not known)


class PairDepth(msgspec.Struct, frozen=True, kw_only=True):
    """The coin's best pair. Capacities at a gross edge of 0 %, of the fees of a round trip (`break_even`) and of the
    signal's threshold; None, with the reason in `why`, while one of both books is missing or old. `thinner`: the leg that
    gives way first for the largest of `SIZES`, or for `compared_usdt` where a book that the venue cut ends before it; None
    = neither does for so much."""

    buy: LegKey
    sell: LegKey
    why: str
    fees_pct: float
    any_edge: Capacity | None = None
    break_even: Capacity | None = None
    threshold: Capacity | None = None
    thinner: LegKey | None = None
    compared_usdt: float = SIZES[-1]


class CoinDepth(msgspec.Struct, frozen=True, kw_only=True):
    """A coin's depth at one moment. `pair`: None while it has no best pair; `why`: why nobody is asked, "" = they are."""

    coin: str
    at_ms: int
    legs: tuple[LegDepth, ...]
    pair: PairDepth | None
    why: str = ""


class Study:
    """The coin that is looked at. `coin` may be set and `depth` read from any thread; `refresh` belongs on the engine's
    loop."""

    def __init__(self, board: Board, terms: Terms, threshold_pct: float, clock: Clock) -> None:
        self.coin: str | None = None  # None: nothing is looked at
        self.depth: CoinDepth | None = None
        self._board = board
        self._terms = terms
        self._threshold_pct = threshold_pct
        self._clock = clock
        self._depths: Depths | None = None
        self._looked_at = asyncio.Event()  # set while there is a coin

    def refresh(self) -> None:
        """Mind what `coin` is now: at once."""
        if self.coin is None:
            self._looked_at.clear()
        else:
            self._looked_at.set()
        self.depth = None if self._depths is None else self._look(self._depths, self.coin)

    async def run(self, depths: Depths) -> None:
        """Keep `depth` up to date, for ever; rests while there is no coin. Ends `depths` with itself."""
        self._depths = depths
        try:
            while True:
                self.refresh()
                await self._looked_at.wait()
                await self._clock.sleep(BEAT_S)
        finally:
            self._depths = self.depth = None
            await depths.end()

    def _look(self, depths: Depths, coin: str | None) -> CoinDepth | None:
        row = None if coin is None else self._board.rows.get(coin)
        legs = [] if row is None else [cell.leg for cell in row.cells if not cell.leg.halted]
        depths.choose(legs)
        if coin is None:
            return None
        now = self._clock.mono()
        sights = {leg.key: depths.seen[leg.key] for leg in legs}
        spread = None if row is None else row.spread
        return CoinDepth(
            coin=coin,
            at_ms=self._clock.now_ms(),
            legs=tuple(leg_depth(sight, now) for sight in sights.values()),
            pair=None if spread is None else self._pair(spread, sights, now),
        )

    def _pair(self, spread: Spread, sights: Mapping[LegKey, Sight], now: float) -> PairDepth:
        oldest = now - self._terms.freshness.max_age_s
        why = flaw(spread.buy, sights, oldest) or flaw(spread.sell, sights, oldest)
        if why:
            return PairDepth(buy=spread.buy, sell=spread.sell, why=why, fees_pct=spread.fees_pct)
        return pair_depth(spread, sights[spread.buy], sights[spread.sell], self._threshold_pct)


def leg_depth(sight: Sight, now: float) -> LegDepth:
    """What one leg's book says at `now` (monotonic)."""
    age = None if sight.asked_at is None else max(0.0, now - sight.asked_at)
    book = sight.book
    if book is None:
        return LegDepth(key=sight.leg.key, age_s=age, why=sight.why, levels=sight.levels)
    return LegDepth(
        key=sight.leg.key,
        age_s=age,
        why=sight.why,
        buys=tuple(fill(book.asks, usdt) for usdt in SIZES),
        sells=tuple(fill(book.bids, usdt) for usdt in SIZES),
        bids=len(book.bids),
        asks=len(book.asks),
        levels=sight.levels,
    )


def pair_depth(spread: Spread, buy: Sight, sell: Sight, threshold_pct: float) -> PairDepth:
    """What the books of a pair's two legs take."""
    bought, sold = buy.book or Book((), ()), sell.book or Book((), ())
    compared = comparable_usdt(SIZES[-1], (bought.asks, buy.levels), (sold.bids, sell.levels))
    first = is_first_thinner(bought.asks, sold.bids, compared)
    return PairDepth(
        buy=spread.buy,
        sell=spread.sell,
        why="",
        fees_pct=spread.fees_pct,
        any_edge=capacity(bought, sold, 0.0),
        break_even=capacity(bought, sold, spread.fees_pct),
        threshold=capacity(bought, sold, threshold_pct),
        thinner=None if first is None else spread.buy if first else spread.sell,
        compared_usdt=compared,
    )


def flaw(key: LegKey, sights: Mapping[LegKey, Sight], oldest: float) -> str:
    """Why this leg's book can't be reckoned with, in words; "" = it was asked for since `oldest` (monotonic)."""
    sight = sights.get(key)
    name = f"{key.venue} {key.market}"
    if sight is None or sight.book is None or sight.asked_at is None:
        return f"{name}: no book yet" if sight is None or not sight.why else f"{name}: {sight.why}"
    return f"{name}: the book is old" if sight.asked_at < oldest else ""
