"""What funding paid in the past: the venues' public histories, leg by leg, one request at a time at each venue.

These requests come last of all: each waits until its budgets are mostly free, nobody waits and nothing is barred.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from math import inf

import msgspec

from frmon.clock import Clock
from frmon.errors import DecodeError, Unreachable
from frmon.feeds.contract import FundingHistory, Past, Settled
from frmon.feeds.depth import Desk, has_room
from frmon.jobs import Jobs
from frmon.model import LegKey

SHARE = 0.25  # of each budget: above it everything else goes first
PACE_S = 1.0  # between two requests to one venue, at least
LOOK_S = 2.0
AGAIN_S = 300.0  # after a failure; doubled with each more, up to AGAIN_MOST_S
AGAIN_MOST_S = 4 * 3600.0
PAGES_AT_MOST = 8


class Want(msgspec.Struct, frozen=True):
    """A leg whose settlements from `since_ms` on are missing; `last_ms`: the newest that there should be. For one `last_ms` a
    leg is asked for once, however little the venue tells."""

    key: LegKey
    since_ms: int
    last_ms: int


Hear = Callable[[Want, Sequence[Settled]], None]
"""Is told all settlements that a leg's history has from `Want.since_ms` on, in the order of time."""


class Settlements:
    """Asks for what is wanted. All calls belong on the engine's loop."""

    def __init__(
        self, desks: Iterable[Desk], clock: Clock, tell: Callable[[str], None], hear: Hear, time_scale: float = 1.0
    ) -> None:
        self.replies = 0
        self.failures = 0
        self._desks = tuple(desks)
        self._clock = clock
        self._hear = hear
        self._scale = time_scale
        self._jobs = Jobs(clock, tell, time_scale)
        self._wants: dict[str, list[Want]] = {}
        self._asked: dict[LegKey, int] = {}  # `last_ms` of what was answered
        self._failed: dict[LegKey, tuple[int, float]] = {}  # how often in a row, and when it may be asked for again

    def want(self, wants: Iterable[Want]) -> None:
        """From now on ask for these, the first first, and for nothing else."""
        self._wants = {}
        for want in wants:
            self._wants.setdefault(want.key.venue, []).append(want)

    async def run(self) -> None:
        """Ask, for ever. No leg and no venue waits for another one."""
        try:
            for desk in self._desks:
                for history in desk.venue.funding_histories:
                    self._start(desk, history)
            await asyncio.Event().wait()
        finally:
            await self._jobs.end()

    def _start(self, desk: Desk, history: FundingHistory) -> None:
        self._jobs.start(f"{desk.venue.name} {history.market} settlements", lambda: self._serve(desk, history))

    async def _serve(self, desk: Desk, history: FundingHistory) -> None:
        while True:
            want = self._next(desk, history)
            if want is not None:
                await self._ask(desk, history, want)
            await self._clock.sleep((LOOK_S if want is None else PACE_S) * self._scale)

    def _next(self, desk: Desk, history: FundingHistory) -> Want | None:
        now = self._clock.mono()
        for want in self._wants.get(desk.venue.name, ()):
            due_at = self._failed.get(want.key, (0, -inf))[1]
            is_new = self._asked.get(want.key, 0) < want.last_ms
            if want.key.market is history.market and is_new and due_at <= now:
                return want
        return None

    async def _ask(self, desk: Desk, history: FundingHistory, want: Want) -> None:
        """Whatever goes wrong with this leg, the others are asked for next."""
        self._postpone(want.key, 0.0)
        try:
            found = await self._read(desk, history, want)
        except Unreachable as error:
            self.failures += 1
            self._postpone(want.key, error.retry_s or 0.0, again=False)
        except DecodeError:
            self.failures += 1
        else:
            del self._failed[want.key]
            self._asked[want.key] = want.last_ms
            self._hear(want, found)

    async def _read(self, desk: Desk, history: FundingHistory, want: Want) -> list[Settled]:
        """Page by page, as far back as it is wanted."""
        past = first = Past(want.key.symbol, want.since_ms, self._clock.now_ms() + 1)
        found: dict[int, Settled] = {}
        for page in range(1, PAGES_AT_MOST + 1):
            request = history.request(past)
            while not has_room(desk.pacer, request, SHARE):
                await self._clock.sleep(PACE_S * self._scale)
            body, _ = await desk.rest.get(request)
            rows = [row for row in history.parse(body) if row.symbol == want.key.symbol]
            self.replies += 1
            found.update((row.at_ms, row) for row in rows if first.since_ms <= row.at_ms < first.until_ms)
            oldest = min((row.at_ms for row in rows), default=0)
            if len(rows) < history.rows or oldest <= want.since_ms or oldest >= past.until_ms:
                break
            past = Past(past.symbol, past.since_ms, oldest, page)
            await self._clock.sleep(PACE_S * self._scale)
        return [found[at_ms] for at_ms in sorted(found)]

    def _postpone(self, key: LegKey, wait_s: float, *, again: bool = True) -> None:
        """It failed, or would have if it never came back; `again`: once more."""
        times = self._failed.get(key, (0, 0.0))[0] + again
        wait = max(wait_s, min(AGAIN_MOST_S, AGAIN_S * 2 ** min(times - 1, 10)) * self._scale)
        self._failed[key] = times, self._clock.mono() + wait
