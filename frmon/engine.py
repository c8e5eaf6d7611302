"""The composition root: builds feeds, board and signals, and offers named calls. No logic of its own.

It runs on its own asyncio loop: in the main thread for headless commands, in a worker thread under the screen. Other
threads may read everything public here at any time, and call `redial`, `interest`, `study` and `stop`; nothing else.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from urllib.request import getproxies

from frmon import backfill, identity, keeping, pulse, warmstart
from frmon.board import Board, Freshness
from frmon.budgets import Budgets
from frmon.clock import Clock, SystemClock
from frmon.config import Settings
from frmon.events import Event, EventLog
from frmon.feeds import access, fleet, pacer
from frmon.feeds.catalog import Catalog
from frmon.feeds.contract import Venue
from frmon.feeds.depth import Depths, Desk
from frmon.feeds.rest import Http, Observe, Rest
from frmon.feeds.settlements import Settlements
from frmon.fundingnews import FundingNews
from frmon.jobs import Jobs
from frmon.model import LegKey, Listing, Market, Signal, VenueState
from frmon.redact import keep_secret
from frmon.signals.episodes import Episode
from frmon.signals.history import History
from frmon.signals.rules import Rule
from frmon.signals.watch import Watch, remember
from frmon.spread import Terms
from frmon.storage.journal import Journal
from frmon.storage.state import JournalState
from frmon.storage.upkeep import Upkeep
from frmon.study import CoinDepth, Study
from frmon.vigil import Vigil

LOG = logging.getLogger("frmon.engine")
LAST_S = 0.05  # in which connections that were given up half-way see their end


class Engine:
    """Feeds, board, spreads and signals as one thing that runs and stops."""

    upkeep: Upkeep | None = None  # of the file that it keeps its history in

    trouble = way = ""  # between it and its screen there is nothing

    def __init__(  # noqa: PLR0913  which market it is, and what is kept where
        self,
        venues: tuple[Venue, ...],
        settings: Settings,
        *,
        simulated: str = "",
        clock: Clock | None = None,
        state_dir: Path | None = None,
        store: Path | None = None,
    ) -> None:
        self.venues = tuple(v for v in venues if settings.venues[v.name].enabled)
        self.settings = settings
        self.store = store  # the file that it keeps its history in
        self.simulated = simulated  # "" = the market that the configuration names; else "SIMULATED" or "REPLAY"
        self.clock = Vigil(clock or SystemClock(), settings.signals.max_age_s)
        self.board = Board()
        self.terms = Terms(
            fees={
                (name, market): (s.taker_fee_spot if market is Market.SPOT else s.taker_fee_perp)
                for name, s in settings.venues.items()
                for market in Market
            },
            freshness=Freshness(settings.signals.max_age_s, settings.signals.max_quiet_s),
            allow_borrow=settings.screen.sell_spot,
        )
        self.signals: deque[Signal] = deque(maxlen=50)  # newest first
        self.listeners: list[Callable[[Signal], None]] = []  # added before `run`; told every signal on its thread
        self.observe: Observe | None = None  # set before `run`; sees all that venues say
        self.lasts_s: float | None = None  # of a replay: so long there is something to hear
        rule = Rule(settings.signals, self.terms, settings.rules)
        self.watch = Watch(self.board, rule, self.clock, self._signalled)
        self.episodes = rule.episodes
        self.standing = self.watch.standing  # from any thread
        self.history = History(self.terms, settings.signals.sample_every_s)
        self._log = EventLog(self.clock)
        self.tell = self._log.tell  # puts a line into the event log
        self.fleets: dict[str, fleet.Fleet] = {}
        self._catalog = Catalog({v.name: (v.aliases, v.suffix_multipliers) for v in self.venues}, settings.coins)
        self._identity = identity.Identity(self.board, self._catalog, self.clock, self.terms.freshness, self.tell)
        self.watch.before = self._identity.judge
        self._pulse = pulse.Pulse(self.board, self.fleets, self.terms, self.clock, self._log, settings.feeds.time_scale)
        self.funding = FundingNews(self.board, self.clock, self.tell, settings.feeds.time_scale)
        self._keeping = None if store is None else self._kept(store)
        self._study = Study(self.board, self.terms, settings.signals.threshold_pct, self.clock)
        self._state_dir = state_dir
        endpoints = (url for venue in self.venues for url in self._endpoints(venue).values())
        for url in (settings.feeds.proxy, *getproxies().values(), *endpoints):
            keep_secret(url)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    @property
    def events(self) -> Sequence[Event]:
        """What happened, newest first; at most 500 rows."""
        return self._log.rows

    @property
    def notices(self) -> Sequence[str]:
        """What is wrong with the program itself, in words, newest first; counted anew twice a second."""
        return (*self._pulse.notices, *(self._keeping.notices() if self._keeping is not None else ()))

    @property
    def storage(self) -> JournalState:
        """How storage is doing; OFF where nothing is kept."""
        return JournalState(status="OFF") if self._keeping is None else self._keeping.state

    @property
    def saved(self) -> Container[Signal | Episode]:
        """`signal in saved`, `episode in saved`: whether it lies in the file for good."""
        return () if self._keeping is None else self._keeping.saved

    @property
    def verdicts(self) -> dict[LegKey, str]:
        """Quarantined legs and why."""
        return self._catalog.verdicts

    async def run(self) -> None:
        """Run until `stop`; restarts whatever fails."""
        self._loop = asyncio.get_running_loop()
        self.clock.begin()
        scale = self.settings.feeds.time_scale
        http = Http(self.settings.feeds.proxy, scale)
        jobs = Jobs(self.clock, self.tell, scale)
        budgets = Budgets(self.venues, self.settings, self.clock, self._state_dir, self.tell)
        try:
            for venue in self.venues:
                self.fleets[venue.name] = self._fleet(venue, http, budgets)
                self.fleets[venue.name].start()
            jobs.start("time", self.clock.run)
            for name, job in self._pulse.jobs().items():
                jobs.start(name, job)
            jobs.start("identity", self._identity.run)
            jobs.start("signals", self.watch.run)
            jobs.start("history", lambda: remember(self.history, self.board, self.clock, lambda: self._pulse.looked_at))
            jobs.start("funding", self.funding.run)
            desks = self._desks(http, budgets.pacers)
            jobs.start("depth", lambda: self._study.run(Depths(desks, self.clock, self.tell, scale)))
            jobs.start("budgets", budgets.keep)
            if self._keeping is not None:
                self._keeping.start()
                jobs.start("warm start", self._warm_start(self._keeping).run)
                self._start_backfill(self._keeping, jobs, desks)
            await self._stopped.wait()
        finally:
            await jobs.end()
            await asyncio.gather(
                *(f.end() for f in self.fleets.values()), *([self._keeping.end()] if self._keeping else [])
            )
            await http.close()
            budgets.save()
            await asyncio.sleep(LAST_S)

    def states(self) -> list[VenueState]:
        """How every venue and line is doing, counted anew twice a second."""
        return self._pulse.states

    def is_complete(self) -> bool:
        """Whether the first full picture stands: every venue listed or known to be unreachable, every line settled, every
        leg quoted and judged, or nothing more came for a while."""
        return bool(self.fleets) and self._pulse.is_complete() and self._identity.judged_at >= self._pulse.gained_at

    def interest(self, coins: Sequence[str]) -> None:
        """From any thread: these coins are looked at now (visible, pinned, selected)."""
        self._pulse.looked_at = tuple(coins)

    def study(self, coin: str | None) -> None:
        """From any thread: ask for the order books of this coin's legs from now on, and of no other's; None: of nobody's."""
        self._study.coin = coin
        self._call(self._study.refresh)

    @property
    def depth(self) -> CoinDepth | None:
        """What the order books of the studied coin say; None while nothing is studied."""
        return self._study.depth

    def redial(self, venue: str) -> None:
        """From any thread: drop and dial again every line of this venue."""
        if venue in self.fleets:
            self._call(self.fleets[venue].redial)

    def stop(self) -> None:
        """From any thread: end `run`, also one that has not begun yet."""
        if self._loop is None:
            self._stopped.set()
        self._call(self._stopped.set)

    def _kept(self, store: Path) -> keeping.Keeping:
        """What keeps a file."""
        journal = Journal(store, self.clock, self.tell, simulated=bool(self.simulated))
        self.upkeep = Upkeep(self.settings.storage, self.clock, self.tell)
        journal.upkeep = self.upkeep.step
        seen = keeping.Seen(
            board=self.board, episodes=self.episodes, states=self.states, freshness=self.terms.freshness
        )
        kept = keeping.Keeping(journal, seen, self.clock, self.tell)
        self.listeners.append(kept.hear_signal)
        self.funding.hear = kept.hear_settlement
        self._log.hear = kept.hear_event
        return kept

    def _warm_start(self, kept: keeping.Keeping) -> warmstart.WarmStart:
        market = "simulated" if self.simulated else "real"
        into = warmstart.Into(self._identity, self.history, self.settings, market)
        return warmstart.WarmStart(kept, into, self.clock, self.tell)

    def _start_backfill(self, kept: keeping.Keeping, jobs: Jobs, desks: Sequence[Desk]) -> None:
        journal, scale = kept.journal, self.settings.feeds.time_scale
        missing = backfill.Missing(
            board=self.board,
            looked_at=lambda: self._pulse.looked_at,
            top=self.settings.storage.backfill_top,
            newest=lambda: backfill.newest_settled(journal.file.path),
            is_open=lambda: journal.state.status in {"OK", "RESET"},
            put=journal.put,
        )
        fill = backfill.Backfill(missing, self.clock, scale)
        past = Settlements(desks, self.clock, self.tell, fill.hear, scale)
        jobs.start("settlements", past.run)
        jobs.start("backfill", lambda: fill.run(past))

    def _signalled(self, signal: Signal) -> None:
        self.signals.appendleft(signal)
        for hear in self.listeners:
            try:
                hear(signal)
            except Exception as bug:
                LOG.exception("a listener failed")
                self.tell(f"TASK listener failed ({type(bug).__name__}), the others heard the signal")

    def _observed(self, venue: str, source: str, path: str, raw: bytes, at: float) -> None:
        """Tell the observer. Its bugs are its own: what it sees is read all the same."""
        assert self.observe is not None
        try:
            self.observe(venue, source, path, raw, at)
        except Exception as bug:
            LOG.exception("the observer failed")
            self.tell(f"TASK observer failed ({type(bug).__name__})")

    def _call(self, what: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    def _fleet(self, venue: Venue, http: Http, budgets: Budgets) -> fleet.Fleet:
        settings = self.settings

        def listed(name: str, market: Market, listings: Sequence[Listing] | None) -> None:
            if self._identity.listed(name, market, listings):
                self._want()

        return fleet.Fleet(
            venue,
            access.Terms(
                endpoints=self._endpoints(venue),
                sink=self.board,
                waiting=self._waiting,
                clock=self.clock,
                http=http,
                pacer=budgets.pacers[venue.name],
                spent=budgets.save,
                tell=self.tell,
                listed=listed,
                proxy=settings.feeds.proxy,
                time_scale=settings.feeds.time_scale,
                library=settings.feeds.transport,
                observe=self._observed if self.observe is not None else None,
            ),
        )

    def _desks(self, http: Http, pacers: dict[str, pacer.Pacer]) -> list[Desk]:
        rests = {v.name: Rest(http, v, self._endpoints(v), pacers[v.name], self.clock) for v in self.venues}
        for rest in rests.values():
            rest.observe = self._observed if self.observe is not None else None
        return [Desk(v, rests[v.name], pacers[v.name]) for v in self.venues]

    def _want(self) -> None:
        for name, one in self.fleets.items():
            for market in Market:
                if self._identity.is_listed(name, market):
                    halted = [c.key.symbol for c in self.board.cells_of(name, market) if c.leg.halted]
                    one.want(market, self.board.symbols(name, market), halted)

    def _waiting(self, venue: str, market: Market, since: float) -> int:
        quiet = self.settings.signals.max_quiet_s
        now = self.clock.mono()
        cells = self.board.cells_of(venue, market)
        return sum(1 for c in cells if not c.leg.halted and c.quote.confirmed_at(now, quiet) < since)

    def _endpoints(self, venue: Venue) -> dict[str, str]:
        return {**venue.endpoints, **self.settings.venues[venue.name].endpoints}
