"""What funding pays and when: every perpetual's rate and settlements, and what the best pair earns by them. Pure."""

from frmon.board import Cell
from frmon.funding import MAX_QUIET_S, break_even_converge_h, break_even_hold_h, carries, countdown_s, funding_is_fresh
from frmon.model import Market
from frmon.tui import figures
from frmon.tui.columns import leg_name
from frmon.tui.grid import Look, arrow
from frmon.tui.legs import Line, cells_in_order
from frmon.tui.sections.glance import Glance


def schedule_lines(seen: Glance, look: Look, width: int) -> list[Line]:
    """One line per perpetual, then the carry of the best pair and how long it must be held; dim where a rate is old."""
    perps = [c for c in cells_in_order(seen.row) if c.key.market is Market.PERP]
    if not perps:
        return [(("no perpetual, no funding", "dim"),)]
    return [*(_leg_line(cell, _paid(cell, seen), look, width) for cell in perps), *_carry_lines(seen, look)]


def schedule_title(seen: Glance, look: Look) -> str:
    """Which pair's carry it is."""
    spread = seen.row.spread
    way = "" if spread is None else f"; carry of {leg_name(spread.buy, look)}{arrow(look)}{leg_name(spread.sell, look)}"
    return f"FUNDING  predicted per interval{way}"


def _paid(cell: Cell, seen: Glance) -> tuple[float | None, bool]:
    """What the last settlement paid, and whether that was only observed: the venue did not say it since."""
    news, stated = seen.settled.get(cell.key), cell.settled_rate
    if (
        news is not None
        and news.rate is not None
        and (stated is None or not (news.stated or cell.settled_ms > news.at_ms))
    ):
        return news.rate, not news.stated
    return stated, False


def _leg_line(cell: Cell, settled: tuple[float | None, bool], look: Look, width: int) -> Line:
    """The age of the rate stands at the end where there is room."""
    rate, left = cell.funding_rate, countdown_s(cell, look.now_ms)
    paid, observed = settled
    hours, fresh = cell.funding_interval_h, funding_is_fresh(cell, look.now)
    every = figures.UNKNOWN if hours is None else f"{hours:g}h"
    line = (
        (f"{leg_name(cell.key, look):<6}", "bright"),
        (_percent(rate, 4, 9), _style(rate, fresh)),
        (" each ", "dim"), (f"{every:>3}", "text"),
        ("  in ", "dim"), (f"{figures.countdown(None if left is None else left * 1000):>5}", "text"),
        ("  paid last ", "dim"), (_percent(paid, 4, 9).strip(), "text"),
        (" seen" if observed else "", "dim"),
    )  # fmt: skip
    told = f"  {figures.age(look.now - max(cell.funding.at, cell.funding.confirmed_at(look.now, MAX_QUIET_S)))} old"
    known = rate is not None and sum(len(text) for text, _ in line) + len(told) <= width
    return (*line, (told, "dim" if fresh else "warn")) if known else line


def _carry_lines(seen: Glance, look: Look) -> list[Line]:
    legs, spread = seen.legs(), seen.row.spread
    if legs is None or spread is None:
        return [(("no pair, no carry", "dim"),)]
    found = carries(*legs, look.now_ms)
    fresh = all(funding_is_fresh(cell, look.now) for cell in legs)
    due = "next" if found.next_ms is None else figures.countdown(found.next_ms - look.now_ms)
    return [
        (
            (f"carry  {due} ", "dim"), (_percent(found.to_next, 4, 8).strip(), _style(found.to_next, fresh)),
            ("  8h ", "dim"), (_percent(found.in_8h, 4, 8).strip(), _style(found.in_8h, fresh)),
            ("  24h ", "dim"), (_percent(found.in_24h, 4, 8).strip(), _style(found.in_24h, fresh)),
        ),
        (
            ("break-even  hold ", "dim"), (figures.hours(break_even_hold_h(spread)), "text" if fresh else "stale"),
            ("  converge ", "dim"), (figures.hours(break_even_converge_h(spread)), "text" if fresh else "stale"),
            ("  exit now ", "dim"), (_percent(None if spread.exit_pct is None else spread.exit_pct / 100, 3, 8).strip(), "text"),
        ),
    ]  # fmt: skip


def _percent(fraction: float | None, places: int, width: int) -> str:
    if fraction is None:
        return figures.UNKNOWN.rjust(width)
    return f"{figures.signed(fraction * 100, places, width - 1)}%".rjust(width)


def _style(rate: float | None, fresh: bool) -> str:
    return "stale" if rate is None or not fresh else "up" if rate > 0 else "down" if rate < 0 else "text"
