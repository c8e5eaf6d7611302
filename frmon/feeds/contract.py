"""What a venue's file must say. A venue is one frozen value made of data and pure functions: no I/O, no clock, no state.

Every module in `frmon.feeds.venues` that has a `VENUE` is a venue; conformance tests find it by themselves.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from frmon.errors import Unreachable
from frmon.model import Book, Listing, Market, Tick

Heard = tuple[str, Sequence[Tick]]
"""What a stream frame said: the channel's kind ("" for acks, pongs and whatever is no data) and its ticks."""


ROW = "row"
"""In the names of what could not be read: a whole row."""


class Wounded(list[Tick]):
    """The ticks of a frame or reply of which a part could not be read; `unread`: what it was, by its names on the wire."""

    def __init__(self, ticks: Iterable[Tick], unread: Sequence[str]) -> None:
        super().__init__(ticks)
        self.unread = tuple(unread)


def with_wounds(ticks: Sequence[Tick], unread: Sequence[str]) -> Sequence[Tick]:
    """The ticks, wounded if anything could not be read."""
    return Wounded(ticks, unread) if unread else ticks


class Rule(msgspec.Struct, frozen=True):
    """At most `limit` units in any rolling `window_s` seconds."""

    name: str
    limit: int
    window_s: float


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One GET. `query` is put behind the path as it stands (already percent-encoded)."""

    endpoint: str  # key of `Venue.endpoints`
    path: str
    query: str = ""
    costs: tuple[tuple[str, int], ...] = ()  # (name of a rule in `Venue.rules`, units)


class Page(msgspec.Struct, frozen=True):
    """One page of a directory: what it lists and, if there is more, what to ask next."""

    listings: Sequence[Listing]
    next: Request | None = None
    skipped: int = 0  # rows that could not be read


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """Where a venue lists what trades. `parse` keeps every row that is or may become tradable USDT business of `market`,
    with its asset class and status; dated, inverse, non-USDT and settled rows never leave it."""

    market: Market
    request: Request
    parse: Callable[[bytes], Page]
    only_trading: bool = False  # only what trades is asked for: an empty list says that nothing does
    every_s: float = 50.0  # what is delisted or renamed is to be known within a minute


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A REST reply that covers all symbols of a market: seed, base, cover and audit."""

    kind: str  # book, ticker, mark, index, funding, interval
    market: Market
    request: Request
    parse: Callable[[bytes], Sequence[Tick]]
    parts: frozenset[str]  # of {"quote", "last", "ref", "turnover", "funding"}: what its ticks may state
    every_s: float | None = None  # asked at this cadence always; None: only to seed, to cover and to audit
    cover_s: float | None = 2.0  # cadence while the streams for its parts are silent; None: never used as cover
    absent_interval_h: float | None = None  # by the venue's documentation: funding interval of symbols it leaves out
    stamped: bool = True  # rows carry their own event time (else the tick's event_ms, if any, is for display only)
    dated: bool = False  # a reply says when it was made: one that is the same to the last byte is that reply again


class Depth(msgspec.Struct, frozen=True):
    """A REST reply with the order book of one symbol, asked for only while somebody looks at it. `parse` gives the venue's
    own units; one unreadable level makes the whole reply unreadable, since a ladder with a hole is no ladder."""

    market: Market
    request: Callable[[str], Request]  # symbol -> what to ask
    parse: Callable[[bytes], Book]  # raises DecodeError
    levels: int = 0  # per side in a full reply; fewer means that the book ends there. 0: not known


class Settled(msgspec.Struct, frozen=True, gc=False):
    """One funding settlement that is over, as a venue's history tells it. No venue tells its interval."""

    symbol: str
    at_ms: int  # some venues are off by a few milliseconds
    rate: float  # fraction of the position that longs paid


class Past(msgspec.Struct, frozen=True):
    """What is asked of a history: the settlements of a symbol from `since_ms` on and before `until_ms`. Of a reply that is
    full the oldest row is the next `until_ms`, and `page` is one more."""

    symbol: str
    since_ms: int
    until_ms: int
    page: int = 0


class FundingHistory(msgspec.Struct, frozen=True):
    """A REST reply with the past settlements of one symbol, in any order; it may tell more than was asked for. Rows that
    cannot be read are left out."""

    market: Market
    request: Callable[[Past], Request]
    parse: Callable[[bytes], Sequence[Settled]]  # raises DecodeError
    rows: int  # of a full reply


class ServerTime(msgspec.Struct, frozen=True):
    """Where a venue tells its time; `parse` returns Unix milliseconds."""

    request: Request
    parse: Callable[[bytes], int]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of message on a line."""

    kind: str  # as in `Heard`
    parts: frozenset[str] = frozenset()  # as in `Snapshot.parts`; empty for notices (no watchdog)
    pushes_changes: bool = True  # a symbol's silence means: unchanged
    quiet_after_s: float = 10.0  # silence of the whole channel on a line that means: something is wrong
    cadence_s: float = 0.0  # of its pushes, where the venue names one; no timer of ours makes it faster
    snapshot_on_ask: bool = False  # every asked symbol speaks at once; one that does not was not subscribed


class Ask(msgspec.Struct, frozen=True):
    """One subscribe frame. `request`: the id it carries, as the venue would echo it; `symbols`: what it asks for."""

    frame: bytes
    request: str
    symbols: tuple[str, ...]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of line: how to dial, ask, read and keep it, and what the venue allows on it."""

    name: str  # "spot", "perp market": unique in the venue
    market: Market
    endpoint: str  # key of `Venue.endpoints`
    path: str
    channels: tuple[Channel, ...]
    ask: Callable[[Sequence[str], int], Sequence[Ask]]  # (symbols, first request number) -> frames within all limits
    unask: Callable[[Sequence[str], int], Sequence[Ask]] | None = None  # the unsubscribe frames, as `ask`
    parse: Callable[[bytes], Heard]  # raises Refused, Notice, DecodeError
    per_symbol: bool = True  # False: one line covers the whole market, `ask` gets no symbols
    on_demand: bool = False  # only for symbols of present interest (visible, pinned, top of the list)
    symbols_per_line: int = 250
    symbols_at_most: int = 100_000  # over all lines of this stream (on_demand streams)
    line_chars: int | None = None  # total length of topics allowed on one line
    topic_chars: Callable[[str], int] = len  # symbol -> characters of its topics, for `line_chars`
    ask_rules: tuple[Rule, ...] = ()  # per line: every client message counts one
    subscribe_rules: tuple[Rule, ...] = ()  # per line: every subscribe frame counts one
    connect_costs: tuple[tuple[str, int], ...] = ()  # (name of a rule in `Venue.rules`, units)
    refusal_voids_ask: bool = False  # one refused topic voids its whole frame: drop it and re-ask the rest
    ping: bytes | None = None  # text keep-alive of the venue
    ping_every_s: float = 20.0
    protocol_ping_s: float | None = (
        None  # our own WebSocket pings; None: we send none (the venue's are always answered)
    )
    lifetime_s: float | None = None  # replaced by a new line after this long; the venue closes a bit later


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange."""

    name: str  # lower case, everywhere
    title: str  # as it writes itself
    code: str  # two-letter column tag
    endpoints: Mapping[str, str]  # name -> default base URL (scheme, host, port)
    taker_fee_spot: float  # fraction, default tier
    taker_fee_perp: float
    rules: tuple[Rule, ...]  # per IP: connects, REST weight or requests
    directories: tuple[Directory, ...]
    snapshots: tuple[Snapshot, ...]
    streams: tuple[Stream, ...]
    server_times: tuple[ServerTime, ...]
    verdict: Callable[[int, Mapping[str, str], bytes], Unreachable | None]
    """(HTTP status, headers in lower case, start of the body) -> why this answer is no answer, None = it is one. Also
    judges refused WebSocket handshakes."""
    depths: tuple[Depth, ...] = ()  # at most one for each market
    funding_histories: tuple[FundingHistory, ...] = ()  # likewise
    aliases: Mapping[str, str] = {}  # this venue's base name, or "perp:BASE"/"spot:BASE" -> coin
    suffix_multipliers: bool = False  # SHIB1000 means 1000 SHIB here
