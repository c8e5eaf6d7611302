"""An independent client reads from the simulated Bitget what the world holds."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt.async_support as ccxt
import pytest

from frmon.clock import ManualClock
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim

PRODUCT = {"productType": "USDT-FUTURES"}


@pytest.fixture
async def sim() -> AsyncIterator[Sim]:
    async with Sim(SimOptions(coins=1_200, venues=("bitget",)), ManualClock()) as sim:  # time stands still
        yield sim


@pytest.fixture
async def exchange(sim: Sim) -> AsyncIterator[Any]:
    """ccxt without keys, pointed at the simulator; it asks for v2 unless it is told otherwise."""
    exchange = ccxt.bitget({"enableRateLimit": False})
    exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], sim.endpoints["bitget"]["rest"])
    exchange.has["fetchCurrencies"] = False
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def traded(sim: Sim, market: str) -> dict[str, Instrument]:
    """What has a price in USDT, by symbol."""
    rows = sim.world.instruments("bitget", market)
    return {s: i for s, i in rows.items() if i.state in ("trading", "halted") and i.kind != "usdc"}


@pytest.mark.parametrize(("market", "params"), [("spot", {"type": "spot"}), ("perp", {"type": "swap", **PRODUCT})])
async def test_ccxt_reads_the_same_prices_of_all_symbols(
    sim: Sim, exchange: Any, market: str, params: dict[str, str]
) -> None:
    tickers = {t["info"]["symbol"]: t for t in (await exchange.fetch_tickers(params=params)).values()}
    wanted = traded(sim, market)
    assert len(wanted) > 400
    assert wanted.keys() <= tickers.keys()
    for symbol, i in wanted.items():
        said = tickers[symbol]
        held = (i.quote.bid or None, i.quote.ask or None, i.quote.last)
        assert (said["bid"], said["ask"], said["last"]) == held, symbol


async def test_ccxt_reads_the_same_funding_of_all_perpetuals(sim: Sim, exchange: Any) -> None:
    rows = await exchange.fetch_funding_intervals(params=PRODUCT)
    rates = {r["info"]["symbol"]: r for r in rows.values()}
    wanted = {s: i for s, i in traded(sim, "perp").items() if i.funding_h}
    assert len(wanted) > 400
    for symbol, i in wanted.items():
        said = rates[symbol]
        assert said["fundingRate"] == i.quote.funding_rate, symbol
        assert said["fundingTimestamp"] == i.quote.next_funding_ms
        assert said["interval"] == f"{i.funding_h}h"


async def test_ccxt_finds_every_market_of_the_lists(sim: Sim, exchange: Any) -> None:
    ids = {(m["type"] == "spot", m["id"]) for m in exchange.markets.values()}
    for market in ("spot", "perp"):
        assert {(market == "spot", symbol) for symbol in traded(sim, market)} <= ids
