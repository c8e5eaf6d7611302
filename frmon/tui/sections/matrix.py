"""Every pair of a coin's legs: bought in rows, sold in columns. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from frmon.board import Cell, Row
from frmon.funding import funding_is_fresh
from frmon.model import LegKey, Market, Spread
from frmon.spread import outliers, pairs, qualified
from frmon.tui import figures
from frmon.tui.columns import leg_name
from frmon.tui.grid import Look
from frmon.tui.legs import Line, cells_in_order

LABEL = 6
NARROWEST, WIDEST = 6, 9
"""Cells that a spread takes, with the blank before it."""


Pairs = Mapping[tuple[LegKey, LegKey], Spread]


class Measure(StrEnum):
    """What the matrix shows of each pair; the value is its title."""

    GROSS = "gross %"
    NET = "net % after all taker fees"
    CARRY = "carry % per 8 h"

    @property
    def after(self) -> "Measure":
        """The next one, round and round."""
        every = list(Measure)
        return every[(every.index(self) + 1) % len(every)]


def matrix_title(measure: Measure) -> str:
    """What is shown, and which leg is where."""
    return f"SPREADS  {measure}, bought in rows, sold in columns"


def matrix_lines(row: Row, look: Look, width: int, measure: Measure = Measure.GROSS) -> list[Line]:
    """One measure of every pair, from executable prices; the row of a leg that does not qualify says why instead."""
    cells = cells_in_order(row)
    room = max(NARROWEST, min(WIDEST, (width - LABEL) // max(1, len(cells))))
    fit = {cell.key for cell in qualified(cells, look.terms, look.now, look.now_ms)}
    best = None if row.spread is None else (row.spread.buy, row.spread.sell)
    found = {(pair.buy, pair.sell): pair for pair in pairs(row, look.terms, look.now, look.now_ms)}
    lines: list[Line] = [_head(cells, look, room)]
    for buy in cells:
        name = f"{leg_name(buy.key, look):<{LABEL}}"
        if buy.key not in fit:
            lines.append(((name, "stale"), ("  " + hindrance(buy, look), "warn")))
            continue
        pieces = [
            (f"{'.' if look.ascii else '·':>{room}}", "stale")
            if buy is sell
            else _piece(
                _value((buy, sell), found, measure, look), sell.key.market, (buy.key, sell.key) == best, room, look
            )
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


def _value(legs: tuple[Cell, Cell], found: Pairs, measure: Measure, look: Look) -> float | None:
    """None while unknown, and for a carry whose rates are old."""
    spread = found.get((legs[0].key, legs[1].key))
    if spread is None:
        return None
    if measure is not Measure.CARRY:
        return spread.gross_pct if measure is Measure.GROSS else spread.net_pct
    known = spread.carry_per_hour is not None and all(funding_is_fresh(cell, look.now) for cell in legs)
    return spread.carry_per_hour * 800 if known and spread.carry_per_hour is not None else None


def _piece(value: float | None, sold: Market, is_best: bool, room: int, look: Look) -> tuple[str, str]:
    if value is None:
        return f"{figures.UNKNOWN:>{room}}", "stale"
    told = figures.signed(value, 3 if room > 7 else 2, room - 1)
    if is_best:
        return f"{_star(look) + told:>{room}}", "good" if value > 0 else "bright"
    return f"{told:>{room}}", "dim" if sold is Market.SPOT else "text" if value > 0 else "venue"


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
