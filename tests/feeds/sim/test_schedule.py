import asyncio
from pathlib import Path

import aiohttp
import pytest

from frmon.clock import ManualClock
from frmon.errors import ConfigError
from frmon.feeds.sim.child import arguments
from frmon.feeds.sim.options import APART, SimOptions
from frmon.feeds.sim.schedule import read_schedule
from frmon.feeds.sim.server import Sim
from tests.command import Frmon
from tests.feeds.sim.dial import url
from tests.leaping import clock_here

PLAN = """
{"at_s": 9, "turn": {"kind": "halt", "venue": "okx", "market": "spot", "symbol": "BTC-USDT"}}

{"at_s": 2.5, "fault": {"kind": "rest_status", "venue": "okx", "status": 502, "for_s": 3}}
"""


def plan(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plan.jsonl"
    path.write_text(text)
    return path


def test_a_plan_is_read_by_time(tmp_path: Path) -> None:
    fault, turn = read_schedule(plan(tmp_path, PLAN))
    assert fault.fault is not None
    assert turn.turn is not None
    assert (fault.at_s, fault.fault.status, turn.at_s, turn.turn.kind) == (2.5, 502, 9, "halt")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "truncated"),
        ('{"at_s": 1}', "either a fault or a turn"),
        ('{"at_s": -1, "fault": {"kind": "mute"}}', "negative"),
        ('{"at_s": 1, "fault": {"kind": "earthquake"}}', "earthquake"),
        ('{"at_s": 1, "fault": {"kind": "garble", "how": "gently"}}', "how is none of truncate"),
        ('{"at_s": 1, "turn": {"kind": "rename", "venue": "okx", "market": "spot", "symbol": "X"}}', "needs a name"),
        ('{"at_s": 1, "fault": {"kind": "mute"}, "wen": 1}', "wen"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = plan(tmp_path, f"\n{line}\n")
    with pytest.raises(ConfigError, match=f"{path}, line 2: .*{why}"):
        read_schedule(path)


async def test_a_plan_is_followed(tmp_path: Path) -> None:
    clock, options = ManualClock(), SimOptions(coins=40, venues=("okx",), faults=plan(tmp_path, PLAN))
    async with Sim(options, clock) as sim, aiohttp.ClientSession() as http:

        async def status() -> int:
            await asyncio.sleep(0.06)
            async with http.get(url(sim, "okx", "rest", "/api/v5/public/time")) as reply:
                return reply.status

        found = [await status()]
        for wait in (2.4, 0.2, 2.5, 1.0):
            clock.advance(wait)
            found.append(await status())
        assert found == [200, 200, 502, 502, 200]
        assert sim.world.instruments("okx", "spot")["BTC-USDT"].state == "trading"
        clock.advance(4)
        await status()
        assert sim.world.instruments("okx", "spot")["BTC-USDT"].state == "halted"


def test_the_command_refuses_a_bad_plan_in_one_line_and_children_get_theirs(frmon: Frmon, tmp_path: Path) -> None:
    path = plan(tmp_path, '{"at_s": 1, "fault": {"kind": "earthquake"}}')
    assert f"{path}, line 1: " in frmon("sim", "--coins", "40", "--faults", str(path)).failed(2)
    assert "nowhere cannot be read" in frmon("sim", "--coins", "40", "--faults", str(tmp_path / "nowhere")).failed(2)
    assert arguments(SimOptions(faults=path))[-3:] == ["--faults", str(path), "--until-eof"]


async def test_each_venue_may_listen_on_an_address_of_its_own() -> None:
    async with Sim(SimOptions(coins=40, hosts=APART), clock_here()) as sim, aiohttp.ClientSession() as http:
        for venue, host in APART.items():
            assert all(f"//{host}:" in address for address in sim.endpoints[venue].values())
        async with http.get(url(sim, "okx", "rest", "/api/v5/public/time")) as reply:
            assert reply.status == 200
        for address in sim.status_urls:
            async with http.get(address) as reply:
                assert reply.status == 200
