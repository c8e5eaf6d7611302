"""A picture as plain text: CSV with one row per leg, and a table for a terminal with one line per coin."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from frmon.csvcells import csv_cell
from frmon.parts import CoinPart, GatePart, LegPart, Picture, SidePart

CSV_COLUMNS = ("coin", *LegPart.__struct_fields__)
WHY_COLUMNS = ("coin", "buy", "sell", *GatePart.__struct_fields__)


def csv_text(picture: Picture) -> str:
    """One row per leg, columns as in JSON, unknown is empty, true and false in words. Text that a spreadsheet would take
    for a formula gets a leading apostrophe. Gates, where they were asked for, follow after an empty line with a head of
    their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("simulated", "at", *CSV_COLUMNS))
    simulated = csv_cell(picture.simulated)
    for coin in picture.coins:
        for leg in coin.legs:
            values = (getattr(leg, name) for name in LegPart.__struct_fields__)
            writer.writerow((simulated, picture.at, csv_cell(coin.coin), *map(csv_cell, values)))
    gates = [(coin, gate) for coin in picture.coins for gate in _gates(coin)]
    if gates:
        out.write("\n")
        writer.writerow(WHY_COLUMNS)
        for coin, gate in gates:
            values = (getattr(gate, name) for name in GatePart.__struct_fields__)
            writer.writerow(map(csv_cell, (coin.coin, *_why_pair(coin), *values)))
    return out.getvalue()


def table_text(picture: Picture) -> str:
    """Venues, then coins, then signals. Columns are padded by what a terminal shows, so wide letters align."""
    head = f"{'SIMULATED MARKET  ' if picture.simulated else ''}{picture.at}"
    venues = [
        (name, v.status, f"{v.fresh_legs}/{v.legs}", f"{v.messages_per_s:.1f}", v.detail)
        for name, v in picture.venues.items()
    ]
    parts = [head, grid(("venue", "status", "fresh/legs", "messages/s", "detail"), venues, "llrrl")]
    columns = ("coin", "buy", "at", "sell", "at", "gross %", "net %", "carry APR %", "legs", "fresh", "flags")
    parts.append(grid(columns, map(_coin_line, picture.coins), "llrlrrrrrrl"))
    if picture.signals:
        signals = [
            (s.observed_at, s.symbol, s.long_exchange, s.short_exchange, percent(s.spread_percent))
            for s in picture.signals
        ]
        parts.append(grid(("signal", "coin", "long", "short", "gross %"), signals, "llllr"))
    parts += [_why_text(coin) for coin in picture.coins if _gates(coin)]
    return "\n\n".join(parts) + "\n"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Aligned columns under a head. `align`: l or r for each column."""
    lines = [[_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(_pad(cell, size, side) for cell, size, side in zip(line, widths, align, strict=True)).rstrip()
        for line in lines
    )


def width(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(_cells(char) for char in text)


def shortened(text: str, most: int) -> str:
    """At most so many characters, the last of them "…" if more were there."""
    return text if len(text) <= most else text[: most - 1] + "…"


def price_decimal(price: float | None) -> str:
    """A price in fixed notation with all its digits; "-" for unknown."""
    return "-" if price is None else format(Decimal(repr(price)), "f").removesuffix(".0")


def percent(value: float | None, digits: int = 3) -> str:
    """A percent figure; "-" for unknown, no minus before zero."""
    return "-" if value is None else f"{value:z.{digits}f}"


def _coin_line(coin: CoinPart) -> Sequence[str]:
    spread = coin.spread
    pair = ("-",) * 7
    if spread is not None:
        pair = (
            _leg_name(spread.buy),
            price_decimal(spread.buy.price),
            _leg_name(spread.sell),
            price_decimal(spread.sell.price),
            percent(spread.gross_pct),
            percent(spread.net_pct),
            percent(spread.carry_apr_pct, 1),
        )
    fresh = sum(leg.fresh for leg in coin.legs)
    return (coin.coin, *pair, str(len(coin.legs)), str(fresh), " ".join(coin.flags))


def _gates(coin: CoinPart) -> list[GatePart]:
    return [] if isinstance(coin.why, msgspec.UnsetType) else coin.why


def _why_pair(coin: CoinPart) -> tuple[str, str]:
    """The names of the two legs that the gates judge; "-" where there are none."""
    pair = coin.why_pair
    return ("-", "-") if not pair else (_leg_name(pair.buy), _leg_name(pair.sell))


def _why_text(coin: CoinPart) -> str:
    """A coin's gates, one line each."""
    gates = _gates(coin)
    failed = ", ".join(gate.name for gate in gates if not gate.passed)
    buy, sell = _why_pair(coin)
    head = f"{_line(coin.coin)}: buy {buy}, sell {sell}: {f'fails {failed}' if failed else 'every gate passes'}"
    rows = [(g.name, "pass" if g.passed else "FAIL", _figure(g.value), _figure(g.limit), g.words) for g in gates]
    return f"{head}\n{grid(('gate', '', 'value', 'limit', 'in words'), rows, 'llrrl')}"


def _figure(value: str | float | None) -> str:
    if value is None:
        return "-"
    return shortened(value, 24) if isinstance(value, str) else f"{value:.6g}"


def _leg_name(side: SidePart) -> str:
    return f"{side.venue} {side.market}"


def _line(text: str) -> str:
    """Nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _pad(text: str, size: int, side: str) -> str:
    space = " " * (size - width(text))
    return text + space if side == "l" else space + text


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
