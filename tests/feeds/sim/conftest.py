from collections.abc import AsyncIterator

import aiohttp
import pytest

from frmon.clock import ManualClock
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim


@pytest.fixture
async def sim() -> AsyncIterator[Sim]:
    async with Sim(SimOptions(coins=150, rate=5.0), ManualClock()) as sim:  # moves only when a test says so
        yield sim


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
