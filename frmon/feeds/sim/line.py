"""One open WebSocket of a simulated venue: counts what comes in, writes what the session says."""

import asyncio
from collections.abc import Sequence

from aiohttp import WSMsgType, web

from frmon.feeds.sim.dialects import Close, Dialect, Out, Session, Window
from frmon.feeds.sim.faults import Fault, Place
from frmon.feeds.sim.frames import PONG, Raw, blown_up, fragmented, framed, wire
from frmon.feeds.sim.ledger import Ledger
from frmon.feeds.sim.trouble import Trouble, is_answer

MAX_WAITING = 8 << 20  # bytes that a client may leave unread


class Line:
    """Frames of one turn leave in one write, which is what makes thousands a second cheap.

    `place`: where faults find it; the market is known from the path or from the first subscription. `number`: its
    generation."""

    def __init__(self, dialect: Dialect, session: Session, ledger: Ledger, place: Place, trouble: Trouble) -> None:
        self.dialect = dialect
        self.session = session
        self.ledger = ledger
        self.place = place
        self.number = ledger.next_line()
        self.socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=0)
        self._trouble = trouble
        self._troubled = False
        self._transport: asyncio.Transport | None = None
        self._window = Window(dialect.messages, dialect.messages_window_s)
        self._closing: asyncio.Task[None] | None = None
        self._max_waiting = MAX_WAITING

    async def open(self, request: web.BaseRequest) -> None:
        """Shake hands; afterwards `listen`."""
        await self.socket.prepare(request)
        transport = request.transport
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    @property
    def closed(self) -> bool:
        """Nothing more can be said."""
        return self._closing is not None or self._transport is None or self._transport.is_closing()

    # what comes in

    def heard(self, kind: WSMsgType, data: bytes | str, now_ms: int) -> Sequence[Out]:
        """One client message of any kind -> the answers."""
        self.ledger.counters["messages in"] += 1
        raw = data.encode() if isinstance(data, str) else data
        if kind is WSMsgType.PONG and self._trouble.provoked():
            self.session.pong(now_ms)
            return []
        if not self._window.take(now_ms, 1):
            self.ledger.violations[f"{self.dialect.venue}: messages per second"] += 1
            return [self.dialect.messages_close]
        if len(raw) > self.dialect.message_bytes:
            self.ledger.violations[f"{self.dialect.venue}: bytes per message"] += 1
            return [self.dialect.bytes_close]
        if kind is WSMsgType.PONG:
            self.session.pong(now_ms)
            return []
        if kind is WSMsgType.PING:
            return [Raw(framed(raw, PONG))]
        text = raw.decode("utf-8", "replace")
        if not self.place.market:
            self.place = self.place._replace(market=self.dialect.market_of(text))
        return self.session.hear(text, now_ms)

    def answer(self, outs: Sequence[Out], now_ms: int, faults: Sequence[Fault] = ()) -> None:
        """Say the answers to a client's message."""
        self._deliver(outs, self._trouble.answers(outs, faults, now_ms) if faults else outs, now_ms)

    # what goes out

    def speak(self, now_ms: int, faults: Sequence[Fault] = ()) -> None:
        """Say what is due, unless faults change it."""
        if faults or self._troubled:
            self._struggle(now_ms, faults)
            return
        outs = self.session.speak(now_ms)
        if outs:
            self._trouble.keep(now_ms, outs)
            self._deliver(outs, outs, now_ms)

    def _struggle(self, now_ms: int, faults: Sequence[Fault]) -> None:
        """A turn with faults, or the first one after them."""
        self._troubled = bool(faults)
        if self._hold(any(fault.kind == "hold" for fault in faults)):
            return
        outs = self.session.speak(now_ms)
        self._deliver(outs, self._trouble.turn(outs, faults, now_ms), now_ms)

    def _hold(self, held: bool) -> bool:
        """Nothing is read while it is held."""
        if self._transport is not None and not self._transport.is_closing():
            if held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()
        return held

    def inject(self, fault: Fault, now_ms: int) -> None:
        """Send what the fault says, however long it is."""
        payload = fault.content
        if fault.size:
            payload = blown_up(payload, fault.size)
        one = fragmented(payload, fault.opcode, max(1, fault.fragments))
        self._max_waiting += len(one) * max(1, fault.count)
        outs = [Raw(one)] * max(1, fault.count)
        self._deliver((), outs, now_ms)

    def _deliver(self, due: Sequence[Out], outs: Sequence[Out], now_ms: int) -> None:
        """Write it all at once; a close ends it. `due`: what would have been said."""
        parts: list[bytes] = []
        close: Close | None = None
        for out in outs:
            if type(out) is bytes:  # nearly always
                parts.append(framed(out))
            elif isinstance(out, Close):
                close = out
                break
            else:
                parts.append(wire(out))
        delivered = bool(parts) and self._put(b"".join(parts))
        self.ledger.counters["messages out"] += len(parts)
        if self.ledger.log is not None:
            self._log(due, outs[: len(parts)], delivered, now_ms)
        if close is not None:
            self.close(close)

    def _log(self, due: Sequence[Out], said: Sequence[Out], delivered: bool, now_ms: int) -> None:
        """Data only. What was due and not said was dropped."""
        sent = [out for out in said if isinstance(out, bytes) and not is_answer(out)]
        held = set(map(id, sent))
        lost = [out for out in due if isinstance(out, bytes) and id(out) not in held and not is_answer(out)]
        self.ledger.note(now_ms, self.number, self.dialect.venue, {delivered: sent} | ({False: lost} if lost else {}))

    def close(self, close: Close) -> None:
        """Say goodbye, or cut the socket (1006)."""
        if self.closed:
            return
        self.ledger.counters["closes"] += 1
        if close.code == 1006:
            if self._transport is not None:
                self._transport.abort()
            return
        self._closing = asyncio.create_task(self._goodbye(close))

    async def _goodbye(self, close: Close) -> None:
        await self.socket.close(code=close.code, message=close.reason.encode())

    async def settle(self) -> None:
        """Wait for a goodbye under way."""
        if self._closing is not None:
            await asyncio.wait([self._closing], timeout=1.0)

    def _put(self, data: bytes) -> bool:
        """Write, if there is still somebody."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        transport.write(data)
        if transport.get_write_buffer_size() > self._max_waiting:
            self.ledger.counters["slow clients"] += 1
            transport.abort()
            return False
        return True
