"""What is remembered of the last run, what venues list and what they say, in whatever order they come."""

from collections.abc import Sequence

import pytest

from frmon.board import Board, Cell
from frmon.clock import ManualClock
from frmon.feeds.catalog import Catalog
from frmon.funding import funding_is_fresh
from frmon.identity import Identity
from frmon.model import Listing, Market, Tick
from frmon.spread import hourly, qualifies
from frmon.storage.records import LegName
from frmon.warmstart import remembered
from tests.given import TERMS, WALL, line
from tests.test_warmstart import LAST_BAR, MINUTE, NOW_MS, SETTINGS


def past(coin: str = "PEPE", multiplier: int = 1) -> Cell:
    name = LegName("okx", "perp", "PEPE-USDT-SWAP", coin, multiplier)
    [cell] = remembered([(name, LAST_BAR)], SETTINGS, 100.0, MINUTE * 60_000 + 60_000)
    return cell


def told(order: Sequence[str], cell: Cell, tick: Tick | None = None, symbols: Sequence[str] = ("PEPE",)) -> Board:
    """A board on which this happened in this order: "list" (of these coins), "memory" and "said"."""
    board = Board()
    catalog = Catalog({"okx": ({}, False)}, SETTINGS.coins)
    identity = Identity(board, catalog, ManualClock(NOW_MS, 100.0), TERMS.freshness, lambda _: None)
    listings = [Listing(venue="okx", market=Market.PERP, symbol=f"{s}-USDT-SWAP", base=s) for s in symbols]
    carrier = line("okx")
    for what in order:
        if what == "list":
            identity.listed("okx", Market.PERP, listings)
        elif what == "memory":
            identity.remember([cell])
        elif tick is not None:
            board.take(carrier, [tick], 100.0, WALL)
    return board


def shown(board: Board) -> list[tuple[object, ...]]:
    return [
        (c.leg, c.bid, c.ask, c.mark, c.index, c.funding_rate, c.source, c.age_s(100.0, TERMS.freshness))
        for row in board.rows.values()
        for c in row.cells
    ]


BOTH = [("list", "memory"), ("memory", "list")]


@pytest.mark.parametrize("order", BOTH)
def test_a_listed_leg_shows_what_is_remembered_whichever_comes_first(order: Sequence[str]) -> None:
    board = told(order, past())
    [cell] = board.rows["PEPE"].cells
    assert cell is board.cell(cell.key)
    assert shown(board) == [(cell.leg, 0.9, 1.1, 1.01, 1.02, 0.0001, None, pytest.approx(60.0))]
    assert not cell.is_fresh(100.0, TERMS.freshness)
    assert not qualifies(cell, TERMS, 100.0, WALL)
    assert (cell.last, cell.received_ms, cell.event_ms) == (None, None, None)
    board.take(line("okx"), [Tick(symbol="PEPE-USDT-SWAP", bid=0.9, ask=1.1, event_ms=WALL)], 100.0, WALL)
    assert (cell.source, cell.is_fresh(100.0, TERMS.freshness)) == ("ws", True)


@pytest.mark.parametrize("order", BOTH)
@pytest.mark.parametrize("one", [past(multiplier=1000), past(coin="X")])
def test_a_listed_leg_that_means_something_else_shows_nothing_of_it(order: Sequence[str], one: Cell) -> None:
    board = told(order, one)
    assert list(board.rows) == ["PEPE"]
    assert [values[1:-2] for values in shown(board)] == [(None,) * 5]


@pytest.mark.parametrize("order", BOTH)
def test_a_leg_that_the_list_does_not_name_is_dropped(order: Sequence[str]) -> None:
    board = told(order, past(), symbols=("BTC",))
    assert list(board.rows) == ["BTC"]


TICKS = {
    "a quote": Tick(symbol="PEPE-USDT-SWAP", bid=5.0, ask=5.1, event_ms=WALL),
    "one side": Tick(symbol="PEPE-USDT-SWAP", bid=5.0, event_ms=WALL),
    "no side": Tick(symbol="PEPE-USDT-SWAP", bid=0.0, ask=0.0, event_ms=WALL),
    "funding": Tick(symbol="PEPE-USDT-SWAP", funding_rate=0.5, event_ms=WALL),
    "a mark": Tick(symbol="PEPE-USDT-SWAP", mark=5.0, event_ms=WALL),
    "all": Tick(symbol="PEPE-USDT-SWAP", bid=5.0, ask=5.1, mark=5.2, index=5.3, funding_rate=0.5, event_ms=WALL),
}


@pytest.mark.parametrize("tick", TICKS.values(), ids=TICKS)
def test_what_a_venue_said_wins_whether_before_or_after_what_is_remembered(tick: Tick) -> None:
    orders = [("list", "said", "memory"), ("list", "memory", "said"), ("memory", "list", "said")]
    first, *others = [shown(told(order, past(), tick)) for order in orders]
    assert others == [first, first]
    [(_, bid, ask, mark, index, rate, source, _)] = first
    is_quote = tick.bid is not None
    assert (bid, ask) == ((tick.bid or None, tick.ask or None) if is_quote else (0.9, 1.1))
    assert (mark, index) == (tick.mark or 1.01, tick.index or 1.02)
    assert rate == (tick.funding_rate or 0.0001)
    assert source == ("ws" if is_quote else None)


@pytest.mark.parametrize("order", BOTH)
def test_a_remembered_rate_is_shown_and_makes_no_carry_until_one_is_said(order: Sequence[str]) -> None:
    board = told(order, past())
    [cell] = board.rows["PEPE"].cells
    cell.funding_interval_h = 8.0
    board.take(line("okx"), [Tick(symbol="PEPE-USDT-SWAP", bid=0.9, ask=1.1, event_ms=WALL)], 100.0, WALL)
    assert qualifies(cell, TERMS, 100.0, WALL)
    assert (cell.funding_rate, hourly(cell), funding_is_fresh(cell, 100.0)) == (0.0001, None, False)
    board.take(line("okx"), [Tick(symbol="PEPE-USDT-SWAP", funding_rate=0.0001, event_ms=WALL + 1)], 100.0, WALL + 1)
    assert (hourly(cell), funding_is_fresh(cell, 100.0)) == (0.0001 / 8, True)


def test_of_a_leg_that_is_not_listed_yet_no_rate_is_compared() -> None:
    [cell] = told(["memory"], past()).rows["PEPE"].cells
    cell.funding_interval_h = 8.0
    assert (cell.funding_rate, hourly(cell)) == (0.0001, None)
