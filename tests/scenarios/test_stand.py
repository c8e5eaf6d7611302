"""The stand itself: it comes up, sees what is there, and notices a board that is wrong."""

from frmon.feeds.sim.faults import Fault
from frmon.model import Status
from tests.scenarios.stand import stand, statuses


async def test_it_comes_up_and_holds_what_the_venues_say() -> None:
    async with stand() as s:
        await s.still()
        assert {v["status"] for v in s.picture()["venues"].values()} == {"LIVE"}
        cell = s.cell("okx", "perp", "BTC-USDT-SWAP")
        assert cell is not None
        cell.bid = 1.0
        assert len(s.different("okx")) == 1


async def test_it_sees_a_dropped_line() -> None:
    async with stand("bybit") as s:
        s.fault(Fault(kind="drop", venue="bybit"))
        await s.within(3, lambda: Status.RECONNECT in statuses(s.seen, "bybit perp 1") or s.events("RECONNECT"))
        await s.up()
