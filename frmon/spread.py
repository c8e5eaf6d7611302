"""From a row to its best pair: pure. Definitions: buy at the ask of A, sell at the bid of B; gross in percent of the ask;
net after the taker fees of a round trip on both legs."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from frmon.board import Cell, Freshness, Row
from frmon.model import Flag, LegKey, Market, Spread

Fees = Mapping[tuple[str, Market], float]
"""(venue, market) -> taker fee as a fraction."""

DAY_MS = 86_400_000


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What decides whether a leg may enter a pair and what a trade costs."""

    fees: Mapping[tuple[str, Market], float]
    freshness: Freshness = Freshness()
    allow_borrow: bool = False  # let pairs that sell spot be the best pair


def qualifies(cell: Cell, terms: Terms, now: float, now_ms: int) -> bool:
    """Whether a leg may enter a spread, a sort key or a signal: fresh, known to be the same coin, trading, with a sane
    two-sided quote."""
    leg = cell.leg
    if leg.quarantine or leg.halted or (leg.off_ms is not None and leg.off_ms <= now_ms):
        return False
    bid, ask = cell.bid, cell.ask
    return bid is not None and ask is not None and 0 < bid <= ask and cell.is_fresh(now, terms.freshness)


def best(row: Row, terms: Terms, now: float, now_ms: int) -> Spread | None:
    """The pair with the highest gross spread, ties to the alphabetically first; None when fewer than two legs qualify."""
    cells = [c for c in row.cells if qualifies(c, terms, now, now_ms)]
    return best_of(cells, terms) if len(cells) > 1 else None


def best_of(cells: Sequence[Cell], terms: Terms) -> Spread | None:
    """The best pair among qualified cells, which are in the order of their keys."""
    found: tuple[Cell, Cell] | None = None
    top = float("-inf")
    for sell in _lowest_two(cells, _negative_bid, terms.allow_borrow):
        for buy in _lowest_two(cells, _ask, True):
            if buy is sell:
                continue
            gross = gross_pct(buy.ask, sell.bid)  # type: ignore[arg-type]  # qualified: both are prices
            if gross > top or (gross == top and found is not None and (buy.key, sell.key) < _keys(found)):
                top, found = gross, (buy, sell)
    return None if found is None else pair(*found, terms)


def pair(buy: Cell, sell: Cell, terms: Terms) -> Spread:
    """The spread of one pair of qualified legs."""
    assert buy.ask is not None
    assert sell.bid is not None
    gross = gross_pct(buy.ask, sell.bid)
    fees = fees_pct(buy.key, sell.key, terms.fees)
    return Spread(
        buy=buy.key,
        sell=sell.key,
        buy_price=buy.ask,
        sell_price=sell.bid,
        gross_pct=gross,
        fees_pct=fees,
        net_pct=gross - fees,
        carry_per_hour=carry_per_hour(buy, sell),
        needs_borrow=sell.key.market is Market.SPOT,
    )


def gross_pct(ask: float, bid: float) -> float:
    """(bid of the sold leg - ask of the bought leg) / ask × 100."""
    return (bid - ask) / ask * 100


def fees_pct(buy: LegKey, sell: LegKey, fees: Mapping[tuple[str, Market], float]) -> float:
    """Taker fees of going in and out on both legs, in percent."""
    return 100 * 2 * (fees[buy.venue, buy.market] + fees[sell.venue, sell.market])


def hourly(cell: Cell) -> float | None:
    """What a long pays per hour as a fraction; 0 for spot, None while rate or interval is unknown."""
    if cell.key.market is Market.SPOT:
        return 0.0
    if cell.funding_rate is None or not cell.funding_interval_h:
        return None
    return cell.funding_rate / cell.funding_interval_h


def carry_per_hour(buy: Cell, sell: Cell) -> float | None:
    """Funding that the holder of long `buy`, short `sell` receives per hour, as a fraction; None while unknown."""
    paid, received = hourly(buy), hourly(sell)
    return None if paid is None or received is None else received - paid


def flags(row: Row, terms: Terms, now: float, now_ms: int) -> list[Flag]:
    """What the coin's row must warn of, in the order of `Flag`."""
    found = {flag for cell in row.cells for flag in _flags_of(cell, terms, now, now_ms)}
    return [flag for flag in Flag if flag in found]


def _flags_of(cell: Cell, terms: Terms, now: float, now_ms: int) -> Iterable[Flag]:
    leg = cell.leg
    if leg.quarantine:
        yield Flag.QUARANTINE
    if leg.off_ms is not None:
        yield Flag.DELISTING
    if leg.halted:
        yield Flag.HALTED
    elif not cell.is_fresh(now, terms.freshness):
        yield Flag.STALE
    if leg.on_ms is not None and 0 <= now_ms - leg.on_ms < DAY_MS:
        yield Flag.NEW
    if cell.is_crossed():
        yield Flag.CROSSED


def _ask(cell: Cell) -> float:
    return cell.ask  # type: ignore[return-value]  # qualified: a price


def _negative_bid(cell: Cell) -> float:
    return -cell.bid  # type: ignore[operator]  # qualified: a price


def _keys(found: tuple[Cell, Cell]) -> tuple[LegKey, LegKey]:
    return found[0].key, found[1].key


def _lowest_two(cells: Sequence[Cell], value: Callable[[Cell], float], spot_too: bool) -> list[Cell]:
    """The cells with the lowest two values, the earlier key first among equals."""
    chosen = cells if spot_too else [c for c in cells if c.key.market is not Market.SPOT]
    return sorted(chosen, key=value)[:2]
