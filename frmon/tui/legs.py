"""What the detail shows of a coin: one line per leg, and the pair in words. Pure."""

from collections.abc import Callable

from frmon.board import Cell, Row
from frmon.funding import countdown_s, funding_is_fresh
from frmon.model import LegKey, Market
from frmon.spread import hourly
from frmon.tui import figures
from frmon.tui.columns import cell_of, is_paid, leg_name
from frmon.tui.grid import NOTHING, Column, Figure, Look, Piece, number, tone

Line = tuple[Piece, ...]
REMARK = "why"


def leg_columns() -> tuple[Column[Cell], ...]:
    """The columns of the detail."""
    return (
        Column("leg", "LEG", 4, 0, _name, _text("bright"), left=True),
        Column("symbol", "SYMBOL", 12, 3, lambda c, _: Figure(c.key.symbol), _text("venue"), grow=12, left=True),
        Column("bid", "BID", 10, 1, _quoted(lambda c: c.bid), _price, grow=6),
        Column("ask", "ASK", 10, 2, _quoted(lambda c: c.ask), _price, grow=6),
        Column("age", "AGE", 4, 4, _age, lambda f, w, _: ((figures.age(number(f), tenths=True), tone(f, "dim")),)),
        Column("rate", "FUNDING%", 8, 5, _rate, _signed(4)),
        Column("every", "EACH", 4, 6, lambda c, _: Figure(c.funding_interval_h), _hours),
        Column("next", "NEXT", 5, 7, _next, lambda f, w, _: ((figures.countdown(number(f)), tone(f)),)),
        Column("source", "FROM", 4, 8, lambda c, _: Figure(c.source), _text("dim"), left=True),
        Column("volume", "VOL24h", 6, 10, lambda c, _: Figure(c.volume_usd), _volume),
        Column("last", "LAST", 10, 11, lambda c, _: Figure(c.last), _price, grow=4),
        Column("mark", "MARK", 10, 12, lambda c, _: Figure(c.mark), _price, grow=4),
        Column("index", "INDEX", 10, 13, lambda c, _: Figure(c.index), _price, grow=4),
        Column("times", "MULT", 7, 14, lambda c, _: Figure(float(c.leg.multiplier)), _times),
        Column("apr", "APR%", 7, 15, _apr, _signed(1)),
        Column(REMARK, "REMARK", 10, 4, _why, _text("warn"), grow=60, left=True),
    )


def summary(row: Row, look: Look) -> Line:
    """The coin's best pair in one line."""
    spread = row.spread
    head: Line = ((row.coin, "coin"), ("  ", "text"))
    if spread is None:
        return (*head, ("no pair: fewer than two legs qualify", "dim"))
    net = "good" if spread.net_pct > 0 else "text"
    carry = figures.signed(spread.carry_apr_pct, 1, 8)
    paid = "text" if is_paid(row, spread, look) else "stale"
    return (
        *head,
        ("gross ", "dim"), (f"{spread.gross_pct:+.3f}%", "text"),
        ("  fees ", "dim"), (f"{spread.fees_pct:.3f}%", "text"),
        ("  net ", "dim"), (f"{spread.net_pct:+.3f}%", net),
        ("  funding ", "dim"), (f"{carry}% a year" if spread.carry_per_hour is not None else carry, paid),
        ("   buy ", "dim"), (_leg(spread.buy, look), "bright"), (f" {figures.exact(spread.buy_price)}", "text"),
        ("  sell ", "dim"), (_leg(spread.sell, look), "bright"), (f" {figures.exact(spread.sell_price)}", "text"),
    )  # fmt: skip


def columns_for(row: Row, look: Look) -> list[Column[Cell]]:
    """The columns for this coin: remarks only where there is one."""
    remarked = any(_why(cell, look).value for cell in row.cells)
    return [c for c in LEG_COLUMNS if remarked or c.id != REMARK]


def remarks(row: Row, look: Look, width: int) -> list[Line]:
    """Each remark that is longer than `width`, in full, with the legs it is about."""
    about: dict[str, list[str]] = {}
    for cell in cells_in_order(row):
        text = str(_why(cell, look).value or "")
        if len(text) > width:
            about.setdefault(text, []).append(str(_name(cell, look).value))
    return [
        ((f"  {', '.join(names) if len(names) < 3 else f'{len(names)} legs'}: ", "dim"), (text, "warn"))
        for text, names in about.items()
    ]


def cells_in_order(row: Row) -> list[Cell]:
    """Perpetuals before spot pairs, each in the order of the venues."""
    return sorted(row.cells, key=lambda c: (c.key.market is not Market.PERP, c.key))


def role(row: Row, cell: Cell) -> str:
    """Whether the best pair buys or sells here."""
    spread = row.spread
    if spread is None or cell_of(row, cell.key) is None:
        return ""
    return "B" if cell.key == spread.buy else "S" if cell.key == spread.sell else ""


def _leg(key: LegKey, look: Look) -> str:
    return f"{look.codes.get(key.venue, key.venue)} {key.market.value}"


def _name(cell: Cell, look: Look) -> Figure:
    return Figure(leg_name(cell.key, look))


def _quoted(read: Callable[[Cell], float | None]) -> Callable[[Cell, Look], Figure]:
    def figure(cell: Cell, look: Look) -> Figure:
        return Figure(read(cell), cell.is_fresh(look.now, look.terms.freshness))

    return figure


def _age(cell: Cell, look: Look) -> Figure:
    value = cell.age_s(look.now, look.terms.freshness)
    return NOTHING if value is None else Figure(value, value <= look.terms.freshness.max_age_s)


def _rate(cell: Cell, look: Look) -> Figure:
    return NOTHING if (rate := cell.funding_rate) is None else Figure(rate * 100, funding_is_fresh(cell, look.now))


def _apr(cell: Cell, look: Look) -> Figure:
    rate = hourly(cell)
    return (
        NOTHING
        if rate is None or cell.key.market is Market.SPOT
        else Figure(rate * 876_000, funding_is_fresh(cell, look.now))
    )


def _next(cell: Cell, look: Look) -> Figure:
    left = countdown_s(cell, look.now_ms)
    return NOTHING if left is None else Figure(left * 1000)


def _why(cell: Cell, look: Look) -> Figure:
    leg = cell.leg
    words = [
        leg.quarantine,
        "halted" if leg.halted else "",
        "" if leg.off_ms is None else "leaves in " + figures.countdown(leg.off_ms - look.now_ms),
        "crossed book" if cell.is_crossed() else "",
    ]
    return Figure(", ".join(w for w in words if w) or None)


def _text(style: str) -> Callable[[Figure, int, Look], tuple[Piece, ...]]:
    def text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
        return ((str(figure.value or ""), style),)

    return text


def _price(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((figures.price(number(figure), width, look.ascii, most=7), tone(figure)),)


def _signed(places: int) -> Callable[[Figure, int, Look], tuple[Piece, ...]]:
    def text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
        return ((figures.signed(number(figure), places, width), tone(figure)),)

    return text


def _hours(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    value = number(figure)
    return ((figures.UNKNOWN if value is None else f"{value:g}h", tone(figure, "dim")),)


def _volume(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((figures.compact(number(figure)), tone(figure)),)


def _times(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    value = number(figure) or 1.0
    return ((f"{value:g}" if value < 1e6 else f"{value / 1e6:g}M", "dim"),)


LEG_COLUMNS = leg_columns()
