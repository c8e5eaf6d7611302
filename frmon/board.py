"""The latest of everything: rows (one per coin) of cells (one per leg). The engine's thread alone writes; everybody else
reads at their own pace."""

from collections.abc import Container, Iterable, Iterator, Sequence

from frmon import doubt
from frmon.cell import Cell, Freshness, Row
from frmon.merge import Receipt, is_mergeable, take_frame, take_reply
from frmon.model import Carrier, Leg, LegKey, Look, Market, Tick

__all__ = ["Board", "Cell", "Freshness", "Row"]


class Board:
    """Rows by coin. Implements `frmon.model.Sink`."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.layout = 0  # +1 whenever a row or cell comes, moves or leaves
        self.dropped_deltas = 0
        self.since = float("-inf")  # monotonic: replies to what was asked before are too old to say anything
        self._markets: dict[tuple[str, Market], dict[str, Cell]] = {}
        self._remembered: dict[LegKey, Cell] = {}

    def remember(self, past: Cell) -> None:
        """Show in its row what is remembered of a leg that has no seat yet: nothing that is said reaches it. With its seat,
        at once if it has one, it hands on the values that were not said since, unless coin or multiplier are others now."""
        cell = self.cell(past.key)
        if cell is not None:
            if (cell.leg.coin, cell.leg.multiplier) == (past.leg.coin, past.leg.multiplier):
                cell.recall(past)
                cell.row.version += 1
        elif past.key not in self._remembered:
            self._remembered[past.key] = self._place(past)

    def forget(self, venue: str, market: Market) -> None:
        """What is remembered of this market is no longer shown."""
        for key in [key for key in self._remembered if key[:2] == (venue, market)]:
            self._lift(self._remembered.pop(key))

    def seat(self, leg: Leg) -> None:
        """Give a leg its place; again with the same key to change what is known of it. A changed multiplier forgets
        the values, a changed coin moves the cell."""
        cells = self._markets.setdefault((leg.venue, leg.market), {})
        cell = cells.get(leg.symbol)
        if cell is None:
            cells[leg.symbol] = self._enter(Cell(leg, Row(leg.coin)))
        elif cell.leg != leg:
            self._reseat(cell, leg)

    def unseat(self, key: LegKey) -> None:
        """A leg leaves; unknown keys are fine."""
        cell = self._markets.get((key.venue, key.market), {}).pop(key.symbol, None)
        if cell is not None:
            self._lift(cell)

    def cell(self, key: LegKey) -> Cell | None:
        """The cell of a leg."""
        return self._markets.get((key.venue, key.market), {}).get(key.symbol)

    def cells(self, venue: str | None = None) -> Iterator[Cell]:
        """All cells that have a seat, or those of one venue."""
        for (name, _), cells in list(self._markets.items()):
            if venue is None or venue == name:
                yield from list(cells.values())

    def cells_of(self, venue: str, market: Market) -> list[Cell]:
        """The cells of one market of a venue."""
        return list(self._markets.get((venue, market), {}).values())

    def symbols(self, venue: str, market: Market) -> set[str]:
        """The seated symbols of one market of a venue."""
        return set(self._markets.get((venue, market), ()))

    def carry(self, carrier: Carrier, symbols: Iterable[str], at: float) -> None:
        """These symbols' quotes are expected on this stream carrier from `at` on; see `Sink.carry`."""
        cells = self._markets.get((carrier.venue, carrier.market), {})
        for symbol in symbols:
            if (cell := cells.get(symbol)) is not None:
                cell.carried.state(carrier, at)

    def set_back(self, venue: str, now_ms: int) -> None:
        """Nothing of this venue is newer than `now_ms`; see `Sink.set_back`."""
        for cell in self.cells(venue):
            cell.set_back(now_ms)

    def pass_on(self, old: Carrier, new: Carrier, lacking: Container[str] = ()) -> None:
        """What rides on the old carrier rides on the new one; see `Sink.pass_on`."""
        for symbol, cell in self._markets.get((old.venue, old.market), {}).items():
            if symbol in lacking:
                continue
            for part in (cell.quote, cell.trade, cell.ref, cell.funding, cell.carried):
                if part.by is old and part.rides():
                    part.by, part.generation = new, new.generation

    def look(self, carrier: Carrier, ticks: Sequence[Tick]) -> Look:
        """Compare a REST reply with what stands; see `Sink.look`."""
        cells = self._markets.get((carrier.venue, carrier.market), {})
        found = Look(missing={s for s, c in cells.items() if not c.leg.halted and not c.quote.rides()})
        for tick in ticks:
            cell = cells.get(tick.symbol)
            found.missing.discard(tick.symbol)
            if cell is None or cell.leg.halted:
                continue
            found.compared += 1
            if (difference := doubt.compare(cell, tick)) is not None:
                found.differing[tick.symbol] = difference
            if cell.doubted is not None:
                found.doubted.add(tick.symbol)
        return found

    def doubt(self, carrier: Carrier, symbols: Iterable[str]) -> None:
        """What stands of these symbols was found wrong; see `Sink.doubt`."""
        cells = self._markets.get((carrier.venue, carrier.market), {})
        for symbol in symbols:
            if (cell := cells.get(symbol)) is not None:
                doubt.doubt(cell, carrier.heard_at)

    def take(
        self, carrier: Carrier, ticks: Sequence[Tick], at: float, now_ms: int, asked_at: float | None = None
    ) -> int:
        """Merge what was received at `at`; see `Sink.take`. Symbols without a seat are ignored."""
        cells = self._markets.get((carrier.venue, carrier.market))
        if cells is None or (asked_at is not None and asked_at < self.since):
            return 0
        count = 0
        for tick in ticks:
            cell = cells.get(tick.symbol)
            if cell is None:
                continue
            count += 1
            if carrier.source != "ws":
                take_reply(cell, tick, carrier, Receipt(at, now_ms, at if asked_at is None else asked_at))
            elif is_mergeable(cell, tick, carrier):
                take_frame(cell, tick, carrier, at, now_ms)
            else:
                self.dropped_deltas += 1
        return count

    def _enter(self, cell: Cell) -> Cell:
        """A new seat, with what is remembered of the leg."""
        past = self._remembered.pop(cell.key, None)
        if past is None or past.leg.coin != cell.leg.coin:
            if past is not None:
                self._lift(past)
            return self._place(cell)
        if past.leg.multiplier == cell.leg.multiplier:
            cell.recall(past)
        row = cell.row = past.row
        row.cells = [cell if c is past else c for c in row.cells]
        row.version += 1
        self.layout += 1
        return cell

    def _place(self, cell: Cell) -> Cell:
        row = self.rows.get(cell.leg.coin)
        if row is None:
            row = self.rows[cell.leg.coin] = Row(cell.leg.coin)
        cell.row = row
        row.cells = sorted([*row.cells, cell], key=_key)
        row.version += 1
        self.layout += 1
        return cell

    def _lift(self, cell: Cell) -> None:
        row = cell.row
        row.cells = [c for c in row.cells if c is not cell]
        row.version += 1
        self.layout += 1
        if not row.cells:
            self.rows.pop(row.coin, None)

    def _reseat(self, cell: Cell, leg: Leg) -> None:
        old = cell.leg
        if leg.multiplier != old.multiplier:
            cell.reset(leg)
        cell.leg = leg
        if leg.funding_h != old.funding_h and leg.funding_h is not None and not cell.interval_ms:
            cell.funding_interval_h = leg.funding_h
        if leg.coin != old.coin:
            self._lift(cell)
            self._place(cell)
        cell.row.version += 1


def _key(cell: Cell) -> LegKey:
    return cell.key
