"""The words that everybody shares. Prices are in USDT per one coin unless said otherwise; times are Unix milliseconds
(`_ms`) or seconds on the program's monotonic clock (`_at`, as in `Clock.mono`)."""

from collections.abc import Container, Iterable, Sequence
from enum import StrEnum
from itertools import count
from typing import NamedTuple, Protocol

import msgspec

_NUMBERS = count()


class Market(StrEnum):
    """Where a symbol trades."""

    SPOT = "spot"  # USDT-quoted spot pair
    PERP = "perp"  # USDT-settled linear perpetual


class Status(StrEnum):
    """The state of a venue or of one line, as shown on screen and in JSON."""

    CONNECTING = "CONNECTING"
    LIVE = "LIVE"
    LAG = "LAG"
    PARTIAL = "PARTIAL"
    STALE = "STALE"
    RECONNECT = "RECONNECT"
    REST = "REST"
    BANNED = "BANNED"
    BLOCKED = "BLOCKED"
    MAINT = "MAINT"
    TLS = "TLS"
    DNS = "DNS"
    NO_DATA = "NO-DATA"
    OFF = "OFF"


class Flag(StrEnum):
    """What a coin's row must warn of."""

    QUARANTINE = "QUARANTINE"
    DELISTING = "DELISTING"
    HALTED = "HALTED"
    NEW = "NEW"
    STALE = "STALE"
    OUTLIER = "OUTLIER"
    CROSSED = "CROSSED"


class LegKey(NamedTuple):
    """The name of a leg: unique over all venues, ordered as ties are broken."""

    venue: str
    market: Market
    symbol: str


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument as a venue lists it. Sparse: only what the venue says."""

    venue: str
    market: Market
    symbol: str  # the venue's own name, cleaned
    base: str  # the base asset as the venue names it, still with its multiplier: 1000PEPE, SHIB1000
    asset_class: str = "crypto"  # crypto, stock, commodity, forex, index, premarket, other
    status: str = "trading"  # trading, halted, prelaunch, delisted; only trading and halted are ever shown
    funding_h: float | None = None  # funding interval in hours, where the listing says it
    off_ms: int | None = None  # announced end of trading
    on_ms: int | None = None  # start of trading
    tick: float | None = None  # price step in USDT per unit of the symbol
    contract: float | None = None  # coins (units of the symbol) in one contract; 1 where sizes are in coins

    @property
    def key(self) -> LegKey:
        """Its name over all venues."""
        return LegKey(self.venue, self.market, self.symbol)


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A listing that was given a coin: what the board seats."""

    venue: str
    market: Market
    symbol: str
    coin: str
    multiplier: int = 1  # how many coins one unit of the symbol is
    asset_class: str = "crypto"
    halted: bool = False
    off_ms: int | None = None
    on_ms: int | None = None
    funding_h: float | None = None
    quarantine: str = ""  # why this leg must not be compared with the others; "" = fine
    ambiguous: bool = False  # the coin or the multiplier is a hypothesis that price must confirm
    contract: float | None = None  # units of the symbol in one unit of the venue's sizes, as in `Listing`

    @property
    def key(self) -> LegKey:
        """Its name over all venues."""
        return LegKey(self.venue, self.market, self.symbol)


EMPTY = 0.0
"""In a tick's `bid` or `ask`: the venue states that this side of the book is empty (None = not mentioned)."""


class Tick(msgspec.Struct, kw_only=True, gc=False):
    """What one frame or reply row says about one symbol, in the venue's own units: None = not mentioned.

    Prices are per one unit of the venue's symbol; the board divides by the multiplier.
    """

    symbol: str
    event_ms: int | None = None  # the venue's time of this statement; None = the venue gave none
    seq: int | None = None  # the venue's order number within one stream and symbol; breaks ties of event_ms
    delta: bool = False  # True: meaningless before a whole statement (delta=False) came on the same connection
    bid: float | None = None
    ask: float | None = None
    bid_size: float | None = None  # in units of the symbol (contracts already turned into coins)
    ask_size: float | None = None
    last: float | None = None
    mark: float | None = None
    index: float | None = None
    volume_usd: float | None = None  # rolling 24 h turnover in USDT
    funding_rate: float | None = None  # prediction for the coming settlement, fraction per interval
    funding_interval_h: float | None = None
    next_funding_ms: int | None = None  # 0 = the venue states that none is scheduled
    settled_rate: float | None = None  # the last settled rate


Level = tuple[float, float]
"""One price of an order book and how much stands there."""


class Book(msgspec.Struct, frozen=True):
    """One symbol's order book, best level first, all above zero. As parsed: in the venue's units, sizes perhaps in contracts."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    event_ms: int | None = None  # the venue's time of it; None = the venue gave none


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of legs of one coin: buy at the ask of one, sell at the bid of the other."""

    buy: LegKey
    sell: LegKey
    buy_price: float
    sell_price: float
    gross_pct: float
    fees_pct: float
    net_pct: float
    carry_per_hour: float | None
    needs_borrow: bool
    exit_pct: float | None = None  # what leaving now costs: (ask of `sell` - bid of `buy`) / bid of `buy` × 100

    @property
    def kind(self) -> str:
        """Bought-sold: "perp-perp", "spot-perp" (cash and carry), "perp-spot" or "spot-spot" (these need a borrow)."""
        return f"{self.buy.market}-{self.sell.market}"

    @property
    def carry_apr_pct(self) -> float | None:
        """Carry per year in percent: `carry_per_hour` × 8760 × 100."""
        return None if self.carry_per_hour is None else self.carry_per_hour * 876_000


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal, under the seed's field names."""

    symbol: str  # the coin
    short_exchange: str
    long_exchange: str
    spread_percent: float
    price_short: float
    price_long: float
    observed_at: str  # ISO 8601 UTC
    observed_ms: int
    kind: str = "spread"  # which rule: spread, basis, funding, interval
    note: str = ""  # what the numbers do not say: "4 h -> 1 h"
    observed_mono: float = 0.0  # `observed_ms` on the monotonic clock: for its age, never written anywhere


class LineState(msgspec.Struct, kw_only=True):
    """How one line (one WebSocket) is doing."""

    name: str
    status: Status = Status.CONNECTING
    detail: str = ""
    symbols: int = 0
    messages: int = 0
    last_message_age_s: float | None = None
    lag_ms: float | None = None  # venue event time to our receive time, recent median
    reconnects: int = 0
    outdated: int = 0  # frames that came on connections which were given up: dropped


class VenueState(msgspec.Struct, kw_only=True):
    """How one venue is doing."""

    name: str
    status: Status = Status.CONNECTING
    detail: str = ""
    legs: int = 0
    fresh_legs: int = 0
    messages_per_s: float = 0.0
    lag_ms: float | None = None
    reconnects: int = 0
    listings_age_s: dict[str, float] = msgspec.field(default_factory=dict)  # market -> age of the list of what trades
    lines: list[LineState] = msgspec.field(default_factory=list)


class Carrier:
    """What statements come on: one kind of stream on one line, or one REST snapshot of one market.

    A quote that came on a live carrier of a push-on-change stream stays confirmed while others speak on it: quiet is
    not stale. `feeds` keeps the times, the board reads them.
    """

    __slots__ = (
        "ahead_ms", "contradicted_at", "generation", "heard_at", "kind", "live", "market", "number", "pushes_changes",
        "source", "stamped", "up_at", "venue",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913  what it is, said once
        self,
        venue: str,
        market: Market,
        kind: str,
        *,
        source: str = "ws",
        pushes_changes: bool = False,
        stamped: bool = True,
    ) -> None:
        self.number = next(_NUMBERS)  # later ones take over from earlier ones
        self.venue = venue
        self.market = market
        self.kind = kind
        self.source = source  # "ws" or "rest"
        self.pushes_changes = pushes_changes  # silence of one symbol means that it did not change
        self.stamped = stamped  # rows carry their own event time; else order is judged by when we asked
        self.generation = 0  # +1 with every connection
        self.ahead_ms = 0.0  # its venue's clock minus ours, as far as it is known
        self.live = False  # connected, asked and heard
        self.up_at = float("inf")  # when this generation was heard first
        self.contradicted_at = float("-inf")  # when a REST reply last differed from a quote which rode on it
        self.heard_at = float("-inf")  # when data (no ping, pong or ack) came last


class Difference(msgspec.Struct, frozen=True):
    """A REST reply states another quote than the one that stands on a living stream."""

    moves: int  # how often a stream told a change of the quote so far
    far: bool  # further than a moving market explains


class Look(msgspec.Struct, kw_only=True):
    """One REST reply of all symbols beside what streams left on the board."""

    compared: int = 0
    differing: dict[str, Difference] = {}
    doubted: set[str] = set()  # symbols whose stream repeats what was found wrong before
    missing: set[str] = set()  # seated, not halted, on no living stream, and not in the reply


class Sink(Protocol):
    """Where feeds pour what they parsed. Implemented by the board; feeds know only this."""

    def take(
        self, carrier: Carrier, ticks: Sequence[Tick], at: float, now_ms: int, asked_at: float | None = None
    ) -> int:
        """Merge statements that were received at `at` (monotonic) = `now_ms` (wall); `asked_at`: when the REST request
        was sent. Returns how many ticks belonged to a seated leg."""
        ...

    def carry(self, carrier: Carrier, symbols: Iterable[str], at: float) -> None:
        """These symbols were asked for at `at` (monotonic), or spoke first then: until its connection ends, their quotes are
        expected on this stream carrier."""
        ...

    def set_back(self, venue: str, now_ms: int) -> None:
        """The venue's clock was set back to `now_ms`: nothing that it said before is newer than that."""
        ...

    def pass_on(self, old: Carrier, new: Carrier, lacking: Container[str] = ()) -> None:
        """What rides on the old carrier rides on the new one, though not said again, but for what that is `lacking`."""
        ...

    def look(self, carrier: Carrier, ticks: Sequence[Tick]) -> Look:
        """Compare a REST reply with what stands; merges nothing."""
        ...

    def doubt(self, carrier: Carrier, symbols: Iterable[str]) -> None:
        """What stands of these symbols was found wrong: it is not confirmed by being repeated on a stream."""
        ...
