"""S26, what hostile REST answers cost: the simulated venues in a process of their own, so that only the program is weighed."""

import asyncio
import json
import os
import urllib.request
from pathlib import Path

import pytest

from frmon.config import defaults
from frmon.engine import Engine
from frmon.feeds.sim.child import Child, start_child
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults

REAL_TIME = "the venues are a process of their own"

MOST_MIB = 50.0


def rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def order(child: Child, how: str) -> None:
    """Every venue spoils every answer from now on."""
    fault = json.dumps({"kind": "rest_body", "how": how, "for_s": 60}).encode()
    for url in child.status:
        with urllib.request.urlopen(url.replace("/status", "/fault"), data=fault, timeout=20):
            pass


@pytest.mark.parametrize("how", ["bomb", "huge"])
async def test_s26_bombs_from_every_venue_at_once_cost_little_memory(how: str) -> None:
    with start_child(SimOptions(coins=40, rate=0.3)) as child:
        settings = defaults(venue_defaults())
        for name, venue in settings.venues.items():
            venue.endpoints = dict(child.endpoints[name])
        settings.feeds.time_scale = 0.1
        engine = Engine(all_venues(), settings)
        run = asyncio.create_task(engine.run())
        try:
            await asyncio.sleep(3)
            held = most = rss_mib()
            await asyncio.to_thread(order, child, how)
            for _ in range(150):
                await asyncio.sleep(0.02)
                most = max(most, rss_mib())
            told = " ".join(state.detail for state in engine.states())
            legs = sum(state.legs for state in engine.states())
        finally:
            engine.stop()
            await run
    assert most - held < MOST_MIB
    assert "answer above" in told or "no answer in time" in told
    assert legs > 0
