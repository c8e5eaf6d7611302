"""Lines by the `websockets` library."""

import asyncio
from typing import Any

from python_socks import ProxyError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
)
from websockets.protocol import State

from frmon.errors import Unreachable
from frmon.feeds.wire import (
    CLOSE_TIMEOUT_S,
    HAPPY_EYEBALLS_S,
    HUNG_UP,
    MAX_FRAME,
    NO_HANDSHAKE,
    NO_HTTP,
    OPEN_TIMEOUT_S,
    PONG_EVERY_S,
    PONG_TIMEOUT_S,
    USER_AGENT,
    Closed,
    Dial,
    Hear,
    ThreadlessError,
    refused,
    unreached,
)

PONG = b"\x8a"  # first byte of such a frame


class Connection(ClientConnection):
    """Answers pings no more often than venues like it, and keeps one answer at most while the peer takes none."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self._pong: bytes | None = None  # to be sent
        self._resting: asyncio.TimerHandle | None = None  # after a pong

    def send_data(self) -> None:
        writes = self.protocol.writes
        if any(data[:1] == PONG for data in writes):
            self._pong = [data for data in writes if data[:1] == PONG][-1]
            self.protocol.writes = [data for data in writes if data[:1] != PONG]
        super().send_data()
        self._answer()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._resting is not None:
            self._resting.cancel()
        super().connection_lost(exc)

    def _answer(self) -> None:
        if self._pong is None or self._resting is not None or self.protocol.state is not State.OPEN:
            return
        self.transport.write(self._pong)
        self._pong = None
        self._resting = asyncio.get_running_loop().call_later(PONG_EVERY_S, self._rested)

    def _rested(self) -> None:
        self._resting = None
        self._answer()


class Connect(connect):
    """Follows no redirects."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Wire:
    """One open connection; reads by itself."""

    def __init__(self, connection: ClientConnection, hear: Hear) -> None:
        self._connection = connection
        self._reading = asyncio.create_task(self._read(hear))

    async def send(self, text: bytes) -> None:
        try:
            await self._connection.send(text, text=True)
        except ConnectionClosed as end:
            raise _closed(end) from None

    async def closed(self) -> Closed:
        return await asyncio.shield(self._reading)

    async def close(self) -> None:
        await self._connection.close()
        await self._reading

    async def _read(self, hear: Hear) -> Closed:
        recv = self._connection.recv
        try:
            while True:
                hear(await recv(decode=False))
        except ConnectionClosed as end:
            return _closed(end)


def _closed(end: ConnectionClosed) -> Closed:
    frame = (end.rcvd if end.rcvd_then_sent else end.sent) or end.rcvd or end.sent  # who closed first says why
    return Closed(1006, "") if frame is None else Closed(frame.code, frame.reason)


async def dial(how: Dial, hear: Hear) -> Wire:
    """See `transport.dial`."""
    proxy = how.proxy_url
    try:
        connection = await Connect(
            how.url,
            proxy=proxy and proxy.replace("socks5://", "socks5h://", 1),
            compression=None,
            open_timeout=OPEN_TIMEOUT_S * how.scale,
            close_timeout=CLOSE_TIMEOUT_S * how.scale,
            ping_interval=None if how.ping_s is None else how.ping_s * how.scale,
            ping_timeout=PONG_TIMEOUT_S * how.scale,
            max_size=MAX_FRAME,
            max_queue=4096,
            user_agent_header=USER_AGENT,
            create_connection=Connection,
            happy_eyeballs_delay=HAPPY_EYEBALLS_S,
        )
    except InvalidProxyStatus as error:
        raise Unreachable("RECONNECT", f"proxy: answered {error.response.status_code}") from None
    except InvalidStatus as error:
        answer = error.response
        headers = {name.lower(): value for name, value in answer.headers.raw_items()}
        raise refused(how, answer.status_code, headers, bytes(answer.body or b"")) from None
    except InvalidMessage as error:
        raise Unreachable("RECONNECT", HUNG_UP if isinstance(error.__cause__, EOFError) else NO_HTTP) from None
    except InvalidHeader:
        raise Unreachable("RECONNECT", NO_HANDSHAKE) from None
    except (
        OSError, TimeoutError, InvalidHandshake, InvalidURI, ProxyError, EOFError, ValueError, ThreadlessError,
    ) as error:  # fmt: skip
        raise unreached(how, error) from None
    return Wire(connection, hear)
