"""What the table shows of a coin: its columns, how they read and how they sort. Pure."""

from collections.abc import Callable, Iterable
from typing import Protocol

from frmon.board import Cell, Row
from frmon.funding import countdown_s, funding_is_fresh
from frmon.model import Flag, LegKey, Market, Spread
from frmon.spread import flags
from frmon.tui import figures
from frmon.tui.grid import NOTHING, Column, Figure, Look, Piece, anyhow, number, tone

LETTERS = {Market.SPOT: "S", Market.PERP: "P"}
WORDS = {
    Flag.QUARANTINE: "QUAR",
    Flag.DELISTING: "DELIST",
    Flag.HALTED: "HALT",
    Flag.NEW: "NEW",
    Flag.STALE: "STALE",
    Flag.OUTLIER: "OUTL",
    Flag.CROSSED: "CROSS",
}
BORROW = "BORROW"
PINNED, WARNED = "pinned", "warned"
SOON_MS = 300_000
"""A settlement that is nearer stands out."""
HOUR_CELLS = 8
"""Of the sparkline: seven and a half minutes each."""


class Named(Protocol):
    """What a column needs to know of a venue."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def code(self) -> str: ...


def row_columns(venues: Iterable[Named]) -> tuple[Column[Row], ...]:
    """All columns of the main table; one price column per venue at the end."""
    fixed: tuple[Column[Row], ...] = (
        COIN,
        Column("buy", "BUY AT", 16, 3, _buy, _side_text, "best buy price", 2),
        Column("sell", "SELL AT", 16, 4, _sell, _side_text, "best sell price", 2),
        Column("gross", "GROSS%", 7, 2, _gross, _plain_text, "gross spread %"),
        Column("net", "NET%", 7, 1, _net, _net_text, "net spread % after fees"),
        Column("z", "Z", 5, 8, _z, signed_text(1), "z-score of the pair's spread"),
        Column("hour", "1H", HOUR_CELLS, 13, _hour, _hour_text, "the best spread's last hour", left=True, sorts=False),
        Column("exit", "EXIT%", 7, 11, _exit, _plain_text, "cost of leaving the pair now, %", down=False),
        Column("fund", "FUND8h", 7, 5, _fund, signed_text(4), "funding difference, % per 8 h"),
        Column("apr", "APR%", 7, 10, _apr, signed_text(1), "funding difference, % per year"),
        Column("next", "NEXT", 5, 6, _next, next_text, "time to next settlement", down=False),
        Column("volume", "VOL24h", 7, 9, _volume, _volume_text, "24 h volume, USD"),
        Column("age", "AGE", 4, 7, _age, _age_text, "age of the quotes", down=False, key=anyhow),
        Column("flags", "FLAGS", 6, 12, _flags, _flags_text, "warnings", 4, left=True, down=False, key=anyhow),
    )
    prices = tuple(
        Column(f"{v.name}", v.code, 9, 20 + n, _price_on(v.name), _price_text, f"price on {v.title}", 2)
        for n, v in enumerate(venues)
    )
    return fixed + prices


def cell_of(row: Row, key: LegKey) -> Cell | None:
    """The row's cell with this key."""
    for cell in row.cells:
        if cell.key == key:
            return cell
    return None


def leg_name(key: LegKey, look: Look) -> str:
    """A leg in four cells: the venue's tag and S or P."""
    return f"{look.codes.get(key.venue, key.venue[:2])} {LETTERS[key.market]}"


def is_sound(row: Row, spread: Spread, look: Look) -> bool:
    """Whether both legs of the row's pair are still there and fresh."""
    return all(
        (cell := cell_of(row, key)) is not None and cell.is_fresh(look.now, look.terms.freshness)
        for key in (spread.buy, spread.sell)
    )


def is_paid(row: Row, spread: Spread, look: Look) -> bool:
    """Whether also the funding rates of both legs are fresh."""
    return is_sound(row, spread, look) and all(
        (cell := cell_of(row, key)) is not None and funding_is_fresh(cell, look.now)
        for key in (spread.buy, spread.sell)
    )


def _coin(row: Row, look: Look) -> Figure:
    if row.coin in look.pins:
        return Figure(row.coin, True, PINNED)
    held = any(c.leg.quarantine or c.leg.halted or c.leg.off_ms is not None for c in row.cells)
    return Figure(row.coin, True, WARNED if held else "")


def _side(row: Row, look: Look, key: LegKey, value: float) -> Figure:
    cell = cell_of(row, key)
    fresh = cell is not None and cell.is_fresh(look.now, look.terms.freshness)
    return Figure(value, fresh, leg_name(key, look))


def _buy(row: Row, look: Look) -> Figure:
    spread = row.spread
    return NOTHING if spread is None else _side(row, look, spread.buy, spread.buy_price)


def _sell(row: Row, look: Look) -> Figure:
    spread = row.spread
    return NOTHING if spread is None else _side(row, look, spread.sell, spread.sell_price)


def _gross(row: Row, look: Look) -> Figure:
    spread = row.spread
    return NOTHING if spread is None else Figure(spread.gross_pct, is_sound(row, spread, look))


def _net(row: Row, look: Look) -> Figure:
    spread = row.spread
    return NOTHING if spread is None else Figure(spread.net_pct, is_sound(row, spread, look))


def _z(row: Row, look: Look) -> Figure:
    spread, z = row.spread, look.z.get(row.coin)
    return NOTHING if spread is None or z is None else Figure(z, is_sound(row, spread, look))


def _exit(row: Row, look: Look) -> Figure:
    spread = row.spread
    return NOTHING if spread is None else Figure(spread.exit_pct, is_sound(row, spread, look))


def _hour(row: Row, look: Look) -> Figure:
    return Figure(look.sparks(row.coin, HOUR_CELLS) or None)


def _fund(row: Row, look: Look) -> Figure:
    spread = row.spread
    if spread is None or spread.carry_per_hour is None:
        return NOTHING
    return Figure(spread.carry_per_hour * 800, is_paid(row, spread, look))


def _apr(row: Row, look: Look) -> Figure:
    spread = row.spread
    return NOTHING if spread is None else Figure(spread.carry_apr_pct, is_paid(row, spread, look))


def _next(row: Row, look: Look) -> Figure:
    """Milliseconds to the soonest settlement of the pair's two legs."""
    spread = row.spread
    if spread is None:
        return NOTHING
    return soonest((c for c in row.cells if c.key in (spread.buy, spread.sell)), look)


def soonest(cells: Iterable[Cell], look: Look) -> Figure:
    """Milliseconds to the first settlement among these legs."""
    left = [s for c in cells if (s := countdown_s(c, look.now_ms)) is not None]
    return Figure(min(left) * 1000) if left else NOTHING


def _volume(row: Row, look: Look) -> Figure:
    known = [c.volume_usd for c in row.cells if c.volume_usd is not None]
    return Figure(sum(known)) if known else NOTHING


def _age(row: Row, look: Look) -> Figure:
    """Age of the older leg of the pair; of the freshest leg where there is no pair."""
    spread, freshness = row.spread, look.terms.freshness
    cells = row.cells if spread is None else [c for c in row.cells if c.key in (spread.buy, spread.sell)]
    ages = [a for c in cells if (a := c.age_s(look.now, freshness)) is not None]
    if not ages:
        return NOTHING
    value = min(ages) if spread is None else max(ages)
    return Figure(value, value <= freshness.max_age_s)


def _flags(row: Row, look: Look) -> Figure:
    words = [WORDS[f] for f in flags(row, look.terms, look.now, look.now_ms)]
    if row.spread is not None and row.spread.needs_borrow:
        words.append(BORROW)
    return Figure(" ".join(words) or None)


def _price_on(venue: str) -> Callable[[Row, Look], Figure]:
    def figure(row: Row, look: Look) -> Figure:
        return _best_known([c for c in row.cells if c.key.venue == venue], look)

    return figure


def _best_known(cells: Iterable[Cell], look: Look) -> Figure:
    """The price of the perpetual, else of the spot pair; a fresh one before a stale one."""
    found = NOTHING
    for cell in sorted(cells, key=lambda c: c.key.market is not Market.PERP):
        bid, ask = cell.bid, cell.ask
        value = (bid + ask) / 2 if bid and ask else cell.last
        if value is None:
            continue
        fresh = cell.is_fresh(look.now, look.terms.freshness)
        if fresh:
            return Figure(value)
        if found.value is None:
            found = Figure(value, False)
    return found


def _coin_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    mark = {PINNED: "*" if look.ascii else "★", WARNED: "!"}.get(figure.label, " ")
    return (mark, "pin"), (str(figure.value), "coin")


def _side_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    if figure.value is None:
        return ((figures.UNKNOWN, "stale"),)
    text = figures.price(number(figure), width - 5, look.ascii)
    return (figure.label, tone(figure, "venue")), (text.rjust(width - 4), tone(figure))


def _plain_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((figures.signed(number(figure), 3, width), tone(figure)),)


def _net_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    value = number(figure)
    style = "good" if value is not None and value > 0 else "text"
    return ((figures.signed(value, 3, width), tone(figure, style)),)


def signed_text(places: int) -> Callable[[Figure, int, Look], tuple[Piece, ...]]:
    """A number with its sign, so many decimals where they fit."""

    def text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
        value = number(figure) or 0.0
        style = "up" if value > 0 else "down" if value < 0 else "text"
        return ((figures.signed(number(figure), places, width), tone(figure, style)),)

    return text


def next_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    """A countdown from milliseconds."""
    value = number(figure)
    style = "bright" if value is not None and value < SOON_MS else "text"
    return ((figures.countdown(value), tone(figure, style)),)


def _hour_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((str(figure.value or ""), "venue"),)


def _volume_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((figures.compact(number(figure)), tone(figure)),)


def _age_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((figures.age(number(figure)), tone(figure, "dim")),)


def _flags_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((str(figure.value or ""), "warn"),)


def _price_text(figure: Figure, width: int, look: Look) -> tuple[Piece, ...]:
    return ((figures.price(number(figure), width, look.ascii), tone(figure)),)


COIN: Column[Row] = Column("coin", "COIN", 10, 0, _coin, _coin_text, "coin", 4, left=True, down=False)
