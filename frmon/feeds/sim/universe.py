"""What the simulated venues list at the start: coverage like the real ones, their names, and every awkward row they have.

The cases follow the venues' public lists of 2026: multipliers in names, one ticker for two coins, shares among coins,
dated and inverse contracts, settling, halted and announced rows, books with one side.
"""

from math import floor, log10
from random import Random

from frmon.feeds.sim.instrument import Coin, Instrument
from frmon.feeds.sim.names import SHARES, coin_names, coin_price

HOUR_MS = 3_600_000
COVERAGE = {  # of 1,200 coins
    ("binance", "spot"): 420, ("binance", "perp"): 530, ("okx", "spot"): 300, ("okx", "perp"): 280,
    ("bybit", "spot"): 450, ("bybit", "perp"): 560, ("bitget", "spot"): 800, ("bitget", "perp"): 500,
}  # fmt: skip
_THOUSANDS = ("PEPE", "BONK", "FLOKI", "LUNC", "RATS", "XEC")
NAMES: dict[tuple[str, str], dict[str, tuple[str, int]]] = {  # coin -> (base as this venue writes it, multiplier)
    ("binance", "spot"): {
        "SATS": ("1000SATS", 1000), "CAT": ("1000CAT", 1000), "CHEEMS": ("1000CHEEMS", 1000),
        "BABYDOGE": ("1MBABYDOGE", 10**6), "BTT": ("BTTC", 1),
    },
    ("binance", "perp"): {
        **{c: ("1000" + c, 1000) for c in (*_THOUSANDS, "SHIB", "WHY", "SATS", "CAT", "CHEEMS")},
        "BABYDOGE": ("1MBABYDOGE", 10**6), "MOG": ("1000000MOG", 10**6),
    },
    ("bybit", "perp"): {
        **{c: ("1000" + c, 1000) for c in (*_THOUSANDS, "BTT", "CAT", "TAG", "TOSHI", "TURBO")},
        **{c: ("1000000" + c, 10**6) for c in ("BABYDOGE", "CHEEMS", "MOG")},
        **{c: ("10000" + c, 10**4) for c in ("QUBIC", "SATS", "LADYS", "ELON")},
        "SHIB": ("SHIB1000", 1000), "NEIRO": ("1000NEIROCTO", 1000), "NEIROETH": ("NEIRO", 1),
    },
    ("bitget", "perp"): {
        **{c: ("1000" + c, 1000) for c in ("BONK", "SATS", "RATS", "XEC")}, "MOG": ("1000000MOG", 10**6),
        "LUNA": ("LUNA2", 1), "PEPE": ("PEPE", 1), "SHIB": ("SHIB", 1), "FLOKI": ("FLOKI", 1), "LUNC": ("LUNC", 1),
    },
    ("bitget", "spot"): {"ALT": ("$ALT", 1), "MEME": ("MEMECOIN", 1), "TON": ("TONCOIN", 1)},
    ("okx", "perp"): {"PEPE": ("PEPE", 1), "SHIB": ("SHIB", 1), "BONK": ("BONK", 1), "SATS": ("SATS", 1)},
}  # fmt: skip
MOVERS = (60, 61)
"""Ranks of the coin that comes and of the one that goes in the scene with listings: both are on every list."""
STRANGERS = {"okx": ("BB", "QNT"), "binance": ("ON",), "bybit": ("APP",)}
"""Tickers that mean another coin on this venue than on the others."""


def symbol_of(venue: str, market: str, base: str, quote: str = "USDT") -> str:
    """A base asset's symbol as the venue writes it."""
    if venue == "okx":
        return f"{base}-{quote}" + ("-SWAP" if market == "perp" else "")
    return base + quote


def next_multiple(now_ms: int, hours: int) -> int:
    """The first exact multiple of `hours` (UTC) after `now_ms`."""
    step = hours * HOUR_MS
    return (now_ms // step + 1) * step


class Universe:
    """Builds coins and instruments; the same seed builds the same."""

    def __init__(self, rng: Random, count: int, start_ms: int) -> None:
        self.rng = rng
        self.start_ms = start_ms
        self.coins: dict[str, Coin] = {}
        self.instruments: list[Instrument] = []
        self._symbols: dict[tuple[str, str, str], Instrument] = {}
        for rank, name in enumerate(coin_names(count, rng)):
            self.coin(name, coin_price(name, rng), rank)
        self._list_coins(count)
        self._list_shares()
        self._list_odd_rows()
        self._list_premarket()
        self._mark_states()

    def add(self, coin: Coin, venue: str, market: str, **more: object) -> Instrument | None:
        """List `coin` there; None where the symbol is taken. `more` overrides the instrument's fields; `name` is the base
        asset, `quote` the quote asset."""
        base, multiplier = NAMES.get((venue, market), {}).get(coin.name, (coin.name.split("@")[0], 1))
        base = str(more.pop("name", base))
        multiplier = int(str(more.pop("multiplier", multiplier)))
        quote_asset = str(more.pop("quote", "USDT"))
        symbol = str(more.pop("symbol", "")) or symbol_of(venue, market, base, quote_asset)
        too_small = venue == "binance" and coin.price * multiplier < 5e-6  # eight decimals: hence its multiplied names
        if too_small or (venue, market, symbol) in self._symbols:
            return None
        fields = self._shape(coin, venue, market, multiplier) | more
        made = Instrument(
            id=len(self.instruments), venue=venue, market=market, symbol=symbol, base=base, coin=coin,
            multiplier=multiplier, **fields,  # type: ignore[arg-type]  # checked by the struct's own fields
        )  # fmt: skip
        self.instruments.append(made)
        self._symbols[venue, market, symbol] = made
        coin.instruments.append(made)
        return made

    def coin(self, name: str, price: float, rank: int) -> Coin:
        """A new coin; the lower its rank, the livelier."""
        sigma = self.rng.uniform(0.6, 1.6) * (1.1e-4 if rank < 30 else 2.2e-4)
        made = Coin(
            name=name, price=price, start=price, weight=1 / (rank + 3) ** 0.9, sigma=sigma,
            beta=self.rng.uniform(0.7, 1.5), touched_ms=self.start_ms,
        )  # fmt: skip
        self.coins[name] = made
        return made

    def _shape(self, coin: Coin, venue: str, market: str, multiplier: int) -> dict[str, object]:
        rng, price = self.rng, coin.price * multiplier
        scale = floor(log10(price))
        decimals = max(1, min(8 if venue == "binance" else 14, 4 - scale - (rng.random() < 0.3)))
        contract = 10.0 ** round(log10(20 / price)) if (venue, market) == ("okx", "perp") else 1.0
        tight = coin.weight / (coin.weight + 0.004)
        common = coin.weight > 0.06
        hours = 8 if common else rng.choices((1, 2, 4, 8), (3, 3, 52, 42))[0]
        odd = rng.random()
        return {
            "decimals": decimals,
            "tick": float(f"1e-{decimals}"),
            "contract": contract,
            "size_decimals": max(0, min(5, round(log10(price * contract)) + (market == "spot"))),
            "half_spread": rng.uniform(0.5, 1.5) * (0.00001 * tight + 0.0009 * (1 - tight)),
            "premium": rng.choice((-1, 1)) * rng.uniform(0.003, 0.008) if odd < 0.006 else rng.gauss(0, 0.0002),
            "funding_h": hours if market == "perp" else 0,
            "flaw": "unlisted_interval" if hours == 8 and odd > 0.8 else "",
            "on_ms": self.start_ms - rng.randint(30, 2_000) * 24 * HOUR_MS,
        }

    def _list_coins(self, count: int) -> None:
        """Coverage: the better known, the more venues; every coin is somewhere."""
        coins = list(self.coins.values())
        for (venue, market), per_1200 in sorted(COVERAGE.items(), key=lambda item: item[1]):
            spread = [0.0 if rank < 12 or rank in MOVERS else self.rng.random() * 0.7 for rank in range(count)]
            drawn = {c.name: 0.0 if rank in MOVERS else rank / count + spread[rank] for rank, c in enumerate(coins)}
            if (venue, market) == ("bitget", "spot"):  # the longest list takes what no other has
                drawn |= {c.name: 0.0 for c in coins if not c.instruments}
            order = sorted(coins, key=lambda c: drawn[c.name])
            wanted = {c.name for c in order[: max(5, round(per_1200 * count / 1200))]}
            wanted |= set(NAMES.get((venue, market), {}))
            wanted -= set(STRANGERS.get(venue, ()))
            for coin in coins:
                if coin.name in wanted:
                    self.add(coin, venue, market)
        self._list_strangers()

    def _list_strangers(self) -> None:
        """One ticker, two coins."""
        for venue, names in STRANGERS.items():
            for name in names:
                namesake = self.coins[name].price if name in self.coins else 1.0
                stranger = self.coin(f"{name}@{venue}", namesake * self.rng.choice((0.21, 4.3)), 300)
                self.add(stranger, venue, "spot")
                self.add(stranger, venue, "perp")
        if "BOB" in self.coins:
            self.add(self.coins["BOB"], "binance", "perp")
        million = self.coin("BOB@million", 1.2e-8, 300)
        self.add(million, "binance", "perp", name="1000000BOB", multiplier=10**6)

    def _list_shares(self) -> None:
        for place, (ticker, (asset, price)) in enumerate(SHARES.items()):
            share = self.coin(f"{ticker}@share", price, 40 + 4 * place)
            for venue in ("binance", "okx", "bybit", "bitget"):
                self.add(share, venue, "perp", kind="tradfi", asset=asset, premium=0.0)
            if asset == "stock":
                self.add(share, "bybit", "spot", name=ticker + "X", kind="tradfi", asset=asset)
                self.add(share, "bitget", "spot", name="R" + ticker, kind="tradfi", asset=asset)

    def _list_odd_rows(self) -> None:
        for name in ("BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "LINK"):
            coin = self.coins.get(name)
            if coin is None:
                continue
            self.add(coin, "binance", "perp", symbol=f"{name}USD_PERP", kind="coinm", funding_h=8)
            self.add(coin, "okx", "perp", quote="USD", kind="inverse", contract=10.0, size_decimals=0)
            if name not in ("BTC", "ETH", "SOL"):
                continue
            for venue, market in COVERAGE:
                perp_symbol = f"{name}PERP" if venue == "bybit" and market == "perp" else ""
                self.add(coin, venue, market, symbol=perp_symbol, quote="USDC", kind="usdc")
            dated: dict[str, object] = {"kind": "dated", "funding_h": 0, "premium": 0.006, "asset": "crypto"}
            self.add(coin, "binance", "perp", symbol=f"{name}USDT_261225", **dated)
            self.add(coin, "bybit", "perp", symbol=f"{name}USDT-25DEC26", **dated)
        if "XAU@share" in self.coins:
            self.add(
                self.coins["XAU@share"], "okx", "perp", symbol="XAU-USD_UM_XPERP-310502", kind="xperp", funding_h=8
            )

    def _list_premarket(self) -> None:
        for name, price in (("OPENAI", 61.0), ("ANTHROPIC", 43.0)):
            coin = self.coin(f"{name}@premarket", price, 200)
            tenfold = self.coin(f"{name}@tenfold", price * 10, 200)
            for venue in ("okx", "binance"):
                self.add(coin, venue, "perp", kind="premarket", asset="premarket")
            for venue in ("bitget", "bybit"):
                self.add(tenfold, venue, "perp", kind="premarket", asset="premarket")

    def _mark_states(self) -> None:
        names = list(self.coins)
        movers = {names[rank] for rank in MOVERS if rank < len(names)}
        for venue, market in COVERAGE:
            rows = [i for i in self.instruments if (i.venue, i.market, i.kind) == (venue, market, "normal")]
            tail = [i for i in rows[len(rows) // 2 :] if i.coin.name not in movers]
            picks = self.rng.sample(tail, min(8, len(tail)))
            changes: list[dict[str, object]] = [
                {"state": "halted"},
                {"state": "halted"},
                {"state": "prelaunch", "on_ms": self.start_ms + 24 * HOUR_MS},
                {"state": "settling", "funding_h": 0, "off_ms": self.start_ms - 48 * HOUR_MS},
                {"off_ms": self.start_ms - self.start_ms % HOUR_MS + 72 * HOUR_MS},
                {"flaw": "no_bid"},
                {"flaw": "no_ask"},
                {"flaw": "no_funding", "funding_h": 0} if market == "perp" else {},
            ]
            for row, change in zip(picks, changes, strict=False):
                for key, value in change.items():
                    setattr(row, key, value)
