"""cryptofeed on the same frames, as it is installed (with uvloop). Its symbol tables are handed in; it insists on wss, so
its `connect` is replaced by one that dials the bench's server. Of four venues it speaks three: its Bitget protocol is one
that the venue has switched off."""

import asyncio
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import cryptofeed.connection
from cryptofeed import FeedHandler
from cryptofeed.defines import PERPETUAL, TICKER
from cryptofeed.exchanges import OKX, BinanceFutures, Bybit
from cryptofeed.symbols import Symbols

from bench.frames import names, symbols
from bench.meter import arguments, meter

CLASSES = {"binance": BinanceFutures, "okx": OKX, "bybit": Bybit}
PORTS, SHARES, SKIP, UNTIL = arguments()
count = 0
table: dict[tuple[str, str], tuple[float, float, float]] = {}


def dial(address: str, **more: Any) -> Any:
    """Connect to the bench's server instead of the venue."""
    venue = next(v for v in CLASSES if v in address)
    more.pop("ssl", None)
    return _connect(f"ws://127.0.0.1:{PORTS[venue]}/", proxy=None, **more)


async def on_ticker(ticker: Any, _received: float) -> None:
    """What a user does at least: keep the latest."""
    table[ticker.exchange, ticker.symbol] = (float(ticker.bid), float(ticker.ask), ticker.timestamp)


def feed(venue: str) -> Any:
    """A feed of one venue that counts its messages."""
    cls = CLASSES[venue]
    known = {f"{coin}-USDT-PERP": symbol for coin, symbol in zip(names(), symbols(venue), strict=True)}
    info = {"tick_size": {}, "instrument_type": dict.fromkeys(known, PERPETUAL), "is_quanto": {}}
    Symbols.set(cls.id, known, info)
    made = cls(symbols=list(known), channels=[TICKER], callbacks={TICKER: on_ticker}, retries=0)
    handle = made.message_handler

    async def handle_and_count(message: str, connection: Any, received: float) -> None:
        global count  # noqa: PLW0603  one process, one figure
        await handle(message, connection, received)
        count += 1

    made.message_handler = handle_and_count
    return made


async def measure() -> None:
    """Print the figures, and be sure that tickers arrived."""
    await meter(lambda: count, SKIP, UNTIL)
    assert len(table) > 100


_connect = cryptofeed.connection.connect
cryptofeed.connection.connect = dial

if __name__ == "__main__":
    log = str(Path(gettempdir()) / "frmon-bench-cryptofeed.log")
    handler = FeedHandler(config={"uvloop": True, "log": {"filename": log, "level": "ERROR"}})
    for name in SHARES:
        handler.add_feed(feed(name))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.call_soon(loop.create_task, measure())
    handler.run(install_signal_handlers=False)
