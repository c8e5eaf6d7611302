"""One open WebSocket of a simulated venue: counts what comes in, writes what the session says."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from aiohttp import WSMsgType, web

from frmon.feeds.sim.dialects import Close, Dialect, Out, Ping, Session, Window
from frmon.feeds.sim.faults import Fault

MAX_WAITING = 8 << 20  # bytes that a client may leave unread
_TEXT, _PING = 0x81, 0x89


def framed(payload: bytes, opcode: int = _TEXT) -> bytes:
    """A whole server frame (RFC 6455: servers do not mask)."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + payload


class Line:
    """Frames of one turn leave in one write, which is what makes thousands a second cheap."""

    def __init__(self, dialect: Dialect, session: Session, counters: Counter[str], violations: Counter[str]) -> None:
        self.dialect = dialect
        self.session = session
        self.counters = counters
        self.violations = violations
        self.socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=0)
        self._transport: asyncio.Transport | None = None
        self._window = Window(dialect.messages, dialect.messages_window_s)
        self._closing: asyncio.Task[None] | None = None
        self._held: list[Out] = []

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

    def heard(self, kind: WSMsgType, data: bytes | str, now_ms: int) -> Sequence[Out]:
        """One client message of any kind -> the answers."""
        self.counters["messages in"] += 1
        raw = data.encode() if isinstance(data, str) else data
        if not self._window.take(now_ms, 1):
            self.violations[f"{self.dialect.venue}: messages per second"] += 1
            return [self.dialect.messages_close]
        if len(raw) > self.dialect.message_bytes:
            self.violations[f"{self.dialect.venue}: bytes per message"] += 1
            return [self.dialect.bytes_close]
        if kind is WSMsgType.PONG:
            self.session.pong(now_ms)
            return []
        if kind is WSMsgType.PING:
            self._put(framed(raw, 0x8A))
            return []
        return self.session.hear(raw.decode("utf-8", "replace"), now_ms)

    def say(self, outs: Sequence[Out]) -> None:
        """Write it all at once; a close ends it."""
        parts: list[bytes] = []
        close: Close | None = None
        for out in outs:
            if isinstance(out, bytes):
                parts.append(framed(out))
            elif isinstance(out, Ping):
                parts.append(framed(out.payload, _PING))
            else:
                close = out
                break
        if parts:
            self.counters["messages out"] += len(parts)
            self._put(b"".join(parts))
        if close is not None:
            self.close(close)

    def speak(self, now_ms: int, mute: Fault | None, freeze: Fault | None) -> None:
        """Say what is due, unless a fault changes it."""
        outs = list(self.session.speak(now_ms))
        if mute is not None:
            needle = mute.match.encode()
            outs = [] if mute.deep else [o for o in outs if not (isinstance(o, bytes) and needle in o[:300])]
        if freeze is not None:
            outs = self._held if outs else []
        elif outs:
            self._held = outs
        if outs:
            self.say(outs)

    def close(self, close: Close) -> None:
        """Say goodbye, or cut the socket (1006)."""
        if self.closed:
            return
        self.counters["closes"] += 1
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

    def _put(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > MAX_WAITING:
            self.counters["slow clients"] += 1
            transport.abort()
