"""Every pair of a coin's legs: bought in rows, sold in columns. Pure."""

from frmon.board import Cell, Row
from frmon.model import Market
from frmon.spread import gross_pct, outliers, qualified
from frmon.tui import figures
from frmon.tui.columns import leg_name
from frmon.tui.grid import Look
from frmon.tui.legs import Line, cells_in_order

LABEL = 6
NARROWEST, WIDEST = 6, 9
"""Cells that a spread takes, with the blank before it."""


def matrix_lines(row: Row, look: Look, width: int) -> list[Line]:
    """Executable gross spreads in percent; the row of a leg that does not qualify says why instead."""
    cells = cells_in_order(row)
    room = max(NARROWEST, min(WIDEST, (width - LABEL) // max(1, len(cells))))
    fit = {cell.key for cell in qualified(cells, look.terms, look.now, look.now_ms)}
    best = None if row.spread is None else (row.spread.buy, row.spread.sell)
    lines: list[Line] = [_head(cells, look, room)]
    for buy in cells:
        name = f"{leg_name(buy.key, look):<{LABEL}}"
        if buy.key not in fit:
            lines.append(((name, "stale"), ("  " + hindrance(buy, look), "warn")))
            continue
        pieces = [
            _piece((buy, sell), (buy.key, sell.key) == best, room, look)
            if sell.key in fit
            else (f"{figures.UNKNOWN:>{room}}", "stale")
            for sell in cells
        ]
        lines.append(((name, "bright"), *pieces))
    return [*lines, *_legend(cells, look)]


def hindrance(cell: Cell, look: Look) -> str:
    """Why a leg enters no pair, in a word or two; "" where it may."""
    leg, bid, ask = cell.leg, cell.bid, cell.ask
    if leg.quarantine:
        return f"quarantine: {leg.quarantine}"
    if leg.halted or (leg.off_ms is not None and leg.off_ms <= look.now_ms):
        return "halted" if leg.halted else "delisted"
    if bid is None or ask is None or bid <= 0:
        return "no quote" if not bid and not ask else "one-sided"
    if cell.is_crossed():
        return "crossed"
    if cell.is_fresh(look.now, look.terms.freshness):
        return ""
    return f"stale, {figures.age(cell.age_s(look.now, look.terms.freshness))}"


def _head(cells: list[Cell], look: Look, room: int) -> Line:
    names = "".join(f"{_sold(cell, look):>{room}}" for cell in cells)
    return (f"{'buy':<{LABEL - 1}}", "dim"), ("\\" if look.ascii else "╲", "dim"), (names, "venue")


def _sold(cell: Cell, look: Look) -> str:
    """A leg's name over its column, with a `b` where selling it needs a borrow."""
    return leg_name(cell.key, look) + ("b" if cell.key.market is Market.SPOT else "")


def _piece(legs: tuple[Cell, Cell], is_best: bool, room: int, look: Look) -> tuple[str, str]:
    buy, sell = legs
    if buy is sell:
        return f"{'.' if look.ascii else '·':>{room}}", "stale"
    ask, bid = buy.ask, sell.bid
    if ask is None or bid is None:
        return f"{figures.UNKNOWN:>{room}}", "stale"
    gross = gross_pct(ask, bid)
    told = figures.signed(gross, 3 if room > 7 else 2, room - 1)
    if is_best:
        return f"{_star(look) + told:>{room}}", "good"
    return f"{told:>{room}}", "dim" if sell.key.market is Market.SPOT else "text" if gross > 0 else "venue"


def _star(look: Look) -> str:
    return "*" if look.ascii else "★"


def _legend(cells: list[Cell], look: Look) -> list[Line]:
    words = [f"{_star(look)} best pair"]
    if any(c.key.market is Market.SPOT for c in cells):
        words.append("b needs borrow")
    odd = [leg_name(c.key, look) for c in outliers(qualified(cells, look.terms, look.now, look.now_ms))]
    if odd:
        words.append(f"outlier: {', '.join(odd)}")
    return [(("   ".join(words), "dim"),)]
