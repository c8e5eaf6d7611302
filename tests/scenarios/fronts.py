"""TLS in front of a simulated venue, with certificates good and bad from a certification authority of the test's own."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from frmon.feeds.sim.tunnel import HOST

Kind = Literal["fine", "expired", "self-signed", "wrong host"]
PEM = serialization.Encoding.PEM


class Authority:
    """`file`: its certificate, for those who shall trust it (SSL_CERT_FILE)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("a test's authority")
        now = datetime.now(UTC)
        builder = _builder(self._name, self._name, self._key.public_key(), now + timedelta(days=1))
        cert = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
            self._key, hashes.SHA256()
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(cert.public_bytes(PEM))

    def context(self, kind: Kind) -> ssl.SSLContext:
        """For a server on loopback."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named("venue")
        is_own = kind == "self-signed"
        until = datetime.now(UTC) + timedelta(days=-1 if kind == "expired" else 1)
        host = "127.0.0.99" if kind == "wrong host" else HOST
        builder = _builder(name, name if is_own else self._name, key.public_key(), until)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        cert = builder.sign(key if is_own else self._key, hashes.SHA256())
        secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = self._folder / f"{kind.replace(' ', '-')}.pem"
        file.write_bytes(secret + cert.public_bytes(PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


class Front:
    """Unwraps TLS for a port of loopback. `tries`: connections so far; `heard`: bytes that came through a handshake."""

    def __init__(self, context: ssl.SSLContext, target: int) -> None:
        self.port = 0
        self.tries = 0
        self.heard = 0
        self._context = context
        self._target = target
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._count, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tries += 1
        try:
            await writer.start_tls(self._context)
            far, to_far = await asyncio.open_connection(HOST, self._target)
            await asyncio.gather(self._pour(reader, to_far), self._pour(far, writer, counts=False))
            to_far.close()
        except OSError:
            writer.transport.abort()
        writer.close()

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counts: bool = True) -> None:
        while data := await source.read(65_536):
            self.heard += len(data) * counts
            sink.write(data)
            await sink.drain()
        sink.close()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=3))
        .not_valid_after(until)
    )
