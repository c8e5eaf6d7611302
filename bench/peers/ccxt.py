"""ccxt.pro on the same frames: one exchange object per venue, markets handed in, subscribed once, its tables read ten
times a second. That is its cheapest use; the documented loop around `watch_*` costs more."""

import asyncio
from collections.abc import Callable
from typing import Any

import ccxt.pro

from bench.frames import COINS, names, symbols
from bench.meter import arguments, meter

CLASSES = {"binance": "binanceusdm", "okx": "okx", "bybit": "bybit", "bitget": "bitget"}


def exchange(venue: str, ports: dict[str, int]) -> Any:
    """An exchange object of ccxt that dials the bench's server."""
    made = getattr(ccxt.pro, CLASSES[venue])({"enableRateLimit": False, "newUpdates": True})
    url = f"ws://127.0.0.1:{ports['binance_raw' if venue == 'binance' else venue]}"
    urls = made.urls["api"]["ws"]
    if venue == "binance":
        urls.update({name: f"{url}/ws" for name, old in urls.items() if isinstance(old, str)})
    elif venue == "okx":
        made.urls["api"]["ws"] = url
    elif venue == "bybit":
        urls["public"]["linear"] = url
    else:
        urls["public"] = url
    made.set_markets([market(made, coin, symbol) for coin, symbol in zip(names(COINS), symbols(venue), strict=False)])
    return made


def market(made: Any, coin: str, symbol: str) -> Any:
    """A perpetual in ccxt's words."""
    return made.safe_market_structure(
        {
            "id": symbol,
            "lowercaseId": symbol.lower(),
            "symbol": f"{coin}/USDT:USDT",
            "base": coin,
            "quote": "USDT",
            "settle": "USDT",
            "baseId": coin,
            "quoteId": "USDT",
            "settleId": "USDT",
            "type": "swap",
            "spot": False,
            "margin": False,
            "swap": True,
            "future": False,
            "option": False,
            "contract": True,
            "linear": True,
            "inverse": False,
            "subType": "linear",
            "active": True,
            "contractSize": 1.0,
            "precision": {"price": 1e-6, "amount": 1e-3},
            "limits": {},
            "info": {},
        }
    )


def counted(handle: Callable[[Any, Any], None], count: list[int]) -> Callable[[Any, Any], None]:
    """ccxt's own handling of a message, and one more counted."""

    def handle_and_count(client: Any, message: Any) -> None:
        handle(client, message)
        count[0] += 1

    return handle_and_count


async def follow(made: Any, venue: str) -> None:
    """Subscribe, then let ccxt keep its own tables, and look at them ten times a second."""
    wanted = list(made.markets)
    await (made.watch_bids_asks(wanted) if venue == "binance" else made.watch_tickers(wanted))
    while True:
        await asyncio.sleep(0.1)
        told = made.bidsasks if venue == "binance" else made.tickers
        assert all(ticker["symbol"] for ticker in told.values())


async def main() -> None:
    """Run until enough was heard."""
    ports, shares, skip, until = arguments()
    count = [0]
    jobs = []
    for venue in shares:
        made = exchange(venue, ports)
        made.handle_message = counted(made.handle_message, count)
        jobs.append(asyncio.create_task(follow(made, venue)))
    await asyncio.gather(meter(lambda: count[0], skip, until), *jobs)


if __name__ == "__main__":
    asyncio.run(main())
