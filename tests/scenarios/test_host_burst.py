"""S56: for a minute twenty times as much happens. What can't be heard in time is late and called so; the board keeps the latest
of each leg, and a few seconds afterwards nothing is late any more."""

import resource
from pathlib import Path

import pytest

from frmon.config import Settings
from frmon.feeds.wire import Library
from frmon.model import Status
from tests.scenarios.stand import stand, statuses
from tests.scenarios.tunnels import tunnels

BURST_S = 60.0
TIMES = 20.0
BYTES_PER_S = 2_000.0
LAG_MS = 500
HELD = 50 * 2**20


def resident() -> int:
    """Bytes of memory in use now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("library", ["picows", "websockets"])
async def test_s56_a_burst_is_late_and_leaves_no_lag_behind(library: Library) -> None:
    """The lines carry less than is said, so that all of it waits, as it waits where a core can't keep up; then they carry all
    of it at once."""

    def change(settings: Settings) -> None:
        settings.feeds.transport = library

    async with tunnels() as t, stand("okx", "bybit", coins=12, rate=0.1, endpoints=t.endpoints, change=change) as s:
        cells, before = len(list(s.engine.board.cells())), resident()
        connected = [line.reconnects for state in s.engine.states() for line in state.lines]
        began = s.engine.clock.mono()
        for tunnel in t.streams():
            tunnel.down.bytes_per_s = BYTES_PER_S
        s.sim.world.hurry(TIMES)
        await s.within(BURST_S, lambda: all(s.state(name).status is Status.LAG for name in s.engine.fleets))
        assert {s.picture()["venues"][name]["status"] for name in s.engine.fleets} == {"LAG"}
        assert s.events("okx: LIVE → LAG")
        await s.rest(BURST_S - (s.engine.clock.mono() - began))
        s.sim.world.hurry(1 / TIMES)
        for tunnel in t.streams():
            tunnel.down.bytes_per_s = 0.0
        lines = [line.name for state in s.engine.states() for line in state.lines]
        await s.within(5, lambda: all((s.line(name).lag_ms or 0.0) < LAG_MS for name in lines), "the lag stays")
        await s.within(1, lambda: all(s.line(name).status is Status.LIVE for name in lines))
        assert {status for name in lines for status in statuses(s.seen, name, began)} <= {Status.LIVE, Status.LAG}
        assert [line.reconnects for state in s.engine.states() for line in state.lines] == connected
        assert resident() - before < HELD
        assert len(list(s.engine.board.cells())) == cells
        await s.still(seconds=2)
