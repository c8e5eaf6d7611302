"""Prices and rates of the coin that is looked at, since it is looked at: the live end of a chart. Pure."""

from collections import deque
from collections.abc import Sequence

from frmon.board import Row
from frmon.funding import funding_is_fresh
from frmon.model import LegKey
from frmon.tui.grid import Look
from frmon.tui.tracks import Sample

MOST = 900
"""Samples of a leg: a quarter of an hour, one a second."""

HOLDS_MS = 2_500
"""So long a sample holds where no other follows."""


class Sightings:
    """Of one coin; another one begins anew."""

    def __init__(self) -> None:
        self._coin = ""
        self._mids: dict[LegKey, deque[tuple[int, float]]] = {}
        self._rates: dict[LegKey, deque[tuple[int, float]]] = {}

    def see(self, row: Row, look: Look) -> None:
        """One more sample of every leg that is fresh."""
        if row.coin != self._coin:
            self._coin, self._mids, self._rates = row.coin, {}, {}
        for cell in row.cells:
            bid, ask, rate = cell.bid, cell.ask, cell.funding_rate
            if bid and ask and cell.is_fresh(look.now, look.terms.freshness):
                _add(self._mids, cell.key, look.now_ms, (bid + ask) / 2)
            if rate is not None and funding_is_fresh(cell, look.now):
                _add(self._rates, cell.key, look.now_ms, rate)

    def mids(self, key: LegKey) -> list[Sample]:
        """Mids of a leg, USDT per coin."""
        return _held(self._mids.get(key, ()))

    def rates(self, key: LegKey) -> list[Sample]:
        """Funding rates of a leg, fractions per interval."""
        return _held(self._rates.get(key, ()))


def _add(seen: dict[LegKey, deque[tuple[int, float]]], key: LegKey, at_ms: int, value: float) -> None:
    kept = seen.setdefault(key, deque(maxlen=MOST))
    if not kept or kept[-1][0] < at_ms:
        kept.append((at_ms, value))


def _held(seen: Sequence[tuple[int, float]]) -> list[Sample]:
    """Each sample until the next one."""
    ends = [at for at, _ in list(seen)[1:]]
    ends.append(seen[-1][0] + HOLDS_MS if seen else 0)
    return [Sample(at, min(end, at + HOLDS_MS), value, value) for (at, value), end in zip(seen, ends, strict=False)]
