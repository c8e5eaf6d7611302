"""A board that repeats what a collector's board says. Its carriers stand for the stream: while that is heard, a leg that
was told to be fresh and of which nothing else was told since still is; without it none is. The age of its quote is then that
of the youngest message on its venue's lines, as on the collector."""

from collections.abc import Collection, Iterable, Mapping
from math import inf

from msgspec import UNSET
from msgspec.structs import replace

from frmon.board import Board, Cell
from frmon.model import Carrier, Leg, LegKey, Market
from frmon.parts import CoinPart, LegNews, LegPart, VenuePart

NEWS = tuple(name for name in LegNews.__struct_fields__ if name not in {"venue", "market", "symbol"})
MARKETS = {market.value: market for market in Market}


class Restated:
    """Writes a board from what is told. `at`: when it was true (monotonic)."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._carriers: dict[tuple[str, Market], Carrier] = {}
        self._told: dict[LegKey, LegPart] = {}  # of the cells on the board
        self._live = False

    def coins(self, parts: Iterable[CoinPart], at: float) -> None:
        """These coins are as told now."""
        for part in parts:
            self._coin(part, at)

    def legs(self, news: Iterable[LegNews], at: float) -> None:
        """Of these legs something is another now; what is not known is of a coin that has left."""
        for one in news:
            market = MARKETS.get(one.market)
            cell = None if market is None else self._board.cell(LegKey(one.venue, market, one.symbol))
            if cell is not None and (told := self._told.get(cell.key)) is not None:
                changed = {name: value for name in NEWS if (value := getattr(one, name)) is not UNSET}
                part = self._told[cell.key] = replace(told, **changed)
                _state(cell, part, self._carrier(part.venue, cell.key.market), at)

    def gone(self, coins: Iterable[str]) -> None:
        """These have left."""
        for coin in coins:
            self._keep(coin, ())

    def only(self, coins: Collection[str]) -> None:
        """All others have left."""
        self.gone(self._board.rows.keys() - set(coins))

    def heard(self, venues: Mapping[str, VenuePart], at: float) -> None:
        """The stream lives, and this is how long ago something came on the venues' lines."""
        self._set_live(True)
        for (venue, market), carrier in self._carriers.items():
            age = None if venue not in venues else _quiet_s(venues[venue], market)
            if age is not None:
                carrier.heard_at = max(carrier.heard_at, at - age)

    def lost(self) -> None:
        """Nothing is heard any more."""
        self._set_live(False)

    def _set_live(self, live: bool) -> None:
        self._live = live
        for carrier in self._carriers.values():
            carrier.live = live

    def _coin(self, part: CoinPart, at: float) -> None:
        keys = []
        for leg in part.legs:
            market = MARKETS.get(leg.market)
            if market is None:
                continue
            keys.append(key := LegKey(leg.venue, market, leg.symbol))
            self._board.seat(_seat(part.coin, leg, market))
            cell = self._board.cell(key)
            if cell is not None:
                self._told[key] = leg
                _state(cell, leg, self._carrier(leg.venue, market), at)
        self._keep(part.coin, keys)

    def _keep(self, coin: str, keys: Collection[LegKey]) -> None:
        row = self._board.rows.get(coin)
        for cell in () if row is None else list(row.cells):
            if cell.key not in keys:
                self._told.pop(cell.key, None)
                self._board.unseat(cell.key)

    def _carrier(self, venue: str, market: Market) -> Carrier:
        found = self._carriers.get((venue, market))
        if found is None:
            found = self._carriers[venue, market] = Carrier(venue, market, "collector", pushes_changes=True)
            found.live = self._live
        return found


def _quiet_s(venue: VenuePart, market: Market) -> float | None:
    """How long nothing came on the lines of a market, or of the venue where lines serve both."""
    lines = [line for line in venue.lines if market.value in line.name.split()] or venue.lines
    return min((line.last_message_age_s for line in lines if line.last_message_age_s is not None), default=None)


def _seat(coin: str, part: LegPart, market: Market) -> Leg:
    return Leg(
        venue=part.venue,
        market=market,
        symbol=part.symbol,
        coin=coin,
        multiplier=part.multiplier,
        asset_class=part.asset_class or "crypto",
        halted=part.halted is True,
        off_ms=None if part.off_ms is UNSET else part.off_ms,
        on_ms=None if part.on_ms is UNSET else part.on_ms,
        funding_h=part.funding_interval_h,
        quarantine=part.quarantine or "",
    )


def _state(cell: Cell, part: LegPart, carrier: Carrier, at: float) -> None:
    """All that was told of a leg replaces all that was known of it."""
    if (cell.bid, cell.ask) != (part.bid, part.ask):
        cell.moves += 1
    cell.bid, cell.ask = part.bid, part.ask
    cell.last, cell.mark, cell.index = part.last, part.mark, part.index
    cell.volume_usd = part.volume_24h_usd
    cell.funding_rate, cell.funding_interval_h = part.funding_rate, part.funding_interval_h
    cell.next_funding_ms = part.next_funding_ms
    cell.settled_rate = None if part.settled_rate is UNSET else part.settled_rate
    cell.event_ms, cell.received_ms, cell.source = part.event_ms, part.received_ms, part.source
    _date(cell, part, carrier, at)
    cell.version += 1
    cell.row.version += 1


def _date(cell: Cell, part: LegPart, carrier: Carrier, at: float) -> None:
    """When it was confirmed, and by whom it stays so."""
    said_at = -inf if part.age_s is None else at - part.age_s
    _ride(cell, "quote", carrier if part.fresh else None, said_at)
    _ride(cell, "trade", carrier if part.fresh else None, said_at if part.last is not None else -inf)
    _ride(cell, "ref", carrier if part.fresh else None, said_at if part.mark is not None else -inf)
    if part.funding_rate is None:
        _ride(cell, "funding", None, -inf)
    elif part.funding_age_s is UNSET:
        _ride(cell, "funding", carrier, at)
    else:
        _ride(cell, "funding", None, at - part.funding_age_s)


def _ride(cell: Cell, name: str, carrier: Carrier | None, at: float) -> None:
    part = getattr(cell, name)
    part.at, part.by = at, carrier
    part.generation = 0 if carrier is None else carrier.generation
