"""One WebSocket, dial to drop: ask, keep alive, listen, count, and know when silence means that something is wrong. Data
alone counts as life: acks, pongs and pings do not, nor do repetitions. A quote rides on its carrier while that is live."""

import asyncio
from collections.abc import Iterable, Sequence, Set
from functools import partial

from frmon.errors import Notice, Refused, Unreachable
from frmon.feeds.access import Access
from frmon.feeds.asking import Asking
from frmon.feeds.carriers import Carriers
from frmon.feeds.content import Content
from frmon.feeds.contract import Channel, Stream
from frmon.feeds.lateness import Lateness, believe
from frmon.feeds.pacer import Wait
from frmon.feeds.reader import Reader
from frmon.feeds.rest import kept
from frmon.feeds.retries import Retries
from frmon.feeds.shown import BARRED, SPEAKING, Shown, speaking, until
from frmon.feeds.transport import dial, last
from frmon.feeds.watchdog import SMALL, Watchdog, death
from frmon.feeds.wire import Closed
from frmon.jobs import first
from frmon.model import LineState, Status, Tick

RESUBSCRIBE_S = 60.0  # that a channel may be silent on a living line


class Line:
    """Keeps one WebSocket of one stream up. `run` never returns; `change` and `redial` may be called at any time."""

    def __init__(self, access: Access, stream: Stream, name: str, symbols: Iterable[str]) -> None:
        self.stream = stream
        self.symbols = set(symbols)
        self.state = LineState(name=name, symbols=len(self.symbols))
        self.rejected: dict[str, str] = {}  # symbol -> why the venue refused it
        self.opened_at = float("inf")  # monotonic
        self.carriers = Carriers(access.venue.name, stream)
        self._access = access
        self.reader = Reader(stream, name, access.clock, access.tell, access.time_scale)
        self._watchdog = Watchdog(stream, self.carriers, access.time_scale, partial(access.is_vouched, stream.market))
        self._asking = Asking(stream, access.clock)
        self._stood_at = self._spoke_at = float("inf")  # when this connection stood, and when it spoke first
        self._resubscribed_at = float("-inf")
        self._fed_at = self._last_at = self._answered_at = float("-inf")  # data, news, and any frame came last
        self._lateness = Lateness()
        self._content = Content(stream.channels, access.time_scale)
        self.retries = Retries(access.time_scale)
        self._shown = Shown(self.state, access.clock, access.tell)
        self._redial = asyncio.Event()

    async def run(self) -> None:
        """Sessions for ever, with capped and jittered delays between them, forgotten only after a healthy while. Whoever
        asks to redial cuts a delay short, but none that the venue demands."""
        while True:
            why, lasted_s = await self._try()
            self.retries.ended(self._access.clock.mono(), lasted_s, self._last_at - self._spoke_at)
            wait = self.retries.wait_s(why)
            status = Status(why.status)
            if why.retry_s is not None and status in BARRED:
                self._access.pacer.bar(self.stream.connect_costs, why.retry_s, why.status)
                self._access.ban = until(why.why, self._access.clock.now_ms(), wait)
            self._shown.wait(status, self.retries.words(why.why), wait)
            if why.retry_s or not self._redial.is_set():
                await self.retries.pause(self._access.clock, wait, is_demanded=bool(why.retry_s))
            self.state.reconnects += 1

    async def _try(self) -> tuple[Unreachable, float | None]:
        """One session: why it ended, and how long its connection stood before the venue closed it (see `Retries`)."""
        self._spoke_at = float("inf")
        try:
            await self._session()
        except Closed as error:
            return self.retries.closed(error), self._access.clock.mono() - self._stood_at
        except Unreachable as error:
            return kept(error), None
        finally:
            self.drop()
        return Unreachable("RECONNECT", "ended"), None

    def change(self, add: Iterable[str], remove: Iterable[str]) -> None:
        """Ask for more symbols and, where the venue can, no longer for others; the rest goes on undisturbed."""
        add, remove = set(add) - self.symbols, set(remove) & self.symbols
        self.symbols = self.symbols - remove | add
        for symbol in add | remove:
            self.rejected.pop(symbol, None)
        self._watchdog.forget(remove)
        self.state.symbols = len(self.symbols)
        if self.stream.per_symbol and remove and self.stream.unask is not None:
            self._asking.want(remove, ask=False)
        if add:
            self._watchdog.asked(add)
            self._asking.want(add)

    def redial(self) -> None:
        """Drop the connection and dial again; nothing that still comes on it counts."""
        self._redial.set()
        self.retries.hurry()
        self.drop()

    @property
    def carries_data(self) -> bool:
        """Whether it is there for more than notices."""
        return bool(self._watchdog.channels)

    def clock_moved(self) -> None:
        """The wall clock that delays were measured with was set."""
        self._lateness.clear()

    def quotes_mostly(self, symbols: Set[str]) -> bool:
        """Whether it carries quotes, and those of these symbols above all."""
        return bool(self._watchdog.quote_kind) and 2 * len(self.symbols & symbols) > len(self.symbols)

    def is_live(self) -> bool:
        """Whether every data channel has spoken on this connection and none has fallen silent."""
        return self.opened_at < float("inf") and all(self.carriers[kind].live for kind in self._watchdog.channels)

    def look(self, wait: Wait | None = None) -> LineState:
        """Its state now. `wait`: what it is told while it waits for permission to dial."""
        state, access = self.state, self._access
        now = access.clock.mono()
        silence = now - self._fed_at
        state.last_message_age_s = None if self._fed_at == float("-inf") else max(0.0, silence)
        state.lag_ms = self._lateness.typical_ms(access.skew_ms)
        self._shown.refresh()
        if state.status in SPEAKING and self.opened_at < float("inf") > self._spoke_at:
            silent_s = silence if self._watchdog.is_amber(now, silence, len(self.expected)) else 0.0
            lag_ms = state.lag_ms if self._lateness.is_lagging(access.skew_ms) else None
            unread = self.reader.unread.words(now)
            self._shown.show(*speaking(self._content.frozen, silent_s, lag_ms, self.rejected, unread))
        elif wait is not None:
            self._shown.hold(wait, access.ban)
        return state

    async def _session(self) -> None:
        """One connection, from permission to the end, which is always raised."""
        access, stream = self._access, self.stream
        await access.pacer.grant(stream.connect_costs, self.state.name)
        access.spent()
        self._shown.begin("dialling")
        self._redial.clear()
        self._asking.begin()
        self._lateness.clear()
        self.rejected.clear()
        self._watchdog.opened(self.expected)
        self.carriers.begin()  # before its first frame can come
        socket = await dial(access.how(stream), partial(self._read, self.carriers.connection), access.library)
        try:
            self._ask_all()
            ping_s = stream.ping_every_s * min(1.0, access.time_scale)
            talk = self._asking.run(socket, self._was_asked), self._asking.ping(socket, ping_s)
            await first(*talk, self._watch(), self._leave(), last(socket))
        finally:
            self.drop()
            await socket.close()

    def _ask_all(self) -> None:
        self.opened_at = self._stood_at = self._asking.at = self._answered_at = self._access.clock.mono()
        self._content.begin(self.carriers, self.opened_at)
        self._asking.want(self.symbols)
        self._shown.begin("asking")
        if self.carries_data:
            self._show_live()  # where all that it waited for came with the handshake

    def drop(self) -> None:
        """The connection counts no more, whatever still comes on it."""
        self.carriers.drop()
        self.opened_at = float("inf")

    @property
    def is_patient(self) -> bool:
        """Whether it is silent for longer than is usual, and believed only as long as nobody contradicts."""
        return self.opened_at < float("inf") and self._watchdog.is_patient

    def has_all(self) -> bool:
        """Whether it is live, asked for everything and waits for no first picture any more."""
        now = self._access.clock.mono()
        return self.is_live() and self._asking.is_idle and not self._watchdog.waits(now, self._asking.at)

    def _was_asked(self, symbols: Sequence[str]) -> None:
        if self._watchdog.quote_kind and not self._watchdog.expects_snapshots:
            self._access.sink.carry(self.carriers[self._watchdog.quote_kind], symbols, self._asking.at)
        if not self.carries_data:
            self._shown.show(Status.LIVE, "")

    def lacking(self) -> set[str]:
        """Symbols of which it tells nothing (yet)."""
        return self._watchdog.unheard | self._asking.unasked | self.rejected.keys()

    async def _leave(self) -> None:
        await self._redial.wait()
        raise Unreachable("RECONNECT", "asked to dial again", 0.0)

    def _read(self, connection: int, raw: bytes) -> None:
        at = self._access.clock.mono()  # who reads it may notice a standstill and give up this very connection
        if connection != self.carriers.connection:
            self.state.outdated += 1
            return
        self._answered_at = at
        if self._access.observe is not None:
            self._access.observe(self._access.venue.name, "ws", self.stream.path, raw, self._answered_at)
        try:
            kind, ticks = self.reader.read(raw, self.symbols)
            if kind:
                self._hear(kind, ticks)
        except Refused as refusal:
            self._refused(refusal)
        except Notice as notice:
            self._access.notice(self, notice)
        except Unreachable as gap:
            self._access.tell(f"{self.state.name}: {gap.why}")
            self.redial()
        except Exception:
            self.reader.met_bug(raw, self.symbols)

    def _hear(self, kind: str, ticks: Sequence[Tick]) -> None:
        """Data: a sign of life if it says anything new, worth nothing where the channel only repeats itself."""
        access, at = self._access, self._answered_at
        if (carrier := self.carriers.get(kind)) is None:
            return  # a kind of another stream, never asked for here
        now_ms, carrier.ahead_ms = access.clock.now_ms(), access.skew_ms
        venue_now_ms = now_ms + carrier.ahead_ms
        if not believe(ticks, venue_now_ms):
            access.clock_doubted.set()
        self.state.messages += 1
        if not ticks:
            return  # says nothing: no sign of life
        self._fed_at = at
        if self._content.is_news(kind, ticks, at, venue_now_ms):
            carrier.heard_at = self._last_at = at
        if kind in self._content.frozen:
            carrier.live = False
            access.clock_doubted.set()  # or it was set back
            return
        if not carrier.live:
            self.carriers.rise(carrier, at)
            self._spoke_at = min(self._spoke_at, at)
            self._show_live()
        access.sink.take(carrier, ticks, at, now_ms)
        self._lateness.note(ticks[-1].event_ms, now_ms, (at - self._asking.at) / access.time_scale)
        if self._watchdog.unheard:
            access.sink.carry(carrier, self._watchdog.heard(kind, [t.symbol for t in ticks if not t.delta]), at)

    def _refused(self, refusal: Refused) -> None:
        asked, rejected = self._asking.refused(refusal, self._watchdog.unheard)
        for symbol in self.symbols.intersection(rejected):
            self.rejected[symbol] = refusal.why
            self._watchdog.forget((symbol,))
            self._access.tell(f"{self.state.name}: {symbol} refused ({refusal.why})")
        self._show_live()
        if refusal.closing or self.symbols.isdisjoint(asked):
            self._access.tell(f"{self.state.name}: {refusal.why}")

    @property
    def expected(self) -> set[str]:
        """Symbols that ought to speak."""
        return self._access.expected(self.stream.market, self.symbols)

    async def _watch(self) -> None:
        asking, clock = self._asking, self._access.clock
        while True:
            await clock.sleep(self._watchdog.rest_s(clock.mono(), asking.at))
            self.look()
            now = clock.mono()
            if self._watchdog.check_pongs(now - self._answered_at):
                asking.probe(self._answered_at)
            finding = self._watchdog.check(now, asking.at, len(self.expected), self._answered_at, asking.unasked)
            if finding.dead:
                has_spoken = self._spoke_at < float("inf")
                raise death(now - max(self._last_at, asking.at), self._content.frozen, has_spoken=has_spoken)
            for channel in finding.silent:
                self._silence(channel, now)
            if finding.ask_again:
                asking.again(finding.ask_again)
            self._mind_mutes(finding.mute)

    def _mind_mutes(self, mute: int) -> None:
        if 2 * mute > max(len(self.symbols), SMALL):
            raise Unreachable("NO-DATA", f"{mute} of {len(self.symbols)} symbols got no first picture")
        if mute:
            self._shown.show(Status.PARTIAL, f"{mute} of {len(self.symbols)} silent")
        elif self.state.status is Status.PARTIAL:
            self._show_live()

    def _silence(self, channel: Channel, now: float) -> None:
        """One channel of a living line fell silent: its quotes ride no more. After a minute it is asked for again, where that
        disturbs nothing, else the line is dialled again."""
        self._shown.show(Status.NO_DATA, f"no data on {channel.kind}")
        self.carriers[channel.kind].live = False
        if now - max(self._resubscribed_at, self.opened_at) < RESUBSCRIBE_S * self._access.time_scale:
            return
        if self.stream.per_symbol:
            raise Unreachable("NO-DATA", f"no data on {channel.kind}")
        self._resubscribed_at = now
        self._asking.want(self.symbols)

    def _show_live(self) -> None:
        if self.is_live():
            self._shown.show(*speaking((), 0.0, None, self.rejected))
