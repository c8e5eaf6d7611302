"""Lists that can't be what they say."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

from frmon.clock import ManualClock
from frmon.feeds.access import Terms
from frmon.feeds.contract import Request
from frmon.feeds.listings import LISTED_AT_MOST, Listings
from frmon.feeds.rest import Rest
from frmon.model import Listing, Market
from tests.feeds import toy


class Desk:
    """REST that lists instruments, a thousand on a page, and remembers what was made of them."""

    def __init__(self, count: int) -> None:
        self.symbols = [f"S{n}USDT" for n in range(count)]
        self.skipped = 0
        self.pages = 0
        self.heard: list[list[str] | None] = []

    async def get(self, request: Request) -> tuple[bytes, float]:
        first = int(request.query.partition("=")[2] or 0)
        self.pages += 1
        last = min(first + 1000, len(self.symbols))
        more = last if last < len(self.symbols) else None
        page = {"symbols": self.symbols[first:last], "next": more, "skipped": self.skipped}
        return json.dumps(page).encode(), 0.0

    def listed(self, _venue: str, _market: Market, listings: Sequence[Listing] | None) -> None:
        self.heard.append(None if listings is None else sorted(one.symbol for one in listings))


@asynccontextmanager
async def reading(desk: Desk) -> AsyncIterator[tuple[Listings, Callable[[], Awaitable[list[str] | None]]]]:
    """The job, which has read the list once, and a way to have it read again."""
    clock = ManualClock()
    terms = SimpleNamespace(time_scale=1.0, clock=clock, tell=lambda _: None, listed=desk.listed)
    one = Listings(toy.VENUE, toy.VENUE.directories[0], cast("Rest", desk), cast("Terms", terms))

    async def again() -> list[str] | None:
        count, desk.pages = len(desk.heard), 0
        one.again()
        while len(desk.heard) == count:
            await asyncio.sleep(0.05)
            clock.advance(0.5)
        return desk.heard[-1]

    task = asyncio.create_task(one.run())
    await asyncio.sleep(0.1)
    yield one, again
    task.cancel()


async def test_a_list_without_an_end_is_not_believed_and_what_was_known_stays() -> None:
    desk = Desk(1500)
    async with reading(desk) as (one, again):
        assert [len(symbols or ()) for symbols in desk.heard] == [1500]
        desk.symbols = [f"S{n}USDT" for n in range(100_000)]
        assert await again() is None
        assert desk.pages == LISTED_AT_MOST // 1000 + 1, "it is not read to its end"
        assert one.trouble is not None
        assert one.trouble.why.startswith("LISTING-ERR not what was expected (more than 5000 instruments)")


async def test_a_row_that_can_never_be_read_hides_no_delisting() -> None:
    """Only what became unreadable since the last whole list stands for an instrument that is missing."""
    desk = Desk(20)
    desk.skipped = 1
    async with reading(desk) as (_, again):
        gone = desk.symbols.pop()
        assert gone not in (await again() or ())
        torn = desk.symbols.pop()
        desk.skipped = 2
        for _ in range(3):
            assert torn in (await again() or ()), "its row is the one that can no longer be read"
        desk.symbols.append(torn)
        desk.skipped = 0
        assert torn in (await again() or ())
        desk.symbols.remove(torn)
        desk.skipped = 1
        assert torn in (await again() or ())
