"""How a simulated venue speaks: data and pure functions, no sockets, no clocks. `frmon.feeds.sim.server` does the rest.

One `Dialect` is one port. The server counts connects, client messages, their bytes and REST quotas by the dialect's data;
what only the dialect can see (arguments of a subscribe, streams on a connection) its `Session` checks and reports with
`Stage.violate`. All times are Unix milliseconds of the simulator's clock, which never goes back.

Every module in this package that has `DIALECTS: tuple[Dialect, ...]` is found by itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

import msgspec

from frmon.feeds.sim.world import World

Query = Mapping[str, str]
dumps: Callable[[Any], bytes] = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Reply:
    """A REST answer, or the refusal of a WebSocket handshake."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def reply(value: Any, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status, dumps(value))


@dataclass(frozen=True, slots=True)
class Ping:
    """A protocol ping of the server."""

    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Close:
    """The server closes: nothing after it is sent. `code` 1006 = the socket is just cut."""

    code: int
    reason: str = ""


Out = bytes | Ping | Close
"""What a session says: a text frame (UTF-8), a ping or a close."""


class Stage(Protocol):
    """What a session may use of its server."""

    world: World
    counters: Counter[str]  # shown by /_sim/status

    def violate(self, rule: str) -> None:
        """Count one breach of a documented rule under the name "<venue>: <rule>"."""
        ...

    def refuses(self, market: str, symbol: str, now_ms: int) -> bool:
        """Whether subscriptions to this symbol are refused now, though it is listed."""
        ...


class Session(Protocol):
    """One WebSocket connection of a client, without the socket."""

    def hear(self, text: str, now_ms: int) -> Sequence[Out]:
        """A client's text message -> the answers (acks, errors, pongs, snapshots, closes), in order."""
        ...

    def pong(self, now_ms: int) -> None:
        """The client's protocol pong arrived. (Client pings are answered by the server itself.)"""
        ...

    def speak(self, now_ms: int) -> Sequence[Out]:
        """Whatever is due now: data of subscribed topics, server pings, idle cuts. Called every 25 ms or so, after the
        world was advanced to `now_ms`."""
        ...

    def notice(self, what: str, now_ms: int) -> Sequence[Out]:
        """How the venue announces "shutdown" of this line, "maintenance" or a "listing"; nothing where it has no words."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `limit` units in `window_s` seconds.

    `refuse(wait_s)` makes the answer when it is used up. After `ban_after` further tries while refused every request
    of the client is answered by `ban(wait_s)` for `ban_s` seconds (0: no ban).
    """

    name: str
    limit: int
    window_s: float
    refuse: Callable[[float], Reply]
    clock_minute: bool = False  # the window is the minute of the clock (Binance), else it rolls
    header: str = ""  # response header that states what was used
    ban_after: int = 0
    ban_s: float = 0.0
    ban: Callable[[float], Reply] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One REST path. `answer(world, query, now_ms)`; `weight(query)` units are charged to each of `quotas` (by name); a
    quota named "x:*" counts per path."""

    answer: Callable[[World, Query, int], Reply]
    quotas: tuple[str, ...] = ()
    weight: int | Callable[[Query], int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One port of one venue."""

    venue: str  # "bybit"
    name: str  # "bybit", "binance spot": unique
    endpoints: Mapping[str, str]  # endpoint name of the venue contract -> "http" or "ws"
    routes: Mapping[str, Route]  # REST path -> route
    quotas: tuple[Quota, ...]
    missing: Callable[[str], Reply]  # REST path that does not exist -> answer
    connect: Callable[[Stage, str, Query, int], Session | Reply]
    """(stage, path, query, now_ms) -> a session, or the answer that refuses the handshake (404 for unknown paths)."""
    connects: Quota  # new connections per client address; `refuse` is the answer to the handshake
    messages: int  # client messages (text, ping, pong) allowed ...
    messages_window_s: float  # ... in this window ...
    messages_close: Close  # ... else this happens
    message_bytes: int  # longest client message ...
    bytes_close: Close  # ... else this happens
    connections: int = 1_000  # open at the same time
    slow_close: Close = Close(1008, "slow consumer")  # client does not read: more than 8 MiB wait for it
    markets: Mapping[str, str] = field(default_factory=dict)
    """Part of a path, a query or a client's message -> the market it is about ("spot", "perp"); the first that is in it."""

    def market_of(self, text: str) -> str:
        """The market that a path, a query or a client's message is about; empty if it does not say."""
        return next((market for part, market in self.markets.items() if part in text), "")


class Window:
    """Counts units in a rolling window."""

    __slots__ = ("_held", "_used", "limit", "window_ms")

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_ms = window_s * 1000
        self._held: list[tuple[int, int]] = []
        self._used = 0

    def used(self, now_ms: int) -> int:
        """Units in the window that ends now."""
        gone = 0
        for at, units in self._held:
            if at > now_ms - self.window_ms:
                break
            gone += 1
            self._used -= units
        if gone:
            del self._held[:gone]
        return self._used

    def take(self, now_ms: int, units: int = 1) -> bool:
        """Count `units`; False (and nothing is counted) if the window would hold more than the limit."""
        if self.used(now_ms) + units > self.limit:
            return False
        self._held.append((now_ms, units))
        self._used += units
        return True

    def wait_s(self, now_ms: int) -> float:
        """Seconds until the oldest units leave the window."""
        self.used(now_ms)
        return max(0.0, (self._held[0][0] + self.window_ms - now_ms) / 1000) if self._held else 0.0


def all_dialects() -> list[Dialect]:
    """All dialects of this package, by module name."""
    found: list[Dialect] = []
    for info in sorted(iter_modules(__path__), key=lambda i: i.name):
        found.extend(getattr(import_module(f"{__name__}.{info.name}"), "DIALECTS", ()))
    return found
