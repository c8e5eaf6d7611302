"""S13 and S14: hosts that accept and say nothing, names that nobody knows, addresses behind which nothing is."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from frmon.config import Settings
from frmon.feeds.rest import Http
from frmon.feeds.sim.server import Sim
from frmon.feeds.sim.tunnel import HOST, Hole
from frmon.feeds.transport import dial
from frmon.feeds.wire import Dial, Library
from frmon.model import Status
from tests.feeds.toy import Stage
from tests.leaping import clock_here
from tests.scenarios.names import names
from tests.scenarios.proxies import Proxy
from tests.scenarios.stand import stand
from tests.scenarios.tunnels import tunnels

DEAD = "127.0.0.9"
NEXT_TRY_S = 9.0


@pytest.fixture(params=["picows", "websockets"])
def library(request: pytest.FixtureRequest) -> Library:
    name: Library = request.param
    return name


def by(library: Library) -> "Change":
    return Change(library)


class Change:
    """What the configuration says."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def __call__(self, settings: Settings) -> None:
        settings.feeds.transport = self.library


@asynccontextmanager
async def mute() -> AsyncIterator[tuple[int, list[float]]]:
    """A port that accepts and never says anything; when it accepted."""
    accepted: list[float] = []
    held: list[socket.socket] = []
    with socket.create_server((HOST, 0)) as listener:
        listener.setblocking(False)

        async def accept() -> None:
            while True:
                held.append((await asyncio.get_running_loop().sock_accept(listener))[0])
                accepted.append(asyncio.get_running_loop().time())

        accepting = asyncio.create_task(accept())
        yield listener.getsockname()[1], accepted
        accepting.cancel()
        for one in held:
            one.close()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_s13_who_accepts_and_says_nothing_is_given_up_and_tried_again(library: Library, scheme: str) -> None:
    """Mute before the handshake of TLS or of the WebSocket: each line's next try comes within 9 s (and the venue's pace)."""
    async with (
        mute() as (port, accepted),
        stand(
            "bybit",
            coins=10,
            endpoints=lambda _: {"bybit": {"ws": f"{scheme}://{HOST}:{port}"}},
            change=by(library),
            up=False,
        ) as s,
    ):
        await s.within(10, lambda: s.state("bybit").lines)
        lines = len(s.state("bybit").lines)
        await s.within(10 + 3 * lines, lambda: len(accepted) == lines)
        await s.within(NEXT_TRY_S, lambda: len(accepted) >= 2 * lines)
        assert min(b - a for a, b in zip(accepted, accepted[lines:], strict=False)) >= 7, "not too soon either"
        await s.within(10, lambda: s.state("bybit").status is Status.REST and s.fresh("bybit")[0])
        assert "bybit REST: " in s.words()
        assert {line.status for line in s.state("bybit").lines} == {Status.RECONNECT}
        assert any("no answer in time" in event for event in s.events("RECONNECT"))


async def test_s14_a_dead_first_address_costs_a_quarter_of_a_second(library: Library) -> None:
    """Both libraries and REST connect by the second address, within a second."""
    async with names() as known, Stage() as stage:
        port = int(stage.url.rsplit(":", 1)[1])
        hole = Hole(DEAD, port)
        known.addresses["venue.test"] = [DEAD, HOST]
        started = asyncio.get_running_loop().time()
        how = Dial(url=f"ws://venue.test:{port}", verdict=lambda *_: None)
        line = await dial(how, lambda _: None, library)
        assert 0.2 < asyncio.get_running_loop().time() - started < 1.0
        await line.close()
        hole.close()


async def test_s14_a_dead_first_address_of_a_proxy_costs_no_more(library: Library) -> None:
    """Lines and REST alike."""
    async with names() as known, Stage() as stage, Proxy("http") as proxy, Sim(clock=clock_here()) as sim:
        hole = Hole(DEAD, proxy.port)
        known.addresses["proxy.test"] = [DEAD, HOST]
        through = f"http://proxy.test:{proxy.port}"
        started = asyncio.get_running_loop().time()
        url = stage.url.replace(HOST, "venue.invalid")
        line = await dial(Dial(url=url, verdict=lambda *_: None, proxy=through), lambda _: None, library)
        assert 0.2 < asyncio.get_running_loop().time() - started < 1.0
        http = Http(through)
        started = asyncio.get_running_loop().time()
        rest = sim.endpoints["okx"]["rest"].replace(
            urlsplit(sim.endpoints["okx"]["rest"]).hostname or "", "venue.invalid"
        )
        assert (await http.fetch(f"{rest}/api/v5/public/time"))[0] == 200
        assert 0.2 < asyncio.get_running_loop().time() - started < 1.0
        assert len(proxy.targets) == 2
        await http.close()
        await line.close()
        hole.close()


async def test_s14_rest_finds_the_second_address_too() -> None:
    async with names() as known, Sim(clock=clock_here()) as sim:
        port = int(sim.endpoints["okx"]["rest"].rsplit(":", 1)[1])
        hole = Hole(DEAD, port)
        known.addresses["venue.test"] = [DEAD, HOST]
        http = Http()
        started = asyncio.get_running_loop().time()
        status, _, _ = await http.fetch(f"http://venue.test:{port}/api/v5/public/time")
        assert status == 200
        assert 0.2 < asyncio.get_running_loop().time() - started < 1.0
        await http.close()
        hole.close()


@pytest.mark.parametrize("kind", ["missing", "silent"])
async def test_s14_lost_names_are_dns_and_come_back(library: Library, kind: str) -> None:
    """Names fail at once, or no answer comes at all, for a minute, in which every connection is lost once. `silent` is not
    told apart from a host that does not answer."""
    async with (
        names() as known,
        tunnels() as t,
        stand("okx", "bybit", coins=10, endpoints=lambda sim: known.rename(t.endpoints(sim)), change=by(library)) as s,
    ):
        setattr(known, kind, True)
        for tunnel in t.of("okx"):
            tunnel.cut()
        if kind == "missing":
            await s.within(5, lambda: s.state("okx").status is Status.DNS)
            assert s.picture()["venues"]["okx"]["status"] == "DNS"
            assert "okx DNS: " in s.words()
            await s.within(5, lambda: s.events("→ DNS (name or service not known"))
        else:
            await s.within(15, lambda: any("no answer in time" in line.detail for line in s.state("okx").lines))
        await s.rest(55)
        assert {line.status for line in s.state("bybit").lines} == {Status.LIVE}, "who is connected needs no names"
        setattr(known, kind, False)
        await s.within(10 if kind == "missing" else 20, lambda: s.fresh("okx", "perp")[0] > 0)
        await s.still("okx")
