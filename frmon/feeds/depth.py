"""Order books on demand: the books of a few legs, asked for by REST again and again while somebody looks at them.

Nothing is asked while nothing is looked at. These requests come last: each waits until its budgets are mostly free.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from frmon.clock import Clock
from frmon.errors import DecodeError, Unreachable
from frmon.feeds.contract import Depth, Request, Venue
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Rest
from frmon.jobs import Jobs
from frmon.ladder import per_coin
from frmon.model import Book, Leg, LegKey, Market

EVERY_S = 2.0  # between two requests for the same book, at least
SETTLE_S = 0.25  # a choice that does not last so long is not asked for
SHARE = 0.6  # of each budget: above it everything else goes first
BUSY = "waits: the venue's request budget is in use"


class Sight(msgspec.Struct, frozen=True):
    """What is known of one leg's book. `book`: per coin, the last one that came; `asked_at`: the monotonic time at which
    it was asked for; `why`: what is wrong now, in words, "" = nothing; `levels`: as in `contract.Depth`."""

    leg: Leg
    book: Book | None = None
    asked_at: float | None = None
    why: str = "asked"
    levels: int = 0


class Desk(msgspec.Struct, frozen=True):
    """How to ask one venue."""

    venue: Venue
    rest: Rest
    pacer: Pacer


class Depths:
    """Keeps the books of the chosen legs young. All calls belong on the engine's loop; `seen` may be read anywhere."""

    def __init__(
        self, desks: Iterable[Desk], clock: Clock, tell: Callable[[str], None], time_scale: float = 1.0
    ) -> None:
        self.seen: Mapping[LegKey, Sight] = {}  # replaced as a whole, never changed
        self._desks = {desk.venue.name: desk for desk in desks}
        self._clock = clock
        self._scale = time_scale
        self._jobs = Jobs(clock, tell, time_scale)
        self._runs: dict[LegKey, asyncio.Task[None]] = {}
        self._due: dict[LegKey, float] = {}  # when each book may be asked for again

    def choose(self, legs: Sequence[Leg]) -> None:
        """From now on keep the books of these legs and of no others; without legs nothing more is asked, and what was
        asked is not waited for."""
        wanted = {leg.key: leg for leg in legs}
        gone = [key for key, sight in self.seen.items() if wanted.get(key) != sight.leg]
        for key in gone:
            if (run := self._runs.pop(key, None)) is not None:
                run.cancel()
        kept = {key: sight for key, sight in self.seen.items() if key not in gone}
        self.seen = kept | {key: self._start(leg) for key, leg in wanted.items() if key not in kept}

    async def end(self) -> None:
        """Stop for good."""
        self.choose(())
        await self._jobs.end()

    def _start(self, leg: Leg) -> Sight:
        """The first sight of a leg; its job is started if there is anything to ask."""
        depth = self._depth(leg.venue, leg.market)
        if depth is None:
            return Sight(leg, why="this venue is not asked for order books")
        if leg.contract is None:
            return Sight(leg, why="the size of a contract is not known")
        self._runs[leg.key] = self._jobs.start(f"{leg.venue} {leg.symbol} depth", lambda: self._follow(leg, depth))
        return Sight(leg, levels=depth.levels)

    def _depth(self, venue: str, market: Market) -> Depth | None:
        desk = self._desks.get(venue)
        return None if desk is None else next((d for d in desk.venue.depths if d.market is market), None)

    async def _follow(self, leg: Leg, depth: Depth) -> None:
        """One book, one request at a time, until cancelled."""
        await self._clock.sleep(SETTLE_S * self._scale)
        request = depth.request(leg.symbol)
        while True:
            while (wait := self._due.get(leg.key, 0.0) - self._clock.mono()) > 0:
                await self._clock.sleep(wait)
            now = self._clock.mono()
            self._due = {key: at for key, at in self._due.items() if at > now}
            self._due[leg.key] = now + EVERY_S * self._scale
            await self._ask(leg, depth, request)

    async def _ask(self, leg: Leg, depth: Depth, request: Request) -> None:
        desk = self._desks[leg.venue]
        if not has_room(desk.pacer, request):
            self._note(leg, BUSY)
            return
        try:
            body, asked_at = await desk.rest.get(request)
            book = per_coin(depth.parse(body), leg)
        except Unreachable as error:
            self._note(leg, f"{error.status}: {error.why}")
            again = self._clock.mono() + (error.retry_s or 0.0)
            self._due[leg.key] = max(self._due[leg.key], again)
        except DecodeError as error:
            self._note(leg, f"unreadable: {error}")
        else:
            self._show(Sight(leg, book, asked_at, "", depth.levels))

    def _note(self, leg: Leg, why: str) -> None:
        """Something is wrong; the last book stays, it only ages."""
        if leg.key in self.seen:
            self._show(msgspec.structs.replace(self.seen[leg.key], why=why))

    def _show(self, sight: Sight) -> None:
        self.seen = {**self.seen, sight.leg.key: sight}


def has_room(pacer: Pacer, request: Request, share: float = SHARE) -> bool:
    """Whether a request that comes last may leave now: nobody waits, nothing is barred, and afterwards no budget is used
    to more than `share`."""
    for name, units in request.costs:
        used, limit = pacer.used(name)
        if used + units > share * limit:
            return False
    return pacer.wait_s(request.costs) <= 0
