"""frmon's own way from socket to board: real lines, real plan, real parsers, real board, the engine's loop."""

import asyncio
import json
import statistics
import sys
from typing import Any

from bench.frames import symbols
from bench.meter import arguments, lags, meter
from frmon.board import Board
from frmon.clock import SystemClock
from frmon.feeds import plan
from frmon.feeds.access import Access
from frmon.feeds.contract import Venue
from frmon.feeds.line import Line
from frmon.feeds.loop import new_loop
from frmon.feeds.pacer import Pacer
from frmon.feeds.venues import all_venues
from frmon.model import Leg, Market

STREAMS = {"binance": "perp public", "okx": "perp", "bybit": "perp", "bitget": "perp"}


def lines_of(venue: Venue, port: int, board: Board) -> list[Line]:
    """The lines that frmon would open for the bench's symbols of this venue, towards the bench's server."""
    [stream] = [s for s in venue.streams if s.name == STREAMS[venue.name]]
    access = Access(
        venue=venue,
        endpoints=dict.fromkeys(venue.endpoints, f"ws://127.0.0.1:{port}"),
        pacer=Pacer(SystemClock(), venue.rules),
        spent=_ignore,
        clock=SystemClock(),
        sink=board,
        tell=_ignore,
        notice=_ignore,
    )
    for symbol in symbols(venue.name):
        coin = symbol.removesuffix("-SWAP").removesuffix("-USDT").removesuffix("USDT")
        board.seat(Leg(venue=venue.name, market=Market.PERP, symbol=symbol, coin=coin))
    return [Line(access, stream, p.name, p.symbols) for p in plan.lines(venue.name, stream, symbols(venue.name))]


def _ignore(*_told: Any) -> None:
    """Nothing here is worth a line."""


async def main() -> None:
    """Run the lines until enough was heard; with "lag" among the arguments also say how late the loop was."""
    ports, shares, skip, until = arguments()
    board = Board()
    lines = [line for v in all_venues() if v.name in shares for line in lines_of(v, ports[v.name], board)]
    runs = [asyncio.create_task(line.run()) for line in lines]
    late: list[float] = []

    def count() -> int:
        return sum(line.state.messages for line in lines)

    watch = asyncio.create_task(lags(late, count, skip)) if json.loads(sys.argv[1]).get("lag") else None
    await meter(count, skip, until)
    if watch is not None:
        watch.cancel()
        print(json.dumps({"lag_p99_ms": statistics.quantiles(late, n=100)[98]}), flush=True)
    assert sum(cell.bid is not None for cell in board.cells()) > 100
    await asyncio.wait(runs)


if __name__ == "__main__":
    new_loop().run_until_complete(main())
