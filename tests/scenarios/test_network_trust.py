"""S18: what TLS is for. Nothing is accepted from who cannot prove to be the venue, and the screen says why."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from frmon.config import Settings
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.sim.tunnel import HOST
from frmon.feeds.wire import Library
from frmon.model import Status
from tests.scenarios.fronts import Authority, Front, Kind
from tests.scenarios.stand import Stand, stand

REAL_TIME = "venues with certificates answer from a thread"

WHY = {"expired": "expired", "self-signed": "self-signed", "wrong host": "mismatch"}


@pytest.fixture(params=["picows", "websockets"])
def library(request: pytest.FixtureRequest) -> Library:
    name: Library = request.param
    return name


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def behind(port: int, *names: str) -> dict[str, dict[str, str]]:
    """These endpoints of a venue by TLS at this port."""
    return {"okx": {n: f"{'wss' if n == 'ws' else 'https'}://{HOST}:{port}" for n in names}}


async def refused(s: Stand, front: Front, why: str) -> None:
    """The venue is TLS in words within 2 s, not one byte came through, and nobody hammers at the door."""
    await s.within(2, lambda: s.state("okx").status is Status.TLS and why in s.state("okx").detail)
    assert why in s.words()
    assert s.picture()["venues"]["okx"]["status"] == "TLS"
    await s.within(2, lambda: [e for e in s.events("TLS") if why in e])
    await s.rest(10)
    tries = front.tries
    await s.rest(20)
    assert front.tries == tries, "not tried again so soon"
    assert front.heard == 0


@pytest.mark.parametrize("kind", ["expired", "self-signed", "wrong host"])
async def test_s18_a_stream_with_a_bad_certificate_is_never_heard(
    tmp_path: Path, library: Library, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    def change(settings: Settings) -> None:
        settings.feeds.transport = library

    async with Sim(SimOptions(venues=("okx",), coins=10)) as sim:
        async with Front(authority.context(kind), port_of(sim.endpoints["okx"]["ws"])) as front:
            endpoints = behind(front.port, "ws")
            async with stand("okx", coins=10, endpoints=lambda _: endpoints, change=change, up=False) as s:
                await s.within(20, lambda: front.tries)
                await refused(s, front, WHY[kind])
                assert sum(line.messages for line in s.state("okx").lines) == 0
        assert not sim.counters["connects okx"]


@pytest.mark.parametrize("kind", ["expired", "self-signed", "wrong host"])
async def test_s18_rest_with_a_bad_certificate_lists_nothing(tmp_path: Path, kind: Kind) -> None:
    """The authority is unknown here, as aiohttp reads the trusted ones once per process; so a wrong host or an old date is
    not what is complained of first."""
    async with Sim(SimOptions(venues=("okx",), coins=10)) as sim:
        async with Front(Authority(tmp_path).context(kind), port_of(sim.endpoints["okx"]["rest"])) as front:
            endpoints = behind(front.port, "rest")
            async with stand("okx", coins=10, endpoints=lambda _: endpoints, up=False) as s:
                await refused(s, front, "certificate")
                assert s.state("okx").legs == 0
        assert not [name for name in sim.counters if name.startswith("rest")]


async def test_s18_a_redirect_to_an_unencrypted_address_is_not_followed(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    heard: list[ServerConnection] = []

    async def talk(connection: ServerConnection) -> None:
        heard.append(connection)

    def change(settings: Settings) -> None:
        settings.feeds.transport = library

    async with serve(talk, HOST, 0) as plain:
        target = f"ws://{HOST}:{next(iter(plain.sockets)).getsockname()[1]}/"

        def redirect(connection: ServerConnection, _request: Request) -> Response:
            answer = connection.respond(302, "")
            answer.headers["Location"] = target
            return answer

        async with serve(talk, HOST, 0, ssl=authority.context("fine"), process_request=redirect) as secure:
            endpoints = behind(next(iter(secure.sockets)).getsockname()[1], "ws")
            async with stand("okx", coins=10, endpoints=lambda _: endpoints, change=change, up=False) as s:
                await s.within(20, lambda: s.state("okx").status is Status.TLS)
                assert "redirected to unencrypted ws://" in s.words()
    assert not heard


@pytest.mark.parametrize("library", ["picows", "websockets"])
async def test_s18_a_good_certificate_of_a_trusted_authority_is_accepted_for_streams_and_rest(
    tmp_path: Path, library: Library
) -> None:
    """So the tests above don't pass because TLS never works. Whom to trust is told by the environment, as OpenSSL has it."""
    authority = Authority(tmp_path)
    async with Sim(SimOptions(venues=("okx",), coins=10)) as sim:
        async with Front(authority.context("fine"), port_of(sim.endpoints["okx"]["ws"])) as front:
            urls: Mapping[str, str] = behind(front.port, "ws", "rest")["okx"]
            environ = {
                **{k: v for k, v in os.environ.items() if not k.startswith(("FRMON_", "XDG_"))},
                **{f"FRMON_VENUES_OKX_ENDPOINTS_{name.upper()}": url for name, url in urls.items()},
                **{f"FRMON_VENUES_{name}_ENABLED": "false" for name in ("BINANCE", "BYBIT", "BITGET")},
                **{f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "DATA", "CACHE")},
                "FRMON_FEEDS_TRANSPORT": library,
                "SSL_CERT_FILE": str(authority.file),
            }
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "frmon",
                "snapshot",
                "--format",
                "json",
                env=environ,
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await asyncio.wait_for(child.communicate(), 30)
        assert front.heard > 0
    state = msgspec.json.decode(out)["venues"]["okx"]
    assert (state["status"], state["fresh_legs"] > 0) == ("LIVE", True)
