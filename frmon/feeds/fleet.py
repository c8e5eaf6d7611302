"""One venue kept up: its listings, its lines, and REST where streams are silent.

A fleet is told which symbols are wanted and pours ticks into the sink; it does not know who reads. Its jobs: listings
(at start and while running), lines (one each), snapshots (seed, base, cover, sweep), the venue's clock.
"""

import asyncio
from collections.abc import Iterable, Sequence, Set
from functools import partial
from statistics import median

from frmon.errors import Notice, Unreachable
from frmon.feeds.access import Access, Terms
from frmon.feeds.audit import Cover
from frmon.feeds.contract import Stream, Venue
from frmon.feeds.line import Line
from frmon.feeds.listings import Listings
from frmon.feeds.plan import line_name, lines, prefer, rebalance
from frmon.feeds.rest import Rest
from frmon.feeds.standing import before_lists, of_venue
from frmon.feeds.unread import worst
from frmon.feeds.venueclock import VenueClock
from frmon.jobs import Jobs
from frmon.model import Market, Status, VenueState

ROTATE_WAIT_S = 30.0
CHANGE_S = 60.0  # between changes of what on-demand lines carry
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
            proxy=terms.proxy,
            time_scale=terms.time_scale,
            library=terms.library,
            observe=terms.observe,
        )
        self._lines: dict[str, list[Line]] = {s.name: [] for s in venue.streams}
        self._runs: dict[Line, asyncio.Task[None]] = {}
        self._wanted: dict[Market, set[str]] = {}
        self._venue_clock = VenueClock(self._access, self._rest, self._clock_moved)
        self._started_at = terms.clock.mono()
        self._changed_at: dict[str, float] = {}  # when an on-demand stream's symbols were chosen last
        self._leaving: set[Line] = set()  # lines whose replacement is on its way
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
                terms.waiting,
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
        return [line for group in self._lines.values() for line in group]

    def want(self, market: Market, symbols: Iterable[str], resting: Iterable[str] = ()) -> None:
        """These symbols of a market are wanted from now on: lines are changed only where they must be."""
        self._wanted[market] = set(symbols)
        self._access.resting[market] = frozenset(resting)
        for cover in (c for c in self._covers if c.snapshot.market is market):
            cover.open()
        for stream in self.venue.streams:
            if stream.market is market and not stream.on_demand:
                self._fit(stream, self._wanted[market])

    def demand(self, market: Market, symbols: Sequence[str]) -> None:
        """These symbols, most interesting first, deserve streams where streams are only for some."""
        known = self._wanted.get(market, set())
        for stream in self.venue.streams:
            if stream.market is market and stream.on_demand and self._may_change(stream):
                ranked = [s for s in symbols if s in known]
                current = {s for line in self._lines[stream.name] for s in line.symbols} & known
                self._fit(stream, prefer(ranked, current, stream.symbols_at_most))

    def _may_change(self, stream: Stream) -> bool:
        """On-demand lines change seldom: each change costs subscriptions, of which venues allow few an hour."""
        now = self._clock.mono()
        warming = now - self._started_at < CHANGE_S * self._terms.time_scale
        if not warming and now - self._changed_at.get(stream.name, float("-inf")) < CHANGE_S * self._terms.time_scale:
            return False
        self._changed_at[stream.name] = now
        return True

    def redial(self) -> None:
        """Drop and dial again every line."""
        for line in list(self._runs):
            line.redial()

    @property
    def skew_ms(self) -> float | None:
        """The venue's clock minus ours; None while it is not known."""
        return self._access.skew_ms if self._venue_clock.is_known else None

    def shift_clock(self, milliseconds: float) -> None:
        """Our wall clock was set forward by so much (negative: back)."""
        self._access.skew_ms -= milliseconds
        for line in self._runs:
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
        states = [line.look(waits.get(line.state.name)) for line in self.all_lines]
        lags = [s.lag_ms for s in states if s.lag_ms is not None]
        reconnects = sum(line.state.reconnects for line in self.all_lines if line.carries_data)
        state = VenueState(name=self.venue.name, lines=states, reconnects=reconnects)
        state.lag_ms = median(lags) if lags else None
        now = self._clock.mono()
        state.listings_age_s = {one.market: now - one.read_at for one in self._lists if one.read_at is not None}
        needed = [line.state for line in self.all_lines if line.carries_data]
        asked: list[Listings | Cover] = [*self._lists, *self._covers]
        troubles = {one.name: one.trouble for one in asked if one.trouble is not None}
        findings = [f"{one.snapshot.market} {one.finding}" for one in self._covers if one.finding]
        for who, wait in waits.items():
            if wait.is_barred and who.startswith("/"):
                troubles[who] = Unreachable("BANNED", wait.words)
            elif who.startswith("/"):
                findings.append(f"REST {who}: {wait.words}")
        findings += self._oddities(now)
        if not self._has_list():
            state.status, state.detail = before_lists(troubles, findings)
        else:
            refuted = any(one.is_refuted for one in self._covers)
            state.status, state.detail = of_venue(needed, troubles, findings, refuted)
        if state.status not in {Status.LIVE, Status.LAG} and self._is_maintained():
            state.status, state.detail = Status.MAINT, f"{self._maintenance}; {state.detail}"
        return state

    def _oddities(self, now: float) -> list[str]:
        """What could not be read, and how wrong the venue's clock is."""
        unread = {line.state.name: line.reader.unread for line in self.all_lines}
        unread |= {f"REST {cover.name}": cover.unread for cover in self._covers}
        return [words for words in (worst(unread, now), self._venue_clock.words()) if words]

    def _is_maintained(self) -> bool:
        return self._clock.mono() - self._maintained_at < MAINTENANCE_S * self._terms.time_scale

    def _has_list(self) -> bool:
        return any(one.read_at is not None for one in self._lists)

    @property
    def messages(self) -> int:
        """Stream messages and REST replies with data since the start."""
        return sum(line.state.messages for line in self.all_lines) + sum(cover.replies for cover in self._covers)

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

    def _fit(self, stream: Stream, symbols: set[str]) -> None:
        group = self._lines[stream.name]
        if not stream.per_symbol:
            if group:
                group[0].change(symbols, group[0].symbols - symbols)
            elif symbols:
                self._launch(stream, line_name(self.venue.name, stream, 0), symbols)
            return
        if not group:
            for plan in lines(self.venue.name, stream, symbols):
                self._launch(stream, plan.name, plan.symbols)
            return
        for change in rebalance([line.symbols for line in group], stream, symbols):
            if change.line < len(group):
                group[change.line].change(change.join, change.leave)
            else:
                self._launch(stream, line_name(self.venue.name, stream, change.line), change.join)

    def _launch(self, stream: Stream, name: str, symbols: Iterable[str]) -> Line:
        line = Line(self._access, stream, name, symbols)
        self._lines[stream.name].append(line)
        self._runs[line] = self._jobs.start(name, line.run)
        if stream.lifetime_s is not None:
            self._jobs.start(f"{name} age", lambda: self._age(line, stream.lifetime_s or 0.0))
        return line

    async def _age(self, line: Line, lifetime_s: float) -> None:
        """Replace a line before the venue ends it; its successor ages by itself."""
        while line in self._runs:
            await self._clock.sleep(60.0 * self._terms.time_scale)
            if self._clock.mono() - line.opened_at > lifetime_s * self._terms.time_scale:
                await self._replace(line)

    async def _replace(self, line: Line) -> None:
        """Make before break: a new line takes over when it has everything, or is live at least when the old one dies; then
        the old one goes, and what rode on it rides on. If none comes up, the old one stays for as long as it lives."""
        group = self._lines[line.stream.name]
        if line not in group or line in self._leaving:
            return
        self._leaving.add(line)
        fresh = self._launch(line.stream, f"{line.state.name} (next)", line.symbols)
        group.remove(fresh)
        waited = 0.0
        while not (fresh.has_all() or (fresh.is_live() and not line.is_live())) and waited < ROTATE_WAIT_S:
            await self._clock.sleep(0.2 * self._terms.time_scale)
            waited += 0.2
        self._leaving.discard(line)
        if line not in group or (line.is_live() and not fresh.is_live()):
            self._dismiss(fresh)
            return
        fresh.change(line.symbols, fresh.symbols - line.symbols)
        fresh.state.reconnects = line.state.reconnects
        fresh.state.messages += line.state.messages
        fresh.state.name = line.state.name
        group[group.index(line)] = fresh
        for kind, carrier in line.carriers.items():
            self._terms.sink.pass_on(carrier, fresh.carriers[kind])
        self._dismiss(line)
        self._terms.tell(f"{fresh.state.name}: planned rotation, a new connection took over")

    def _dismiss(self, line: Line) -> None:
        task = self._runs.pop(line, None)
        if task is not None:
            task.cancel()

    def _notice(self, line: Line, notice: Notice) -> None:
        if notice.kind == "listing":
            for one in self._lists:
                one.again()
        elif notice.kind == "shutdown":
            self._terms.tell(f"{line.state.name}: planned rotation, will be closed, opening another ({notice.text})")
            self._jobs.start(f"{line.state.name} replacement", lambda: self._replace(line))
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
        for line in self._runs:
            line.clock_moved()
        self._terms.sink.set_back(self.venue.name, int(self._clock.now_ms() + self._access.skew_ms))
