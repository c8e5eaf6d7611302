"""What funding pays and when: every perpetual's rate and settlements, and what the best pair earns by them. Pure."""

from frmon.board import Cell
from frmon.funding import break_even_converge_h, break_even_hold_h, carries, countdown_s
from frmon.model import Market
from frmon.tui import figures
from frmon.tui.columns import leg_name
from frmon.tui.grid import Look, arrow
from frmon.tui.legs import Line, cells_in_order
from frmon.tui.sections.glance import Glance


def schedule_lines(seen: Glance, look: Look) -> list[Line]:
    """One line per perpetual, then the carry of the best pair and how long it must be held."""
    perps = [c for c in cells_in_order(seen.row) if c.key.market is Market.PERP]
    if not perps:
        return [(("no perpetual, no funding", "dim"),)]
    return [*(_leg_line(cell, look) for cell in perps), *_carry_lines(seen, look)]


def schedule_title(seen: Glance, look: Look) -> str:
    """Which pair's carry it is."""
    spread = seen.row.spread
    way = "" if spread is None else f"; carry of {leg_name(spread.buy, look)}{arrow(look)}{leg_name(spread.sell, look)}"
    return f"FUNDING  predicted per interval{way}"


def _leg_line(cell: Cell, look: Look) -> Line:
    rate, paid, left = cell.funding_rate, cell.settled_rate, countdown_s(cell, look.now_ms)
    every = figures.UNKNOWN if cell.funding_interval_h is None else f"{cell.funding_interval_h:g}h"
    return (
        (f"{leg_name(cell.key, look):<6}", "bright"),
        (_percent(rate, 4, 9), _style(rate)),
        (" each ", "dim"), (f"{every:>3}", "text"),
        ("  in ", "dim"), (f"{figures.countdown(None if left is None else left * 1000):>5}", "text"),
        ("  paid last ", "dim"), (_percent(paid, 4, 9).strip(), "text"),
    )  # fmt: skip


def _carry_lines(seen: Glance, look: Look) -> list[Line]:
    legs, spread = seen.legs(), seen.row.spread
    if legs is None or spread is None:
        return [(("no pair, no carry", "dim"),)]
    found = carries(*legs, look.now_ms)
    due = "next" if found.next_ms is None else figures.countdown(found.next_ms - look.now_ms)
    return [
        (
            (f"carry  {due} ", "dim"), (_percent(found.to_next, 4, 8).strip(), _style(found.to_next)),
            ("  8h ", "dim"), (_percent(found.in_8h, 4, 8).strip(), _style(found.in_8h)),
            ("  24h ", "dim"), (_percent(found.in_24h, 4, 8).strip(), _style(found.in_24h)),
        ),
        (
            ("break-even  hold ", "dim"), (figures.hours(break_even_hold_h(spread)), "text"),
            ("  converge ", "dim"), (figures.hours(break_even_converge_h(spread)), "text"),
            ("  exit now ", "dim"), (_percent(None if spread.exit_pct is None else spread.exit_pct / 100, 3, 8).strip(), "text"),
        ),
    ]  # fmt: skip


def _percent(fraction: float | None, places: int, width: int) -> str:
    if fraction is None:
        return figures.UNKNOWN.rjust(width)
    return f"{figures.signed(fraction * 100, places, width - 1)}%".rjust(width)


def _style(rate: float | None) -> str:
    return "stale" if rate is None else "up" if rate > 0 else "down" if rate < 0 else "text"
