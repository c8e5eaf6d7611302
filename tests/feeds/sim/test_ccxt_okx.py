"""An independent client reads from the simulated OKX what the world holds."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt.async_support as ccxt
import ccxt.pro as streaming
import pytest

from frmon.clock import ManualClock
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from tests.feeds.sim.test_ccxt_binance import until_heard


@pytest.fixture
async def sim() -> AsyncIterator[Sim]:
    async with Sim(SimOptions(coins=1_200, venues=("okx",)), ManualClock()) as sim:  # time stands still
        yield sim


def point(exchange: Any, sim: Sim) -> Any:
    """Let ccxt ask the simulator only."""
    urls = sim.endpoints["okx"]
    exchange.urls["api"]["rest"] = urls["rest"]
    if "ws" in exchange.urls["api"]:
        exchange.urls["api"]["ws"] = f"{urls['ws']}/ws/v5"
    exchange.options["fetchMarkets"] = {"types": ["spot", "swap"]}
    exchange.options["fetchCurrencies"] = False
    return exchange


@pytest.fixture
async def exchange(sim: Sim) -> AsyncIterator[Any]:
    """ccxt without keys, pointed at the simulator."""
    exchange = point(ccxt.okx({"enableRateLimit": False}), sim)
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def listed(sim: Sim, market: str) -> dict[str, Instrument]:
    """What has a ticker, by symbol."""
    rows = sim.world.instruments("okx", market)
    return {s: i for s, i in rows.items() if i.kind != "xperp" and i.state != "prelaunch"}


@pytest.mark.parametrize(("market", "kind"), [("spot", "SPOT"), ("perp", "SWAP")])
async def test_ccxt_reads_the_same_prices_of_all_symbols(sim: Sim, exchange: Any, market: str, kind: str) -> None:
    tickers = (await exchange.fetch_tickers(params={"type": kind.lower()})).values()
    said = {t["info"]["instId"]: (t["bid"], t["ask"], t["last"]) for t in tickers}
    held = {s: (i.quote.bid or None, i.quote.ask or None, i.quote.last) for s, i in listed(sim, market).items()}
    assert len(held) > 250
    assert said == held


async def test_ccxt_reads_the_same_funding_of_all_swaps(sim: Sim, exchange: Any) -> None:
    rates = {r["info"]["instId"]: r for r in (await exchange.fetch_funding_rates()).values()}
    wanted = {s: i for s, i in listed(sim, "perp").items() if i.funding_h}
    assert len(wanted) > 250
    for symbol, i in wanted.items():
        assert rates[symbol]["fundingRate"] == i.quote.funding_rate, symbol
        assert rates[symbol]["fundingTimestamp"] == i.quote.next_funding_ms
        assert rates[symbol]["interval"] == f"{i.funding_h}h"


async def test_ccxt_finds_the_contract_sizes(sim: Sim, exchange: Any) -> None:
    sizes = {m["id"]: m["contractSize"] for m in exchange.markets.values() if m["type"] == "swap"}
    assert {s: sizes[s] for s in listed(sim, "perp")} == {s: i.contract for s, i in listed(sim, "perp").items()}


async def test_ccxt_hears_the_same_prices_on_its_streams(sim: Sim) -> None:
    exchange = point(streaming.okx({"enableRateLimit": False}), sim)
    clock = sim.clock
    assert isinstance(clock, ManualClock)
    try:
        await exchange.load_markets()
        for name, symbol in (("BTC/USDT", "BTC-USDT"), ("BTC/USDT:USDT", "BTC-USDT-SWAP")):
            said = await until_heard(exchange.watch_ticker(name), clock)
            i = listed(sim, "perp" if ":" in name else "spot")[symbol]
            assert (said["bid"], said["ask"], said["last"]) == (i.quote.bid, i.quote.ask, i.quote.last)
    finally:
        await exchange.close()
