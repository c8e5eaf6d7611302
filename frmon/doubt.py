"""When REST doubts what a stream says: how they differ, and what a found difference means for the quote. Pure."""

from frmon.cell import Cell, Part, Sides
from frmon.model import EMPTY, Difference, Tick

FAR = 0.05
"""A part of the price by which no market moves within the seconds that a reply may be late."""


def compare(cell: Cell, tick: Tick) -> Difference | None:
    """How a REST statement differs from the quote that a living stream stands by; None where it agrees or nothing can be
    said. A doubt ends where REST comes to agree with it."""
    if tick.bid is None and tick.ask is None:
        return None
    if cell.doubted is not None and cell.doubted == _stated(cell, tick):
        cell.doubted = None
    stands = _stands(cell)
    if stands is None or stands == _stated(cell, tick):
        return None
    pairs = zip(stands, _stated(cell, tick), strict=True)
    return Difference(cell.moves, any(_is_far(held, told) for held, told in pairs))


def doubt(cell: Cell, at: float) -> None:
    """The quote was found wrong by what was received at `at`. It is stale until anybody states another one: the stream that
    repeats it confirms nothing, and any reply replaces it."""
    cell.doubted = _stands(cell) or (cell.bid, cell.ask)
    cell.carried = Part()
    by = cell.quote.by if cell.quote.rides() else cell.told_on.by
    if by is not None:
        by.contradicted_at = at
    if cell.quote.rides() or cell.doubted == (cell.bid, cell.ask):
        cell.bid_ms = cell.ask_ms = cell.bid_seq = cell.ask_seq = 0
        cell.quote = Part()


def _stands(cell: Cell) -> Sides | None:
    """The quote that a living stream stands by: what rides on it, or what it told last though a reply took its place since."""
    if cell.quote.rides():
        return cell.bid, cell.ask
    by, (bid, ask) = cell.told_on, cell.told
    if not by.rides() or not by.pushes_changes() or bid is None or ask is None:
        return None
    return per_coin(bid, cell.scale) or None, per_coin(ask, cell.scale) or None


def repeats_doubted(cell: Cell, tick: Tick) -> bool:
    """Whether this states no other quote than the doubted one; any other ends the doubt."""
    if cell.doubted is None or (tick.bid is None and tick.ask is None):
        return False
    said = zip((tick.bid, tick.ask), _stated(cell, tick), cell.doubted, strict=True)
    if all(raw is None or told == held for raw, told, held in said):
        return True
    cell.doubted = None
    return False


def _stated(cell: Cell, tick: Tick) -> Sides:
    return per_coin(tick.bid or EMPTY, cell.scale) or None, per_coin(tick.ask or EMPTY, cell.scale) or None


def _is_far(held: float | None, told: float | None) -> bool:
    return bool(held and told) and abs(held - told) > FAR * max(held, told)  # type: ignore[operator, type-var]


def per_coin(price: float, scale: int) -> float:
    """Price per coin. Fifteen digits carry whatever decimal text a venue sends, so the quotient prints as one expects."""
    return price if scale == 1 else float(f"{price / scale:.15g}")
