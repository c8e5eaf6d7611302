"""One venue kept up: its listings, its lines, and REST where streams are silent.

A fleet is told which symbols are wanted and pours ticks into the sink; it does not know who reads. Its jobs: listings
(at start and while running), lines (one each), snapshots (seed, base, cover, sweep), the venue's clock.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import partial
from statistics import median

from msgspec.structs import replace

from frmon.errors import Notice, Unreachable
from frmon.feeds.access import Access, Terms
from frmon.feeds.audit import Cover
from frmon.feeds.contract import Venue
from frmon.feeds.line import Line
from frmon.feeds.lineup import Lineup
from frmon.feeds.listings import Listings
from frmon.feeds.pacer import Wait
from frmon.feeds.rest import Rest
from frmon.feeds.standing import before_lists, of_venue
from frmon.feeds.unread import worst
from frmon.feeds.venueclock import VenueClock
from frmon.jobs import Jobs
from frmon.model import Market, Status, VenueState

UP = {Status.LIVE, Status.LAG}
MAINTENANCE_S = 1800.0  # for which an announced maintenance explains a venue that does not answer


class Fleet:
    """All lines and REST jobs of one venue."""

    def __init__(self, venue: Venue, terms: Terms) -> None:
        self.venue = venue
        self._terms = terms
        self._clock = terms.clock
        self._jobs = Jobs(terms.clock, terms.tell, terms.time_scale)
        self._rest = Rest(terms.http, venue, terms.endpoints, terms.pacer, terms.clock)
        self._rest.observe = terms.observe
        self._access = Access(
            venue=venue,
            endpoints=terms.endpoints,
            pacer=terms.pacer,
            spent=terms.spent,
            clock=terms.clock,
            sink=terms.sink,
            tell=terms.tell,
            notice=self._notice,
            is_vouched=self._is_vouched,
            proxy=terms.proxy,
            time_scale=terms.time_scale,
            library=terms.library,
            observe=terms.observe,
        )
        self._lineup = Lineup(self._access, self._jobs)
        self._wanted: dict[Market, set[str]] = {}
        self._venue_clock = VenueClock(self._access, self._rest, self._clock_moved)
        self._has_stood = False  # whether it was whole once
        self._maintenance = ""
        self._maintained_at = float("-inf")
        self._lists = [Listings(venue, d, self._rest, terms, self._access.closed) for d in venue.directories]
        self._covers = [
            Cover(
                venue,
                snapshot,
                self._rest,
                terms.sink,
                terms.clock,
                lambda market: self._wanted.get(market, set()),
                self._is_streamed,
                self._waiting,
                lambda: self._access.skew_ms,
                self._swept,
                terms.time_scale,
            )
            for snapshot in venue.snapshots
        ]

    def start(self) -> None:
        """Start listing; lines and snapshots follow when symbols are wanted."""
        for listings in self._lists:
            self._jobs.start(f"{self.venue.name} {listings.name}", listings.run)
        for server_time in self.venue.server_times:
            self._jobs.start(f"{self.venue.name} clock", partial(self._venue_clock.run, server_time))
        for cover in self._covers:
            self._jobs.start(f"{self.venue.name} {cover.name}", cover.run)

    async def end(self) -> None:
        """Stop everything."""
        await self._jobs.end()

    @property
    def all_lines(self) -> list[Line]:
        """Every line, in the order of the venue's streams."""
        return self._lineup.all

    def want(self, market: Market, symbols: Iterable[str], resting: Iterable[str] = ()) -> None:
        """These symbols of a market are wanted from now on: lines are changed only where they must be."""
        self._wanted[market] = set(symbols)
        self._access.resting[market] = frozenset(resting)
        for cover in (c for c in self._covers if c.snapshot.market is market):
            cover.open()
        for stream in self.venue.streams:
            if stream.market is market and not stream.on_demand:
                self._lineup.fit(stream, self._wanted[market])

    def demand(self, market: Market, symbols: Sequence[str]) -> None:
        """These symbols, most interesting first, deserve streams where streams are only for some."""
        known = self._wanted.get(market, set())
        for stream in self.venue.streams:
            if stream.market is market and stream.on_demand:
                self._lineup.choose(stream, [s for s in symbols if s in known], known)

    def redial(self) -> None:
        """Drop and dial again every line."""
        for line in self._lineup.running:
            line.redial()

    def hurry(self) -> None:
        """There is reason to believe that it can be reached: who waits for the next try need not, unless the venue said so."""
        for line in self._lineup.running:
            line.retries.hurry()
        asked: list[Listings | Cover] = [*self._lists, *self._covers]
        for one in asked:
            one.hurry()

    @property
    def skew_ms(self) -> float | None:
        """The venue's clock minus ours; None while it is not known."""
        return self._access.skew_ms if self._venue_clock.is_known else None

    def shift_clock(self, milliseconds: float) -> None:
        """Our wall clock was set forward by so much (negative: back)."""
        self._access.skew_ms -= milliseconds
        for line in self._lineup.running:
            line.clock_moved()

    def is_settled(self) -> bool:
        """Whether every directory was read and every line is up or known to be in trouble."""
        states = (line.look().status for line in self.all_lines if line.carries_data)
        return all(one.read_at is not None for one in self._lists) and Status.CONNECTING not in states

    def is_unreachable(self) -> bool:
        """Whether nothing at all can be had from this venue."""
        return not self._has_list() and any(one.trouble is not None for one in self._lists)

    def look(self) -> VenueState:
        """The venue's state but for its legs, which the board knows."""
        waits = {who: wait for who, wait in self._terms.pacer.waits().items() if wait.seconds >= 1}
        states = [replace(line.look(waits.get(line.state.name))) for line in self.all_lines]  # of this moment
        lags = [s.lag_ms for s in states if s.lag_ms is not None]
        reconnects = sum(line.state.reconnects for line in self.all_lines if line.carries_data)
        state = VenueState(name=self.venue.name, lines=states, reconnects=reconnects)
        state.lag_ms = median(lags) if lags else None
        now = self._clock.mono()
        state.listings_age_s = {one.market: now - one.read_at for one in self._lists if one.read_at is not None}
        needed = [line.state for line in self.all_lines if line.carries_data]
        troubles, findings = self._asked(waits)
        findings += self._oddities(now)
        if not self._has_list():
            state.status, state.detail = before_lists(troubles, findings)
        else:
            refuted = any(one.is_refuted for one in self._covers)
            self._has_stood |= self._is_whole()
            state.status, state.detail = of_venue(needed, troubles, findings, refuted, self._has_stood)
        if state.status not in UP and self.maintenance:
            state.status, state.detail = Status.MAINT, f"{self.maintenance}; {state.detail}"
        return state

    def _asked(self, waits: Mapping[str, Wait]) -> tuple[dict[str, Unreachable], list[str]]:
        """What is asked by REST: what does not answer and why, and what sweeps found or must wait for, in words."""
        asked: list[Listings | Cover] = [*self._lists, *self._covers]
        troubles = {one.name: one.trouble for one in asked if one.trouble is not None}
        findings = [f"{one.snapshot.market} {one.finding}" for one in self._covers if one.finding]
        for who, wait in waits.items():
            if wait.is_barred and who.startswith("/"):
                troubles[who] = Unreachable(wait.barred, wait.words)
            elif who.startswith("/"):
                findings.append(f"REST {who}: {wait.words}")
        return troubles, findings

    def _is_whole(self) -> bool:
        """Whether symbols of every market are wanted and were quoted, and all lines are up but those on demand."""
        if not all(self._wanted.get(d.market) for d in self.venue.directories):
            return False
        quoting = (c for c in self._covers if "quote" in c.snapshot.parts)
        lines = (line for line in self.all_lines if line.carries_data and not line.stream.on_demand)
        return all(c.replies for c in quoting) and all(line.state.status in UP for line in lines)

    def _oddities(self, now: float) -> list[str]:
        """What could not be read, and how wrong the venue's clock is."""
        unread = {line.state.name: line.reader.unread for line in self.all_lines}
        unread |= {f"REST {cover.name}": cover.unread for cover in self._covers}
        return [words for words in (worst(unread, now), self._venue_clock.words()) if words]

    @property
    def maintenance(self) -> str:
        """The maintenance that was announced lately, in words; "" without one."""
        is_over = self._clock.mono() - self._maintained_at > MAINTENANCE_S * self._terms.time_scale
        return "" if is_over else self._maintenance

    def _has_list(self) -> bool:
        return any(one.read_at is not None for one in self._lists)

    @property
    def rest_at(self) -> dict[str, float]:
        """Market -> when a REST snapshot of it was last read (monotonic), -inf for never."""
        found: dict[str, float] = {}
        for cover in self._covers:
            market = cover.snapshot.market
            found[market] = max(found.get(market, float("-inf")), cover.answered_at)
        return found

    def spent(self) -> dict[str, tuple[int, int]]:
        """Rule of the venue -> (units spent in the window that ends now, the limit). On the engine's thread."""
        return {rule.name: self._terms.pacer.used(rule.name) for rule in self.venue.rules}

    @property
    def messages(self) -> int:
        """Stream messages and REST replies with data since the start."""
        return sum(line.state.messages for line in self.all_lines) + sum(cover.replies for cover in self._covers)

    def _waiting(self, venue: str, market: Market, before: float) -> int:
        """How many legs REST could help: those not confirmed since, and those of lines whose silence is only just believed."""
        patient = (line for line in self.all_lines if line.stream.market is market and line.is_patient)
        return self._terms.waiting(venue, market, before) + sum(line.state.symbols for line in patient)

    def _is_vouched(self, market: Market) -> bool:
        quoting = (c for c in self._covers if c.snapshot.market is market and "quote" in c.snapshot.parts)
        return all(c.trouble is None for c in quoting)

    def _is_streamed(self, market: Market, part: str) -> bool:
        """Whether streams state this part of every wanted symbol of a market now."""
        found = False
        for line in self.all_lines:
            kinds = [c.kind for c in line.stream.channels if part in c.parts]
            if line.stream.market is not market or line.stream.on_demand or not kinds:
                continue
            if not all(line.carriers[kind].live for kind in kinds):
                return False
            found = True
        return found

    def _notice(self, line: Line, notice: Notice) -> None:
        if notice.kind == "listing":
            for one in self._lists:
                one.again()
        elif notice.kind == "shutdown":
            self._terms.tell(f"{line.state.name}: planned rotation, will be closed, opening another ({notice.text})")
            self._jobs.start(f"{line.state.name} replacement", lambda: self._lineup.replace(line))
        else:
            self._maintenance = notice.text or "announced"
            self._maintained_at = self._clock.mono()
            self._terms.tell(f"{self.venue.name}: maintenance {notice.text}")

    def _swept(self, market: Market, text: str, wrong: Set[str]) -> None:
        """A sweep's finding changed. A line most of whose symbols were found wrong is dialled again."""
        self._terms.tell(f"{self.venue.name} {market} {text}")
        for line in self.all_lines:
            if wrong and line.stream.market is market and line.quotes_mostly(wrong):
                self._terms.tell(f"{line.state.name}: repeats what is no longer true, dialling again")
                line.redial()

    def _clock_moved(self) -> None:
        """The venue's clock was set: what it said by the old one is no newer than what it says now."""
        for line in self._lineup.running:
            line.clock_moved()
        self._terms.sink.set_back(self.venue.name, int(self._clock.now_ms() + self._access.skew_ms))
