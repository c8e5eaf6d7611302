"""What trades on the simulated venues: coins, instruments and their quotes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec


class Paid(NamedTuple):
    """One settlement that is over: its time, its rate, and how many hours it was for."""

    at_ms: int
    rate: float
    hours: int


class Quote(msgspec.Struct, kw_only=True, gc=False):
    """The state of one instrument, in the venue's own units: prices in USDT per unit of the symbol (whole ticks), sizes as
    the venue counts them (contracts where `Instrument.contract` is not 1). A price of 0.0 is an empty book side."""

    bid: float = 0.0
    ask: float = 0.0
    bid_size: float = 0.0
    ask_size: float = 0.0
    last: float = 0.0
    last_size: float = 0.0
    mark: float = 0.0  # perpetuals only
    index: float = 0.0
    open: float = 0.0  # 24 h ago
    high: float = 0.0
    low: float = 0.0
    volume: float = 0.0  # 24 h, in units of the symbol (never contracts)
    turnover: float = 0.0  # 24 h, in USDT
    trades: int = 1
    funding_rate: float = 0.0  # estimate for the coming settlement, fraction per interval; 8 decimals
    settled_rate: float = 0.0  # of the last settlement
    next_funding_ms: int = 0  # an exact multiple of the interval in UTC; 0: none is scheduled
    prev_funding_ms: int = 0
    seq: int = 1  # +1 with every change
    changed_ms: int = 0


class Instrument(msgspec.Struct, kw_only=True, eq=False):
    """One row of one venue's list."""

    id: int
    venue: str
    market: str  # "spot" or "perp"
    symbol: str  # as this venue writes it: 1000PEPEUSDT, BTC-USDT-SWAP
    base: str  # the base asset as this venue names it: 1000PEPE, SHIB1000
    coin: "Coin"  # what it truly is; `coin.name` is unique: two coins may share a `base`
    multiplier: int = 1  # coins in one unit of the symbol
    contract: float = 1.0  # units of the symbol in one contract
    tick: float = 0.01
    decimals: int = 2  # of the tick: every price is printed with these
    size_decimals: int = 0
    kind: str = "normal"  # normal, tradfi, premarket, coinm, inverse, dated, usdc, xperp
    asset: str = "crypto"  # crypto, stock, commodity, forex, premarket
    state: str = "trading"  # trading, halted, prelaunch, settling
    flaw: str = ""  # "no_bid", "no_ask", "no_both" (that side of the book is empty), "unlisted_interval"
    funding_h: int = 0  # 0: no funding (spot, dated, settling)
    paid: list[Paid] = msgspec.field(
        default_factory=list
    )  # its settlements since the start and the last before; oldest first
    on_ms: int = 0  # start of trading
    off_ms: int = 0  # announced end of trading; 0: none
    limit_ms: int = 0  # announced end of new positions; 0: a day before `off_ms`
    listed_ms: int = 0  # when its row in the list changed last; 0: never
    stuck: str = ""  # "repeats": its quotes are said again and again; "silent": nothing is said of it
    factor: float = 1.0  # its quotes are so many times what the coin costs
    tells_interval: bool = True
    resting: bool = False  # halted, as the whole venue is
    half_spread: float = 0.0002  # fraction of the price
    basis: float = 0.0  # deviation from the coin's price, fraction; mean-reverting around `premium`
    premium: float = 0.0  # structural
    episode: float = 0.0  # what an open spread episode adds
    quote: Quote = msgspec.field(default_factory=Quote)
    frames: dict[str, tuple[int, Any]] = msgspec.field(default_factory=dict)

    def price(self, value: float) -> str:
        """A price of this instrument as the venue prints it: all decimals of the tick."""
        return f"{value:.{self.decimals}f}"

    def size(self, value: float) -> str:
        """A size in the venue's own units."""
        return f"{value:.{self.size_decimals}f}"

    def once(self, kind: str, build: "Callable[[Instrument], bytes]") -> bytes:
        """The frame of `kind` for the present `quote.seq`: built on first demand, then shared by all connections."""
        held = self.frames.get(kind)
        if held is None or held[0] != self.quote.seq:
            held = self.frames[kind] = (self.quote.seq, build(self))
        frame: bytes = held[1]
        return frame


class Coin(msgspec.Struct, kw_only=True, eq=False):
    """What instruments are about: one price process."""

    name: str  # unique
    price: float  # fair, USDT per coin
    start: float  # price at the start
    weight: float  # share of all activity
    sigma: float  # own volatility per square root of a second, fraction
    beta: float  # how much of the market's move it takes
    walk: float = 0.0  # logarithm of its own drift since the start
    touched_ms: int = 0
    instruments: list[Instrument] = msgspec.field(default_factory=list)


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """How lively the market is."""

    name: str
    changes_per_s: float  # instrument changes over all venues at rate 1.0
    sigma: float = 1.0  # multiplies all volatilities
    episode_every_s: float = 4.0  # mean time between openings of spread episodes
    listing_after_s: float = 0.0  # > 0: a coin appears on all venues after so long, and another one leaves


SCENES = {
    scene.name: scene
    for scene in (
        Scene(name="calm", changes_per_s=2_400.0),
        Scene(name="busy", changes_per_s=4_500.0, sigma=1.6, episode_every_s=2.0),
        Scene(name="storm", changes_per_s=9_000.0, sigma=4.0, episode_every_s=0.7),
        Scene(name="listing", changes_per_s=2_400.0, listing_after_s=20.0),
    )
}
