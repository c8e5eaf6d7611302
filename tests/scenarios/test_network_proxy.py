"""S17: a network that lets nothing out but through a proxy: one setting, or the environment, for WebSockets and REST alike.

The product never takes a proxy to loopback, where the simulated venues are. So they go by names that only the proxy knows;
whatever arrives at a venue came through the proxy.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from frmon.config import Settings
from frmon.feeds.sim.server import Sim
from frmon.feeds.wire import Library
from frmon.model import Status
from tests.scenarios.proxies import Proxy
from tests.scenarios.stand import Stand, stand

ENVIRONMENT = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(params=["picows", "websockets"])
def library(request: pytest.FixtureRequest) -> Library:
    name: Library = request.param
    return name


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def unknown(sim: Sim) -> Mapping[str, Mapping[str, str]]:
    """The venues under names that no resolver knows."""
    return {
        venue: {key: url.replace(urlsplit(url).hostname or "", f"{venue}.invalid") for key, url in urls.items()}
        for venue, urls in sim.endpoints.items()
    }


def by(library: Library, proxy: str = "") -> "Change":
    return Change(library, proxy)


class Change:
    """What the configuration says."""

    def __init__(self, library: Library, proxy: str) -> None:
        self.library = library
        self.proxy = proxy

    def __call__(self, settings: Settings) -> None:
        settings.feeds.transport = self.library
        settings.feeds.proxy = self.proxy


async def arrived(s: Stand, proxy: Proxy) -> None:
    """All is live, and all that was dialled was asked of the proxy by name."""
    assert s.state("okx").status is Status.LIVE
    lines = len(s.state("okx").lines)
    if proxy.scheme == "http":
        await s.within(20, lambda: proxy.targets.count("CONNECT okx.invalid") == lines)
        assert "GET okx.invalid" in proxy.targets
    else:
        await s.within(20, lambda: len(proxy.targets) > lines)
    assert {name.split()[1] for name in proxy.targets} == {"okx.invalid"}


@pytest.mark.parametrize("login", ["", "me:secret"])
@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_s17_one_setting_takes_streams_and_rest_through_the_proxy(
    library: Library, scheme: str, login: str
) -> None:
    async with (
        Proxy(scheme, login) as proxy,
        stand("okx", coins=10, endpoints=unknown, change=by(library, proxy.url)) as s,
    ):
        await arrived(s, proxy)
        await s.still()


@pytest.mark.parametrize(("scheme", "variable"), [("http", "http_proxy"), ("socks5h", "all_proxy")])
async def test_s17_the_environment_says_it_as_well(
    library: Library, scheme: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Proxy(scheme) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        async with stand("okx", coins=10, endpoints=unknown, change=by(library)) as s:
            await arrived(s, proxy)


async def test_s17_loopback_needs_no_proxy(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with Proxy("http") as proxy, stand("okx", coins=10, change=by(library, proxy.url)) as s:
        assert s.state("okx").status is Status.LIVE
        assert proxy.targets == []


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_s17_a_proxy_that_dies_is_named_and_found_again(library: Library, scheme: str) -> None:
    async with (
        Proxy(scheme) as proxy,
        stand("okx", coins=10, endpoints=unknown, change=by(library, proxy.url)) as s,
    ):
        proxy.die()
        await s.within(5, lambda: "proxy" in s.words() and s.state("okx").status is Status.RECONNECT)
        await s.within(5, lambda: s.fresh("okx")[0] == 0 or s.state("okx").fresh_legs == 0)
        assert "proxy" in s.picture()["venues"]["okx"]["detail"]
        await s.within(5, lambda: any("proxy: " in line.detail for line in s.state("okx").lines))
        await proxy.open()
        await s.within(20, lambda: s.state("okx").status is Status.LIVE)
        await s.still()


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_s17_a_proxy_that_wants_another_login_is_named_and_no_secret_is_shown(
    library: Library, scheme: str
) -> None:
    async with Proxy(scheme, "me:secret") as proxy:
        wrong = proxy.url.replace("me:secret", "me:canary-5172")
        async with stand("okx", coins=10, endpoints=unknown, change=by(library, wrong), up=False) as s:
            await s.within(5, lambda: "proxy" in s.state("okx").detail)
            assert s.state("okx").status is Status.RECONNECT
            if scheme == "http":
                assert "407" in s.state("okx").detail
            await s.within(5, lambda: s.events("proxy"))
            said = [s.words(), str(s.picture()), *s.events()]
            assert not [text for text in said if "canary-5172" in text]
            assert proxy.targets == []


async def test_s17_a_login_refused_to_streams_alone_is_named_there(library: Library) -> None:
    """The lines' own words: REST answers, as it goes to loopback directly."""

    def streams(sim: Sim) -> Mapping[str, Mapping[str, str]]:
        return {"okx": {"ws": unknown(sim)["okx"]["ws"]}}

    async with Proxy("http", "me:secret") as proxy:
        change = by(library, proxy.url.replace("secret", "wrong"))
        async with stand("okx", coins=10, endpoints=streams, change=change, up=False) as s:
            await s.within(5, lambda: any("407" in line.detail for line in s.state("okx").lines))
            line = next(line for line in s.state("okx").lines if "407" in line.detail)
            assert line.status is Status.RECONNECT
            assert "proxy: " in line.detail
            await s.within(10, lambda: s.state("okx").status is Status.REST and s.fresh("okx")[0])
