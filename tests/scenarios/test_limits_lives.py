"""What many lives of the program spend together, each a process that is killed."""

import asyncio
import json
import sys
from pathlib import Path

from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim

REAL_TIME = "lives are processes of their own"


async def lives(sim: Sim, state_dir: Path | str, count: int, life_s: float) -> None:
    loop = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.scenarios.crashloop", str(state_dir), str(count), str(life_s),
        stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await loop.communicate(json.dumps(sim.endpoints).encode())
    assert loop.returncode == 0


async def test_s24_twenty_lives_that_are_killed_at_once_spend_no_more_than_one(tmp_path: Path) -> None:
    async with Sim(SimOptions(coins=30, rate=0.1)) as sim:
        await lives(sim, tmp_path, 20, 0.3)
        assert sim.counters["connects okx"] > 3, "they did dial"
        assert dict(sim.violations) == {}
        await lives(sim, "-", 8, 0.3)
        assert sim.violations, "without memory they break limits: this test can fail"
