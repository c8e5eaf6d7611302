"""What the screen shows of a collector elsewhere: everything `frmon.engine.Engine` offers it, from the stream instead of the
venues. Spreads, pasts and gates are reckoned here, by the collector's terms; signals, episodes and the state of its venues
are the collector's."""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from frmon.attach.line import Address
from frmon.attach.link import Link
from frmon.attach.messages import (
    Changes,
    Health,
    Pasts,
    Said,
    Whole,
    episode_of,
    held_of,
    read,
    read_whole,
    signal_of,
    venue_state,
)
from frmon.attach.pace import Pace
from frmon.attach.restate import Restated
from frmon.attach.sse import Event
from frmon.board import Board, Cell, Freshness
from frmon.clock import Clock
from frmon.config import Settings
from frmon.errors import DecodeError
from frmon.events import KEPT, LOOK_BACK, EventLog
from frmon.events import Event as Row
from frmon.feeds.contract import Venue
from frmon.feeds.text import clean
from frmon.fundingnews import FundingNews
from frmon.gates import Standing
from frmon.jobs import Jobs
from frmon.model import LegKey, Market, Signal, Status, VenueState
from frmon.parts import SignalPart
from frmon.signals.episodes import Episode
from frmon.signals.history import History
from frmon.signals.rules import Rule
from frmon.signals.watch import Watch, remember
from frmon.spread import Terms, best
from frmon.storage.state import JournalState
from frmon.study import CoinDepth

LATE_S = 2.0
"""A stream that is later than this is worth a word."""

SPREADS_S = 0.25
ALL_EVERY = 4
NO_BOOKS = "order books are not streamed: run frmon without --connect to see them"
REPEATED = re.compile(r" x(\d+)$")


class Told(NamedTuple):
    """The collector's episodes."""

    open: Sequence[Episode]


class Remote:
    """Implements `frmon.tui.source.Source`. One thread runs it; any may read it."""

    store = None
    depth: CoinDepth | None = None

    def __init__(self, address: Address, settings: Settings, venues: Sequence[Venue], clock: Clock) -> None:
        self.venues = venues
        self.settings = settings
        self.clock = clock
        self.simulated = ""
        self.board = Board()
        self.terms = terms_of(settings)
        self.signals: deque[Signal] = deque(maxlen=50)  # newest first
        self.storage = JournalState(status="ELSEWHERE")
        self.history = History(self.terms, settings.signals.sample_every_s)
        self._log = EventLog(clock)
        self.tell = self._log.tell
        self._told: Told | None = None
        self._watch = Watch(self.board, Rule(settings.signals, self.terms, settings.rules), clock, lambda _: None)
        self.standing: Callable[[str, str, str], Standing] = self._watch.standing
        self.funding = FundingNews(self.board, clock, lambda _: None)
        self.session = ""
        self.pace = Pace()
        self.link = Link(address, clock, self, self.tell)
        self._restated = Restated(self.board)
        self._states: list[VenueState] = []
        self._notices: list[str] = []
        self._is_heard = False
        self._seen: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None

    @property
    def trouble(self) -> str:
        """What stands between the screen and its data, "" = nothing."""
        return self.link.trouble

    @property
    def way(self) -> str:
        """Where the data comes from, and how late."""
        return f"{self.link.address.place} +{self.pace.delay_s:.1f}s" if self._is_heard else self.link.address.place

    @property
    def events(self) -> Sequence[Row]:
        """What happened there and on the way, newest first."""
        return self._log.rows

    @property
    def notices(self) -> Sequence[str]:
        """What is wrong with the collector itself, or with the way to it."""
        late = self.pace.delay_s
        return (*([f"STREAM is {late:.1f} s late"] if late > LATE_S and self._is_heard else ()), *self._notices)

    @property
    def episodes(self) -> Told:
        """The collector's open ones; reckoned here where it tells of none."""
        return self._told if self._told is not None else Told(self._watch.rule.episodes.open)

    @property
    def verdicts(self) -> dict[LegKey, str]:
        """Quarantined legs and why."""
        return {cell.key: cell.leg.quarantine for cell in self.board.cells() if cell.leg.quarantine}

    def states(self) -> list[VenueState]:
        """How the collector's venues are; nothing of a collector that is lost is fresh."""
        if self._is_heard:
            return self._states
        now, before = self.clock.mono(), self._states
        status = Status.STALE if before else Status.CONNECTING
        told = self.link.why and "the collector is lost"
        fresh = _fresh_legs(self.board.cells(), now, self.terms.freshness)
        return [
            replace(s, status=status, detail=told, messages_per_s=0.0, fresh_legs=fresh[s.name], lines=[])
            for s in before or [VenueState(name=venue.name) for venue in self.venues]
        ]

    async def run(self) -> None:
        """Run until `stop`."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        jobs = Jobs(self.clock, self.tell, 1.0)
        jobs.start("stream", self.link.run)
        jobs.start("spreads", self._spreads)
        jobs.start("signals", self._watch.run)
        jobs.start("history", lambda: remember(self.history, self.board, self.clock, lambda: self._looked_at))
        jobs.start("funding", self.funding.run)
        try:
            await self._stopped.wait()
        finally:
            await jobs.end()

    def stop(self) -> None:
        """From any thread: end `run`."""
        if self._loop is not None and self._stopped is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopped.set)

    _looked_at: tuple[str, ...] = ()

    def interest(self, coins: Sequence[str]) -> None:
        """From any thread: these coins are looked at now."""
        self._looked_at = tuple(coins)

    def study(self, coin: str | None) -> None:
        """From any thread: order books are asked for by whoever is at the venues, which we are not."""
        self.depth = (
            None if coin is None else CoinDepth(coin=coin, at_ms=self.clock.now_ms(), legs=(), pair=None, why=NO_BOOKS)
        )

    def redial(self, venue: str) -> None:
        """From any thread: the lines are the collector's."""
        if self._loop is not None and not self._loop.is_closed():
            said = f"{venue}: its lines are the collector's, which dials them by itself"
            self._loop.call_soon_threadsafe(self.tell, said)

    def hear(self, event: Event, now: float) -> None:
        """See `frmon.attach.link.Hears`."""
        if event.kind == "snapshot":
            self._take_whole(read_whole(event.data), now)
        elif not self.session:
            raise DecodeError("it does not begin with a picture")
        elif event.kind == "changes":
            changes = read(event.data, Changes)
            at = now - self.pace.hear(changes.at_ms, now)
            self._restated.gone(changes.gone)
            self._restated.coins(changes.coins, at)
            self._restated.legs(changes.legs, at)
        elif event.kind == "past":
            self._take_past(read(event.data, Pasts), now)
        elif event.kind == "status":
            self._take_health(read(event.data, Health), now)
        elif event.kind == "signal":
            self._take_signal(read(event.data, SignalPart), now)
        elif event.kind == "event":
            self._take_event(read(event.data, Said), now)

    def lost(self) -> None:
        """See `frmon.attach.link.Hears`."""
        self._is_heard = False
        self._restated.lost()

    def _take_whole(self, whole: Whole, now: float) -> None:
        if self.session and whole.session != self.session:
            self.tell("COLLECTOR is another one than before: everything was told anew")
        self.session = whole.session
        at = now - self.pace.hear(whole.at_ms, now)
        self._restated.only({part.coin for part in whole.coins})
        self._restated.coins(whole.coins, at)
        signals = [signal_of(part, whole.at_ms, at) for part in whole.signals]
        self.signals.clear()
        self.signals.extend(signals)
        self._take_venues(whole, at)

    def _take_health(self, health: Health, now: float) -> None:
        at = now - (self.pace.delay_s if health.at_ms is None else self.pace.hear(health.at_ms, now))
        self._take_venues(health, at)
        if health.episodes is not None:
            self._told = Told([episode_of(part, at) for part in health.episodes])

    def _take_venues(self, told: Whole | Health, at: float) -> None:
        self._restated.heard(told.venues, at)
        self._states = [venue_state(name, part) for name, part in told.venues.items()]
        self._notices = [clean(notice, 300) for notice in told.notices]
        self._is_heard = True

    def _take_past(self, pasts: Pasts, now: float) -> None:
        at = now - self.pace.hear(pasts.at_ms, now)
        for part in pasts.coins:
            if part.coin in self.board.rows:
                self.history.recall(part.coin, held_of(part, at), now)

    def _take_signal(self, part: SignalPart, now: float) -> None:
        signal = signal_of(part, self.clock.now_ms(), now)
        if not any(_is_same(signal, held) for held in self.signals):
            self.signals.appendleft(signal)

    def _take_event(self, said: Said, now: float) -> None:
        """Put it among ours; one that was repeated takes the place of what it repeats."""
        text = clean(said.text, 300)
        found = REPEATED.search(text)
        first, count = (text, 1) if found is None else (text[: found.start()], int(found[1]))
        rows = self._log.rows
        for row in list(islice(rows, LOOK_BACK)) if count > 1 else ():
            if row.said == first:
                rows.remove(row)
        rows.appendleft(Row(said.at_ms, text, first, count, now))
        assert len(rows) <= KEPT

    async def _spreads(self) -> None:
        """Recompute the rows that changed four times a second, and all once a second, since freshness fades by itself."""
        beat = 0
        while True:
            now, now_ms = self.clock.mono(), self.clock.now_ms()
            everything = beat % ALL_EVERY == 0
            for row in list(self.board.rows.values()):
                if everything or self._seen.get(row.coin) != row.version:
                    self._seen[row.coin] = row.version
                    row.spread = best(row, self.terms, now, now_ms)
            if everything:
                self._seen = {coin: v for coin, v in self._seen.items() if coin in self.board.rows}
            beat += 1
            await self.clock.sleep(SPREADS_S)


def terms_of(settings: Settings) -> Terms:
    """What decides about pairs, as an engine has it of its settings."""
    return Terms(
        fees={
            (name, market): (s.taker_fee_spot if market is Market.SPOT else s.taker_fee_perp)
            for name, s in settings.venues.items()
            for market in Market
        },
        freshness=Freshness(settings.signals.max_age_s, settings.signals.max_quiet_s),
        allow_borrow=settings.screen.sell_spot,
    )


def _fresh_legs(cells: Iterable[Cell], now: float, freshness: Freshness) -> Counter[str]:
    return Counter(cell.key.venue for cell in cells if cell.is_fresh(now, freshness))


def _is_same(one: Signal, other: Signal) -> bool:
    return (one.symbol, one.kind, one.short_exchange, one.long_exchange, one.observed_ms) == (
        other.symbol,
        other.kind,
        other.short_exchange,
        other.long_exchange,
        other.observed_ms,
    )
