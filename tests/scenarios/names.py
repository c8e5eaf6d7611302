"""Host names of a test's own making, known to its event loop alone.

Everything that dials asks the running loop's `getaddrinfo` for addresses, whatever library it is. The loop is the test's; so
names are given, taken away, made to fail or to hang there, as a resolver would, and no code of the product is touched.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

DOMAIN = ".test"  # reserved: never the name of anything


class Names:
    """`addresses`: host -> its addresses, in the order in which a resolver gives them; others of the domain don't exist. While
    `silent`, no answer comes at all."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.missing = False
        self.silent = False
        self.asked = 0

    async def look_up(self, host: object, port: object, **how: Any) -> list[Any] | None:
        """What `getaddrinfo` gives for a name of the domain; None: not one of ours."""
        name = host.decode() if isinstance(host, bytes) else str(host)
        if not name.endswith(DOMAIN):
            return None
        self.asked += 1
        if self.silent:
            await asyncio.Event().wait()
        if self.missing or name not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        kind = how.get("type") or socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, "", (a, int(str(port or 0)))) for a in self.addresses[name]]

    def rename(self, urls: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """The same endpoints (venue -> key -> URL), every venue under a name that has one address, where it listens."""
        found: dict[str, dict[str, str]] = {}
        for venue, by_key in urls.items():
            for key, url in by_key.items():
                parts = urlsplit(url)
                host = f"{venue}{DOMAIN}"
                self.addresses[host] = [parts.hostname or ""]
                found.setdefault(venue, {})[key] = f"{parts.scheme}://{host}:{parts.port}"
        return found


@asynccontextmanager
async def names() -> AsyncIterator[Names]:
    """The running loop knows them until the block ends."""
    loop = asyncio.get_running_loop()
    known = Names()
    ordinary = loop.getaddrinfo

    async def getaddrinfo(host: object, port: object, **how: Any) -> Any:
        found = await known.look_up(host, port, **how)
        return await ordinary(host, port, **how) if found is None else found  # type: ignore[arg-type]

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    try:
        yield known
    finally:
        loop.getaddrinfo = ordinary  # type: ignore[method-assign]
