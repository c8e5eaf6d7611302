"""An independent client reads from the simulated Bybit what the world holds."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt.async_support as ccxt
import pytest

from frmon.clock import ManualClock
from frmon.feeds.sim.dialects.bybit_rows import status_of
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim

HELD = ("Trading", "PreLaunch")


@pytest.fixture
async def sim() -> AsyncIterator[Sim]:
    async with Sim(SimOptions(coins=1_200, venues=("bybit",)), ManualClock()) as sim:  # time stands still
        yield sim


@pytest.fixture
async def exchange(sim: Sim) -> AsyncIterator[Any]:
    """ccxt without keys, pointed at the simulator."""
    exchange = ccxt.bybit({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot", "linear"]}}})
    exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], sim.endpoints["bybit"]["rest"])
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def listed(sim: Sim, market: str) -> dict[str, Instrument]:
    """What the venue lists, by symbol."""
    rows = sim.world.instruments("bybit", market)
    return {s: i for s, i in rows.items() if status_of(i) in (HELD if market == "perp" else HELD[:1])}


@pytest.mark.parametrize(("market", "kind"), [("spot", "spot"), ("perp", "linear")])
async def test_ccxt_reads_the_same_prices_of_all_symbols(sim: Sim, exchange: Any, market: str, kind: str) -> None:
    params = {"type": "spot"} if kind == "spot" else {"type": "swap", "subType": "linear"}
    tickers = {t["info"]["symbol"]: t for t in (await exchange.fetch_tickers(params=params)).values()}
    wanted = listed(sim, market)
    assert len(wanted) > 400
    assert wanted.keys() <= tickers.keys()
    for symbol, i in wanted.items():
        book = i.state == "trading"
        said, held = tickers[symbol], (i.quote.bid or None if book else None, i.quote.ask or None if book else None)
        assert ((said["bid"], said["ask"]), said["last"]) == (held, i.quote.last), symbol


async def test_ccxt_reads_the_same_funding_of_all_perpetuals(sim: Sim, exchange: Any) -> None:
    rates = {r["info"]["symbol"]: r for r in (await exchange.fetch_funding_rates(params={"type": "swap"})).values()}
    wanted = {s: i for s, i in listed(sim, "perp").items() if i.funding_h}
    assert len(wanted) > 400
    for symbol, i in wanted.items():
        said = rates[symbol]
        assert said["fundingRate"] == i.quote.funding_rate, symbol
        assert said["fundingTimestamp"] == i.quote.next_funding_ms
        assert said["interval"] == f"{i.funding_h}h"


async def test_ccxt_finds_every_market_of_the_lists(sim: Sim, exchange: Any) -> None:
    ids = {(m["type"] == "spot", m["id"]) for m in exchange.markets.values()}
    for market in ("spot", "perp"):
        assert {(market == "spot", symbol) for symbol in listed(sim, market)} <= ids
