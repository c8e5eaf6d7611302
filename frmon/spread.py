"""From a row to its best pair: pure. Definitions: buy at the ask of A, sell at the bid of B; gross in percent of the ask;
net after the taker fees of a round trip on both legs."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

import msgspec

from frmon.board import Cell, Freshness, Row
from frmon.model import Flag, LegKey, Market, Spread

Fees = Mapping[tuple[str, Market], float]
"""(venue, market) -> taker fee as a fraction."""

SPOT = Market.SPOT  # a look-up less where it counts
DAY_MS = 86_400_000
EPSILON = 1e-9
OUTLYING = 0.2  # of the median of the others: a mid that is further off is not believed
AGREEING = 1.05 + EPSILON  # how many times the lowest mid the highest may be among legs that agree


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What decides whether a leg may enter a pair and what a trade costs."""

    fees: Mapping[tuple[str, Market], float]
    freshness: Freshness = Freshness()
    allow_borrow: bool = False  # let pairs that sell spot be the best pair


def qualifies(cell: Cell, terms: Terms, now: float, now_ms: int) -> bool:
    """Whether a leg may enter a spread, a sort key or a signal: fresh, known to be the same coin, trading, with a sane
    two-sided quote."""
    return bool(qualified((cell,), terms, now, now_ms))


def qualified(cells: Iterable[Cell], terms: Terms, now: float, now_ms: int) -> list[Cell]:
    """The cells that qualify, in their order."""
    freshness = terms.freshness
    found = []
    for cell in cells:
        bid, ask = cell.bid, cell.ask
        if bid is None or ask is None or not 0 < bid <= ask:
            continue
        if cell.is_fresh(now, freshness):
            leg = cell.leg
            if not (leg.quarantine or leg.halted or (leg.off_ms is not None and leg.off_ms <= now_ms)):
                found.append(cell)
    return found


def best(row: Row, terms: Terms, now: float, now_ms: int) -> Spread | None:
    """The pair with the highest gross spread, ties to the alphabetically first; None when fewer than two legs qualify."""
    return best_of(qualified(row.cells, terms, now, now_ms), terms)


def best_of(cells: Sequence[Cell], terms: Terms) -> Spread | None:
    """The best pair among qualified cells, which are in the order of their keys: the lowest ask with the highest bid, or,
    where one leg has both, the better of the two pairs with a runner-up."""
    buy = next_buy = sell = next_sell = None
    low = next_low = inf
    high = next_high = 0.0
    for cell in cells:
        ask: float = cell.ask  # type: ignore[assignment]  # qualified: a price
        bid: float = cell.bid  # type: ignore[assignment]  # qualified: a price
        if ask < low:
            next_buy, next_low, buy, low = buy, low, cell, ask
        elif ask < next_low:
            next_buy, next_low = cell, ask
        if bid > next_high and (terms.allow_borrow or cell.key.market is not SPOT):
            if bid > high:
                next_sell, next_high, sell, high = sell, high, cell, bid
            else:
                next_sell, next_high = cell, bid
    if buy is None or sell is None:
        return None
    if buy is not sell:
        return pair(buy, sell, terms)
    return _better((buy, next_sell), (next_buy, sell), terms)


def pairs(row: Row, terms: Terms, now: float, now_ms: int) -> list[Spread]:
    """Every ordered pair of legs that qualify, in the order of (buy, sell), also those that need a borrow."""
    cells = qualified(row.cells, terms, now, now_ms)
    found = [pair_now(buy, sell, terms) for buy in cells for sell in cells if buy is not sell]
    return [spread for spread in found if spread is not None]


def pair(buy: Cell, sell: Cell, terms: Terms) -> Spread:
    """The spread of one pair of qualified legs. Only for the thread that writes them; see `pair_now`."""
    found = pair_now(buy, sell, terms)
    assert found is not None
    return found


def pair_now(buy: Cell, sell: Cell, terms: Terms) -> Spread | None:
    """The spread of one pair of legs, from any thread: None when a price that it needs has gone meanwhile."""
    ask, bid = buy.ask, sell.bid
    if not ask or bid is None:
        return None
    gross = gross_pct(ask, bid)
    fees = fees_pct(buy.key, sell.key, terms.fees)
    return Spread(
        buy=buy.key,
        sell=sell.key,
        buy_price=ask,
        sell_price=bid,
        gross_pct=gross,
        fees_pct=fees,
        net_pct=gross - fees,
        carry_per_hour=carry_per_hour(buy, sell),
        needs_borrow=sell.key.market is SPOT,
        exit_pct=exit_pct(buy, sell),
    )


def gross_pct(ask: float, bid: float) -> float:
    """(bid of the sold leg - ask of the bought leg) / ask × 100."""
    return (bid - ask) / ask * 100


def exit_pct(buy: Cell, sell: Cell) -> float | None:
    """What it costs now to leave long `buy`, short `sell`: (ask of `sell` - bid of `buy`) / bid of `buy` × 100. None while
    a price is unknown."""
    ask, bid = sell.ask, buy.bid
    return (ask - bid) / bid * 100 if ask and bid else None


def fees_pct(buy: LegKey, sell: LegKey, fees: Mapping[tuple[str, Market], float]) -> float:
    """Taker fees of going in and out on both legs, in percent."""
    return 100 * 2 * (fees[buy.venue, buy.market] + fees[sell.venue, sell.market])


def hourly(cell: Cell) -> float | None:
    """What a long pays per hour as a fraction; 0 for spot, None while rate or interval is unknown or only remembered."""
    if cell.key.market is SPOT:
        return 0.0
    rate, hours = None if cell.funding.is_past() else cell.funding_rate, cell.funding_interval_h
    return None if rate is None or not hours else rate / hours


def carry_per_hour(buy: Cell, sell: Cell) -> float | None:
    """Funding that the holder of long `buy`, short `sell` receives per hour, as a fraction; None while unknown."""
    paid, received = hourly(buy), hourly(sell)
    return None if paid is None or received is None else received - paid


def is_sane(cell: Cell) -> bool:
    """Whether a leg is comparable at all, whatever its age: not quarantined, not halted, two-sided and not crossed."""
    bid, ask = cell.bid, cell.ask
    return not (cell.leg.quarantine or cell.leg.halted) and bid is not None and ask is not None and 0 < bid <= ask


def basis_legs(row: Row, venue: str, fit: Callable[[Cell], bool] = is_sane) -> tuple[Cell, Cell] | None:
    """(spot, perp) of a coin on one venue, of several the alphabetically first that `fit`; None without both."""
    legs: dict[Market, Cell] = {}
    for cell in row.cells:
        if cell.key.venue == venue and fit(cell):
            legs.setdefault(cell.key.market, cell)
    return (legs[Market.SPOT], legs[Market.PERP]) if len(legs) == 2 else None


def basis_pct(row: Row, venue: str, fit: Callable[[Cell], bool] = is_sane) -> float | None:
    """The premium of the perp over the spot of one venue: (perp - spot) / spot × 100, each the mid of best bid and ask.
    What decides anything passes a `fit` that asks `qualifies`, since `is_sane` knows no age."""
    legs = basis_legs(row, venue, fit)
    if legs is None:
        return None
    spot, perp = (_mid(cell) for cell in legs)
    return None if not spot or perp is None else (perp - spot) / spot * 100


def outliers(cells: Sequence[Cell]) -> list[Cell]:
    """Those of a coin's qualified legs that are outliers among them."""
    mids = _mids(cells)
    if len(mids) < 3 or max(mids) <= min(mids) * (1 + OUTLYING):
        return []
    return [c for c in cells if is_outlier(c, [o for o in cells if o is not c])]


def is_outlier(cell: Cell, others: Sequence[Cell]) -> bool:
    """Whether a leg's mid is more than 20 % off the median of other legs (all of them qualified) that agree: at least
    two, within 5 % of each other, and more than agree with this leg, counting itself."""
    mid = _mid(cell)
    if mid is None:
        return False
    mids = _mids(others)
    crowds = _crowds(mids)
    friends = 1 + sum(max(mid, m) <= min(mid, m) * AGREEING for m in mids)
    return bool(crowds) and friends < len(crowds[0]) and all(_off(mid, c) > OUTLYING + EPSILON for c in crowds)


def off_pct(cell: Cell, others: Sequence[Cell]) -> float | None:
    """How far a leg's mid is from the median of most others that agree, in percent of it; None while no two agree."""
    mid, crowds = _mid(cell), _crowds(_mids(others))
    return min(_off(mid, c) for c in crowds) * 100 if crowds and mid is not None else None


def flags(row: Row, terms: Terms, now: float, now_ms: int) -> list[Flag]:
    """What the coin's row must warn of, in the order of `Flag`."""
    found = {flag for cell in row.cells for flag in _flags_of(cell, terms, now, now_ms)}
    if outliers(qualified(row.cells, terms, now, now_ms)):
        found.add(Flag.OUTLIER)
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


def _better(one: tuple[Cell, Cell | None], other: tuple[Cell | None, Cell], terms: Terms) -> Spread | None:
    """The pair with the higher gross, among equals the alphabetically first; a pair may lack a leg."""
    found = [pair(buy, sell, terms) for buy, sell in (one, other) if buy is not None and sell is not None]
    return min(found, key=lambda s: (-s.gross_pct, s.buy, s.sell), default=None)


def _mid(cell: Cell) -> float | None:
    """None when a price has gone: another thread than the writer's may see that of a leg that qualified just before."""
    bid, ask = cell.bid, cell.ask
    return None if bid is None or ask is None else (bid + ask) / 2


def _mids(cells: Iterable[Cell]) -> list[float]:
    return [mid for cell in cells if (mid := _mid(cell)) is not None]


def _crowds(known: Iterable[float]) -> list[list[float]]:
    """Of mids the largest groups, of at least two, in which the highest is at most 5 % above the lowest."""
    mids = sorted(known)
    groups = [mids[n : bisect_right(mids, mids[n] * AGREEING)] for n in range(len(mids))]
    size = max(map(len, groups), default=0)
    return [g for g in groups if len(g) == size] if size > 1 else []


def _off(mid: float, crowd: Sequence[float]) -> float:
    """How far a mid is from the median of an ascending crowd, as a fraction of that."""
    half = len(crowd) // 2
    median = (crowd[half] + crowd[~half]) / 2
    return abs(mid - median) / median
