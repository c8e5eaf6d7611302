"""S03, S04, S06: lines on which nothing comes, though everything seems well with the connection."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.model import Status
from tests.leaping import clock_here
from tests.scenarios.stand import SLACK_S, Stand, stand

MANY = 160  # coins: more than fifty symbols on a line


def told_after(s: Stand, text: str, since: float) -> float:
    """Seconds after which the event log first said this."""
    found = [e.at for e in s.engine.events if text in e.text and e.at >= since]
    assert found, f"{text} was never told: {s.told()}"
    return min(found) - since


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
    """The market stands still for a moment, so that what REST says can be told from what is true."""
    async with stand("bybit", "okx", coins=MANY) as s:
        fault.venue, fault.market, fault.for_s = "bybit", "perp", 60.0
        since = s.engine.clock.mono()
        s.fault(fault)
        await s.within(3 + 0.5, lambda: s.line("bybit perp").status is Status.STALE)
        await s.rest(since + 5 - s.engine.clock.mono())
        s.sim.quiet = True
        await s.within(3, lambda: not s.different("bybit"), "REST did not say what is true")
        assert "rest" in sources(s, "bybit", "perp")
        assert s.fresh("bybit", "perp")[0] == s.fresh("bybit", "perp")[1]
        s.sim.quiet = False
        await s.within(
            since + 10 + 0.5 - s.engine.clock.mono(), lambda: s.line("bybit perp").status is Status.RECONNECT
        )
        s.sim.faults.clear()
        assert told_after(s, "bybit perp 1: LIVE → STALE (no data for 3 s", since) < 3 + SLACK_S
        assert told_after(s, "bybit perp 1: STALE → RECONNECT (no data for 10 s", since) < 10 + SLACK_S
        await s.within(13 + 0.65 - (s.engine.clock.mono() - since), lambda: "ws" in sources(s, "bybit", "perp"))
        await s.within(0.5, lambda: s.line("bybit perp").status is Status.LIVE)
        await s.still()


async def test_s04_a_flood_of_pings_hides_no_silence_and_starves_nobody() -> None:
    async with stand("okx", "bybit", coins=MANY) as s:
        since = s.engine.clock.mono()
        s.fault(Fault(kind="zombie", venue="okx", market="perp", rate=1000.0, for_s=14))
        await s.within(10 + 0.5, lambda: s.line("okx perp").status is Status.RECONNECT)
        assert s.late_s < 1.0, "the loop has time for others"
        assert s.line("bybit perp").status is Status.LIVE
        assert told_after(s, "okx perp 1: STALE → RECONNECT (no data for 10 s", since) < 10 + SLACK_S
        await s.up()


async def test_s06_acknowledged_but_never_served_is_named_and_dialled_anew_while_rest_speaks() -> None:
    """A new connection asks again, too: so the first one is given up where the table would only have it asked again."""
    sim = Sim(SimOptions(seed=7, coins=40, rate=0.3, scene="calm", venues=("okx", "bybit")), clock_here())
    async with stand("okx", "bybit", sim=sim, up=False) as s:
        s.fault(Fault(kind="mute", venue="okx", for_s=30.0))
        await s.within(3, lambda: s.engine.fleets["okx"].all_lines)
        await s.within(5, lambda: sources(s, "okx", "perp") == {"rest"})
        line = next(line for line in s.engine.fleets["okx"].all_lines if line.state.name == "okx perp 1")
        await s.within(3, lambda: line.opened_at < float("inf"))
        asked, before = s.engine.clock.mono(), s.sim.counters["connects okx"]
        await s.within(10 + 0.5, lambda: s.line("okx perp").status is Status.NO_DATA)
        assert told_after(s, "okx perp 1: CONNECTING → NO-DATA", asked) < 10 + SLACK_S
        assert "retired endpoint?" in s.line("okx perp").detail
        await s.within(0.5, lambda: "NO-DATA" in s.words(), "the status bar does not say it")
        assert s.picture()["venues"]["okx"]["status"] == "REST"
        await s.within(20 - (s.engine.clock.mono() - asked), lambda: s.sim.counters["connects okx"] > before + 1)
        assert s.line("okx perp").status is Status.NO_DATA, "until data says otherwise"
        await s.within(40, lambda: s.line("okx perp").status is Status.LIVE)
        await s.still()


@pytest.mark.parametrize(
    ("venue", "market"), [("bybit", "spot"), ("okx", "spot"), ("okx", "perp"), ("binance", "spot"), ("binance", "perp")]
)
async def test_s03_young_lines_of_every_kind_that_fall_silent_are_given_up_after_ten_seconds(
    venue: str, market: str
) -> None:
    """Whatever the patience with the slowest of its channels: on the whole line nothing comes."""
    async with stand(venue, coins=MANY) as s:
        await s.within(20, lambda: all(line.has_all() for line in s.engine.fleets[venue].all_lines))
        lines = [line.name for line in s.state(venue).lines if f"{venue} {market}" in line.name]
        since = s.engine.clock.mono()
        s.fault(Fault(kind="mute", venue=venue, market=market, for_s=60.0))
        await s.rest(10.7)
        for name in lines:
            assert told_after(s, f"{name}: STALE → RECONNECT (no data for", since) < 10 + 0.5
        s.sim.faults.clear()
        await s.within(10, lambda: all(s.line(name).status is Status.LIVE for name in lines))
        await s.still()
