"""Clients of the stream that read slowly, or not at all: engine, API and client in one loop."""

import socket

import pytest

from tests.api.here import Api, serving_here

LITTLE = 4_096


def dialled(api: Api) -> socket.socket:
    """A client that takes little at once, and has asked for the stream."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    line.connect(("127.0.0.1", api.port))
    line.sendall(b"GET /api/stream?every=0.25 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % api.port)
    line.setblocking(False)
    return line


@pytest.mark.parametrize("clients", [1, 8])
async def test_who_does_not_read_is_cut_after_half_a_minute(clients: int) -> None:
    async with serving_here("okx", "bybit", rate=1.0) as (s, api):
        lines = [dialled(api) for _ in range(clients)]
        await s.within(2, lambda: api.collector.streams == clients)
        await s.within(10, lambda: api.collector.sent > 64 * 1024)
        began = s.engine.clock.mono()
        await s.within(60, lambda: api.collector.streams == 0, "nobody is cut")
        assert s.engine.clock.mono() - began > 25
        for line in lines:
            line.close()
