"""Dialling: what goes wrong is said in the words of the screen; what is open hands out raw frames."""

import asyncio
import selectors
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve

from frmon.errors import Unreachable
from frmon.feeds.loop import CoalescingSelector, new_loop
from frmon.feeds.transport import dial
from frmon.feeds.wire import MAX_FRAME, Closed, Dial, Library, Socket, is_loopback, unreachable
from tests.feeds.toy import Stage


def no_verdict(_status: int, _headers: Mapping[str, str], _body: bytes) -> Unreachable | None:
    return None


@pytest.fixture(params=["picows", "websockets"])
def library(request: pytest.FixtureRequest) -> Library:
    name: Library = request.param
    return name


class Ear:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def __call__(self, raw: bytes) -> None:
        self.frames.append(raw)


async def failure(library: Library, url: str, *, time_scale: float = 1.0) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await dial(Dial(url=url, verdict=no_verdict, time_scale=time_scale), Ear(), library)
    return caught.value


Talk = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def talking(library: Library, talk: Talk) -> AsyncIterator[tuple[Socket, Ear]]:
    ear = Ear()
    async with serve(talk, "127.0.0.1", 0, ping_interval=0.05) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        line = await dial(Dial(url=f"ws://127.0.0.1:{port}/stream?a=%3D", verdict=no_verdict), ear, library)
        yield line, ear
        await line.close()


async def test_frames_come_undecoded_and_a_close_says_its_code(library: Library) -> None:
    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.path == "/stream?a=%3D"
        await connection.send("{}")
        await connection.send(b"\xff\xfe")
        await connection.send(["one ", "message ", "in parts"])
        assert await connection.recv() == "ping"
        await connection.close(1012, "restart \x1b[31m")

    async with talking(library, talk) as (line, ear):
        await line.send(b"ping")
        end = await line.closed()
        assert ear.frames == [b"{}", b"\xff\xfe", b"one message in parts"]
        assert end.code == 1012
        assert "restart" in str(end)
        assert "\x1b" not in str(end)
        with pytest.raises(Closed):
            await line.send(b"late")


async def test_a_connection_that_is_cut_ends_as_1006(library: Library) -> None:
    async def talk(connection: ServerConnection) -> None:
        connection.transport.abort()
        await connection.wait_closed()

    async with talking(library, talk) as (line, _):
        assert (await line.closed()).code == 1006


async def test_pings_of_the_venue_are_answered(library: Library) -> None:
    answered = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        await (await connection.ping(b"1700000000000"))
        answered.set()
        await connection.wait_closed()

    async with talking(library, talk):
        await asyncio.wait_for(answered.wait(), 10)


async def test_a_frame_of_one_and_a_half_mebibytes_is_fine_and_a_giant_one_ends_the_line(library: Library) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * (3 * 2**19))
        await connection.send("x" * (MAX_FRAME + 1))
        await connection.wait_closed()

    async with talking(library, talk) as (line, ear):
        assert (await line.closed()).code == 1009
        assert [len(frame) for frame in ear.frames] == [3 * 2**19]


async def test_a_giant_message_in_small_parts_ends_the_line_too(library: Library) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * 2**18 for _ in range(2 + MAX_FRAME // 2**18))
        await connection.wait_closed()

    async with talking(library, talk) as (line, ear):
        assert (await line.closed()).code == 1009
        assert not ear.frames


async def test_closing_takes_no_longer_than_it_may_when_the_peer_is_frozen(library: Library) -> None:
    over = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await over.wait()
        connection.transport.abort()

    ear = Ear()
    async with serve(talk, "127.0.0.1", 0, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        how = Dial(url=f"ws://127.0.0.1:{port}", verdict=no_verdict, time_scale=0.1)
        line = await dial(how, ear, library)
        await asyncio.wait_for(line.close(), 5)
        over.set()


async def test_a_refused_handshake_goes_to_the_venues_verdict_with_headers_and_body(library: Library) -> None:
    seen: list[tuple[int, bytes]] = []

    def verdict(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable:
        assert all(name == name.lower() for name in headers)
        seen.append((status, body))
        return Unreachable("BLOCKED", "your country", 600.0)

    async with Stage(refuse=lambda: 451) as stage:
        with pytest.raises(Unreachable) as caught:
            await dial(Dial(url=stage.url, verdict=verdict), Ear(), library)
    assert caught.value.status == "BLOCKED"
    assert seen == [(451, b"no\n")]


async def test_a_refusal_that_the_venue_does_not_know_is_retried_as_any_other(library: Library) -> None:
    async with Stage(refuse=lambda: 503) as stage:
        found = await failure(library, stage.url)
    assert (found.status, found.why) == ("RECONNECT", "handshake answered 503")


async def test_nobody_listening_is_a_reconnect(library: Library) -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        found = await failure(library, f"ws://127.0.0.1:{held.getsockname()[1]}")
    assert found.status == "RECONNECT"
    assert found.retry_s is None


async def test_a_peer_that_accepts_and_stays_mute_is_given_up(library: Library) -> None:
    with closing(socket.socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        found = await failure(library, f"ws://127.0.0.1:{mute.getsockname()[1]}", time_scale=0.02)
    assert found.why == "no answer in time"


async def test_a_host_that_does_not_exist_is_dns(library: Library) -> None:
    found = await failure(library, "ws://venue.invalid")
    assert found.status in {"DNS", "RECONNECT"}  # a proxy of the environment answers in its own way
    assert unreachable(socket.gaierror(-2, "Name or service not known")).status == "DNS"


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + cert.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_named_and_no_data_is_accepted(
    tmp_path: Path, library: Library
) -> None:
    heard: list[ServerConnection] = []

    async def talk(connection: ServerConnection) -> None:
        heard.append(connection)

    async with serve(talk, "127.0.0.1", 0, ssl=self_signed(tmp_path)) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        found = await failure(library, f"wss://127.0.0.1:{port}")
    assert (found.status, found.retry_s) == ("TLS", 30.0)
    assert "self-signed" in found.why
    assert not heard


def test_a_bad_certificate_says_why() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    found = unreachable(error)
    assert (found.status, found.why) == ("TLS", "certificate has expired")


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("ws://127.0.0.1:80", True),
        ("http://127.8.9.1", True),
        ("ws://[::1]:1", True),
        ("http://localhost:1", True),
        ("https://api.example.com", False),
        ("http://128.0.0.1", False),
    ],
)
def test_loopback_is_known_by_its_address(url: str, answer: bool) -> None:
    assert is_loopback(url) is answer


def test_the_loop_reads_in_batches_and_keeps_its_timers() -> None:
    selector = CoalescingSelector()
    looks = 0
    original = selectors.DefaultSelector.select

    def count(self: CoalescingSelector, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal looks
        looks += 1
        return original(self, timeout)

    left, right = socket.socketpair()
    with closing(left), closing(right), pytest.MonkeyPatch.context() as patch:
        selector.register(left, selectors.EVENT_READ)
        patch.setattr(selectors.DefaultSelector, "select", count)
        selector.select(0)
        started = time.monotonic()
        right.send(b"x")
        assert [key.fileobj for key, _ in selector.select(5.0)] == [left]
        assert time.monotonic() - started >= 0.5 * selector.quantum_s, "it let input gather first"
        assert selector.select(0), "a busy loop does not wait"
    selector.close()
    assert looks == 3


def test_calls_from_other_threads_wake_the_loop() -> None:
    loop = new_loop()

    async def main() -> str:
        return await asyncio.to_thread(lambda: "done")

    try:
        assert loop.run_until_complete(main()) == "done"
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
