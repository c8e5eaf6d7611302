"""A catalog with a board under it, as tests of names and identities need it."""

from typing import Any

from frmon.config import CoinSettings
from frmon.feeds.catalog import Catalog
from frmon.model import Leg, LegKey, Listing, Market
from tests.given import WALL, Desk

PERP, SPOT = Market.PERP, Market.SPOT
NAMING: dict[str, tuple[dict[str, str], bool]] = {
    "binance": ({"perp:LUNA2": "LUNA", "perp:OLD": "YOUNG", "BTTC": "BTT"}, False),
    "bitget": ({"$ALT": "ALT", "MEMECOIN": "MEME", "TONCOIN": "TON"}, False),
    "bybit": ({"NEIRO": "NEIROETH", "NEIROCTO": "NEIRO"}, True),
    "okx": ({}, False),
}
DEFAULT = CoinSettings()
EVERYTHING = CoinSettings(classes=["crypto", "stock", "premarket"])


def listing(venue: str, base: str, market: Market = PERP, **more: Any) -> Listing:
    """As a venue lists it; the symbol is the base with USDT."""
    return Listing(**({"venue": venue, "market": market, "symbol": f"{base}USDT", "base": base} | more))


class Trade:
    """A catalog and a board, on which the venues' own prices are quoted."""

    def __init__(self, *listings: Listing, settings: CoinSettings = DEFAULT) -> None:
        self.catalog = Catalog(NAMING, settings)
        self.desk = Desk()
        self.at = 10.0
        self.listed(*listings)

    def listed(self, *listings: Listing, now_ms: int = WALL) -> list[Leg]:
        """These are all listings, and nothing else."""
        legs: list[Leg] = []
        for venue, market in sorted({(x.venue, x.market) for x in listings}):
            page = [x for x in listings if (x.venue, x.market) == (venue, market)]
            legs = self.catalog.update(venue, market, page, now_ms)
        for leg in legs:
            self.desk.board.seat(leg)
        return legs

    def look(self, prices: dict[str, float], times: int = 1, **more: Any) -> list[Leg]:
        """Quote "venue BASE" -> price per symbol, then let the catalog look; what it changed, in order."""
        changed = []
        for _ in range(times):
            self.at += 1
            for cell in self.desk.board.cells():
                price = prices.get(f"{cell.leg.venue} {cell.leg.symbol.removesuffix('USDT')}")
                if price is not None:
                    self.desk.say(cell.leg, price * 0.9999, price * 1.0001, self.at, **more)
            for leg in self.catalog.confirm(self.desk.board):
                self.desk.board.seat(leg)
                changed.append(leg)
        return changed

    @property
    def verdicts(self) -> dict[str, str]:
        """ "venue BASE" -> why quarantined; as the catalog says and as the board shows."""
        shown = {cell.key: cell.leg.quarantine for cell in self.desk.board.cells() if cell.leg.quarantine}
        assert shown == self.catalog.verdicts
        return {f"{k.venue} {k.symbol.removesuffix('USDT')}": why for k, why in shown.items()}

    def coin(self, venue: str, base: str, market: Market = PERP) -> tuple[str, int]:
        cell = self.desk.board.cell(LegKey(venue, market, f"{base}USDT"))
        assert cell is not None
        return cell.leg.coin, cell.leg.multiplier
