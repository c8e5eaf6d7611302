"""The same market in Textual's DataTable, in the way that is kindest to it: no sorting, and four times a second
`update_cell` for those cells that changed and can be seen."""

import threading
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from bench.peers.market import Stirred
from frmon.board import Row
from frmon.feeds.loop import new_loop

TITLES = ("coin", "buy", "at", "sell", "for", "gross %", "net %", "carry", "volume", "leg 1", "leg 2", "leg 3")


def cells(row: Row) -> list[str]:
    """What one line shows: as many columns as frmon has at this width."""
    found = row.spread
    prices = [f"{cell.bid:.6g}" for cell in row.cells if cell.bid is not None][:3]
    left = [""] * (3 - len(prices))
    volume = f"{row.cells[0].volume_usd or 0:.3g}"
    if found is None:
        return [row.coin, *[""] * 7, volume, *prices, *left]
    return [
        row.coin,
        found.buy.venue,
        f"{found.buy_price:.6g}",
        found.sell.venue,
        f"{found.sell_price:.6g}",
        f"{found.gross_pct:.3f}",
        f"{found.net_pct:.3f}",
        f"{found.carry_apr_pct or 0:.1f}",
        volume,
        *prices,
        *left,
    ]


class Table(App[None]):
    """A DataTable and nothing else."""

    BINDINGS = [("j", "down"), ("k", "up"), ("q", "quit")]  # noqa: RUF012  as Textual wants it

    def __init__(self) -> None:
        super().__init__()
        self.engine = Stirred()
        self.table: DataTable[str] = DataTable(cursor_type="row", zebra_stripes=False)
        self.shown: dict[str, list[str]] = {}
        self.keys: list[Any] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.keys = self.table.add_columns(*TITLES)
        for row in self.engine.table:
            self.shown[row.coin] = cells(row)
            self.table.add_row(*self.shown[row.coin], key=row.coin)
        threading.Thread(target=lambda: new_loop().run_until_complete(self.engine.run()), daemon=True).start()
        self.set_interval(0.25, self.tick)

    def tick(self) -> None:
        """Update what is in sight."""
        top = int(self.table.scroll_offset.y)
        for row in self.engine.table[top : top + self.table.size.height]:
            new, old = cells(row), self.shown[row.coin]
            for column, before, after in zip(self.keys, old, new, strict=True):
                if before != after:
                    self.table.update_cell(row.coin, column, after)
            self.shown[row.coin] = new

    def action_down(self) -> None:
        self.table.action_cursor_down()

    def action_up(self) -> None:
        self.table.action_cursor_up()


if __name__ == "__main__":
    Table().run()
