"""One WebSocket, dial to drop: ask, keep alive, listen, count, and know when silence means that something is wrong.

A channel's data alone counts as life: acks, pongs and pings do not. A quote rides on its carrier only while that is live.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence, Set

from frmon.errors import DecodeError, Notice, Refused, Unreachable
from frmon.feeds.access import Access
from frmon.feeds.asking import Asking
from frmon.feeds.contract import Channel, Stream
from frmon.feeds.lateness import Lateness, believe
from frmon.feeds.plan import after_refusal
from frmon.feeds.transport import dial, last
from frmon.feeds.watchdog import SMALL, Watchdog
from frmon.feeds.wire import Closed
from frmon.jobs import backoff, first
from frmon.model import Carrier, LineState, Status, Tick

LOG = logging.getLogger("frmon.line")
HEALTHY_S = 30.0  # of data before the back-off is forgotten
RESUBSCRIBE_S = 60.0  # that a channel may be silent on a living line
AMBER_S = 3.0  # of silence on a line of many symbols: worth a warning before it is given up
_BARRED = {Status.BANNED, Status.BLOCKED}
_SPEAKING = {Status.LIVE, Status.LAG, Status.STALE}


class Line:
    """Keeps one WebSocket of one stream up. `run` never returns; `change` and `redial` may be called at any time."""

    def __init__(self, access: Access, stream: Stream, name: str, symbols: Iterable[str]) -> None:
        self.stream = stream
        self.symbols = set(symbols)
        self.state = LineState(name=name, symbols=len(self.symbols))
        self.rejected: dict[str, str] = {}  # symbol -> why the venue refused it
        self.unreadable = 0
        self.opened_at = float("inf")  # monotonic
        self.carriers = {
            c.kind: Carrier(access.venue.name, stream.market, c.kind, pushes_changes=c.pushes_changes)
            for c in stream.channels
        }
        self._access = access
        self._watchdog = Watchdog(stream, self.carriers, access.time_scale)
        self._asking = Asking(stream, access.clock)
        self._spoke_at = float("inf")  # when this connection spoke first
        self._resubscribed_at = float("-inf")
        self._last_at = float("-inf")
        self._lateness = Lateness()
        self._redial = asyncio.Event()

    async def run(self) -> None:
        """Sessions for ever, with capped and jittered delays between them, forgotten only after a healthy while. Whoever
        asks to redial cuts a delay short, but none that the venue demands."""
        delays = backoff()
        scale = self._access.time_scale
        while True:
            why = Unreachable("RECONNECT", "ended")
            try:
                await self._session()
            except Closed as error:
                why = Unreachable("RECONNECT", str(error), 10.0 * scale if error.code == 1008 else None)
            except Unreachable as error:
                why = error
            finally:
                self._drop()
            if self._last_at - self._spoke_at > HEALTHY_S * scale:
                delays = backoff()
            if why.retry_s is not None and why.status in _BARRED:
                self._access.pacer.bar(self.stream.connect_costs, why.retry_s)
            wait = max(next(delays) * scale, why.retry_s or 0.0)
            self._show(Status(why.status), f"{why.why}; again in {wait:.0f} s" if wait >= 1 else why.why)
            await first(self._access.clock.sleep(wait), *(() if why.retry_s else (self._asked_to_redial(),)))
            self.state.reconnects += 1

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
        """Drop the connection and dial again."""
        self._redial.set()

    @property
    def carries_data(self) -> bool:
        """Whether it is there for more than notices."""
        return bool(self._watchdog.channels)

    def quotes_mostly(self, symbols: Set[str]) -> bool:
        """Whether it carries quotes, and those of these symbols above all."""
        return bool(self._watchdog.quote_kind) and 2 * len(self.symbols & symbols) > len(self.symbols)

    def is_live(self) -> bool:
        """Whether every data channel has spoken on this connection and none has fallen silent."""
        return self.opened_at < float("inf") and all(self.carriers[kind].live for kind in self._watchdog.channels)

    def look(self) -> LineState:
        """Its state now."""
        state, skew = self.state, self._access.skew_ms
        silence = self._access.clock.mono() - self._last_at
        state.last_message_age_s = None if self._last_at == float("-inf") else max(0.0, silence)
        state.lag_ms = self._lateness.typical_ms(skew)
        if state.status in _SPEAKING:
            is_quiet = self.carries_data and len(self.symbols) >= SMALL and silence > AMBER_S * self._access.time_scale
            state.status = Status.STALE if is_quiet else Status.LAG if self._lateness.is_lagging(skew) else Status.LIVE
        return state

    async def _session(self) -> None:
        """One connection, from permission to the end, which is always raised."""
        access, stream = self._access, self.stream
        await access.pacer.grant(stream.connect_costs)
        access.spent()
        self._prepare()
        hear = self._read if access.observe is None else self._read_observed
        socket = await dial(access.how(stream), hear, access.library)
        try:
            self._ask_all()
            ping_s = stream.ping_every_s * min(1.0, access.time_scale)
            talk = self._asking.run(socket, self._was_asked), self._asking.ping(socket, ping_s)
            await first(*talk, self._watch(), self._leave(), last(socket))
        finally:
            await socket.close()

    def _prepare(self) -> None:
        """A new generation begins, before its first frame can come."""
        self._redial.clear()
        self._asking.begin()
        self._spoke_at = float("inf")
        self._lateness.clear()
        for carrier in self.carriers.values():
            carrier.generation += 1

    def _ask_all(self) -> None:
        self.opened_at = self._asking.at = self._access.clock.mono()
        self.rejected.clear()
        self._watchdog.opened(self.symbols)
        self._asking.want(self.symbols)
        self._show(self._opening(), "asking")

    def _drop(self) -> None:
        self.opened_at = float("inf")
        self.state.status = Status.RECONNECT
        for carrier in self.carriers.values():
            carrier.live = False
            carrier.up_at = float("inf")

    def _was_asked(self, symbols: Sequence[str]) -> None:
        if self._watchdog.quote_kind:
            self._access.sink.carry(self.carriers[self._watchdog.quote_kind], symbols)
        if not self.carries_data:
            self._show(Status.LIVE, "")

    async def _asked_to_redial(self) -> None:
        await self._redial.wait()

    async def _leave(self) -> None:
        await self._redial.wait()
        raise Unreachable("RECONNECT", "asked to dial again", 0.0)

    def _read_observed(self, raw: bytes) -> None:
        assert self._access.observe is not None
        self._access.observe(self._access.venue.name, "ws", self.stream.path, raw, self._access.clock.mono())
        self._read(raw)

    def _read(self, raw: bytes) -> None:
        try:
            kind, ticks = self.stream.parse(raw)
            if kind:
                self._hear(kind, ticks)
        except DecodeError as error:
            self._skip(error)
        except Refused as refusal:
            self._refused(refusal)
        except Notice as notice:
            self._access.notice(self, notice)
        except Exception:
            LOG.exception("%s: a frame met a bug", self.state.name)
            self._skip(DecodeError("it met a bug"))

    def _hear(self, kind: str, ticks: Sequence[Tick]) -> None:
        clock = self._access.clock
        at, now_ms = clock.mono(), clock.now_ms()
        if (carrier := self.carriers.get(kind)) is None:
            return  # a kind of another stream, never asked for here
        carrier.heard_at = self._last_at = at
        if not carrier.live:
            self._up(carrier, at)
        believe(ticks, now_ms + self._access.skew_ms)
        self._access.sink.take(carrier, ticks, at, now_ms)
        self.state.messages += 1
        if ticks:
            self._lateness.note(ticks[-1].event_ms, now_ms, (at - self._asking.at) / self._access.time_scale)
            if self._watchdog.unheard:
                self._watchdog.heard(kind, [t.symbol for t in ticks])

    def _up(self, carrier: Carrier, at: float) -> None:
        carrier.live = True
        carrier.up_at = at
        self._spoke_at = min(self._spoke_at, at)
        self._watchdog.up()
        self._show_live()

    def _skip(self, error: DecodeError) -> None:
        self.unreadable += 1
        LOG.debug("%s: %s", self.state.name, error)
        if self.unreadable == 1:
            self._access.tell(f"{self.state.name}: unreadable frame skipped ({error})")

    def _refused(self, refusal: Refused) -> None:
        asked = self._asking.asked_by(refusal.request) or ((refusal.symbol,) if refusal.symbol else ())
        again, rejected = after_refusal(self.stream, asked, refusal)
        for symbol in rejected:
            self.rejected[symbol] = refusal.why
            self._watchdog.forget((symbol,))
            self._access.tell(f"{self.state.name}: {symbol} refused ({refusal.why})")
        for group in again:
            self._asking.want(group)
        self._show_live()
        if refusal.closing or not asked:
            self._access.tell(f"{self.state.name}: {refusal.why}")

    async def _watch(self) -> None:
        while True:
            await self._access.clock.sleep(1.0 * self._access.time_scale)
            now = self._access.clock.mono()
            finding = self._watchdog.check(now, self._asking.at, len(self.symbols))
            if finding.dead:
                raise Unreachable("RECONNECT", f"no data for {now - max(self._last_at, self._asking.at):.0f} s")
            for channel in finding.silent:
                self._silence(channel, now)
            if finding.ask_again:
                self._asking.want(finding.ask_again)
            if finding.mute:
                self._show(Status.PARTIAL, f"{finding.mute} of {len(self.symbols)} silent")
            elif self.state.status is Status.PARTIAL:
                self._show_live()

    def _silence(self, channel: Channel, now: float) -> None:
        """One channel of a living line fell silent: its quotes ride no more. After a minute it is asked for again, where that
        disturbs nothing, else the line is dialled again."""
        carrier = self.carriers[channel.kind]
        if carrier.live or self.state.status is not Status.NO_DATA:
            self._access.tell(f"{self.state.name}: no data on {channel.kind}")
            self._show(Status.NO_DATA, f"no data on {channel.kind}")
        carrier.live = False
        if now - max(self._resubscribed_at, self.opened_at) < RESUBSCRIBE_S * self._access.time_scale:
            return
        if self.stream.per_symbol:
            raise Unreachable("RECONNECT", f"no data on {channel.kind}")
        self._resubscribed_at = now
        self._asking.want(self.symbols)

    def _opening(self) -> Status:
        return Status.RECONNECT if self.state.reconnects else Status.CONNECTING

    def _show_live(self) -> None:
        if self.is_live():
            self._show(Status.LIVE, f"{len(self.rejected)} refused" if self.rejected else "")

    def _show(self, status: Status, detail: str) -> None:
        if status != self.state.status:
            LOG.info("%s: %s %s", self.state.name, status, detail)
        self.state.status = status
        self.state.detail = detail
