"""An independent client reads from the simulated venues the same order books as our own parsers do."""

from collections.abc import AsyncIterator
from itertools import chain
from typing import Any

import ccxt.async_support as ccxt
import pytest

from frmon.clock import ManualClock
from frmon.errors import VenueError
from frmon.feeds.contract import Depth
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Rest
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.venues import all_venues
from frmon.ladder import per_coin
from frmon.model import Book, Market
from tests.given import leg

VENUES = {venue.name: venue for venue in all_venues()}
MARKETS = ("spot", "perp")
MOST = {
    ("bybit", "spot"): 200,
    ("bybit", "perp"): 200,
    ("bitget", "spot"): 150,
    ("bitget", "perp"): 100,
    ("okx", "spot"): 400,
    ("okx", "perp"): 400,
}


@pytest.fixture(params=sorted(VENUES))
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Sim]:
    async with Sim(SimOptions(coins=150, venues=(request.param,)), ManualClock()) as sim:  # time stands still
        yield sim


def point(exchange: Any, urls: dict[str, str]) -> Any:
    """Let ccxt ask the simulator only."""
    api = exchange.urls["api"]
    if "perp_rest" in urls:
        api["public"] = f"{urls['spot_rest']}/api/v3"
        for name, version in (("fapiPublic", "v1"), ("fapiPublicV2", "v2"), ("fapiPublicV3", "v3")):
            api[name] = f"{urls['perp_rest']}/fapi/{version}"
    else:
        exchange.urls["api"] = dict.fromkeys(api, urls["rest"])
    types = ["spot", "linear"] if exchange.id in ("binance", "bybit") else ["spot", "swap"]
    exchange.options |= {"fetchMarkets": {"types": types}, "fetchCurrencies": False}
    exchange.has["fetchCurrencies"] = False
    return exchange


@pytest.fixture
async def exchange(sim: Sim) -> AsyncIterator[Any]:
    """ccxt without keys."""
    [(venue, urls)] = sim.endpoints.items()
    exchange = point(getattr(ccxt, venue)({"enableRateLimit": False}), urls)
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


@pytest.fixture
async def rest(sim: Sim) -> AsyncIterator[Rest]:
    [(venue, urls)] = sim.endpoints.items()
    http = Http()
    try:
        yield Rest(http, VENUES[venue], urls, Pacer(sim.clock, VENUES[venue].rules), sim.clock)
    finally:
        await http.close()


def venue_of(sim: Sim) -> str:
    return next(iter(sim.endpoints))


def some(sim: Sim, market: str) -> list[Instrument]:
    """A few that trade in USDT: the best known, one with a multiplier, one with contracts, one with an empty side."""
    rows = sim.world.instruments(venue_of(sim), market).values()
    trading = [i for i in rows if i.state == "trading" and i.kind == "normal"]
    picks = [trading[:2], [i for i in trading if i.multiplier > 1][:1], [i for i in trading if i.flaw == "no_bid"][:1]]
    return list({i.symbol: i for i in [*chain(*picks), trading[-1]]}.values())


def name_of(exchange: Any, i: Instrument) -> str:
    """What ccxt calls it."""
    kind = "spot" if i.market == "spot" else "swap"
    return str(next(m["symbol"] for m in exchange.markets_by_id[i.symbol] if m["type"] == kind))


@pytest.mark.parametrize("market", MARKETS)
async def test_ccxt_reads_the_same_ladder(sim: Sim, exchange: Any, rest: Rest, market: str) -> None:
    venue = venue_of(sim)
    depth: Depth = next(d for d in VENUES[venue].depths if d.market == market)
    levels = MOST.get((venue, market), 500)
    for i in some(sim, market):
        ours = depth.parse((await rest.get(depth.request(i.symbol)))[0])
        theirs = await exchange.fetch_order_book(name_of(exchange, i), levels)
        scale = exchange.market(name_of(exchange, i))["contractSize"] or 1.0
        assert scale == i.contract
        for mine, told in ((ours.bids, theirs["bids"]), (ours.asks, theirs["asks"])):
            assert [tuple(level[:2]) for level in told] == list(mine[: len(told)])
            assert len(told) == min(levels, len(mine))
        assert_top(ours, i)
    assert not sim.violations


def assert_top(book: Book, i: Instrument) -> None:
    """The first level is the world's quote; in coins it is as many as the world holds."""
    quote = i.quote
    assert book.bids[:1] == (((quote.bid, quote.bid_size),) if quote.bid else ())
    assert book.asks[:1] == (((quote.ask, quote.ask_size),) if quote.ask else ())
    coins = per_coin(book, leg(i.venue, multiplier=i.multiplier, contract=i.contract))
    assert coins is not None
    if quote.ask:
        price, size = coins.asks[0]
        assert price * size == pytest.approx(quote.ask * quote.ask_size * i.contract)
        assert price == pytest.approx(i.coin.price, rel=0.05)


@pytest.mark.parametrize("market", MARKETS)
async def test_the_listing_says_what_a_contract_is(sim: Sim, rest: Rest, market: str) -> None:
    venue = VENUES[venue_of(sim)]
    directory = next(d for d in venue.directories if d.market == market)
    page = directory.parse((await rest.get(directory.request))[0])
    sizes = {listing.symbol: listing.contract for listing in page.listings}
    for i in some(sim, market):
        assert sizes[i.symbol] == pytest.approx(i.contract)


@pytest.mark.parametrize("market", MARKETS)
async def test_a_book_that_does_not_exist_is_refused(sim: Sim, rest: Rest, market: str) -> None:
    depth = next(d for d in VENUES[venue_of(sim)].depths if d.market is Market(market))
    with pytest.raises(VenueError):
        depth.parse((await rest.get(depth.request("NOPEUSDT")))[0])
