"""Looks at the board become minutes of history: pure. A look a second; a minute is handed out once it is over."""

from collections.abc import Iterable

from frmon.board import Row
from frmon.cell import Cell, Freshness
from frmon.model import LegKey, Spread
from frmon.storage.bars import minute_of
from frmon.storage.records import CoinGap, LegBar
from frmon.storage.running import CoinLine, LegLine, Running


class Minutes:
    """The running minute of every leg and coin. A minute belongs to the wall clock at which it was looked at; when that is
    set back, the minute that runs then is begun anew, and what is written of it later counts."""

    def __init__(self, freshness: Freshness) -> None:
        self._freshness = freshness
        self._minute = -1
        self._legs: dict[LegKey, _Leg] = {}
        self._coins: dict[str, _Coin] = {}

    @property
    def minute(self) -> int:
        """The running one; -1 before the first look."""
        return self._minute

    def turns(self, now_ms: int) -> bool:
        """Whether a look at this time ends the running minute."""
        return self._minute not in {-1, minute_of(now_ms)}

    def running(self) -> Running:
        """The running minute so far. It changes with the next look."""
        legs = [leg.line for leg in self._legs.values() if leg.seen]
        return Running(self._minute, legs, [coin.line(name) for name, coin in self._coins.items()])

    def look(self, rows: Iterable[Row], now: float, now_ms: int) -> list[LegBar | CoinGap]:
        """One look at `now` (monotonic seconds) and `now_ms` (wall clock). Returns the minutes that are over, if any."""
        over: list[LegBar | CoinGap] = []
        minute = minute_of(now_ms)
        if minute != self._minute:
            over = self.end()
            self._minute = minute
        for row in rows:
            if row.spread is not None:
                self._coin(row.coin, row.spread)
            for cell in row.cells:
                if cell.bid and cell.ask and cell.is_fresh(now, self._freshness):
                    self._leg(cell)
        return over

    def end(self) -> list[LegBar | CoinGap]:
        """What the running minute holds so far, which thereby ends. A leg that was not seen in it is forgotten."""
        minute = self._minute
        over: list[LegBar | CoinGap] = [leg.line.over(minute) for leg in self._legs.values() if leg.seen]
        over += [coin.line(name).over(minute) for name, coin in self._coins.items()]
        self._legs = {key: leg for key, leg in self._legs.items() if leg.seen}
        for leg in self._legs.values():
            leg.begin()
        self._coins = {}
        return over

    def _leg(self, cell: Cell) -> None:
        held = self._legs.get(cell.key)
        if held is None or held.coin != cell.leg.coin or held.multiplier != cell.leg.multiplier:
            held = self._legs[cell.key] = _Leg(cell)
        held.look(cell)

    def _coin(self, coin: str, spread: Spread) -> None:
        held = self._coins.get(coin)
        if held is None:
            held = self._coins[coin] = _Coin()
        held.look(spread)


class _Leg:
    """One leg's running minute."""

    __slots__ = ("_since", "_version", "coin", "line", "multiplier", "seen")

    def __init__(self, cell: Cell) -> None:
        leg = cell.leg
        self.line = LegLine((leg.venue, leg.market.value, leg.symbol, leg.coin, leg.multiplier))
        self.coin, self.multiplier = leg.coin, leg.multiplier
        self._version = self._since = cell.version
        self.seen = False

    def begin(self) -> None:
        """Another minute."""
        self._since = self._version
        self.seen = False

    def look(self, cell: Cell) -> None:
        """The leg is fresh and has both sides."""
        if self.seen and cell.version == self._version:
            return
        line = self.line
        bid, ask = cell.bid or 0.0, cell.ask or 0.0
        middle = float(f"{(bid + ask) / 2:.15g}")
        if not self.seen:
            line.open = line.high = line.low = middle
            self.seen = True
        line.high, line.low = max(line.high, middle), min(line.low, middle)
        line.close, line.bid, line.ask = middle, bid, ask
        line.mark_price, line.index_price, line.rate = cell.mark, cell.index, cell.funding_rate
        self._version = cell.version
        line.updates = max(0, self._version - self._since)


class _Coin:
    """One coin's best spread in the running minute."""

    __slots__ = ("_most", "_seconds", "_spread", "_sum")

    def __init__(self) -> None:
        self._most = float("-inf")
        self._sum = 0.0
        self._seconds = 0
        self._spread: Spread | None = None

    def look(self, spread: Spread) -> None:
        """The best spread now."""
        self._most = max(self._most, spread.gross_pct)
        self._sum += spread.gross_pct
        self._seconds += 1
        self._spread = spread

    def line(self, coin: str) -> CoinLine:
        """The minute so far."""
        last = self._spread
        assert last is not None
        buy, sell = (last.buy.venue, last.buy.market.value), (last.sell.venue, last.sell.market.value)
        return CoinLine(coin, self._most, self._sum / self._seconds, last.gross_pct, self._seconds, buy, sell)
