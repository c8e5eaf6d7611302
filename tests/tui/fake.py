"""An engine without feeds: a real board of made-up coins on four venues, and a clock that stands still."""

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from frmon import spread
from frmon.board import Board, Freshness
from frmon.clock import Clock, ManualClock
from frmon.config import Settings, VenueDefaults, defaults
from frmon.feeds.depth import Sight
from frmon.fundingnews import FundingNews
from frmon.gates import Standing
from frmon.model import Book, Carrier, Leg, LegKey, Market, Signal, Status, Tick, VenueState
from frmon.signals.episodes import Episodes, Moment
from frmon.signals.history import History
from frmon.signals.trigger import Reading
from frmon.spread import Terms
from frmon.storage.state import JournalState
from frmon.study import CoinDepth, leg_depth, pair_depth
from frmon.tui.source import Source

if TYPE_CHECKING:
    from frmon.engine import Engine

SHARE_OF_SPOT = 0.3


def real_one(engine: "Engine") -> Source:
    """The type checker's proof that the real engine is what the screen needs."""
    return engine


class FakeVenue(NamedTuple):
    name: str
    title: str
    code: str


VENUES = (
    FakeVenue("alpha", "Alpha", "AL"),
    FakeVenue("beta", "Beta", "BE"),
    FakeVenue("gamma", "Gamma", "GA"),
    FakeVenue("delta", "Delta", "DE"),
)
NAMES = (
    "BTC ETH SOL XRP DOGE PEPE SHIB ADA TRX AVAX LINK TON SUI DOT LTC BCH UNI APT NEAR ICP FIL ARB OP INJ TIA SEI WIF "
    "BONK FLOKI ORDI SATS RATS JUP PYTH STRK ENA ETHFI NOT MOG TURBO BOME PEOPLE NEIRO GOAT PNUT 币安人生 1INCH 0G 2Z"
).split()
PRICES = {"BTC": 104_233.1, "ETH": 3512.4, "SOL": 171.22, "PEPE": 1.0412e-5, "SHIB": 1.234e-5, "SATS": 4.512e-8}


class Happened(NamedTuple):
    at_ms: int
    text: str


class FakeEngine:
    """What `frmon.tui.source.Source` asks for; tests move the market with `stir`."""

    def __init__(self, coins: int = 300, seed: int = 1, simulated: str = "", clock: Clock | None = None) -> None:
        self.random = random.Random(seed)
        self.clock: Clock = clock or ManualClock()
        self.venues = VENUES
        self.simulated = simulated
        self.settings: Settings = defaults(
            [VenueDefaults(name=v.name, endpoints={}, taker_fee_spot=0.001, taker_fee_perp=0.0005) for v in VENUES]
        )
        self.board = Board()
        self.terms = Terms(
            fees={(v.name, m): 0.001 if m is Market.SPOT else 0.0005 for v in VENUES for m in Market},
            freshness=Freshness(5.0, 300.0),
        )
        self.signals: deque[Signal] = deque(maxlen=50)
        self.events: deque[Happened] = deque(maxlen=500)
        self.notices: list[str] = []
        self.episodes = Episodes(8.0)
        self.history = History(self.terms, 2.0)
        self.funding = FundingNews(self.board, self.clock, lambda _: None)
        self.depth: CoinDepth | None = None
        self.studied: list[str | None] = []
        self.verdicts: dict[LegKey, str] = {}
        self.trouble = self.way = ""
        self.venue_states = [VenueState(name=v.name, status=Status.CONNECTING, detail="listing") for v in VENUES]
        self.asked: list[list[str]] = []
        self.redialled: list[str] = []
        self.stopped = False
        self.store: Path | None = None
        self.storage = JournalState(status="OFF")
        self.fails: Exception | None = None
        self.carriers = {(v.name, m): self._carrier(v.name, m) for v in VENUES for m in Market}
        self.mids: dict[str, float] = {}
        for name in [*NAMES, *(f"COIN{n}" for n in range(coins))][:coins]:
            self.list_coin(name)

    def _carrier(self, venue: str, market: Market) -> Carrier:
        carrier = Carrier(venue, market, "ticker", pushes_changes=False)
        carrier.live, carrier.generation, carrier.up_at = True, 1, 0.0
        return carrier

    def list_coin(self, coin: str, quarantine: str = "") -> None:
        """Seat a coin on two to four venues."""
        draw = self.random
        self.mids[coin] = PRICES.get(coin, 10 ** draw.uniform(-4, 2))
        for venue in draw.sample(VENUES, draw.choice((2, 3, 4, 4))):
            self.seat(venue.name, Market.PERP, coin, quarantine)
            if draw.random() < SHARE_OF_SPOT:
                self.seat(venue.name, Market.SPOT, coin, quarantine)

    def seat(self, venue: str, market: Market, coin: str, quarantine: str = "") -> None:
        """Seat one leg."""
        hours = self.random.choice((8.0, 4.0, 8.0, 1.0)) if market is Market.PERP else None
        symbol = f"{coin}USDT" if market is Market.PERP else f"{coin}-USDT"
        self.board.seat(
            Leg(venue=venue, market=market, symbol=symbol, coin=coin, funding_h=hours, quarantine=quarantine)
        )

    def stir(self, share: float = 1.0, live: bool = True) -> None:
        """Give this share of all legs a new quote, and every coin its spread."""
        for cell in self.board.cells():
            if self.random.random() < share:
                self.quote(cell.key)
        self.settle()
        if live:
            self._report()

    def quote(self, key: LegKey, mid: float | None = None) -> None:
        """A new quote of one leg, near the coin's price."""
        cell = self.board.cell(key)
        assert cell is not None
        draw, now_ms = self.random, self.clock.now_ms()
        price = float(f"{(mid or self.mids[cell.leg.coin]) * (1 + draw.gauss(0, 0.0012)):.6g}")
        funding = key.market is Market.PERP and cell.funding_rate is None
        tick = Tick(
            symbol=key.symbol,
            event_ms=now_ms,
            bid=float(f"{price * (1 - 1e-4):.6g}"),
            ask=float(f"{price * (1 + 1e-4):.6g}"),
            last=price,
            mark=price if key.market is Market.PERP else None,
            index=price if key.market is Market.PERP else None,
            volume_usd=10 ** draw.uniform(4.5, 9) if cell.volume_usd is None else None,
            funding_rate=draw.gauss(5e-5, 2e-4) if funding else None,
            next_funding_ms=now_ms + draw.choice((90, 1800, 5400, 24_000)) * 1000 if funding else None,
        )
        self.board.take(self.carriers[key.venue, key.market], [tick], self.clock.mono(), now_ms)

    def settle(self) -> None:
        """What the engine's spread job does."""
        for row in self.board.rows.values():
            row.spread = spread.best(row, self.terms, self.clock.mono(), self.clock.now_ms())

    def signal(self, coin: str, percent: float = 0.71) -> None:
        """One more signal."""
        now_ms = self.clock.now_ms()
        self.signals.appendleft(
            Signal(
                symbol=coin, short_exchange="alpha", long_exchange="gamma", spread_percent=percent, price_short=1.0071,
                price_long=1.0, observed_at="2026-11-22T05:32:58.000Z", observed_ms=now_ms,
                observed_mono=self.clock.mono(),
            )
        )  # fmt: skip
        self.events.appendleft(Happened(now_ms, f"signal {coin} {percent:.2f} %"))

    def episode(self, coin: str, percent: float = 0.71, kind: str = "spread") -> None:
        """One more open episode."""
        moment = Moment(self.clock.mono(), self.clock.now_ms())
        self.episodes.begin(kind, Reading((coin, "beta", "delta"), percent, 1.0, 1.0), moment)
        self.episodes.publish()

    def follow(self, values: Mapping[str, float], kind: str = "spread") -> None:
        """One more sample of all open episodes: these are the values, the legs of all others do not qualify."""
        moment = Moment(self.clock.mono(), self.clock.now_ms())
        seen = {key: Reading(key, values[key[0]], 1.0, 1.0) for key in self.episodes.keys(kind) if key[0] in values}
        self.episodes.follow(kind, 0.45, seen, lambda _: True, moment)
        self.episodes.publish()

    def remember(self) -> None:
        """Take a sample for the history."""
        rows = list(self.board.rows.values())
        self.history.sample(rows, (), self.clock.mono(), self.clock.now_ms())

    def read_books(self, coin: str) -> None:
        """The order books of a coin as if they had just come: five levels, a basis point apart, 4,000 USDT each."""
        row, now = self.board.rows[coin], self.clock.mono()
        sights = [Sight(c.leg, self._book(c.bid or 1.0, c.ask or 1.0), now - 0.5, "", 400) for c in row.cells]
        seen = {sight.leg.key: sight for sight in sights}
        pair, found = None, row.spread
        if found is not None:
            pair = pair_depth(found, seen[found.buy], seen[found.sell], self.settings.signals.threshold_pct)
        legs = tuple(leg_depth(sight, now) for sight in sights)
        self.depth = CoinDepth(coin=coin, at_ms=self.clock.now_ms(), legs=legs, pair=pair)

    def _book(self, bid: float, ask: float) -> Book:
        bids = tuple((bid * (1 - n / 10_000), 4_000 / bid) for n in range(5))
        asks = tuple((ask * (1 + n / 10_000), 4_000 / ask) for n in range(5))
        return Book(bids, asks)

    def standing(self, coin: str, short: str, long: str) -> Standing:
        return Standing(samples=1)

    def study(self, coin: str | None) -> None:
        self.studied.append(coin)
        if coin is None:
            self.depth = None

    def _report(self) -> None:
        now = self.clock.mono()
        for state in self.venue_states:
            cells = list(self.board.cells(state.name))
            state.status, state.detail = Status.LIVE, ""
            state.legs = len(cells)
            state.fresh_legs = sum(c.is_fresh(now, self.terms.freshness) for c in cells)
            state.messages_per_s, state.lag_ms = 512.3, 38.0

    async def run(self) -> None:
        if self.fails is not None:
            raise self.fails
        while not self.stopped:  # noqa: ASYNC110  set from another thread
            await asyncio.sleep(0.01)

    def states(self) -> list[VenueState]:
        return list(self.venue_states)

    def interest(self, coins: list[str]) -> None:
        self.asked.append(coins)

    def redial(self, venue: str) -> None:
        self.redialled.append(venue)

    def stop(self) -> None:
        self.stopped = True
