"""An independent client reads from the simulated venues the same past settlements as our own parsers do, and both what
happened in the world."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt.async_support as ccxt
import pytest

from frmon.clock import ManualClock
from frmon.errors import VenueError
from frmon.feeds.contract import FundingHistory, Past, Settled
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Rest
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.past import settled
from frmon.feeds.sim.server import Sim
from frmon.feeds.venues import all_venues
from tests.feeds.sim.test_ccxt_depth import name_of, point, venue_of

VENUES = {venue.name: venue for venue in all_venues()}
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture(params=sorted(VENUES))
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Sim]:
    """Nine hours old: something was settled meanwhile, and time stands still."""
    clock = ManualClock()
    async with Sim(SimOptions(coins=150, venues=(request.param,), rate=0.1), clock) as sim:
        for _ in range(9):
            clock.advance(3600.0)
            sim.world.advance(sim.now_ms())
        yield sim


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


def some(sim: Sim) -> list[Instrument]:
    rows = sim.world.instruments(venue_of(sim), "perp").values()
    found = [i for i in rows if (i.state, i.kind) == ("trading", "normal") and i.funding_h and len(i.paid) > 1]
    return [*found[:2], *[i for i in found if i.multiplier > 1][:1], *[i for i in found if i.funding_h == 1][:1]]


def history_of(sim: Sim) -> FundingHistory:
    return VENUES[venue_of(sim)].funding_histories[0]


async def test_ccxt_reads_the_same_settlements(sim: Sim, exchange: Any, rest: Rest) -> None:
    now_ms = sim.now_ms()
    since_ms = now_ms - 3 * DAY_MS
    assert some(sim)
    for i in some(sim):
        body, _ = await rest.get(history_of(sim).request(Past(i.symbol, since_ms, now_ms)))
        ours = sorted((s.at_ms, s.rate) for s in history_of(sim).parse(body) if s.at_ms >= since_ms)
        theirs = await exchange.fetch_funding_rate_history(
            name_of(exchange, i), since_ms, 100, {"until": now_ms} if exchange.id == "bybit" else {}
        )
        assert ours == [(t["timestamp"], t["fundingRate"]) for t in theirs]
        truth = [(p.at_ms, p.rate) for p in reversed(list(settled(i, 500))) if p.at_ms >= since_ms]
        assert [rate for _, rate in ours] == [rate for _, rate in truth]
        assert all(0 <= told - at < 5 for (told, _), (at, _) in zip(ours, truth, strict=True))
        happened = [(p.at_ms, p.rate) for p in i.paid[1:]]
        assert happened == truth[-len(happened) :]
    assert not sim.violations


async def test_pages_together_tell_everything_once(sim: Sim, rest: Rest) -> None:
    """Twelve days of an instrument that settles every hour fit one reply of one venue only."""
    i = some(sim)[0]
    i.paid = [i.paid[-1]._replace(hours=1)]
    since_ms, until_ms = sim.now_ms() - 12 * DAY_MS, sim.now_ms()
    found: list[Settled] = []
    past = Past(i.symbol, since_ms, until_ms)
    for page in range(9):
        rows = history_of(sim).parse((await rest.get(history_of(sim).request(past)))[0])
        found += [row for row in rows if row.at_ms >= since_ms]
        oldest = min(row.at_ms for row in rows)
        if len(rows) < history_of(sim).rows or oldest < since_ms:
            break
        past = Past(i.symbol, since_ms, oldest, page + 1)
    wanted = [p.rate for p in settled(i, 1000) if p.at_ms >= since_ms]
    assert len(wanted) > 100
    assert [row.rate for row in sorted(found, key=lambda row: -row.at_ms)] == wanted


async def test_the_past_stays_as_it_was(sim: Sim) -> None:
    """What was told once is told again, whatever happens to the interval."""
    i = some(sim)[0]
    before = list(settled(i, 50))
    clock = sim.clock
    assert isinstance(clock, ManualClock)
    i.funding_h = 1
    for _ in range(9):
        clock.advance(3600.0)
        sim.world.advance(sim.now_ms())
    after = list(settled(i, 100))
    assert after[-1] != before[0]
    assert before == after[after.index(before[0]) :][:50]


async def test_the_past_of_what_does_not_exist_is_refused_or_empty(sim: Sim, rest: Rest) -> None:
    request = history_of(sim).request(Past("NOPEUSDT", sim.now_ms() - DAY_MS, sim.now_ms()))
    try:
        rows = list(history_of(sim).parse((await rest.get(request))[0]))
    except VenueError:
        rows = []
    assert rows == []
