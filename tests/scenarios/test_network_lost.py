"""S16: the network of this machine is gone: all venues at once, without a word from anybody."""

import pytest

from frmon.config import Settings
from frmon.feeds.wire import Library
from frmon.model import Status
from frmon.tui.status import are_all_down
from tests.scenarios.stand import stand, statuses
from tests.scenarios.tunnels import tunnels

PACE_S = {"okx": 0.4, "bybit": 0.65}


@pytest.mark.parametrize("library", ["picows", "websockets"])
async def test_s16_a_lost_network_is_one_banner_and_all_are_back_soon_after_it(library: Library) -> None:
    """Five minutes are cut to a minute: by then every delay between tries is near its longest, and stays there. Lines are of
    more than 50 symbols, so that silence is believed at once."""

    def change(settings: Settings) -> None:
        settings.feeds.transport = library

    async with tunnels() as t, stand("bybit", "okx", coins=220, rate=0.1, endpoints=t.endpoints, change=change) as s:
        venues = tuple(s.engine.fleets)
        lines = {name: len(s.state(name).lines) for name in venues}
        for tunnel in t.of():
            await tunnel.vanish()
        await s.within(25, lambda: all(s.state(name).status is Status.RECONNECT for name in venues))
        await s.within(5, lambda: s.words().startswith("NETWORK: no venue is reachable"))
        assert are_all_down(s.engine.states()), "what the banner over the whole screen goes by"
        assert s.picture()["venues"]["okx"]["status"] == "RECONNECT"
        assert len(s.events("NETWORK lost")) == 1
        assert not any(s.fresh(name)[0] for name in venues)
        gone = s.engine.clock.mono()
        await s.rest(35)
        for name in venues:
            assert set(statuses(s.seen, name, gone)) <= {Status.RECONNECT}, "and nothing else in between"
        for tunnel in t.of():
            tunnel.appear()
        back = s.engine.clock.mono()
        for name in venues:
            spent = (s.engine.clock.mono() - back) / s.scale
            bound = 15 + lines[name] * PACE_S[name] / s.scale  # the pace of a venue is not scaled
            await s.within(max(0.1, bound - spent), lambda name=name: s.state(name).status is Status.LIVE)  # type: ignore[misc]
        assert len(s.events("NETWORK is back")) == 1
        assert "NETWORK" not in s.words()
        await s.still()
