"""What one market of a venue trades: read at start and again while running; the last good list outlives every failure."""

import asyncio
from collections.abc import Sequence

from frmon.errors import DecodeError, Unreachable
from frmon.feeds.access import Terms
from frmon.feeds.contract import Directory, Page, Venue
from frmon.feeds.rest import Rest, kept, waited_out
from frmon.feeds.retries import Retries
from frmon.feeds.shrinking import SHRUNK_LISTS, is_shrunk
from frmon.model import Listing, Market

AGAIN_AFTER_NOTICE_S = 2.0
PAGES_AT_MOST = 50
LISTED_AT_MOST = (
    5_000  # the longest real list of a market has below a thousand: each costs a row, and a share of a line
)
SAYS, EMPTY = "LISTING-ERR", "an empty list"
SHRUNK = "PARTIAL"  # what a venue is whose list misses too much, or everything
ASLEEP = "MAINT"  # ... or which says that nothing trades any more
NOTHING = "NO-DATA"  # ... or which listed nothing that could be believed yet


class Listings:
    """One directory's schedule."""

    def __init__(
        self, venue: Venue, directory: Directory, rest: Rest, terms: Terms, closed: set[Market] | None = None
    ) -> None:
        self.name = f"{directory.market} listings"
        self.market: Market = directory.market
        self.read_at: float | None = None  # monotonic time of the last good list
        self._why: Unreachable | None = None
        self._doubted: Unreachable | None = None  # ... of a list that was read
        self._again_at = float("-inf")
        self._retries = Retries(terms.time_scale)
        self._venue = venue
        self._directory = directory
        self._rest = rest
        self._terms = terms
        self._closed = set() if closed is None else closed  # markets of which nothing trades, for whoever expects data
        self._notice = asyncio.Event()
        self._known: dict[str, Listing] = {}  # the last list that was believed
        self._doubts = 0  # lists in a row that were not
        self._skipped = 0  # unreadable rows of the last list
        self._usual = 0  # ... and of the last one that missed nobody

    @property
    def trouble(self) -> Unreachable | None:
        """Why it can't be read now or is not believed, with the age of the list that is kept meanwhile."""
        why = self._why
        if why is None or why is self._doubted:
            return why
        now = self._terms.clock.mono()
        why = waited_out(why, self._again_at - now)
        if self.read_at is None:
            return Unreachable(why.status, f"{SAYS} {why.why}", why.retry_s) if why.status == NOTHING else why
        minutes = (now - self.read_at) / 60
        return Unreachable(why.status, f"{SAYS} {why.why} (the list is {minutes:.0f} min old)", why.retry_s)

    async def _try(self) -> Sequence[Listing] | Unreachable:
        try:
            listings = await self._read()
        except (Unreachable, DecodeError) as error:
            return kept(error)
        if listings or (self._known and self._directory.only_trading):
            return listings
        return Unreachable(SHRUNK if self._known else NOTHING, EMPTY)

    def again(self) -> None:
        """Instruments changed: read it soon."""
        self._notice.set()

    def hurry(self) -> None:
        """There is reason to believe that the next try will do better."""
        self._retries.hurry()

    async def run(self) -> None:
        """Read, wait, read, for ever."""
        clock, scale = self._terms.clock, self._terms.time_scale
        while True:
            listings = await self._try()
            if isinstance(listings, Unreachable):
                self._why = listings
                self._terms.listed(self._venue.name, self.market, None)
                wait = self._retries.wait_s(listings)
                self._again_at = clock.mono() + wait
                await self._retries.pause(clock, wait, is_demanded=bool(listings.retry_s))
                continue
            self._retries = Retries(scale)
            self._why = self._doubted = self._doubt(listings)
            self.read_at = self._terms.clock.mono()
            self._terms.listed(self._venue.name, self.market, listings)
            await self._pause(self._directory.every_s * scale)

    def _doubt(self, listings: Sequence[Listing]) -> Unreachable | None:
        """What is not believed of a list; the whole one that came last is what the next is compared with."""
        found = {one.symbol: one for one in listings}
        lost = self._known.keys() - found
        (self._closed.discard if found else self._closed.add)(self.market)
        if not found:
            return Unreachable(ASLEEP, f"{SAYS} {EMPTY}")
        if not is_shrunk(len(lost), len(self._known)) or self._doubts >= SHRUNK_LISTS - 1:
            self._known, self._doubts = found, 0
            return None
        self._doubts += 1
        return Unreachable(SHRUNK, f"{SAYS} {len(lost)} of {len(self._known)} instruments are missing, they are kept")

    async def _pause(self, seconds: float) -> None:
        """Until it is time or a notice says that instruments changed."""
        try:
            async with asyncio.timeout(seconds):
                await self._notice.wait()
        except TimeoutError:
            return
        await self._terms.clock.sleep(AGAIN_AFTER_NOTICE_S * self._terms.time_scale)
        self._notice.clear()

    async def _read(self) -> Sequence[Listing]:
        request = self._directory.request
        found: dict[str, Listing] = {}
        skipped = 0
        for _ in range(PAGES_AT_MOST):
            body, _ = await self._rest.get(request)
            page: Page = self._directory.parse(body)
            skipped += page.skipped
            found.update((listing.symbol, listing) for listing in page.listings)
            if len(found) > LISTED_AT_MOST:
                raise DecodeError(f"more than {LISTED_AT_MOST} instruments")
            if page.next is None or page.next == request:
                break
            request = page.next
        lost = self._known.keys() - found
        if not lost:
            self._usual = skipped
        elif len(lost) <= skipped - self._usual:  # a row that can no longer be read says nothing new of its instrument
            found |= {symbol: self._known[symbol] for symbol in lost}
        news = skipped != self._skipped
        self._skipped = skipped
        if skipped and news:
            self._terms.tell(f"{self._venue.name} {self.market}: {skipped} unreadable rows in the list skipped")
        return list(found.values())
