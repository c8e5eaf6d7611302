"""A loopback venue server in a process of its own: `python -m bench.server`. One port per venue; every client message is
taken as a subscription, and a frame goes to the connection that asked for its symbol.

Commands come as JSON lines on stdin, answers go as JSON lines to stdout:
{"do": "count"}                                          -> {"connections": n, "asked": n}
{"do": "drop"}                                           -> {"dropped": n}; all connections are closed
{"do": "run", "shares": {venue: percent}, "count": n, "rate": frames per second or 0 = as fast as the client reads}
                                                         -> {"sent": n, "seconds": s, "late": most frames behind schedule,
                                                             "started_at": on the machine's monotonic clock}
"""

import base64
import hashlib
import json
import socket
import struct
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from bench.frames import Sent, mixed, raw

KINDS = ("binance", "binance_raw", "okx", "bybit", "bitget")
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TICK_S = 0.001
MADE_AHEAD = 10_000  # frames per second above which making them would slow the sending down


class Connection:
    """One client."""

    def __init__(self, sock: socket.socket, kind: str) -> None:
        self.sock = sock
        self.kind = kind
        self.asked = ""

    def serve(self) -> None:
        """Read what the client says until it leaves."""
        while (message := self._read()) is not None:
            code, data = message
            if code == 9:
                self.sock.sendall(framed(data, 10))
            elif code == 1:
                self.asked += data.decode()

    def _read(self) -> tuple[int, bytes] | None:
        head = self._exactly(2)
        length = head[1] & 127 if head else 0
        if length > 125:
            length = int.from_bytes(self._exactly(2 if length == 126 else 8), "big")
        mask = self._exactly(4)
        data = self._exactly(length)
        if not head or head[0] & 15 == 8 or len(data) < length:
            return None
        return head[0] & 15, bytes(b ^ mask[i & 3] for i, b in enumerate(data))

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            part = self.sock.recv(count - len(got))
            if not part:
                return b""
            got += part
        return got


def framed(data: bytes, code: int = 1) -> bytes:
    """A WebSocket frame as a server sends it."""
    length = len(data)
    if length < 126:
        return struct.pack("!BB", 0x80 | code, length) + data
    if length < 65536:
        return struct.pack("!BBH", 0x80 | code, 126, length) + data
    return struct.pack("!BBQ", 0x80 | code, 127, length) + data


class Server:
    """Listens, and sends runs of frames."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.connections: list[Connection] = []
        for kind in KINDS:
            listener = socket.create_server(("127.0.0.1", 0))
            self.ports[kind] = listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(listener, kind), daemon=True).start()

    def _accept(self, listener: socket.socket, kind: str) -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self._serve, args=(sock, kind), daemon=True).start()

    def _serve(self, sock: socket.socket, kind: str) -> None:
        one = Connection(sock, kind)
        with sock, suppress(OSError):  # clients are ended at the end of a run
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _shake_hands(sock)
            self.connections.append(one)
            with suppress(OSError):
                one.serve()
            self.connections.remove(one)

    def drop(self) -> int:
        """Close everything."""
        leaving = list(self.connections)
        for one in leaving:
            with suppress(OSError):  # it may be gone already
                one.sock.shutdown(socket.SHUT_RDWR)
        while any(one in self.connections for one in leaving):
            time.sleep(TICK_S)
        return len(leaving)

    def route(self, frames: Iterator[Sent]) -> Iterator[tuple[Connection, bytes]]:
        """Every frame with the connection that asked for its symbol; the first of the venue where none named it."""
        found: dict[tuple[str, str], Connection | None] = {}
        for venue, symbol, text in frames:
            one = found.get((venue, symbol))
            if one is None:
                one = found[venue, symbol] = self._asker(venue, symbol)
            if one is not None:
                yield one, framed((raw(text) if one.kind.endswith("_raw") else text).encode())

    def _asker(self, venue: str, symbol: str) -> Connection | None:
        mine = [c for c in self.connections if c.kind.startswith(venue)]
        named = [c for c in mine if f'"{symbol}"' in c.asked or f'.{symbol}"' in c.asked]
        return next(iter(named or mine), None)


def _shake_hands(sock: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        part = sock.recv(65536)
        if not part:
            raise ConnectionError("left during the handshake")
        request += part
    [key] = [
        line.split(b":")[1].strip() for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
    ]
    accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )


def blast(routed: Iterator[tuple[Connection, bytes]]) -> tuple[int, int]:
    """Everything as fast as the client reads, each connection from its own thread; (frames, 0)."""
    queues: dict[Connection, list[bytes]] = defaultdict(list)
    for one, data in routed:
        queues[one].append(data)
    threads = [threading.Thread(target=c.sock.sendall, args=(b"".join(parts),)) for c, parts in queues.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(map(len, queues.values())), 0


def pace(routed: Iterator[tuple[Connection, bytes]], rate: float) -> tuple[int, int]:
    """One send per frame, `rate` frames per second over all connections; (frames, most frames behind schedule)."""
    start = time.perf_counter()
    sent = late = 0
    while True:
        due = int(rate * (time.perf_counter() - start)) - sent
        late = max(late, due)
        batch = list(islice(routed, max(0, due)))
        for one, data in batch:
            one.sock.sendall(data)
        sent += len(batch)
        if due > 0 and len(batch) < due:
            return sent, late
        time.sleep(TICK_S)


def run(server: Server, order: dict[str, Any]) -> dict[str, float]:
    """One run, as ordered."""
    frames = islice(mixed(order["shares"]), order["count"])
    routed = server.route(frames)
    if order["rate"] > MADE_AHEAD:
        routed = iter(list(routed))
    started = time.perf_counter()
    try:
        sent, late = pace(routed, order["rate"]) if order["rate"] else blast(routed)
    except OSError:
        sent = late = 0
    return {"sent": sent, "seconds": time.perf_counter() - started, "late": late, "started_at": started}


def main() -> None:
    """Answer commands until stdin ends."""
    server = Server()
    print(json.dumps(server.ports), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "count":
            told: dict[str, float] = {
                "connections": len(server.connections),
                "asked": sum(bool(c.asked) for c in server.connections),
            }
        elif order["do"] == "drop":
            told = {"dropped": server.drop()}
        else:
            told = run(server, order)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
