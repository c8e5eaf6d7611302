"""What trades becomes seats on the board: listings through the catalog, then prices back to it for its verdicts."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from frmon.board import Board, Cell, Freshness
from frmon.clock import Clock
from frmon.feeds.catalog import Catalog
from frmon.listingnews import news
from frmon.model import Leg, LegKey, Listing, Market

JUDGE_EVERY_S = 1.0  # at least as often as signals are sampled


class FreshCells:
    """The board as far as its quotes are fresh: an old price says nothing about what a leg is."""

    def __init__(self, board: Board, now: float, freshness: Freshness) -> None:
        self._board = board
        self._now = now
        self._freshness = freshness

    def cell(self, key: LegKey) -> Cell | None:
        """The leg's cell, None while it is not fresh."""
        cell = self._board.cell(key)
        return cell if cell is not None and cell.is_fresh(self._now, self._freshness) else None


class Identity:
    """Keeps the seats in step with the listings and the verdicts in step with the prices."""

    def __init__(
        self, board: Board, catalog: Catalog, clock: Clock, freshness: Freshness, tell: Callable[[str], None]
    ) -> None:
        self._board = board
        self._freshness = freshness
        self._catalog = catalog
        self._clock = clock
        self._tell = tell
        self._listed: set[tuple[str, Market]] = set()
        self._seats: dict[LegKey, Leg] = {}
        self.judged_at = float("-inf")  # monotonic time of the last verdicts

    def listed(self, venue: str, market: Market, listings: Sequence[Listing] | None) -> bool:
        """A venue's list was read (None: it could not be). Returns whether seats may have changed."""
        legs = self._catalog.update(venue, market, listings, self._clock.now_ms())
        wanted = {leg.key: leg for leg in legs}
        if (venue, market) in self._listed:
            self._announce(venue, market, wanted)
        if listings is not None:
            self._listed.add((venue, market))
        for key in self._seats.keys() - wanted.keys():
            self._board.unseat(key)
        for leg in legs:
            self._board.seat(leg)
        self._seats = wanted
        if listings is not None:
            self._board.forget(venue, market)
        return listings is not None

    def _announce(self, venue: str, market: Market, wanted: Mapping[LegKey, Leg]) -> None:
        """Tell what changed on a list that was read before."""
        here = [{k: leg for k, leg in legs.items() if k[:2] == (venue, market)} for legs in (self._seats, wanted)]
        for line in news(*here):
            self._tell(line)

    def is_listed(self, venue: str, market: Market) -> bool:
        """Whether this market's list was ever read."""
        return (venue, market) in self._listed

    def remember(self, cells: Iterable[Cell]) -> None:
        """Show what is remembered of legs, until something is said of them. Once their market's list is read, only of those
        that it names: the same whichever comes first, list or memory."""
        for cell in cells:
            if cell.key in self._seats or not self.is_listed(cell.key.venue, cell.key.market):
                self._board.remember(cell)

    async def run(self) -> None:
        """Judge by price, for ever."""
        while True:
            self.judge()
            await self._clock.sleep(JUDGE_EVERY_S)

    def judge(self) -> None:
        """Let the catalog compare prices; tell and seat what changed."""
        for leg in self._catalog.confirm(FreshCells(self._board, self._clock.mono(), self._freshness)):
            before = self._seats.get(leg.key)
            self._seats[leg.key] = leg
            self._board.seat(leg)
            if leg.quarantine and (before is None or not before.quarantine):
                self._tell(f"{leg.coin}: {leg.venue} {leg.market} {leg.symbol} quarantined: {leg.quarantine}")
            elif before is not None and before.quarantine and not leg.quarantine:
                self._tell(f"{leg.coin}: {leg.venue} {leg.market} {leg.symbol} confirmed by price")
        self.judged_at = self._clock.mono()
