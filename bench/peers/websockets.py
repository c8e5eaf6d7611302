"""What one writes first: the websockets library as it comes, the standard library's JSON, a dictionary of floats per symbol.
As many connections as frmon opens, on asyncio's own loop."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import connect

from bench.frames import symbols
from bench.meter import arguments, meter
from bench.peers.frmon import STREAMS
from frmon.feeds import plan
from frmon.feeds.venues import all_venues

Fields = dict[str, float]
NAMES = {
    "binance": {"b": "bid", "a": "ask", "B": "bid_size", "A": "ask_size"},
    "okx": {"bidPx": "bid", "askPx": "ask", "bidSz": "bid_size", "askSz": "ask_size", "last": "last"},
    "bybit": {
        "bid1Price": "bid", "ask1Price": "ask", "bid1Size": "bid_size", "ask1Size": "ask_size", "lastPrice": "last",
        "markPrice": "mark", "indexPrice": "index", "fundingRate": "rate", "turnover24h": "volume",
    },
    "bitget": {
        "bidPr": "bid", "askPr": "ask", "bidSz": "bid_size", "askSz": "ask_size", "lastPr": "last", "markPrice": "mark",
        "indexPrice": "index", "fundingRate": "rate", "quoteVolume": "volume",
    },
}  # fmt: skip
"""The venue's name of a field -> ours: those that frmon reads of these frames."""

SYMBOL = {"binance": "s", "okx": "instId", "bybit": "symbol", "bitget": "instId"}


def groups(venue: str) -> list[Sequence[str]]:
    """The symbols of every connection that frmon would open."""
    [found] = [v for v in all_venues() if v.name == venue]
    [stream] = [s for s in found.streams if s.name == STREAMS[venue]]
    return [sorted(p.symbols) for p in plan.lines(venue, stream, symbols(venue))]


def read(venue: str, text: str | bytes, table: dict[tuple[str, str], Fields]) -> int:
    """Put one frame into the table; how many rows it had."""
    data: Any = json.loads(text)["data"]
    rows = data if isinstance(data, list) else [data]
    for row in rows:
        fields = table.setdefault((venue, row[SYMBOL[venue]]), {})
        for theirs, ours in NAMES[venue].items():
            if theirs in row:
                fields[ours] = float(row[theirs])
    return len(rows)


async def main() -> None:
    """Run until enough was heard."""
    ports, shares, skip, until = arguments()
    table: dict[tuple[str, str], Fields] = {}
    count = 0

    async def follow(venue: str, asked: Sequence[str]) -> None:
        nonlocal count
        async with connect(f"ws://127.0.0.1:{ports[venue]}", proxy=None) as socket:
            await socket.send(json.dumps(asked))
            async for text in socket:
                count += read(venue, text, table)

    runs = [asyncio.create_task(follow(venue, asked)) for venue in shares for asked in groups(venue)]
    await meter(lambda: count, skip, until)
    assert sum("bid" in fields for fields in table.values()) > 100
    await asyncio.wait(runs)


if __name__ == "__main__":
    asyncio.run(main())
