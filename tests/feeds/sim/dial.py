"""A client of the simulated venues, as plain as can be."""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import WSMsgType

from frmon.clock import ManualClock
from frmon.feeds.sim.server import Sim


def url(sim: Sim, venue: str, endpoint: str, path: str) -> str:
    return sim.endpoints[venue][endpoint] + path


def let(sim: Sim, seconds: float) -> None:
    """Let the simulator's time pass."""
    assert isinstance(sim.clock, ManualClock)
    sim.clock.advance(seconds)


async def closed(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """Read until the server closes; code and reason."""
    while True:
        message = await asyncio.wait_for(socket.receive(), 10)
        if message.type is WSMsgType.CLOSE:
            return message.data, message.extra or ""
        if message.type in (WSMsgType.CLOSED, WSMsgType.ERROR):
            return socket.close_code, ""


async def heard(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return json.loads((await asyncio.wait_for(socket.receive(), 10)).data)


async def order(sim: Sim, http: aiohttp.ClientSession, **fault: Any) -> int:
    async with http.post(url(sim, "okx", "rest", "/_sim/fault"), json=fault) as reply:
        return reply.status
