"""S03, S04, S06: lines on which nothing comes, though everything seems well with the connection."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.model import Status
from tests.scenarios.stand import Stand, stand

MANY = 160  # coins: more than fifty symbols on a line


def first_at(s: Stand, name: str, status: Status, since: float, words: str = "") -> float:
    """Seconds (of time_scale 1) after which a line first showed this."""
    found = [
        at for at, who, shown, detail in s.seen if who == name and at >= since and shown is status and words in detail
    ]
    assert found, f"{name} never showed {status} {words}: {s.told()}"
    return (found[0] - since) / s.scale


def sources(s: Stand, venue: str, market: str) -> set[str]:
    """Where the fresh legs of a market have their quotes from."""
    legs = [leg for coin in s.picture()["coins"] for leg in coin["legs"]]
    return {leg["source"] for leg in legs if (leg["venue"], leg["market"]) == (venue, market) and leg["fresh"]}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="mute"),
        Fault(kind="zombie", rate=5.0),
        Fault(kind="zombie", payload='{"op":"pong","args":["1"],"conn_id":"x"}'),
        Fault(kind="zombie", payload='{"event":"heartbeat"}'),
    ],
    ids=["s03 pongs go on", "s04 pings", "s04 pongs as text", "s04 heartbeats"],
)
async def test_s03_s04_a_line_without_data_turns_amber_then_is_dialled_again_while_rest_speaks(fault: Fault) -> None:
    async with stand("bybit", "okx", coins=MANY, scale=0.2) as s:
        fault.venue, fault.market, fault.for_s = "bybit", "perp", 60.0
        since = s.engine.clock.mono()
        s.fault(fault)
        await s.within(8 + 0.5, lambda: sources(s, "bybit", "perp") == {"rest"})
        await s.within(6, lambda: s.line("bybit perp").status is Status.RECONNECT)
        s.sim.faults.clear()
        await s.rest(0.5)
        late = s.late_s / s.scale
        assert 2.4 < first_at(s, "bybit perp 1", Status.STALE, since, "no data for") < 3.6 + late
        assert 8.5 < first_at(s, "bybit perp 1", Status.RECONNECT, since, "no data for") < 11.2 + late
        await s.within(13 - 8 + 0.65, lambda: s.line("bybit perp").status is Status.LIVE)
        await s.within(5, lambda: sources(s, "bybit", "perp") >= {"ws"})
        assert s.events("bybit perp 1: LIVE → STALE (no data for")
        assert s.events("bybit perp 1: STALE → RECONNECT (no data for")
        await s.still()


async def test_s04_a_flood_of_pings_hides_no_silence_and_starves_nobody() -> None:
    async with stand("okx", "bybit", coins=MANY, scale=0.2) as s:
        since = s.engine.clock.mono()
        s.fault(Fault(kind="zombie", venue="okx", market="perp", rate=1000.0, for_s=14 * s.scale))
        await s.within(10 + 1, lambda: s.line("okx perp").status is Status.RECONNECT)
        await s.rest(0.5)
        assert s.late_s < 1.0, "the loop has time for others"
        assert s.line("bybit perp").status is Status.LIVE
        assert first_at(s, "okx perp 1", Status.RECONNECT, since, "no data for") < 11.2 + s.late_s / s.scale
        await s.up()


async def test_s06_acknowledged_but_never_served_is_named_and_dialled_anew_while_rest_speaks() -> None:
    sim = Sim(SimOptions(seed=7, coins=40, rate=0.3, scene="calm", venues=("okx", "bybit")))
    async with stand("okx", "bybit", sim=sim, up=False, scale=0.2) as s:
        s.fault(Fault(kind="mute", venue="okx", for_s=6.0))
        await s.within(3 + 10, lambda: sources(s, "okx", "perp") == {"rest"})
        await s.within(20, lambda: s.state("okx").lines)
        await s.within(10 + 3, lambda: s.line("okx perp").status is Status.NO_DATA)
        before = s.sim.counters["connects okx"]
        assert "retired endpoint?" in s.line("okx perp").detail
        await s.within(2, lambda: "NO-DATA" in s.words(), "the status bar does not say it")
        assert s.picture()["venues"]["okx"]["status"] == "REST"
        await s.within(10, lambda: s.sim.counters["connects okx"] > before + 1)
        assert s.line("okx perp").status is Status.NO_DATA, "until data says otherwise"
        assert s.events("okx perp 1: CONNECTING → NO-DATA")
        await s.within(40, lambda: s.line("okx perp").status is Status.LIVE)
        await s.still()
