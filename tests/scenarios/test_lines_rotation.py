"""What changes while one line takes over from another is told by one of the two."""

from collections.abc import Sequence
from functools import partial

import pytest

from frmon.board import Cell
from frmon.feeds.sim.faults import Fault
from soak.truth import Truth
from tests.scenarios.stand import stand


def all_true(truth: Truth, cells: Sequence[Cell], within_s: float) -> bool:
    return all(truth.is_true(cell, within_s) for cell in cells)


@pytest.mark.parametrize(("venue", "beat_s"), [("binance", 1.0), ("okx", 0.0)])
async def test_s09_no_change_is_lost_in_a_planned_rotation(venue: str, beat_s: float) -> None:
    """Every quote is at every moment what the venue said within its own beat, which no timer of ours makes shorter."""
    async with stand(venue, rate=0.2, scale=0.1) as s:
        truth = Truth(s.sim, 10.0)
        pump = s.sim.pump_once

        def follow() -> None:
            pump()
            truth.note()

        s.sim.pump_once = follow  # type: ignore[method-assign]
        await s.rest(30.0)
        for done in range(3):
            connects = s.sim.counters[f"connects {venue}"]
            s.fault(Fault(kind="notice", venue=venue, market="spot", how="shutdown", delay_s=8.0))
            cells = [c for c in s.engine.board.cells(venue) if c.key.market == "spot" and not c.leg.halted]
            true = partial(all_true, truth, cells, beat_s + 0.4)
            await s.lasts(103.0, true, "a change was lost")
            assert s.sim.counters[f"connects {venue}"] > connects, done
