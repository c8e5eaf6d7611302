"""S68: what strangers try at a running `frmon serve`, and that none of it holds up the feeds or leaves a trace."""

import asyncio
import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.served import Served, environment, serving

REAL_TIME = "the program runs in a process of its own"
JSON = {"Content_Type": "application/json"}
TOKEN = "0123456789abcdef0123456789abcdef"

ATTACKS = {
    "another host name (DNS rebinding)": ("GET", "/api/data", None, {"Host": "evil.example:{port}"}, 403),
    "our name at another port": ("GET", "/api/data", None, {"Host": "127.0.0.1:1"}, 403),
    "our name without a port": ("GET", "/api/data", None, {"Host": "localhost"}, 403),
    "a name that begins like ours": ("GET", "/api/data", None, {"Host": "localhost.evil.example:{port}"}, 403),
    "a user in the host": ("GET", "/api/data", None, {"Host": "localhost:{port}@evil.example"}, 403),
    "an empty host": ("GET", "/healthz", None, {"Host": ""}, 403),
    "another host on a route that is not there": ("GET", "/nothing", None, {"Host": "evil.example"}, 403),
    "an origin of elsewhere": ("GET", "/api/snapshot", None, {"Origin": "https://evil.example"}, 403),
    "the origin null": ("GET", "/api/snapshot", None, {"Origin": "null"}, 403),
    "our host at another port as origin": ("POST", "/api/switch_symbol", b"{}", {"Origin": "http://127.0.0.1:1", **JSON}, 403),
    "a page of elsewhere without an origin": ("GET", "/api/stream", None, {"Sec_Fetch_Site": "cross-site"}, 403),
    "a preflight": ("OPTIONS", "/api/switch_symbol", None, {"Access_Control_Request_Method": "POST"}, 405),
    "a form as text": ("POST", "/api/switch_symbol", b'{"symbol":"BTC"}', {"Content_Type": "text/plain"}, 415),
    "a form": ("POST", "/api/switch_symbol", b"symbol=BTC", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
    "no content type": ("POST", "/api/database/maintenance", b"{}", {}, 415),
    "a packed body": ("POST", "/api/switch_symbol", b"{}", {"Content_Encoding": "gzip", **JSON}, 415),
    "a side effect by GET": ("GET", "/api/database/maintenance", None, {}, 405),
    "a method that does not exist": ("BREW", "/api/data", None, {}, 400),
    "deletion": ("DELETE", "/api/history/BTC", None, {}, 405),
    "a body of 1 MiB": ("POST", "/api/switch_symbol", b"x" * (1 << 20), JSON, 413),
    "a body with GET": ("GET", "/api/data", b"{}", JSON, 400),
    "JSON that is none": ("POST", "/api/switch_symbol", b"{", JSON, 400),
    "JSON of another shape": ("POST", "/api/switch_symbol", b'{"symbol":["BTC"]}', JSON, 400),
    "JSON nested too deep": ("POST", "/api/switch_symbol", b"[" * 60_000, JSON, 400),
    "a field too many": ("POST", "/api/switch_symbol", b'{"symbol":"BTC","admin":true}', JSON, 400),
    "a path upwards": ("GET", "/../../../etc/passwd", None, {}, 404),
    "a coded path upwards": ("GET", "/api/history/..%2f..%2f..%2fetc%2fpasswd/database", None, {}, 400),
    "a doubly coded path": ("GET", "/%252e%252e/%252e%252e/etc/passwd", None, {}, 404),
    "a file name": ("GET", "/openapi.json/..%2f__init__.py", None, {}, 404),
    "a nothing in a path": ("GET", "/api/history/BTC%00.db/database", None, {}, 400),
    "a path that is no text": ("GET", "/api/history/%ff%fe/database", None, {}, 400),
    "SQL": ("GET", "/api/history/BTC'%20OR%201=1--/database", None, {}, 400),
    "SQL in a parameter": ("GET", "/api/history/BTC/database?exchange=okx'%20OR%20'1", None, {}, 400),
    "too many hours": ("GET", "/api/history/BTC/database?hours=1e9", None, {}, 400),
    "no number": ("GET", "/api/history/BTC/database?hours=nan", None, {}, 400),
    "an unknown parameter": ("GET", "/api/data?callback=alert", None, {}, 400),
    "a parameter twice": ("GET", "/api/data?symbol=BTC&symbol=ETH", None, {}, 400),
    "a stream without a pause": ("GET", "/api/stream?every=0", None, {}, 400),
    "a name of 10 kB in the query": ("GET", f"/api/data?symbol={'A' * 3000}", None, {}, 400),
    "a header of 20 kB": ("GET", "/healthz", None, {"X_Long": "y" * 20_000}, 400),
    "100 headers": ("GET", "/healthz", None, {f"X_{n}": "y" for n in range(100)}, 400),
    "a URL of 10 kB": ("GET", f"/{'a' * 10_000}", None, {}, 400),
}  # fmt: skip

RAW = {
    "a request of two lengths": b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
    "length and chunks (smuggling)": b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"GET /api/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nHost: evil.example\r\n\r\n",
    "no host": b"GET /api/data HTTP/1.0\r\nX: %d\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03%d\r\n\r\n",
    "a negative length": b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: -1\r\n\r\n",
    "an absolute URL elsewhere": b"GET http://evil.example/api/data HTTP/1.1\r\nHost: evil.example\r\nX: %d\r\n\r\n",
    "an absolute URL elsewhere under our name": b"GET http://evil.example/api/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "a packed transfer": b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two origins": b"GET /api/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:4002\r\nOrigin: http://evil.example\r\n\r\n",
    "a folded header": b"GET /api/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: a\r\n b\r\n\r\n",
    "a lonely line end in a header": b"GET /api/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: a\rEvil: b\r\n\r\n",
    "a nothing in a header": b"GET /api/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: a\x00b\r\n\r\n",
    "a space behind a header's name": b"GET /api/data HTTP/1.1\r\nHost : 127.0.0.1:%d\r\n\r\n",
    "HTTP without a version": b"GET /api/data\r\nX: %d\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%d",
    "a chunk of 2^160 bytes": b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffffffffffffffffffffffff\r\n",
    "a length with a sign": b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: +2\r\n\r\n{}",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nX: %d\r\n\r\n",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("serve")) as found:
        yield found


@pytest.mark.parametrize("name", ATTACKS)
def test_s68_is_refused(served: Served, name: str) -> None:
    method, path, body, headers, expected = ATTACKS[name]
    named = {k: v.replace("{port}", str(served.port)) for k, v in headers.items()}
    status, said = served.get(path, method, body, **named)
    assert status == expected, said
    error = json.loads(said)["error"]
    assert set(json.loads(said)) == {"error"}
    assert "Traceback" not in error
    assert "frmon/" not in error


@pytest.mark.parametrize("name", RAW)
def test_s68_what_is_hardly_http_is_refused(served: Served, name: str) -> None:
    got = served.raw(RAW[name] % served.port)
    assert re.match(rb"HTTP/\d\.\d 40[03] ", got), got[:200]


@pytest.mark.parametrize("chunk", [b"10000\r\n" + b"x" * 65536 + b"\r\n", b"1\r\nx\r\n" * 1000], ids=["large", "small"])
def test_s68_chunks_without_end_are_cut(served: Served, chunk: bytes) -> None:
    head = b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert served.raw(head % served.port + chunk * 70).startswith(b"HTTP/1.1 413")


def test_s68_a_client_that_breaks_off_is_no_error(served: Served) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", served.port)) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.sendall(b"GET /api/stream?every=0.25 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % served.port)
            line.recv(1000)
    served.until(lambda: served.json("/api/system/status")["system"]["streams"] == 0, 30)
    assert not any("an answer failed" in line for line in served.said)


def test_s68_no_answer_tells_browsers_to_share_it(served: Served) -> None:
    got = served.raw(b"GET /api/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % served.port)
    head = got.partition(b"\r\n\r\n")[0].lower()
    assert b"x-content-type-options: nosniff" in head
    assert b"access-control" not in head
    assert b"python" not in head
    assert b"set-cookie" not in head


def test_s68_nothing_of_it_had_an_effect(served: Served) -> None:
    assert served.json("/api/data")["symbol"] == "BTC"
    assert served.get("/healthz")[0] == 200


def test_s68_names_that_are_ours_are_let_in(served: Served) -> None:
    for host in (f"localhost:{served.port}", f"127.0.0.1:{served.port}", f"[::1]:{served.port}"):
        assert served.get("/healthz", Host=host)[0] == 200
    assert served.get("/api/data", Origin=f"http://127.0.0.1:{served.port}")[0] == 200


def test_s68_a_body_that_drips_is_given_up(served: Served) -> None:
    head = b"POST /api/switch_symbol HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"
    started = time.monotonic()
    assert served.raw(head % served.port, 15).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started < 8


def test_s68_a_hundred_slow_heads_lock_nobody_out_for_long(served: Served) -> None:
    slow = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(100)]
    try:
        for line in slow:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127")
        full = sum(line.recv(200).startswith(b"HTTP/1.1 503") for line in slow[40:])
        assert full >= 60
        assert served.until(lambda: _answers(served), 10) < 8
        left = [line for line in slow[:30] if line.recv(100) != b""]
        assert not left
    finally:
        for line in slow:
            line.close()


def test_s68_dear_answers_are_counted_out(served: Served) -> None:
    time.sleep(1.2)
    codes = [served.get("/api/snapshot?top=1")[0] for _ in range(60)]
    assert codes[0] == 200
    assert 429 in codes
    assert served.get("/api/data")[0] == 200


def test_s68_a_thousand_requests_a_second_do_not_hold_up_the_feeds(served: Served) -> None:
    time.sleep(1.0)
    counted = asyncio.run(_flood(served.port, 8.0))
    system = served.json("/api/system/status")["system"]
    worst = max(counted["lags"])
    assert counted["answers"] > 8 * 300, counted  # as many as two shared cores can
    assert worst < 250, (counted, system)


def test_s68_with_a_token_nothing_is_said_without_it(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(TOKEN)
    secret.chmod(0o600)
    with Served(environment(tmp_path), "--demo", "--token-file", str(secret)) as served:
        served.up()
        wrong: tuple[dict[str, str], ...] = ({}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {TOKEN[:-1]}"},
                 {"Authorization": f"Bearer {TOKEN}0"}, {"Authorization": f"Basic {TOKEN}"},
                 {"Authorization": "Bearer \xff"}, {"Cookie": f"token={TOKEN}"})  # fmt: skip
        for headers in wrong:
            for path in ("/healthz", "/api/data", "/metrics", "/nothing", "/api/stream"):
                assert served.get(path, "GET", None, **headers)[0] == 401, (headers, path)
        assert served.get(f"/api/data?token={TOKEN}")[0] == 401
        assert served.get("/healthz", Authorization=f"Bearer {TOKEN}")[0] == 200
        assert served.end() < 4
        log = (tmp_path / "STATE" / "frmon" / "serve-demo.log").read_text()
        assert TOKEN not in log + "".join(served.said)


def _answers(served: Served) -> bool:
    try:
        return served.get("/healthz")[0] == 200
    except OSError:
        return False


async def _flood(port: int, seconds: float) -> dict[str, Any]:
    """Ask for small things a thousand times a second; how the loop of the feeds does meanwhile is asked now and then."""
    found: dict[str, Any] = {"answers": 0, "lags": []}
    paths = ("/api/data?symbol=BTC", "/healthz", "/api/snapshot", "/api/arbitrage/signals", "/readyz")

    async def client(number: int, each_s: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        started = time.monotonic()
        count = 0
        while time.monotonic() - started < seconds:
            path = "/api/system/status" if number == 0 else paths[count % len(paths)]
            writer.write(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (path.encode(), port))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(int(ln[15:]) for ln in head.split(b"\r\n") if ln.startswith(b"content-length:"))
            body = await reader.readexactly(length)
            if number == 0 and b" 200 " in head:
                found["lags"].append(json.loads(body)["system"]["loop_lag_ms"])
            found["answers"] += 1
            count += 1
            await asyncio.sleep(max(0.0, started + count * each_s - time.monotonic()))
        writer.close()

    await asyncio.gather(client(0, 0.5), *(client(n, 0.016) for n in range(1, 17)))
    return found
