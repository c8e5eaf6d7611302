"""S15: links that are slow, uneven or lossy. What they delay is shown as late, nobody hangs up for it, nothing is lost."""

from statistics import median

import pytest

from frmon.config import Settings
from frmon.feeds.sim.toxics import Toxics
from frmon.feeds.sim.tunnel import Tunnel
from frmon.feeds.wire import Library
from frmon.model import Status
from tests.scenarios.stand import Stand, stand
from tests.scenarios.tunnels import tunnels

WITHIN = 0.2
OWN_MS = 30.0  # of the simulator's beat and of the loop, which no link is the reason of


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


def is_shown(s: Stand, tunnel: Tunnel) -> bool:
    """The lag on the screen is the one that the link really had, within 20 %."""
    shown, delays = s.state("bybit").lag_ms, tunnel.delays_down
    if shown is None or len(delays) < 16:
        return False
    true_ms = median(delays) * 1000
    return abs(shown - true_ms) <= WITHIN * true_ms + OWN_MS


@pytest.mark.parametrize(
    "toxics",
    [
        Toxics(latency_s=0.2, jitter_s=0.1),
        Toxics(bytes_per_s=20_000),
        Toxics(slice_bytes=1),
        Toxics(stall_s=0.3, stall_every_s=0.3),
    ],
    ids=["jitter", "bandwidth", "slices", "loss"],
)
async def test_s15_a_bad_link_is_shown_and_endured(library: Library, toxics: Toxics) -> None:
    rate = 0.3 if toxics.slice_bytes else 2.0  # every byte on its own is work enough
    async with (
        tunnels() as t,
        stand("bybit", coins=30, rate=rate, endpoints=t.endpoints, change=Change(library)) as s,
    ):
        before = s.state("bybit").reconnects
        for tunnel in t.streams():
            tunnel.down = toxics
        perp = t["bybit", "ws"]
        passed = perp.bytes_down
        await s.rest(6)
        await s.within(10, lambda: is_shown(s, perp), f"{s.state('bybit').lag_ms} {list(perp.delays_down)[-20:]}")
        await s.rest(2)
        assert perp.bytes_down > passed
        assert s.state("bybit").status in {Status.LIVE, Status.LAG}
        assert s.state("bybit").reconnects == before
        await s.still(seconds=30)
        assert s.state("bybit").reconnects == before, "no keep-alive killed the line"


async def test_s15_what_is_seconds_late_is_lag_in_the_status(library: Library) -> None:
    async with (
        tunnels() as t,
        stand("bybit", coins=30, rate=2.0, endpoints=t.endpoints, change=Change(library)) as s,
    ):
        for tunnel in t.streams():
            tunnel.down.latency_s = 2.5
        await s.within(20, lambda: s.state("bybit").status is Status.LAG)
        await s.within(10, lambda: is_shown(s, t["bybit", "ws"]))
        assert s.picture()["venues"]["bybit"]["status"] == "LAG"
        await s.within(5, lambda: s.events("→ LAG"))
        assert s.state("bybit").reconnects == 0
        for tunnel in t.streams():
            tunnel.down.latency_s = 0.0
        await s.within(20, lambda: s.state("bybit").status is Status.LIVE)
        await s.still()
