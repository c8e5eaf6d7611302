"""One coin with chosen legs, for the tests of what the detail shows of it."""

from frmon.board import Row
from frmon.model import Market, Tick
from frmon.tui.grid import Look
from tests.tui.fake import VENUES, FakeEngine

Quote = tuple[str, Market, float | None, float | None]
PERP, SPOT = Market.PERP, Market.SPOT


def quoted(*legs: Quote) -> tuple[FakeEngine, Row]:
    """PEPE, quoted so."""
    engine = FakeEngine(0)
    for leg in legs:
        quote(engine, leg)
    engine.settle()
    return engine, engine.board.rows["PEPE"]


def quote(engine: FakeEngine, leg: Quote) -> None:
    venue, market, bid, ask = leg
    engine.seat(venue, market, "PEPE")
    symbol = "PEPEUSDT" if market is PERP else "PEPE-USDT"
    tick = Tick(symbol=symbol, bid=bid, ask=ask, event_ms=engine.clock.now_ms())
    engine.board.take(engine.carriers[venue, market], [tick], engine.clock.mono(), engine.clock.now_ms())


def look(engine: FakeEngine, ascii_only: bool = False) -> Look:
    codes = {v.name: v.code for v in VENUES}
    return Look(engine.clock.mono(), engine.clock.now_ms(), engine.terms, codes, ascii=ascii_only)


def told(lines: list[tuple[tuple[str, str], ...]]) -> list[str]:
    """The text of lines."""
    return ["".join(text for text, _ in line).rstrip() for line in lines]
