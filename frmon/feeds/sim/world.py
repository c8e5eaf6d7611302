"""The simulated market. Pure in time: it moves only when `advance` is called, and the same seed and clock give the same
market, byte for byte."""

from itertools import accumulate
from math import ceil, exp, floor, sqrt
from random import Random

from frmon.errors import ConfigError
from frmon.feeds.sim.episode import Episode
from frmon.feeds.sim.instrument import SCENES, Coin, Instrument, Paid, Quote, Scene
from frmon.feeds.sim.journal import Changes, Journal
from frmon.feeds.sim.universe import COVERAGE, HOUR_MS, MOVERS, Universe, next_multiple

__all__ = ["SCENES", "Changes", "Coin", "Instrument", "Quote", "Scene", "World", "scene_named"]

STEP_MS = 25
LEAP_MS = 20_000  # after a longer gap the steps before the last 20 s are left out
_MARKET_SIGMA = 7e-5  # of the common factor, per square root of a second


def scene_named(name: str) -> Scene:
    """The scene of that name; raises ConfigError that lists them."""
    if name not in SCENES:
        raise ConfigError(f"unknown scene {name!r}: choose one of {', '.join(SCENES)}")
    return SCENES[name]


class World:
    """All coins and instruments of all venues.

    `advance(now_ms)` lets the market live until then, in steps of 25 ms. `rate` multiplies how often things change.
    """

    def __init__(self, seed: int, coins: int, start_ms: int, *, scene: str = "calm", rate: float = 1.0) -> None:
        self.scene = scene_named(scene)
        if self.scene.listing_after_s and coins <= max(MOVERS):
            raise ConfigError(f"scene {scene!r} needs at least {max(MOVERS) + 1} coins")
        self.rng = Random(seed)
        self.seed = seed
        self.rate = rate
        self.start_ms = self.now_ms = start_ms
        self.universe = Universe(self.rng, coins, start_ms)
        self.coins = self.universe.coins
        self.version = 1  # +1 when the lists change
        self.settlements = 0
        self.resting: dict[str, int] = {}  # venues in maintenance, and until when
        self._rows: dict[tuple[str, str], dict[str, Instrument]] = {key: {} for key in COVERAGE}
        self.gone: list[Instrument] = []  # what left its list
        self._journals = {venue: Journal() for venue, _ in COVERAGE}
        self._factor = 0.0
        self._owed = 0.0
        self._episodes: list[Episode] = []
        self._newcomers: list[Instrument] = []
        self._list_all()
        self._listing_ms = start_ms + int(self.scene.listing_after_s * 1000) if self.scene.listing_after_s else None
        self._gather()
        mean = sum(c.weight * len(c.instruments) for c in self._pool) / self._weights[-1]
        self._touches_per_step = self.scene.changes_per_s * rate * STEP_MS / 1000 / (mean * 0.75)
        self._next_settlement_ms = self._coming_settlement()

    # what there is

    def instruments(self, venue: str, market: str) -> dict[str, Instrument]:
        """Everything listed now, of every kind and state: symbol -> instrument, in listing order."""
        return self._rows[venue, market]

    def find(self, venue: str, symbol: str) -> Instrument | None:
        """A listed instrument by its symbol; where spot and perpetual share the name, the spot one (see `instruments`)."""
        return self._rows[venue, "spot"].get(symbol) or self._rows[venue, "perp"].get(symbol)

    def changes(self, venue: str) -> Changes:
        """A reader of what changes on a venue from now on."""
        return Changes(self._journals[venue])

    # how it lives

    def advance(self, now_ms: int) -> None:
        """Let time pass until `now_ms` (never back)."""
        if now_ms - self.now_ms > LEAP_MS:
            self.now_ms += (now_ms - LEAP_MS - self.now_ms) // STEP_MS * STEP_MS
        while self.now_ms + STEP_MS <= now_ms:
            self.now_ms += STEP_MS
            self._step()

    def hurry(self, factor: float) -> None:
        """From now on things change `factor` times as often."""
        self._touches_per_step *= factor

    def _step(self) -> None:
        rng = self.rng
        self._factor += rng.gauss(0.0, _MARKET_SIGMA * self.scene.sigma * sqrt(STEP_MS / 1000))
        if self.now_ms >= self._next_settlement_ms:
            self._settle()
        if self._listing_ms is not None and self.now_ms >= self._listing_ms:
            self._relist()
        self._owed += self._touches_per_step
        count = int(self._owed)
        self._owed -= count
        for coin in rng.choices(self._pool, cum_weights=self._weights, k=count):
            self._touch(coin)
        self._play_episodes()

    def _touch(self, coin: Coin) -> None:
        rng = self.rng
        elapsed_s = (self.now_ms - coin.touched_ms) / 1000
        coin.touched_ms = self.now_ms
        coin.walk += rng.gauss(0.0, coin.sigma * self.scene.sigma * sqrt(elapsed_s)) - coin.walk * 1e-6 * elapsed_s
        coin.price = coin.start * exp(coin.beta * self._factor + coin.walk)
        for instrument in coin.instruments:
            if rng.random() < 0.75:
                self.requote(instrument)

    def requote(self, i: Instrument) -> None:
        """One more change of its quote, where it trades."""
        if i.stuck == "repeats":
            self.changed(i)
        if i.stuck or i.state != "trading":
            return
        rng, quote = self.rng, i.quote
        i.basis += (i.premium - i.basis) * 0.05 + rng.gauss(0.0, 0.00004)
        self._price(i)
        if rng.random() < 0.4:
            self._trade(i)
        if i.funding_h and rng.random() < 0.1:
            drift = (i.basis * 0.15 * i.funding_h / 8 + 0.0000125 * i.funding_h - quote.funding_rate) * 0.05
            quote.funding_rate = round(quote.funding_rate + drift + rng.gauss(0.0, 0.000002), 8)
        self.changed(i)

    def _price(self, i: Instrument) -> None:
        """New best bid and ask on whole ticks around the coin's price, never crossed; one side may be empty for good."""
        rng, quote, tick = self.rng, i.quote, i.tick
        fair = i.coin.price * i.multiplier
        middle = fair * (1 + i.basis + i.episode) * i.factor
        bid_ticks = max(1, floor(middle * (1 - i.half_spread) / tick))
        ask_ticks = max(bid_ticks + 1, ceil(middle * (1 + i.half_spread) / tick))
        quote.bid = 0.0 if i.flaw in ("no_bid", "no_both") or not middle else round(bid_ticks * tick, i.decimals)
        quote.ask = 0.0 if i.flaw in ("no_ask", "no_both") or not middle else round(ask_ticks * tick, i.decimals)
        depth = 300 + 40_000 * i.coin.weight
        unit, step = fair * i.contract, 10.0**-i.size_decimals
        quote.bid_size = max(step, round(rng.expovariate(1.0) * depth / unit, i.size_decimals)) if quote.bid else 0.0
        quote.ask_size = max(step, round(rng.expovariate(1.0) * depth / unit, i.size_decimals)) if quote.ask else 0.0
        quote.index = fair
        if i.market == "perp":
            quote.mark = fair * (1 + (i.basis + i.episode) * 0.8) * i.factor

    def _trade(self, i: Instrument) -> None:
        """A trade at the bid or the ask."""
        quote = i.quote
        price, size = (quote.ask, quote.ask_size) if self.rng.random() < 0.5 else (quote.bid, quote.bid_size)
        if not price:
            return
        quote.last, quote.last_size = price, size
        quote.high, quote.low = max(quote.high, price), min(quote.low, price)
        units = size * i.contract
        quote.volume += units
        quote.turnover += units * price
        quote.trades += 1

    def changed(self, i: Instrument) -> None:
        """Its quote, or what is said beside it, is another one now; of what is on no list nobody hears."""
        if self._rows[i.venue, i.market].get(i.symbol) is not i:
            return
        i.quote.seq += 1
        i.quote.changed_ms = self.now_ms
        self._journals[i.venue].add(i)

    # spread episodes: one leg leaves the others and comes back

    def _play_episodes(self) -> None:
        rng = self.rng
        if rng.random() < STEP_MS / 1000 / self.scene.episode_every_s:
            self._open_episode()
        for episode in self._episodes:
            if self.now_ms >= episode.next_ms:
                episode.next_ms = self.now_ms + 250 + int(rng.random() * 500)
                episode.instrument.episode = episode.size_at(self.now_ms)
                self.requote(episode.instrument)
        self._episodes = [e for e in self._episodes if self.now_ms <= e.end_ms + 1_000]

    def _open_episode(self) -> None:
        """Most stay below half a percent; about one in four passes 0.7 % and holds for more than ten seconds."""
        rng = self.rng
        coin = rng.choice(self._pool)
        legs = [i for i in coin.instruments if i.market == "perp" and (i.kind, i.state) == ("normal", "trading")]
        if len(legs) < 2:
            return
        leg = rng.choice(legs)
        if leg.episode or any(e.instrument is leg for e in self._episodes):
            return
        size = rng.uniform(0.009, 0.025) if rng.random() < 0.25 else rng.uniform(0.001, 0.004)
        length_ms = int(rng.uniform(16_000, 75_000))
        self._episodes.append(Episode(leg, size * rng.choice((-1, 1)), self.now_ms, length_ms))

    # funding

    def _coming_settlement(self) -> int:
        times = [i.quote.next_funding_ms for i in self.universe.instruments if i.quote.next_funding_ms]
        return min(times, default=self.now_ms + HOUR_MS)

    def _settle(self) -> None:
        """Every perpetual whose time has come: the estimate becomes the settled rate, the next time is one interval on. One in
        fifty gets another interval (venues do that without notice)."""
        for i in self.universe.instruments:
            quote = i.quote
            if not quote.next_funding_ms or quote.next_funding_ms > self.now_ms:
                continue
            quote.settled_rate = quote.funding_rate
            quote.prev_funding_ms = quote.next_funding_ms
            i.paid.append(Paid(quote.prev_funding_ms, quote.settled_rate, i.funding_h))
            if self.rng.random() < 0.02 and not i.flaw:
                i.funding_h = self.rng.choice((1, 4, 8))
            quote.next_funding_ms = next_multiple(self.now_ms, i.funding_h)
            quote.funding_rate = round(quote.funding_rate * 0.7 + self.rng.gauss(0.0, 0.00002), 8)
            self.settlements += 1
            self.changed(i)
        self._next_settlement_ms = self._coming_settlement()

    # lists

    def _list_all(self) -> None:
        for i in self.universe.instruments:
            self._first_quote(i)
            if self.scene.listing_after_s and i.coin.name == self._newcomer():
                self._newcomers.append(i)
            else:
                self._rows[i.venue, i.market][i.symbol] = i

    def _newcomer(self) -> str:
        return list(self.coins)[MOVERS[0]]

    def _relist(self) -> None:
        """The newcomer appears everywhere, one coin of the middle leaves every list."""
        self._listing_ms = None
        leaver = list(self.coins)[MOVERS[1]]
        for i in self._newcomers:
            i.on_ms = self.now_ms
            self._rows[i.venue, i.market][i.symbol] = i
            self.requote(i)
        for rows in self._rows.values():
            for symbol in [s for s, i in rows.items() if i.coin.name == leaver]:
                rows.pop(symbol).state = "settling"
        self.version += 1

    def enlist(self, i: Instrument) -> None:
        """It is on its venue's list from now on."""
        i.state, i.on_ms, i.off_ms, i.limit_ms = "trading", self.now_ms, 0, 0
        self._rows[i.venue, i.market][i.symbol] = i
        self.gone = [one for one in self.gone if one is not i]
        self._first_quote(i)
        self._gather()
        self.tell(i)

    def _gather(self) -> None:
        """What lives: coins that somebody listed."""
        self._pool = [c for c in self.coins.values() if c.instruments]
        self._weights = list(accumulate(c.weight for c in self._pool))

    def unlist(self, i: Instrument) -> None:
        """It is on no list any more."""
        self._rows[i.venue, i.market].pop(i.symbol, None)
        i.state = "settling"
        self.gone.append(i)
        self.tell(i)

    def tell(self, i: Instrument) -> None:
        """Its row in the list is another one now."""
        i.listed_ms = self.now_ms
        self.version += 1
        self.changed(i)

    def _first_quote(self, i: Instrument) -> None:
        rng, quote = self.rng, i.quote
        i.basis = i.premium
        self._price(i)
        quote.changed_ms = self.now_ms
        quote.last = quote.bid or quote.ask
        quote.last_size = quote.bid_size or quote.ask_size
        quote.open = round(quote.last * rng.uniform(0.94, 1.06) / i.tick) * i.tick
        quote.high = max(quote.open, quote.last) * rng.uniform(1.0, 1.04)
        quote.low = min(quote.open, quote.last) * rng.uniform(0.96, 1.0)
        quote.turnover = i.coin.weight * rng.uniform(1.5e8, 9e8)
        quote.volume = quote.turnover / (quote.last or 1.0)
        quote.trades = int(quote.turnover / 400) + 1
        if i.funding_h:
            high = 0.3 * i.premium if abs(i.premium) > 0.002 else 0.0
            quote.funding_rate = round(0.0000125 * i.funding_h + high + rng.gauss(0.0, 0.00004), 8)
            quote.settled_rate = round(quote.funding_rate + rng.gauss(0.0, 0.00003), 8)
            quote.next_funding_ms = next_multiple(self.now_ms, i.funding_h)
            quote.prev_funding_ms = quote.next_funding_ms - i.funding_h * HOUR_MS
            i.paid = [Paid(quote.prev_funding_ms, quote.settled_rate, i.funding_h)]
