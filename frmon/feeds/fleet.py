"""One venue kept up: its listings, its lines, and REST where streams are silent.

A fleet is told which symbols are wanted and pours ticks into the sink; it does not know who reads. Its jobs: listings
(at start and while running), lines (one each), snapshots (seed, base, cover, sweep), the venue's clock.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

import msgspec

from frmon.clock import Clock
from frmon.errors import DecodeError, Notice, Unreachable
from frmon.feeds.audit import Cover
from frmon.feeds.contract import Directory, Page, ServerTime, Stream, Venue
from frmon.feeds.line import Access, Line
from frmon.feeds.pacer import Pacer
from frmon.feeds.plan import line_name, lines, rebalance
from frmon.feeds.rest import Http, Rest
from frmon.jobs import Jobs, backoff
from frmon.model import LineState, Listing, Market, Sink, Status, VenueState

LIST_AGAIN_AFTER_NOTICE_S = 2.0
ROTATE_WAIT_S = 30.0
PAGES_AT_MOST = 50


class Terms(msgspec.Struct, kw_only=True):
    """What a fleet needs from outside."""

    endpoints: dict[str, str]
    sink: Sink
    waiting: Callable[[str, Market, float], int]  # (venue, market, confirmed before) -> seated legs not confirmed since
    clock: Clock
    http: Http
    pacer: Pacer
    spent: Callable[[], None]  # a connect was granted: worth writing down at once, for a restart must not repeat it
    tell: Callable[[str], None]
    listed: Callable[[str, Market, Sequence[Listing] | None], None]  # a directory was read (None: could not be)
    proxy: str = ""
    time_scale: float = 1.0


class Fleet:
    """All lines and REST jobs of one venue."""

    def __init__(self, venue: Venue, terms: Terms) -> None:
        self.venue = venue
        self._terms = terms
        self._clock = terms.clock
        self._jobs = Jobs(terms.clock, terms.tell)
        self._rest = Rest(terms.http, venue, terms.endpoints, terms.pacer, terms.clock)
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
        )
        self._lines: dict[str, list[Line]] = {s.name: [] for s in venue.streams}
        self._runs: dict[Line, asyncio.Task[None]] = {}
        self._wanted: dict[Market, set[str]] = {}
        self._relist = asyncio.Event()
        self._troubles: dict[str, Unreachable] = {}  # what is asked by REST -> why it does not answer
        self._maintenance = ""
        self._listed_at: dict[Market, float] = {}
        self._covers = [
            Cover(
                venue, snapshot, self._rest, terms.sink, terms.clock, self._is_streamed, terms.waiting, terms.time_scale
            )
            for snapshot in venue.snapshots
        ]

    def start(self) -> None:
        """Start listing; lines and snapshots follow when symbols are wanted."""
        for directory in self.venue.directories:
            self._jobs.start(f"{self.venue.name} {directory.market} listings", lambda d=directory: self._list(d))  # type: ignore[misc]
        for server_time in self.venue.server_times:
            self._jobs.start(f"{self.venue.name} clock", lambda s=server_time: self._set_clock(s))  # type: ignore[misc]
        for cover in self._covers:
            self._jobs.start(f"{self.venue.name} {cover.name}", cover.run)

    async def end(self) -> None:
        """Stop everything."""
        await self._jobs.end()

    @property
    def all_lines(self) -> list[Line]:
        """Every line, in the order of the venue's streams."""
        return [line for group in self._lines.values() for line in group]

    def want(self, market: Market, symbols: Iterable[str]) -> None:
        """These symbols of a market are wanted from now on: lines are changed only where they must be."""
        self._wanted[market] = set(symbols)
        for cover in self._covers:
            if cover.snapshot.market is market:
                cover.open()
        for stream in self.venue.streams:
            if stream.market is market and not stream.on_demand:
                self._fit(stream, self._wanted[market])

    def demand(self, market: Market, symbols: Sequence[str]) -> None:
        """These symbols, most interesting first, deserve streams where streams are only for some."""
        known = self._wanted.get(market, set())
        for stream in self.venue.streams:
            if stream.market is market and stream.on_demand:
                chosen = [s for s in symbols if s in known][: stream.symbols_at_most]
                self._fit(stream, set(chosen))

    def redial(self) -> None:
        """Drop and dial again every line."""
        for line in self.all_lines:
            line.redial()

    def is_settled(self) -> bool:
        """Whether every directory was read and every line is up or known to be in trouble."""
        states = (line.look().status for line in self.all_lines if line.carries_data)
        listed = {d.market for d in self.venue.directories} <= set(self._listed_at)
        return listed and Status.CONNECTING not in states

    def is_unreachable(self) -> bool:
        """Whether nothing at all can be had from this venue."""
        return not self._listed_at and bool(self._troubles)

    def look(self) -> VenueState:
        """The venue's state but for its legs, which the board knows."""
        states = [line.look() for line in self.all_lines]
        lags = [s.lag_ms for s in states if s.lag_ms is not None]
        reconnects = sum(line.state.reconnects for line in self.all_lines if line.carries_data)
        state = VenueState(name=self.venue.name, lines=states, reconnects=reconnects)
        state.lag_ms = median(lags) if lags else None
        state.status, state.detail = self._verdict()
        return state

    @property
    def messages(self) -> int:
        """Stream messages and REST replies with data since the start."""
        return sum(line.state.messages for line in self.all_lines) + sum(cover.replies for cover in self._covers)

    @property
    def listings_age_s(self) -> Mapping[Market, float]:
        """How old the lists of what trades are."""
        now = self._clock.mono()
        return {market: now - at for market, at in self._listed_at.items()}

    def _verdict(self) -> tuple[Status, str]:
        """The one word for the venue and, in words, all that is wrong."""
        troubles = self._rest_troubles()
        words = [f"{name}: {trouble.why}{self._list_age(name)}" for name, trouble in troubles.items()]
        if self._maintenance:
            return Status.MAINT, self._maintenance
        if not self._listed_at:
            first = next(iter(troubles.values()), None)
            return (Status.CONNECTING, "asking what trades") if first is None else (Status(first.status), first.why)
        needed = [line.look() for line in self.all_lines if line.carries_data]
        bad = [s for s in needed if s.status not in {Status.LIVE, Status.LAG}]
        if not bad:
            lagging = any(s.status is Status.LAG for s in needed)
            status = Status.PARTIAL if troubles else Status.LAG if lagging else Status.LIVE
            return status, "; ".join(words)
        worst = next((s for s in bad if s.status is not Status.CONNECTING), bad[0])
        words.insert(0, f"{worst.name}: {worst.detail}" if worst.detail else f"{worst.name} {worst.status.lower()}")
        if len(bad) < len(needed):
            words.insert(0, f"{len(bad)} of {len(needed)} lines")
        return self._status_of(bad, worst, len(needed), bool(troubles)), "; ".join(words)

    def _status_of(self, bad: Sequence[LineState], worst: LineState, lines: int, without_rest: bool) -> Status:
        if worst.status is Status.CONNECTING:
            return Status.CONNECTING
        if len(bad) < lines:
            return Status.PARTIAL
        return worst.status if without_rest or worst.status in _FATAL else Status.REST

    def _rest_troubles(self) -> dict[str, Unreachable]:
        return {**self._troubles, **{c.name: c.trouble for c in self._covers if c.trouble is not None}}

    def _list_age(self, name: str) -> str:
        at = next((at for market, at in self._listed_at.items() if name == f"{market} listings"), None)
        return "" if at is None else f" (the list is {(self._clock.mono() - at) / 60:.0f} min old)"

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
        """Replace a line before the venue ends it."""
        while line in self._runs:
            await self._clock.sleep(60.0 * self._terms.time_scale)
            if self._clock.mono() - line.opened_at > lifetime_s * self._terms.time_scale:
                await self._replace(line)
                return

    async def _replace(self, line: Line) -> None:
        """Make before break: a new line takes over when it is live, then the old one goes."""
        group = self._lines[line.stream.name]
        if line not in group:
            return
        fresh = self._launch(line.stream, line.state.name, line.symbols)
        group.remove(fresh)
        waited = 0.0
        while not fresh.is_live() and waited < ROTATE_WAIT_S:
            await self._clock.sleep(0.2 * self._terms.time_scale)
            waited += 0.2
        fresh.state.reconnects = line.state.reconnects
        fresh.state.messages += line.state.messages
        if line in group:
            group[group.index(line)] = fresh
        task = self._runs.pop(line, None)
        if task is not None:
            task.cancel()

    def _notice(self, line: Line, notice: Notice) -> None:
        if notice.kind == "listing":
            self._relist.set()
        elif notice.kind == "shutdown":
            self._terms.tell(f"{line.state.name}: will be closed, opening another ({notice.text})")
            self._jobs.start(f"{line.state.name} replacement", lambda: self._replace(line))
        else:
            self._maintenance = notice.text
            self._terms.tell(f"{self.venue.name}: maintenance {notice.text}")

    async def _list(self, directory: Directory) -> None:
        delays = backoff()
        scale = self._terms.time_scale
        name = f"{directory.market} listings"
        while True:
            try:
                listings = await self._read_directory(directory)
            except (Unreachable, DecodeError) as error:
                trouble = error if isinstance(error, Unreachable) else Unreachable("RECONNECT", str(error))
                self._troubles[name] = trouble
                self._terms.listed(self.venue.name, directory.market, None)
                await self._clock.sleep(max(next(delays) * scale, trouble.retry_s or 0.0))
                continue
            delays = backoff()
            self._troubles.pop(name, None)
            self._listed_at[directory.market] = self._clock.mono()
            self._terms.listed(self.venue.name, directory.market, listings)
            await self._pause(directory.every_s * scale)

    async def _pause(self, seconds: float) -> None:
        """Until it is time or a notice says that instruments changed."""
        try:
            async with asyncio.timeout(seconds):
                await self._relist.wait()
        except TimeoutError:
            return
        await self._clock.sleep(LIST_AGAIN_AFTER_NOTICE_S * self._terms.time_scale)
        self._relist.clear()

    async def _read_directory(self, directory: Directory) -> list[Listing]:
        request = directory.request
        found: dict[str, Listing] = {}
        skipped = 0
        for _ in range(PAGES_AT_MOST):
            body, _ = await self._rest.get(request)
            page: Page = directory.parse(body)
            skipped += page.skipped
            found.update((listing.symbol, listing) for listing in page.listings)
            if page.next is None or page.next == request:
                break
            request = page.next
        if skipped:
            self._terms.tell(f"{self.venue.name} {directory.market}: {skipped} unreadable rows in the list skipped")
        return list(found.values())

    async def _set_clock(self, server_time: ServerTime) -> None:
        scale = self._terms.time_scale
        while True:
            try:
                body, asked_at = await self._rest.get(server_time.request)
                half_way_ms = (self._clock.mono() - asked_at) * 500
                self._access.skew_ms = server_time.parse(body) - (self._clock.now_ms() - half_way_ms)
            except (Unreachable, DecodeError) as error:
                self._terms.tell(f"{self.venue.name} clock: {error}")
            await self._clock.sleep(300.0 * scale)


_FATAL = {Status.BLOCKED, Status.BANNED, Status.TLS, Status.DNS}
