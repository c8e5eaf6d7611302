"""Dialling: what goes wrong is said in the words of the screen; what is open hands out raw frames."""

import asyncio
import selectors
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve

from frmon.errors import Unreachable
from frmon.feeds.transport import MAX_FRAME, Closed, CoalescingSelector, dial, is_loopback, new_loop, unreachable
from tests.feeds.toy import Stage


def no_verdict(_status: int, _headers: Mapping[str, str], _body: bytes) -> Unreachable | None:
    return None


async def failure(url: str, **options: float | str) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await dial(url, no_verdict, **options)  # type: ignore[arg-type]
    return caught.value


async def test_frames_come_undecoded_and_a_close_says_its_code() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("{}")
        await connection.send(b"\xff\xfe")
        await connection.close(1012, "restart \x1b[31m")

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        line = await dial(f"ws://127.0.0.1:{port}/stream", no_verdict)
        assert await line.recv() == b"{}"
        assert await line.recv() == b"\xff\xfe"
        with pytest.raises(Closed) as end:
            await line.recv()
        assert end.value.code == 1012
        assert "\x1b" not in str(end.value)
        await line.close()


async def test_a_frame_of_one_and_a_half_mebibytes_is_fine_and_a_giant_one_ends_the_line() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * (3 * 2**19))
        await connection.send("x" * (MAX_FRAME + 1))
        await connection.wait_closed()

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        line = await dial(f"ws://127.0.0.1:{port}", no_verdict)
        assert len(await line.recv()) == 3 * 2**19
        with pytest.raises(Closed) as end:
            await line.recv()
        assert end.value.code == 1009
        await line.close()


async def test_a_refused_handshake_goes_to_the_venues_verdict_with_headers_and_body() -> None:
    seen: list[tuple[int, bytes]] = []

    def verdict(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable:
        assert all(name == name.lower() for name in headers)
        seen.append((status, body))
        return Unreachable("BLOCKED", "your country", 600.0)

    async with Stage(refuse=lambda: 451) as stage:
        with pytest.raises(Unreachable) as caught:
            await dial(stage.url, verdict)
    assert caught.value.status == "BLOCKED"
    assert seen == [(451, b"no\n")]


async def test_a_refusal_that_the_venue_does_not_know_is_retried_as_any_other() -> None:
    async with Stage(refuse=lambda: 503) as stage:
        found = await failure(stage.url)
    assert (found.status, found.why) == ("RECONNECT", "handshake answered 503")


async def test_nobody_listening_is_a_reconnect() -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        found = await failure(f"ws://127.0.0.1:{held.getsockname()[1]}")
    assert found.status == "RECONNECT"
    assert found.retry_s is None


async def test_a_peer_that_accepts_and_stays_mute_is_given_up() -> None:
    with closing(socket.socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        found = await failure(f"ws://127.0.0.1:{mute.getsockname()[1]}", time_scale=0.02)
    assert found.why == "no answer in time"


async def test_a_host_that_does_not_exist_is_dns() -> None:
    found = await failure("ws://venue.invalid", proxy="")
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


async def test_a_certificate_that_nobody_vouches_for_is_named_and_no_data_is_accepted(tmp_path: Path) -> None:
    heard: list[ServerConnection] = []

    async def talk(connection: ServerConnection) -> None:
        heard.append(connection)

    async with serve(talk, "127.0.0.1", 0, ssl=self_signed(tmp_path)) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        found = await failure(f"wss://127.0.0.1:{port}")
    assert (found.status, found.retry_s) == ("TLS", 30.0)
    assert "self-signed" in found.why
    assert not heard


def test_a_bad_certificate_says_why() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    found = unreachable(error)
    assert (found.status, found.why) == ("TLS", "TLS: certificate has expired")


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
