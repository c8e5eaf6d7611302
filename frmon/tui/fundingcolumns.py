"""What the funding view shows of a coin: what holding two of its legs pays, and every venue's rate. Pure.

Rates are shown as the venue states them, per interval, with that interval beside; they compare and sort per 8 hours.
"""

from collections.abc import Callable, Iterable

from frmon.board import Cell, Row
from frmon.funding import break_even_hold_h, countdown_s, difference_8h, funding_is_fresh, is_known
from frmon.model import Market, Spread
from frmon.spread import hourly, pair_now, qualified
from frmon.tui import figures
from frmon.tui.columns import COIN, Named, leg_name, next_text, signed_text, soonest
from frmon.tui.grid import NOTHING, Column, Figure, Look, Piece, arrow, number, tone

WITH_COUNTDOWN = 16
"""From this width on a rate is shown with the time to its settlement."""


def funding_columns(venues: Iterable[Named]) -> tuple[Column[Row], ...]:
    """All columns of the funding view; one per venue at the end."""
    venues = tuple(venues)
    fixed: tuple[Column[Row], ...] = (
        COIN,
        Column("diff", "DIFF8h", 12, 1, _difference, _way_text, "highest minus lowest funding, % per 8 h", 1),
        Column("carry", "APR%", 5, 3, _carry_apr, signed_text(1), "carry of the best pair, % per year", 2),
        Column("pair", "CARRY", 10, 30, _carry_pair, _text, "pair with the best carry", down=False),
        Column("even", "EVEN", 5, 31, _even, _hours_text, "hours of carry that pay for everything", down=False),
        Column("soonest", "NEXT", 5, 2, _next, next_text, "time to the coin's next settlement", down=False),
    )
    rates = tuple(
        Column(f"{v.name} rate", v.code, 10, 10 + n, _rate_on(v.name), _rate_text, f"funding on {v.title}", 6)
        for n, v in enumerate(venues)
    )
    return fixed + rates


def best_carry(row: Row, look: Look) -> Spread | None:
    """The pair of qualified legs with fresh rates that receives the most funding: long where least is paid, short where most is received;
    among equals the alphabetically first. None while fewer than two rates are known."""
    cells = [c for c in qualified(row.cells, look.terms, look.now, look.now_ms) if funding_is_fresh(c, look.now)]
    known = [(rate, cell) for cell in cells if (rate := hourly(cell)) is not None]
    sold = [(rate, cell) for rate, cell in known if look.terms.allow_borrow or cell.key.market is Market.PERP]
    found = min(
        (
            (paid - received, buy.key, sell.key, buy, sell)
            for paid, buy in known
            for received, sell in sold
            if buy is not sell
        ),
        default=None,
    )
    return None if found is None else pair_now(found[3], found[4], look.terms)


def _difference(row: Row, look: Look) -> Figure:
    """Over the legs whose quotes and rates are fresh; over all of them, dim, where those are not enough."""
    found = difference_8h(row, lambda c: _is_current(c, look))
    fresh = found is not None
    if found is None:
        found = difference_8h(row)
    if found is None:
        return NOTHING
    low, high = (look.codes.get(key.venue, key.venue[:2]) for key in (found.low, found.high))
    return Figure(found.pct, fresh, f"{low}{arrow(look)}{high}")


def _carry_apr(row: Row, look: Look) -> Figure:
    found = best_carry(row, look)
    return NOTHING if found is None else Figure(found.carry_apr_pct)


def _carry_pair(row: Row, look: Look) -> Figure:
    found = best_carry(row, look)
    if found is None:
        return NOTHING
    return Figure(f"{leg_name(found.buy, look)}{arrow(look)}{leg_name(found.sell, look)}")


def _even(row: Row, look: Look) -> Figure:
    found = best_carry(row, look)
    return NOTHING if found is None else Figure(break_even_hold_h(found))


def _next(row: Row, look: Look) -> Figure:
    return soonest((c for c in row.cells if c.key.market is Market.PERP and is_known(c)), look)


def _rate_on(venue: str) -> Callable[[Row, Look], Figure]:
    def figure(row: Row, look: Look) -> Figure:
        perps = [c for c in row.cells if c.key.venue == venue and c.key.market is Market.PERP]
        known = [c for c in perps if c.funding_rate is not None]
        return _rate(min(known, key=_order), look) if known else NOTHING

    return figure


def _is_current(cell: Cell, look: Look) -> bool:
    """Whether a leg's rate may be compared now: neither its quote nor the rate itself is old."""
    return is_known(cell) and cell.is_fresh(look.now, look.terms.freshness) and funding_is_fresh(cell, look.now)


def _order(cell: Cell) -> tuple[bool, str]:
    return not is_known(cell), cell.key.symbol


def _rate(cell: Cell, look: Look) -> Figure:
    """Value: % per 8 h. Beside it: % per interval, the interval in hours, milliseconds to the settlement."""
    rate, per_hour, left = cell.funding_rate, hourly(cell), countdown_s(cell, look.now_ms)
    fresh = _is_current(cell, look)
    beside = (None if rate is None else rate * 100, cell.funding_interval_h, None if left is None else left * 1000)
    return Figure(None if per_hour is None else per_hour * 800, fresh, beside=beside)


def _rate_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    """As much of "+0.0100 8h 1h29m" as there is room for."""
    if not figure.beside:
        return ((figures.UNKNOWN, "stale"),)
    rate, hours, left = figure.beside
    every = figures.UNKNOWN if hours is None else f"{hours:g}h"
    due = f" {figures.countdown(left):>5}" if width >= WITH_COUNTDOWN else ""
    style = "up" if (rate or 0.0) > 0 else "down" if (rate or 0.0) < 0 else "text"
    told = figures.signed(rate, 4, width - len(every) - len(due) - 1)
    return (told, style if figure.fresh else "stale"), (f" {every:>2}{due}", "dim" if figure.fresh else "stale")


def _way_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    if figure.value is None:
        return ((figures.UNKNOWN, "stale"),)
    told = figures.signed(number(figure), 4, width - len(figure.label) - 1)
    return (figure.label, tone(figure, "venue")), (told.rjust(width - len(figure.label)), tone(figure, "bright"))


def _text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((str(figure.value or figures.UNKNOWN), tone(figure, "venue")),)


def _hours_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((figures.hours(number(figure)), tone(figure)),)
