"""Venues whose clocks are wrong, or tell time in another unit: ages count from receipt, the newest wins, signals stay right."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from tests.leaping import clock_here
from tests.scenarios.stand import Stand, stand

LONG_S = 60.0


def ages(s: Stand, venue: str) -> list[float]:
    """The ages of a venue's fresh quotes, in seconds."""
    legs = [leg for coin in s.picture()["coins"] for leg in coin["legs"] if leg["venue"] == venue and leg["fresh"]]
    return [leg["age_s"] for leg in legs]


@pytest.mark.parametrize("ahead_s", [300.0, -300.0])
async def test_s51_a_venue_whose_clock_is_off_is_told_and_read_rightly(ahead_s: float) -> None:
    sim = Sim(SimOptions(coins=40, rate=0.3, venues=("okx", "bybit")), clock_here())
    sim.fault(Fault(kind="skew", venue="bybit", delay_s=ahead_s, for_s=LONG_S))
    async with stand("okx", "bybit", sim=sim) as s:
        told = f"SKEW {ahead_s:+.0f} s"
        await s.within(20, lambda: told in s.picture()["venues"]["bybit"]["detail"])
        assert told in s.words()
        assert s.events(told)
        assert "SKEW" not in s.picture()["venues"]["okx"]["detail"]
        assert 0 <= min(ages(s, "bybit")) <= max(ages(s, "bybit")) <= 5.0, "ages count from receipt"
        assert (s.line("bybit perp").lag_ms or 0.0) < 2_000, "a clock that is off is no delay"
        await s.still()


@pytest.mark.parametrize("ahead_s", [300.0, -300.0])
async def test_s51_a_clock_that_is_set_while_we_listen_is_followed(ahead_s: float) -> None:
    async with stand("okx", "bybit", "bitget", "binance") as s:
        await s.rest(12)  # a first look at the clocks was long enough ago
        s.fault(Fault(kind="skew", delay_s=ahead_s, for_s=LONG_S, venue="okx"))
        await s.within(40, lambda: f"SKEW {ahead_s:+.0f} s" in s.state("okx").detail)
        await s.within(40, lambda: s.fresh("okx")[0] >= 0.9 * s.fresh("okx")[1])
        assert max(ages(s, "okx")) <= 5.0
        await s.still(seconds=60)


TIMES = {"binance": " E ", "okx": " ts ", "bybit": " ts ", "bitget": " ts "}


@pytest.mark.parametrize("venues", [("okx", "bybit"), ("binance", "bitget")])
@pytest.mark.parametrize("how", ["us", "zero"])
async def test_s51_times_in_another_unit_are_no_times_and_prices_stay(how: str, venues: tuple[str, str]) -> None:
    async with stand(*venues) as s:
        s.fault(Fault(kind="skew", how=how, delay_s=0.0, for_s=LONG_S))
        await s.within(
            10, lambda: all("PARSE" in s.state(v).detail and TIMES[v] in f"{s.state(v).detail} " for v in venues)
        )
        await s.rest(20)
        for venue in venues:
            assert s.state(venue).reconnects == 0
            assert s.fresh(venue)[0] >= 0.9 * s.fresh(venue)[1]
        known = [
            leg["event_ms"] for coin in s.picture()["coins"] for leg in coin["legs"] if leg["event_ms"] is not None
        ]
        assert all(1.4e12 < ms < 4.2e12 for ms in known)
        await s.still()


@pytest.mark.parametrize("ahead_s", [60.0, -60.0])
@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
async def test_s51_times_that_are_missing_for_a_moment_stop_no_price_where_a_clock_is_off(
    venue: str, ahead_s: float
) -> None:
    """What has no time is said now by the venue's clock. By ours it would be newer than all that the venue says for a minute,
    in which old prices stood as fresh."""
    sim = Sim(SimOptions(coins=20, rate=2.0, venues=(venue,)), clock_here())
    sim.fault(Fault(kind="skew", venue=venue, delay_s=ahead_s, for_s=10 * LONG_S))
    async with stand(venue, sim=sim) as s:
        await s.within(20, lambda: "SKEW" in s.state(venue).detail)
        s.fault(Fault(kind="skew", venue=venue, how="zero", delay_s=0.0, for_s=1.0))
        await s.rest(5)
        cells = list(s.engine.board.cells(venue))
        ahead = [c.key for c in cells if max(c.bid_ms, c.ask_ms) > s.sim.now_ms() + 1000 * ahead_s + 2_000]
        assert not ahead, "said in the venue's future: whatever it says next counts for older"
        await s.still()
