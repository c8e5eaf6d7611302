"""S19: what an old connection still says, and what was asked for in its time, counts for nothing."""

import pytest

from frmon.config import Settings
from frmon.feeds.sim.faults import Fault
from frmon.feeds.wire import Library
from frmon.model import Market, Status
from tests.scenarios.stand import Stand, stand
from tests.scenarios.tunnels import tunnels


@pytest.fixture(params=["picows", "websockets"])
def library(request: pytest.FixtureRequest) -> Library:
    name: Library = request.param
    return name


class Change:
    """What the configuration says."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def __call__(self, settings: Settings) -> None:
        settings.feeds.transport = self.library


def dropped(s: Stand) -> int:
    """Frames of connections given up, as the snapshot counts them."""
    return sum(line["outdated"] for line in s.picture()["venues"]["bybit"]["lines"])


@pytest.mark.parametrize("when", ["data", "acks"])
async def test_s19_what_a_connection_says_after_it_was_given_up_is_dropped_and_counted(
    library: Library, when: str
) -> None:
    """Frames are held up on the way and arrive together, just when the line was told to dial again. (What comes still later,
    while the old connection closes, both libraries drop by themselves.) `acks`: nothing was answered yet."""
    async with (
        tunnels() as t,
        stand("bybit", coins=60, rate=2.0, endpoints=t.endpoints, change=Change(library)) as s,
    ):
        assert dropped(s) == 0
        lines = s.engine.fleets["bybit"].all_lines
        if when == "acks":
            for tunnel in t.streams():
                tunnel.down.latency_s = 0.3
                tunnel.cut()
            await s.within(10, lambda: all(line.opened_at == float("inf") for line in lines))
            await s.within(20, lambda: any(line.opened_at < float("inf") for line in lines))
        for tunnel in t.streams():
            tunnel.down.latency_s = 0.0
            tunnel.freeze()
        await s.rest(1.5)
        for tunnel in t.streams():
            tunnel.thaw()
        s.engine.redial("bybit")
        await s.within(2, lambda: dropped(s) > 0)
        await s.within(30, lambda: s.state("bybit").status is Status.LIVE)
        await s.rest(3)
        count = dropped(s)
        await s.still()
        assert dropped(s) == count, "the new connection is not taken for an old one"


async def test_s19_a_reply_that_was_asked_for_before_the_line_was_dialled_again_changes_no_newer_value() -> None:
    """REST states what was true seconds ago, in answers that come late; in between the line came up anew. Any price that goes
    back to an old one would be seen: the venue's times never go back on the board."""
    async with stand("bybit", coins=20, rate=2.0) as s:
        replies = s.sim.counters["rest bybit /v5/market/tickers"]
        s.fault(Fault(kind="late_rest", venue="bybit", for_s=40, delay_s=5.0))
        s.fault(Fault(kind="delay_rest", venue="bybit", for_s=40, match="tickers", delay_s=7.0))
        s.fault(Fault(kind="refuse", venue="bybit", market="perp", for_s=10))
        s.fault(Fault(kind="drop", venue="bybit", market="perp"))
        newest: dict[str, int] = {}
        for _ in range(150):
            for cell in s.engine.board.cells("bybit"):
                at = max(cell.bid_ms, cell.ask_ms)
                if not at and cell.key.market is Market.PERP and s.line("bybit perp").status is not Status.LIVE:
                    continue  # REST alone speaks, and its rows have no times
                assert at >= newest.get(cell.key.symbol + cell.key.market, 0), f"{cell.key.symbol} went back"
                newest[cell.key.symbol + cell.key.market] = at
            await s.rest(0.2)
        assert s.line("bybit perp").status is Status.LIVE
        assert s.sim.counters["rest bybit /v5/market/tickers"] > replies, "there were such replies"
        await s.still()
