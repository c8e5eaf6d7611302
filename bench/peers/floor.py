"""The floor: msgspec decodes the same bytes into typed objects with floats, and nothing else is done. Beside it frmon's own
parse and merge of these bytes without a socket; and both for all-market frames of 500 rows. One JSON line."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import msgspec

from bench.frames import Sent, arrays, mixed, symbols
from frmon.board import Board
from frmon.feeds.contract import Heard
from frmon.feeds.venues import all_venues
from frmon.model import Carrier, Leg, Market

RUNS = 5


class Book(msgspec.Struct, gc=False):
    s: str
    E: int
    b: float
    a: float
    B: float
    A: float


class Combined(msgspec.Struct, gc=False):
    data: Book


class OkxRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    ts: int
    bid_px: float
    ask_px: float
    bid_sz: float
    ask_sz: float
    last: float


class Okx(msgspec.Struct, gc=False):
    data: list[OkxRow]


class BybitRow(msgspec.Struct, gc=False):
    symbol: str
    bid1Price: float | None = None  # noqa: N815
    bid1Size: float | None = None  # noqa: N815
    ask1Price: float | None = None  # noqa: N815
    ask1Size: float | None = None  # noqa: N815
    lastPrice: float | None = None  # noqa: N815
    markPrice: float | None = None  # noqa: N815
    indexPrice: float | None = None  # noqa: N815
    fundingRate: float | None = None  # noqa: N815
    turnover24h: float | None = None


class Bybit(msgspec.Struct, gc=False):
    type: str
    cs: int
    ts: int
    data: BybitRow


class BitgetRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    ts: int
    last_pr: float
    bid_pr: float
    ask_pr: float
    bid_sz: float
    ask_sz: float
    mark_price: float
    index_price: float
    funding_rate: float
    quote_volume: float


class Bitget(msgspec.Struct, gc=False):
    data: list[BitgetRow]


class Mark(msgspec.Struct, gc=False):
    s: str
    E: int
    p: float
    i: float
    r: float
    T: int


class Day(msgspec.Struct, gc=False):
    s: str
    E: int
    c: float
    q: float


class Marks(msgspec.Struct, gc=False):
    data: list[Mark]


class Days(msgspec.Struct, gc=False):
    data: list[Day]


TYPES = {"binance": Combined, "okx": Okx, "bybit": Bybit, "bitget": Bitget}
Desk = tuple[Board, dict[str, Carrier]]
Job = Callable[[Desk], object]


def cpu_us(job: Job, count: int) -> float:
    """CPU microseconds per item: the median of several runs, each on a fresh board, so that every statement is news."""
    found = []
    for _ in range(RUNS):
        desk = seated()
        before = time.process_time()
        job(desk)
        found.append((time.process_time() - before) / count * 1e6)
    return statistics.median(found)


def decoding(frames: Sequence[Sent]) -> Job:
    """Typed decoding alone."""
    decoders = {venue: msgspec.json.Decoder(kind, strict=False).decode for venue, kind in TYPES.items()}
    work = [(decoders[venue], text.encode()) for venue, _, text in frames]

    def job(_desk: Desk) -> None:
        for decode, data in work:
            decode(data)

    return job


def merging(frames: Sequence[Sent]) -> Job:
    """frmon's parse and merge without a socket."""
    venues = {v.name: v for v in all_venues()}
    parsers = {
        name: next(s.parse for s in venues[name].streams if s.market is Market.PERP and "quote" in _parts(s))
        for name in TYPES
    }
    work = [(venue, parsers[venue], text.encode()) for venue, _, text in frames]

    def job(desk: Desk) -> None:
        board, carriers = desk
        for n, (venue, parse, data) in enumerate(work):
            board.take(carriers[venue], parse(data)[1], n * 1e-4, n)

    return job


def _parts(stream: Any) -> frozenset[str]:
    return frozenset().union(*(channel.parts for channel in stream.channels))


def seated() -> Desk:
    """A board with the bench's symbols, and a live carrier per venue."""
    board = Board()
    for venue in TYPES:
        for symbol in symbols(venue):
            board.seat(Leg(venue=venue, market=Market.PERP, symbol=symbol, coin=symbol[:3]))
    carriers = {venue: Carrier(venue, Market.PERP, "ticker", pushes_changes=True) for venue in TYPES}
    return board, carriers


def all_market(frames: list[bytes]) -> dict[str, float]:
    """The same for all-market frames: microseconds per frame of 500 rows."""
    decoders = [msgspec.json.Decoder(kind, strict=False).decode for kind in (Marks, Days)]
    venue = next(v for v in all_venues() if v.name == "binance")
    parse: Callable[[bytes], Heard] = next(s.parse for s in venue.streams if s.name == "perp market")

    def decode(_desk: Desk) -> None:
        for n, data in enumerate(frames):
            decoders[n % 2](data)

    def merge(desk: Desk) -> None:
        board, carriers = desk
        for n, data in enumerate(frames):
            board.take(carriers["binance"], parse(data)[1], n * 0.5, n)

    return {"array_floor_us": cpu_us(decode, len(frames)), "array_frmon_us": cpu_us(merge, len(frames))}


def main() -> None:
    """Measure all on one core, one after the other."""
    told = json.loads(sys.argv[1])
    frames = list(islice(mixed(told["shares"]), told["until"]))
    found = {
        "cpu_us": cpu_us(decoding(frames), len(frames)),
        "merge_us": cpu_us(merging(frames), len(frames)),
        "bytes": statistics.mean(len(f.text) for f in frames),
        **all_market(arrays(20)),
    }
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
