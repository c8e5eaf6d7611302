"""Lists that can't be used at the very start, before anything is known of a venue."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.model import Status
from tests.leaping import clock_here
from tests.scenarios.stand import stand


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
@pytest.mark.parametrize(("how", "told"), [("none", "an empty list"), ("empty", "not what was expected (")])
async def test_a_list_that_can_not_be_used_at_the_start_is_no_data_in_plain_words(
    venue: str, how: str, told: str
) -> None:
    sim = Sim(SimOptions(seed=7, coins=20, rate=0.3, venues=(venue,)), clock_here())
    sim.fault(Fault(kind="rest_body", venue=venue, how=how, for_s=20))
    async with stand(venue, sim=sim, up=False) as s:
        await s.within(5, lambda: s.state(venue).status is Status.NO_DATA)
        assert f"LISTING-ERR {told}" in s.words()
        await s.within(40, lambda: s.state(venue).status is Status.LIVE)
