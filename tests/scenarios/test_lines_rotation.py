"""What changes while one line takes over from another is told by one of the two."""

from collections.abc import Sequence
from functools import partial

import pytest

from frmon.board import Cell
from frmon.feeds.sim.faults import Fault
from frmon.model import Status
from soak.truth import Truth
from tests.scenarios.lies import Lies
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


async def test_s09_what_the_next_line_was_never_told_of_rides_on_nothing() -> None:
    """The venue takes some symbols on the old line, and refuses them on the new one."""
    async with stand("okx", rate=2.0) as s:
        lies = Lies(s)
        await s.rest(12.0)
        symbols = sorted(c.key.symbol for c in s.engine.board.cells("okx") if c.key.market == "spot")[2:8]
        for symbol in symbols:
            s.fault(Fault(kind="refuse_symbol", venue="okx", market="spot", match=symbol, for_s=600.0))
        s.fault(Fault(kind="notice", venue="okx", market="spot", how="shutdown", delay_s=30.0))
        await s.lasts(60.0, lambda: not lies.told("okx"), "wrong, and shown as fresh")
        assert s.events("okx spot 1: planned rotation, a new connection took over")
        assert s.fresh("okx", "spot")[0] == s.fresh("okx", "spot")[1]


async def test_s09_bitget_announces_the_end_of_its_lines_too() -> None:
    """30033: the service restarts in about a minute."""
    async with stand("bitget", "okx") as s:
        await s.within(60, lambda: s.state("bitget").lines, "nothing was ever demanded")
        await s.within(20, lambda: all(line.status is Status.LIVE for line in s.state("bitget").lines))
        lines = len(s.state("bitget").lines)
        legs = s.fresh("bitget")[0]
        s.fault(Fault(kind="notice", venue="bitget", how="shutdown", delay_s=30.0))
        await s.lasts(40, lambda: s.fresh("bitget")[0] >= legs, "a cell dimmed")
        assert len(s.events("planned rotation, a new connection took over")) == lines
        assert sum(line.reconnects for line in s.state("bitget").lines) == 0
        await s.still()
