"""Tunnels between the product and its simulated venues, one per endpoint: `async with tunnels() as t, stand("okx",
endpoints=t.endpoints) as s:`, then `t["okx", "ws"].down.latency_s = 0.2` or `t.of("okx", "bybit")` for many."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from frmon.feeds.sim.server import Sim
from frmon.feeds.sim.tunnel import Tunnel


class Tunnels:
    """By (venue, endpoint name)."""

    def __init__(self) -> None:
        self.by_name: dict[tuple[str, str], Tunnel] = {}

    def __getitem__(self, name: tuple[str, str]) -> Tunnel:
        return self.by_name[name]

    def of(self, *venues: str) -> list[Tunnel]:
        """All tunnels of these venues (none named: of all)."""
        return [tunnel for (venue, _), tunnel in self.by_name.items() if not venues or venue in venues]

    def streams(self, *venues: str) -> list[Tunnel]:
        """Those of them that carry WebSockets."""
        return [t for (venue, name), t in self.by_name.items() if "ws" in name and (not venues or venue in venues)]

    def endpoints(self, sim: Sim) -> Mapping[str, Mapping[str, str]]:
        """For `stand`: opens a tunnel to every endpoint and says where."""
        found: dict[str, dict[str, str]] = {}
        for venue, urls in sim.endpoints.items():
            for name, url in urls.items():
                parts = urlsplit(url)
                assert parts.port is not None
                tunnel = self.by_name[venue, name] = Tunnel(parts.port, parts.hostname or "")
                tunnel.open()
                found.setdefault(venue, {})[name] = f"{parts.scheme}://{tunnel.host}:{tunnel.port}"
        return found


@asynccontextmanager
async def tunnels() -> AsyncIterator[Tunnels]:
    """Closed at the end."""
    those = Tunnels()
    try:
        yield those
    finally:
        for tunnel in those.of():
            await tunnel.close()
