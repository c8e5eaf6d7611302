"""The bad network: each toxic does what it says, to both directions alike."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from frmon.feeds.sim.toxics import Toxics
from frmon.feeds.sim.tunnel import Hole, Tunnel
from tests.leaping import clock_here


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  a plain count, that nobody tells
            await asyncio.sleep(0.01)


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[Tunnel, asyncio.StreamReader, asyncio.StreamWriter]]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except ConnectionResetError:
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Tunnel(server.sockets[0].getsockname()[1]) as tunnel:
        reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.port)
        yield tunnel, reader, writer
        writer.close()


async def test_a_tunnel_without_toxics_carries_and_counts() -> None:
    async with echoing() as (tunnel, reader, writer):
        writer.write(b"x" * 300_000)
        assert len(await reader.readexactly(300_000)) == 300_000
        assert (tunnel.connections, tunnel.live, tunnel.bytes_up, tunnel.bytes_down) == (1, 1, 300_000, 300_000)
        writer.write_eof()
        assert await reader.read() == b""


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize(
    ("toxics", "at_least_s"),
    [
        (Toxics(latency_s=0.2), 0.2),
        (Toxics(latency_s=0.2, jitter_s=0.05), 0.15),
        (Toxics(bytes_per_s=4_000), 0.2),
        (Toxics(stall_s=0.1, stall_every_s=0.000_01, slice_bytes=100), 0.2),
    ],
)
async def test_bytes_are_late_but_all_there(toxics: Toxics, at_least_s: float, way: str) -> None:
    async with echoing() as (tunnel, reader, writer):
        setattr(tunnel, way, toxics)
        started = clock_here().mono()
        writer.write(b"0123456789" * 100)
        assert await reader.readexactly(1000) == b"0123456789" * 100
        assert clock_here().mono() - started >= at_least_s


async def test_slices_arrive_one_by_one() -> None:
    class Count(asyncio.Protocol):
        pieces = 0
        size = 0

        def data_received(self, data: bytes) -> None:
            self.pieces += 1
            self.size += len(data)

    async with echoing() as (tunnel, _, _writer):
        tunnel.down.slice_bytes = 1
        transport, count = await asyncio.get_running_loop().create_connection(Count, "127.0.0.1", tunnel.port)
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"x" * 500)
        await until(lambda: count.size == 500)
        assert count.pieces >= 250, "two at a time, if the reader looks only after the second"
        transport.close()


async def test_a_black_hole_swallows_for_good() -> None:
    async with echoing() as (tunnel, reader, writer):
        tunnel.down.blackhole = True
        writer.write(b"lost")
        await until(lambda: tunnel.bytes_up == 4)
        tunnel.down.blackhole = False
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 0.2)


async def test_a_limit_ends_the_connection_in_the_middle() -> None:
    async with echoing() as (tunnel, reader, writer):
        tunnel.down.limit_bytes = 700
        writer.write(b"x" * 1000)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)) as caught:
            await reader.readexactly(1000)
        if isinstance(caught.value, asyncio.IncompleteReadError):
            assert len(caught.value.partial) == 700


async def test_a_cut_resets_and_a_half_close_does_not() -> None:
    async with echoing() as (tunnel, reader, writer):
        tunnel.half_close()
        assert await reader.read() == b""
        other, _ = await asyncio.open_connection("127.0.0.1", tunnel.port)
        await until(lambda: tunnel.connections == 2)
        tunnel.cut()
        with pytest.raises(ConnectionResetError):
            await other.read()
        writer.close()


async def test_frozen_it_says_nothing_and_thawed_everything() -> None:
    async with echoing() as (tunnel, reader, writer):
        tunnel.freeze()
        writer.write(b"held")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 0.2)
        tunnel.thaw()
        assert await reader.readexactly(4) == b"held"


async def test_a_route_that_vanished_answers_no_attempt_until_it_is_back() -> None:
    async with echoing() as (tunnel, reader, _):
        await tunnel.vanish()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("127.0.0.1", tunnel.port), 0.3)
        tunnel.appear()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        again, writer = await asyncio.open_connection("127.0.0.1", tunnel.port)
        writer.write(b"back")
        assert await again.readexactly(4) == b"back"
        writer.close()


async def test_a_hole_answers_nothing() -> None:
    hole = Hole()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.open_connection("127.0.0.1", hole.port), 0.3)
    hole.close()
