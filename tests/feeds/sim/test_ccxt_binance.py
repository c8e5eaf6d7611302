"""An independent client reads from the simulated Binance what the world holds."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.async_support as ccxt
import ccxt.pro as streaming
import pytest

from frmon.clock import ManualClock
from frmon.feeds.sim.dialects.binance import LISTED
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim


@pytest.fixture
async def sim() -> AsyncIterator[Sim]:
    async with Sim(SimOptions(coins=1_200, venues=("binance",)), ManualClock()) as sim:  # time stands still
        yield sim


def point(exchange: Any, sim: Sim) -> Any:
    """Let ccxt ask the simulator only."""
    urls, api = sim.endpoints["binance"], exchange.urls["api"]
    api["public"] = f"{urls['spot_rest']}/api/v3"
    for name, version in (("fapiPublic", "v1"), ("fapiPublicV2", "v2"), ("fapiPublicV3", "v3")):
        api[name] = f"{urls['perp_rest']}/fapi/{version}"
    if "ws" in api:
        api["ws"] |= {"spot": f"{urls['spot_ws']}/stream", "linear": f"{urls['perp_ws']}/ws"}
    exchange.options["fetchMarkets"] = {"types": ["spot", "linear"]}
    exchange.options["fetchCurrencies"] = False
    return exchange


@pytest.fixture
async def exchange(sim: Sim) -> AsyncIterator[Any]:
    """ccxt without keys, pointed at the simulator."""
    exchange = point(ccxt.binance({"enableRateLimit": False}), sim)
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def listed(sim: Sim, market: str) -> dict[str, Instrument]:
    """What the venue lists, by symbol."""
    return {s: i for s, i in sim.world.instruments("binance", market).items() if i.kind in LISTED}


@pytest.mark.parametrize(("market", "kind"), [("spot", "spot"), ("perp", "swap")])
async def test_ccxt_reads_the_same_books_of_all_symbols(sim: Sim, exchange: Any, market: str, kind: str) -> None:
    books = await exchange.fetch_bids_asks(params={"type": kind})
    said = {t["info"]["symbol"]: (t["bid"] or 0.0, t["ask"] or 0.0) for t in books.values()}
    held = {s: (i.quote.bid, i.quote.ask) for s, i in listed(sim, market).items()}
    assert len(held) > 400
    assert said == held


@pytest.mark.parametrize(("market", "kind"), [("spot", "spot"), ("perp", "swap")])
async def test_ccxt_reads_the_same_last_prices(sim: Sim, exchange: Any, market: str, kind: str) -> None:
    tickers = await exchange.fetch_tickers(params={"type": kind})
    said = {t["info"]["symbol"]: t["last"] for t in tickers.values()}
    held = {s: i.quote.last for s, i in listed(sim, market).items() if market == "spot" or i.state == "trading"}
    assert said == held


async def test_ccxt_reads_the_same_funding_of_all_perpetuals(sim: Sim, exchange: Any) -> None:
    rates = {r["info"]["symbol"]: r for r in (await exchange.fetch_funding_rates(params={"type": "swap"})).values()}
    hours = {r["info"]["symbol"]: r for r in (await exchange.fetch_funding_intervals()).values()}
    wanted = {s: i for s, i in listed(sim, "perp").items() if i.funding_h}
    assert len(wanted) > 400
    for symbol, i in wanted.items():
        assert rates[symbol]["fundingRate"] == i.quote.funding_rate, symbol
        assert rates[symbol]["fundingTimestamp"] == i.quote.next_funding_ms
        unlisted = i.flaw == "unlisted_interval" and i.funding_h == 8
        assert (symbol not in hours) if unlisted else (hours[symbol]["interval"] == f"{i.funding_h}h")


async def test_ccxt_hears_the_same_prices_on_its_streams(sim: Sim) -> None:
    exchange = point(streaming.binance({"enableRateLimit": False}), sim)
    clock = sim.clock
    assert isinstance(clock, ManualClock)
    try:
        await exchange.load_markets()
        for name in ("BTC/USDT", "BTC/USDT:USDT"):
            i = listed(sim, "perp" if ":" in name else "spot")["BTCUSDT"]
            asking = exchange.watch_bids_asks([name])
            said = await until_heard(asking, clock)
            assert (said[name]["bid"], said[name]["ask"]) == (i.quote.bid, i.quote.ask)
    finally:
        await exchange.close()


async def until_heard(asking: Any, clock: ManualClock) -> Any:
    """Let the market's time pass until ccxt has heard something; nothing moves after that."""
    task = asyncio.ensure_future(asking)
    for _ in range(200):
        await asyncio.wait([task], timeout=0.05)
        if task.done():
            break
        clock.advance(0.2)
    return task.result()
