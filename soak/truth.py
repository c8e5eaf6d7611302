"""What was true when: every quote that the simulated market had lately, and whether a price on the board is one of them."""

from collections import deque
from collections.abc import Iterator

from frmon.board import Cell
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.server import Sim

Quote = tuple[float, float]


class Truth:
    """`note` after every step of the market; `is_true` afterwards. `keep_s`: how far back a price may lie at most."""

    def __init__(self, sim: Sim, keep_s: float) -> None:
        self._sim = sim
        self._keep_s = keep_s
        self._past: dict[int, deque[tuple[float, Quote]]] = {}  # instrument -> (until when it held, quote)
        self._now: dict[int, Quote] = {}
        self._readers = {venue: sim.world.changes(venue) for venue in {v for v, _ in _places(sim)}}
        for instrument in _all(sim):
            self._now[instrument.id] = _quote(instrument)

    def note(self) -> None:
        """Remember what the quotes that changed were until now."""
        now = self._sim.clock.mono()
        for reader in self._readers.values():
            for one in reader.take():
                quote = _quote(one)
                before = self._now.get(one.id)
                if before == quote:
                    continue
                self._now[one.id] = quote
                if before is not None:
                    past = self._past.setdefault(one.id, deque())
                    past.append((now, before))
                    while past and past[0][0] < now - self._keep_s:
                        past.popleft()

    def is_true(self, cell: Cell, within_s: float) -> bool:
        """Whether each side of a cell is what the venue's quote is now, or was at some time of the last `within_s` seconds
        (a venue may tell the two sides apart); also True of what is not listed any more."""
        one = self._sim.world.instruments(cell.key.venue, cell.key.market.value).get(cell.key.symbol)
        if one is None:
            return True
        since = self._sim.clock.mono() - within_s
        past = [quote for until, quote in self._past.get(one.id, ()) if until >= since]
        true = [_per_coin(quote, cell.scale) for quote in (_quote(one), *past)]
        return cell.bid in {bid for bid, _ in true} and cell.ask in {ask for _, ask in true}


def _per_coin(quote: Quote, scale: int) -> tuple[float | None, float | None]:
    bid, ask = (float(f"{side / scale:.15g}") or None for side in quote)
    return bid, ask


def _quote(one: Instrument) -> Quote:
    return one.quote.bid, one.quote.ask


def _places(sim: Sim) -> list[tuple[str, str]]:
    return [(venue, market) for venue in sim.endpoints for market in ("spot", "perp")]


def _all(sim: Sim) -> Iterator[Instrument]:
    for venue, market in _places(sim):
        yield from sim.world.instruments(venue, market).values()
