"""What is shown as fresh though it was not true for too long, by what the simulated market was and when."""

from frmon.cell import Cell
from soak.truth import Truth
from tests.scenarios.stand import Stand

NETWORK_S = 1.0


class Lies:
    """From now on, `told` says which. `cadence_s`: of the pushes of the streams that are looked at."""

    def __init__(self, s: Stand, cadence_s: float = 0.0) -> None:
        self._s = s
        self._within_s = s.engine.terms.freshness.max_age_s + cadence_s + NETWORK_S
        self._truth = Truth(s.sim, self._within_s + 10.0)
        self._pump = s.sim.pump_once
        s.sim.pump_once = self._follow  # type: ignore[method-assign]

    def told(self, venue: str, market: str = "") -> list[str]:
        """Symbols that are shown as fresh, with prices that are older than a fresh one may be."""
        now, terms = self._s.engine.clock.mono(), self._s.engine.terms.freshness

        def is_lie(cell: Cell) -> bool:
            return cell.is_fresh(now, terms) and not self._truth.is_true(cell, self._within_s)

        cells = [c for c in self._s.engine.board.cells(venue) if market in {"", c.key.market} and not c.leg.halted]
        return [cell.key.symbol for cell in cells if is_lie(cell)]

    def _follow(self) -> None:
        self._pump()
        self._truth.note()
