"""What feeds need from outside, and what the lines of one venue share."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from frmon.clock import Clock
from frmon.errors import Notice
from frmon.feeds.contract import Stream, Venue
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Observe
from frmon.feeds.wire import Dial, Library
from frmon.model import Listing, Market, Sink


class Terms(msgspec.Struct, kw_only=True):
    """What a fleet needs from outside."""

    endpoints: dict[str, str]
    sink: Sink
    waiting: Callable[[str, Market, float], int]  # (venue, market, confirmed before) -> seated legs not confirmed since
    clock: Clock
    http: Http
    pacer: Pacer
    spent: Callable[[], None]  # a connect was granted: worth writing down at once, for a restart must not repeat it
    tell: Callable[[str], None]
    listed: Callable[[str, Market, Sequence[Listing] | None], None]  # a directory was read (None: could not be)
    proxy: str = ""
    time_scale: float = 1.0
    library: Library = "picows"
    observe: Observe | None = None  # sees raw frames and replies


class Access(msgspec.Struct, kw_only=True):
    """What all lines of a venue share."""

    venue: Venue
    endpoints: dict[str, str]
    pacer: Pacer
    spent: Callable[[], None]  # called after each granted connect
    clock: Clock
    sink: Sink
    tell: Callable[[str], None]
    notice: Callable[[Any, Notice], None]  # (line, notice)
    proxy: str = ""
    time_scale: float = 1.0
    library: Library = "picows"
    skew_ms: float = 0.0  # the venue's clock minus ours
    ban: str = ""  # the last one, in words
    clock_doubted: asyncio.Event = msgspec.field(default_factory=asyncio.Event)  # set where its times are odd
    observe: Observe | None = None  # sees raw frames
    resting: dict[Market, frozenset[str]] = {}  # symbols that are halted: nobody expects them to speak
    closed: set[Market] = set()  # markets of which nothing trades now
    is_vouched: Callable[[Market], bool] = lambda _: True  # whether REST answers, and would contradict what is not true

    def expected(self, market: Market, symbols: set[str]) -> set[str]:
        """Those that ought to speak: what is halted may be silent."""
        return set() if market in self.closed else symbols - self.resting.get(market, frozenset())

    def how(self, stream: Stream) -> Dial:
        """How to dial a line of this stream."""
        return Dial(
            url=self.endpoints[stream.endpoint] + stream.path,
            verdict=self.venue.verdict,
            proxy=self.proxy,
            ping_s=stream.protocol_ping_s,
            time_scale=self.time_scale,
        )
