"""REST beside the streams: one snapshot of a market as seed, as base, as cover for what is silent, and as the sweep that
checks what the streams left on the board."""

import asyncio
from collections.abc import Callable, Sequence, Set

from frmon.clock import Clock
from frmon.errors import DecodeError, Unreachable
from frmon.feeds.content import Replies
from frmon.feeds.contract import ROW, Snapshot, Venue, Wounded
from frmon.feeds.lateness import believe
from frmon.feeds.rest import Rest, kept, waited_out
from frmon.feeds.retries import Retries
from frmon.feeds.shrinking import Exceptions
from frmon.feeds.sweep import Sweep
from frmon.feeds.unread import Unread
from frmon.model import Carrier, Market, Sink, Tick

LOOK_S = 0.5
WAITING_S = 2.5  # a leg not confirmed for this long wants cover


class Cover:
    """One snapshot's schedule."""

    def __init__(  # noqa: PLR0913, PLR0917  what it asks, of whom, when, and where it pours
        self,
        venue: Venue,
        snapshot: Snapshot,
        rest: Rest,
        sink: Sink,
        clock: Clock,
        wanted: Callable[[Market], Set[str]],
        is_streamed: Callable[[Market, str], bool],
        waiting: Callable[[str, Market, float], int],
        skew_ms: Callable[[], float],
        found: Callable[[Market, str, Set[str]], None],
        time_scale: float,
    ) -> None:
        self.snapshot = snapshot
        self.name = f"{snapshot.market} {snapshot.kind}"
        self.replies = 0
        self._venue = venue
        self._rest = rest
        self._sink = sink
        self._clock = clock
        self._wanted = wanted
        self._is_streamed = is_streamed
        self._waiting = waiting
        self._skew_ms = skew_ms
        self._found = found  # told when a sweep's finding changes: market, words, the symbols newly found wrong
        self._exceptions = Exceptions()
        self._sweep = Sweep(time_scale) if "quote" in snapshot.parts else None
        self._scale = time_scale
        self._carrier = Carrier(venue.name, snapshot.market, snapshot.kind, source="rest", stamped=snapshot.stamped)
        self.unread = Unread(time_scale)
        self._known = Replies(time_scale) if snapshot.dated else None
        self._opened = asyncio.Event()
        self._why: Unreachable | None = None  # there is no answer: asked again until there is
        self._retries = Retries(time_scale)
        self._again_at = float("-inf")
        self._asked_at = float("-inf")
        self._helpless = 0  # legs still waiting after the last cover: no use asking at once again

    def open(self) -> None:
        """Symbols of this market have seats now."""
        self._opened.set()

    def hurry(self) -> None:
        """There is reason to believe that the next try will do better."""
        self._retries.hurry()

    async def run(self) -> None:
        """Seed, then ask whenever there is reason to."""
        await self._opened.wait()
        while True:
            if self._why is not None or self._is_due():
                self._why = await self._try()
                if self._why is not None:
                    wait = self._retries.wait_s(self._why)
                    self._again_at = self._clock.mono() + wait
                    await self._retries.pause(self._clock, wait, is_demanded=bool(self._why.retry_s))
                    continue
                self._retries = Retries(self._scale)
            await self._clock.sleep(min(LOOK_S, self._shortest()) * self._scale)

    async def _try(self) -> Unreachable | None:
        """Ask once -> why there was no answer."""
        try:
            await self._ask()
        except (Unreachable, DecodeError) as error:
            return kept(error)
        return None

    def _shortest(self) -> float:
        every = [s for s in (self.snapshot.every_s, self.snapshot.cover_s) if s is not None]
        return max(0.1, min(every, default=LOOK_S) / 4)

    def _is_due(self) -> bool:
        snapshot, since = self.snapshot, self._clock.mono() - self._asked_at
        if since == float("inf"):
            return True
        if snapshot.every_s is not None and since >= snapshot.every_s * self._scale:
            return True
        if snapshot.cover_s is not None and since >= snapshot.cover_s * self._scale and self._is_needed(since):
            return True
        return self._sweep is not None and self._sweep.is_due(self._clock.mono())

    def _is_needed(self, since: float) -> bool:
        """Whether something that this snapshot states is silent on the streams."""
        market = self.snapshot.market
        if "quote" not in self.snapshot.parts:
            return not all(self._is_streamed(market, part) for part in self.snapshot.parts)
        waiting = self._waiting(self._venue.name, market, self._clock.mono() - WAITING_S * self._scale)
        if waiting and waiting == self._helpless:
            return since >= 10.0 * self._scale
        return waiting > 0

    async def _ask(self) -> None:
        before = self._asked_at
        self._asked_at = self._clock.mono()
        try:
            body, asked_at = await self._rest.get(self.snapshot.request)
        except Unreachable:
            self._asked_at = before
            raise
        if self._known is not None and not self._known.is_news(body, self._clock.mono()):
            return
        told = self.snapshot.parse(body)
        at, now_ms = self._clock.mono(), self._clock.now_ms()
        if isinstance(told, Wounded):
            self.unread.note(told.unread, at)
        ticks = self._complete(told)
        believe(ticks, now_ms + self._skew_ms())
        self._carrier.heard_at = at
        self._audit(ticks, at)
        self._sink.take(self._carrier, ticks, at, now_ms, asked_at)
        self.replies += 1
        if "quote" in self.snapshot.parts:
            self._helpless = self._waiting(self._venue.name, self.snapshot.market, asked_at)

    @property
    def answered_at(self) -> float:
        """When REST last answered (monotonic), -inf for never."""
        return self._carrier.heard_at

    @property
    def trouble(self) -> Unreachable | None:
        """Why there is no answer, and how long it is until the next try; None while there are answers."""
        return None if self._why is None else waited_out(self._why, self._again_at - self._clock.mono())

    @property
    def finding(self) -> str:
        """What the last sweep found, in words; "" while nothing is wrong."""
        return "" if self._sweep is None else self._sweep.words()

    @property
    def is_refuted(self) -> bool:
        """Whether a stream says what this snapshot found to be wrong."""
        return self._sweep is not None and bool(self._sweep.differing)

    def _audit(self, ticks: Sequence[Tick], now: float) -> None:
        """Before they are merged, compare them with what stands."""
        if self._sweep is None or not self._sweep.is_due(now):
            return
        before = self.finding
        wrong = self._sweep.look(self._sink.look(self._carrier, ticks), now)
        self._sink.doubt(self._carrier, wrong)
        if wrong or self.finding != before:
            self._found(self.snapshot.market, self.finding or "sweep: all agree again", wrong)

    def _complete(self, ticks: Sequence[Tick]) -> Sequence[Tick]:
        """With what the venue's documentation says of symbols that its list leaves out."""
        hours = self.snapshot.absent_interval_h
        if hours is None:
            return ticks
        is_whole = not (isinstance(ticks, Wounded) and ROW in ticks.unread)
        named = {tick.symbol for tick in ticks}
        absent = self._exceptions.unnamed(self._wanted(self.snapshot.market), named, is_whole=is_whole)
        return [*ticks, *(Tick(symbol=symbol, funding_interval_h=hours) for symbol in sorted(absent))]
