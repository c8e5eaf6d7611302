"""The screen reads cells while the engine's thread writes them: a price may go between two reads."""

from collections.abc import Callable

import pytest

from frmon.board import Cell, Row
from frmon.gates import Question, Standing, explain
from frmon.model import Market
from frmon.spread import basis_pct, exit_pct, flags, off_pct, outliers, pairs
from frmon.tui.columns import row_columns
from frmon.tui.fundingcolumns import funding_columns
from frmon.tui.grid import Look
from frmon.tui.sections.matrix import matrix_lines
from tests.given import TERMS, Desk, leg


class Fading(Cell):
    """A cell whose bid is gone after so many reads."""

    left = 0
    seen: float | None = None

    @property
    def bid(self) -> float | None:
        self.left -= 1
        return self.seen if self.left >= 0 else None

    @bid.setter
    def bid(self, value: float | None) -> None:
        self.seen = value


def fading(reads: int) -> Row:
    """A coin on five legs, one of them far off; the bid of every one goes after `reads` reads."""
    markets = (("binance", Market.SPOT), *((v, Market.PERP) for v in ("binance", "bitget", "bybit", "okx")))
    legs = [leg(venue, market=market) for venue, market in markets]
    desk = Desk(*legs)
    for n, one in enumerate(legs):
        bid = 150.0 if n == 4 else 100.0
        desk.say(one, bid, bid + 1, 1.0, funding_rate=1e-4 * n, funding_interval_h=8.0)
    row = desk.board.rows["PEPE"]
    row.cells[:] = [_copy(cell, reads) for cell in row.cells]
    return row


def _copy(cell: Cell, reads: int) -> Cell:
    made = Fading(cell.leg, cell.row)
    for name in Cell.__slots__:
        setattr(made, name, getattr(cell, name))
    made.left = reads
    return made


def _every_column(row: Row, look: Look) -> None:
    for column in (*row_columns(()), *funding_columns(())):
        column.text(column.figure(row, look), column.width, look)


LOOK = Look(1.0, 0, TERMS, {})
READS: dict[str, Callable[[Row], object]] = {
    "flags": lambda row: flags(row, TERMS, 1.0, 0),
    "outliers": lambda row: outliers(row.cells),
    "off": lambda row: off_pct(row.cells[0], row.cells[1:]),
    "basis": lambda row: basis_pct(row, "binance"),
    "exit": lambda row: exit_pct(row.cells[0], row.cells[1]),
    "pairs": lambda row: pairs(row, TERMS, 1.0, 0),
    "gates": lambda row: explain(row, None, Standing(), Question(terms=TERMS, now=1.0, now_ms=0)),
    "matrix": lambda row: matrix_lines(row, LOOK, 80),
    "columns": lambda row: _every_column(row, LOOK),
}


@pytest.mark.parametrize("what", READS)
def test_a_price_that_goes_between_two_reads_breaks_nothing(what: str) -> None:
    for reads in range(40):
        READS[what](fading(reads))


def test_a_whole_row_is_read_as_before() -> None:
    row = fading(1000)
    assert [cell.key.venue for cell in outliers(row.cells)] == ["okx"]
    assert len(pairs(row, TERMS, 1.0, 0)) == 20
    assert exit_pct(row.cells[0], row.cells[1]) == pytest.approx(1.0)
