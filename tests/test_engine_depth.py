"""Order books through the engine: asked for only while a coin is studied."""

import asyncio
import json
import threading

import msgspec

from frmon.config import VenueDefaults, defaults
from frmon.engine import Engine
from frmon.feeds.contract import Depth, Page, Request
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.venues import all_venues
from frmon.ladder import Fill
from frmon.model import Book, Market
from frmon.study import CoinDepth, PairDepth
from tests.feeds import toy
from tests.feeds.toy import until
from tests.leaping import clock_here
from tests.test_engine import floor, talk


def parse_page(body: bytes) -> Page:
    page = toy.parse_page(body)
    listings = [msgspec.structs.replace(listing, contract=2.0) for listing in page.listings]
    return msgspec.structs.replace(page, listings=listings)


def parse(body: bytes) -> Book:
    told = json.loads(body)
    return Book(tuple(map(tuple, told["bids"])), tuple(map(tuple, told["asks"])))


VENUE = msgspec.structs.replace(
    toy.VENUE,
    directories=(msgspec.structs.replace(toy.VENUE.directories[0], parse=parse_page),),
    depths=(Depth(Market.PERP, lambda symbol: Request(endpoint="rest", path=f"/depth/{symbol}"), parse, 5),),
)


def looked(engine: Engine) -> CoinDepth | None:
    """What is known now."""
    return engine.depth


async def test_a_studied_coin_has_its_books_and_nothing_is_asked_before_or_after() -> None:
    async with floor(scale=0.1, venue=VENUE) as f:
        f.list("A", "B")
        f.quote(A=(1.0, 1.1), B=(2.0, 2.1))
        f.desk.give("/depth/AUSDT", {"bids": [[1.0, 50.0]], "asks": [[1.1, 5000.0]]})
        peer = await f.stage.peer()
        task = asyncio.create_task(talk(peer, "A", "B"))
        await until(lambda: f.bid("A") and f.bid("B"))
        assert looked(f.engine) is None
        assert not any(path.startswith("/depth") for path in f.desk.asked)

        threading.Thread(target=f.engine.study, args=("A",)).start()
        await until(lambda: (seen := looked(f.engine)) is not None and seen.legs and seen.legs[0].buys)
        found = looked(f.engine)
        assert found is not None
        assert (found.coin, found.pair, len(found.legs)) == ("A", None, 1)
        assert found.legs[0].buys[0] == Fill(1.1, 1000.0, True)
        assert found.legs[0].sells[0] == Fill(1.0, 100.0, False)
        assert found.legs[0].levels == 5

        f.engine.study(None)
        await until(lambda: f.engine.depth is None)
        asked = sum(path.startswith("/depth") for path in f.desk.asked)
        await asyncio.sleep(0.5)  # two rounds at this scale
        assert sum(path.startswith("/depth") for path in f.desk.asked) <= asked + 1
        assert {path for path in f.desk.asked if path.startswith("/depth")} == {"/depth/AUSDT"}
        task.cancel()


async def test_a_coin_chosen_before_the_start_is_studied_from_the_start() -> None:
    async with floor(scale=0.1, venue=VENUE) as f:
        f.engine.study("A")
        f.list("A")
        f.quote(A=(1.0, 1.1))
        f.desk.give("/depth/AUSDT", {}, 404)
        await until(lambda: f.engine.depth is not None and f.engine.depth.legs)
        await until(lambda: f.engine.depth and f.engine.depth.legs[0].why == "RECONNECT: HTTP 404")


def test_every_leg_that_a_venue_lists_can_be_asked_for() -> None:
    for venue in all_venues():
        assert {d.market for d in venue.depths} == {d.market for d in venue.directories}


def on(sim: Sim) -> Engine:
    """An engine pointed at the simulated venues."""
    venues = all_venues()
    known = [
        VenueDefaults(name=v.name, endpoints={}, taker_fee_spot=v.taker_fee_spot, taker_fee_perp=v.taker_fee_perp)
        for v in venues
    ]
    settings = defaults(known)
    for name, urls in sim.endpoints.items():
        settings.venues[name].endpoints = urls
    return Engine(venues, settings, simulated="SIMULATED", clock=clock_here())


def pair_of(engine: Engine) -> PairDepth | None:
    found = looked(engine)
    return None if found is None else found.pair


async def test_all_venues_tell_the_books_of_a_coin_within_their_limits() -> None:
    async with Sim(SimOptions(coins=40, rate=0.2), clock_here()) as sim:
        engine = on(sim)
        task = asyncio.create_task(engine.run())
        engine.study("BTC")
        try:
            await until(lambda: (seen := looked(engine)) and len(seen.legs) >= 6 and all(leg.buys for leg in seen.legs))
            await until(lambda: (pair := pair_of(engine)) is not None and not pair.why)
        finally:
            engine.stop()
            seen, pair = looked(engine), pair_of(engine)
            await asyncio.wait_for(task, 10)
        assert seen is not None
        assert pair is not None
        assert pair.any_edge is not None
        assert pair.break_even is not None
        assert pair.break_even.usdt <= pair.any_edge.usdt
        price = sim.world.coins["BTC"].price
        for leg in seen.legs:
            assert leg.why == ""
            assert leg.age_s is not None
            assert all(fill.price is not None and abs(fill.price / price - 1) < 0.02 for fill in leg.buys + leg.sells)
            first, *_, last = leg.buys
            assert (first.price or 0) <= (last.price or 0)
        assert sim.violations == {}
