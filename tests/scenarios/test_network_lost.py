"""S16: the network of this machine is gone: all venues at once, without a word from anybody."""

import pytest

from frmon.config import Settings
from frmon.feeds.wire import Library
from frmon.model import Status
from frmon.tui.status import are_all_down
from tests.scenarios.stand import stand, statuses
from tests.scenarios.tunnels import tunnels

PACE_S = {"okx": 0.4, "bybit": 0.65}
PARTED_S = 300.0


@pytest.mark.parametrize("library", ["picows", "websockets"])
async def test_s16_a_lost_network_is_one_banner_and_all_are_back_soon_after_it(library: Library) -> None:
    """For five minutes nothing comes from anywhere."""

    def change(settings: Settings) -> None:
        settings.feeds.transport = library

    async with tunnels() as t, stand("bybit", "okx", coins=60, rate=0.1, endpoints=t.endpoints, change=change) as s:
        venues = tuple(s.engine.fleets)
        lines = {name: len(s.state(name).lines) for name in venues}
        began = s.engine.clock.mono()
        for tunnel in t.of():
            await tunnel.vanish()
        await s.within(25, lambda: all(s.state(name).status is Status.RECONNECT for name in venues))
        await s.within(5, lambda: s.words().startswith("NETWORK: no venue is reachable"))
        assert are_all_down(s.engine.states()), "what the banner over the whole screen goes by"
        assert s.picture()["venues"]["okx"]["status"] == "RECONNECT"
        assert len(s.events("NETWORK lost")) == 1
        assert not any(s.fresh(name)[0] for name in venues)
        gone = s.engine.clock.mono()
        await s.rest(PARTED_S - (gone - began))
        for name in venues:
            assert set(statuses(s.seen, name, gone)) <= {Status.RECONNECT}, "and nothing else in between"
        for tunnel in t.of():
            tunnel.appear()
        back = s.engine.clock.mono()
        for name in venues:
            spent = s.engine.clock.mono() - back
            bound = 15 + lines[name] * PACE_S[name]
            await s.within(max(0.1, bound - spent), lambda name=name: s.state(name).status is Status.LIVE)  # type: ignore[misc]
        assert len(s.events("NETWORK is back")) == 1
        assert "NETWORK" not in s.words()
        await s.still()


async def test_s16_few_symbols_are_no_reason_to_believe_in_a_calm_market_when_nobody_answers() -> None:
    """Lines of few symbols may be silent for a minute, while pings are answered or REST vouches for them. Here neither is."""
    async with tunnels() as t, stand("binance", "okx", coins=12, rate=0.1, endpoints=t.endpoints) as s:
        lines = [line for fleet in s.engine.fleets.values() for line in fleet.all_lines]
        assert max(len(line.symbols) for line in lines) < 50
        for tunnel in t.of():
            await tunnel.vanish()
        await s.within(25, lambda: s.state("okx").status is Status.RECONNECT)
        await s.within(60, lambda: s.words().startswith("NETWORK: no venue is reachable"))
        assert s.state("binance").status is Status.RECONNECT
        for tunnel in t.of():
            tunnel.appear()
        await s.within(18, lambda: all(s.state(v).status is Status.LIVE for v in s.engine.fleets))
        await s.still()


async def test_s16_a_calm_market_of_few_symbols_is_no_loss_while_rest_vouches_for_it() -> None:
    """Nothing happens for 50 s on Binance, to which nobody sends pings: no line is given up."""
    async with stand("binance", coins=8) as s:
        s.sim.quiet = True
        await s.rest(2)
        before = {line.name: line.reconnects for line in s.state("binance").lines}
        await s.lasts(50, lambda: s.line("binance spot").status is Status.LIVE)
        assert {line.name: line.reconnects for line in s.state("binance").lines} == before
        s.sim.quiet = False
