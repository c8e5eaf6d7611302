"""An engine on simulated venues and the API over it, in the loop of a test: so in time that leaps."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from frmon.api.collector import Collector
from frmon.api.door import Door
from frmon.api.gate import Gate
from frmon.api.past import Past
from frmon.api.routes import Routes
from frmon.engine import Engine
from frmon.host import Host
from tests.scenarios.stand import Stand, stand


class Here:
    """In place of a thread of the engine's own."""

    def post(self, call: Callable[[], object]) -> None:
        """Have it called soon."""
        asyncio.get_running_loop().call_soon(call)


class Api:
    """The API of an engine, which can end and begin again at the same port, as another run."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.port = 0
        self.collector = self._collector()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def _collector(self) -> Collector:
        return Collector(self.engine, cast("Host", Here()))

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Answer."""
        loop = asyncio.get_running_loop()
        self.collector = self._collector()
        self.engine.listeners.append(self.collector.hear)
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        gate = Gate("127.0.0.1", self.port, "", self.engine.clock)
        routes = Routes(self.collector, gate, Past(self.engine.store))
        door = Door(routes)
        server = await loop.create_server(door, sock=listener)
        watch = asyncio.create_task(door.watch())
        try:
            yield
        finally:
            server.close()
            routes.stopped.set()
            watch.cancel()
            await door.shutdown(0.1)


@asynccontextmanager
async def serving_here(*venues: str, **options: Any) -> AsyncIterator[tuple[Stand, Api]]:
    """A running engine and its API."""
    async with stand(*venues, **options) as s:
        api = Api(s.engine)
        async with api.up():
            yield s, api
