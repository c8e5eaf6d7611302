"""Legs, carriers and quotes for tests of what reads the board."""

from typing import Any

from frmon.board import Board
from frmon.model import Carrier, Leg, Market, Tick
from frmon.spread import Terms

VENUES = ("binance", "bitget", "bybit", "okx")
FEES = {(v, m): 0.001 if m is Market.SPOT else 0.0005 for v in VENUES for m in Market}
TERMS = Terms(fees=FEES)
WALL = 1_795_325_580_000


def leg(venue: str, coin: str = "PEPE", market: Market = Market.PERP, **more: Any) -> Leg:
    """A leg whose symbol is its coin with USDT, unless `more` says otherwise."""
    return Leg(**({"venue": venue, "market": market, "symbol": f"{coin}USDT", "coin": coin} | more))


def line(venue: str, market: Market = Market.PERP, *, pushes_changes: bool = False, up_at: float = 0.0) -> Carrier:
    """A stream that lives."""
    carrier = Carrier(venue, market, "ticker", pushes_changes=pushes_changes)
    carrier.live = True
    carrier.generation = 1
    carrier.up_at = up_at
    carrier.heard_at = up_at
    return carrier


class Desk:
    """A board with one stream per venue and market, on which one can say quotes."""

    def __init__(self, *legs: Leg) -> None:
        self.board = Board()
        self.lines: dict[tuple[str, Market], Carrier] = {}
        for one in legs:
            self.board.seat(one)

    def line(self, venue: str, market: Market) -> Carrier:
        """The stream of this venue and market."""
        return self.lines.setdefault((venue, market), line(venue, market))

    def say(self, one: Leg, bid: float | None, ask: float | None, at: float, **more: Any) -> None:
        """Quote a leg at monotonic second `at`."""
        tick = Tick(symbol=one.symbol, bid=bid, ask=ask, event_ms=WALL + round(at * 1000), **more)
        self.board.take(self.line(one.venue, one.market), [tick], at, WALL + round(at * 1000))
