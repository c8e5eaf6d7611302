"""An attached screen shows what the screen of the collector itself would show: engine, API and screen in one loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import isnan

from frmon.attach.line import address_of
from frmon.attach.remote import Remote
from frmon.attach.start import settings_by
from frmon.attachment import terms_part
from frmon.board import Cell
from frmon.engine import Engine
from frmon.model import LegKey
from tests.api.here import Api, serving_here
from tests.leaping import clock_here
from tests.scenarios.stand import Stand, stand

TABLE = ("bid", "ask", "last", "mark", "index", "volume_usd", "funding_rate", "funding_interval_h", "next_funding_ms", "settled_rate")  # fmt: skip


@asynccontextmanager
async def attached(api: Api) -> AsyncIterator[Remote]:
    """A screen's source on that API."""
    settings = settings_by(api.engine.settings, terms_part(api.engine))
    remote = Remote(address_of(api.url), settings, api.engine.venues, clock_here())
    job = asyncio.create_task(remote.run())
    try:
        yield remote
    finally:
        remote.stop()
        await job


def cells(board: Engine | Remote) -> dict[LegKey, Cell]:
    return {cell.key: cell for cell in board.board.cells()}


def same(engine: Engine, remote: Remote) -> set[LegKey]:
    """Legs that the screen shows as they are at this moment."""
    ours, theirs = cells(engine), cells(remote)
    now, freshness = engine.clock.mono(), engine.terms.freshness
    found = set()
    for key in ours.keys() & theirs.keys():
        one, other = ours[key], theirs[key]
        alike = [getattr(one, name) == getattr(other, name) for name in TABLE]
        alike += [(one.leg.multiplier, one.row.coin) == (other.leg.multiplier, other.row.coin)]
        if all(alike) and one.is_fresh(now, freshness) == other.is_fresh(now, freshness):
            found.add(key)
    return found


async def become_same(s: Stand, remote: Remote) -> None:
    """The market moves on all the while, so each leg is looked at until it is the same for once."""
    seen: set[LegKey] = set()

    def is_all() -> bool:
        seen.update(same(s.engine, remote))
        return seen >= cells(s.engine).keys()

    await s.within(60, is_all, "some leg is never the same")
    assert cells(remote).keys() == cells(s.engine).keys()


async def test_the_table_is_the_same_after_a_while_of_changes() -> None:
    async with serving_here("okx", "bybit", rate=1.0) as (s, api), attached(api) as remote, attached(api) as other:
        await s.within(5, lambda: len(cells(remote)) == len(cells(s.engine)))
        await s.rest(20)
        assert remote.link.received > 50_000
        for screen in (remote, other):
            await become_same(s, screen)
        said = {state.name: state.status for state in remote.states()}
        assert all(said[state.name] is state.status for state in s.engine.states())


async def test_a_leg_that_leaves_does_so_on_the_screen_too() -> None:
    async with serving_here("okx", coins=20) as (s, api), attached(api) as remote:
        await s.within(5, lambda: len(cells(remote)) == len(cells(s.engine)))
        gone = next(c.key for c in s.engine.board.cells("okx"))
        s.engine.board.unseat(gone)
        await s.within(3, lambda: remote.board.cell(gone) is None)


async def test_a_screen_that_comes_late_knows_what_was_before() -> None:
    async with serving_here("okx", "bybit", coins=10) as (s, api):
        await s.rest(100)
        async with attached(api) as remote:
            await s.within(5, lambda: set(remote.history.z) >= set(s.engine.history.z), "z of all")
            coin = max(s.engine.history.z, key=lambda c: abs(s.engine.history.z[c]))
            await s.rest(4)
            ours, theirs = s.engine.history.series(coin), remote.history.series(coin)
            assert ours is not None
            assert theirs is not None
            for mine, told in zip(ours.tiers, theirs.tiers, strict=True):
                known = sum(not isnan(point) for point in mine.points)
                assert sum(not isnan(point) for point in told.points) >= known - 3
            mean, again = ours.tiers[0].norm(), theirs.tiers[0].norm()
            assert mean is not None
            assert again is not None
            assert abs(mean.mean - again.mean) < 0.02


async def test_a_collector_that_begins_again_is_shown_again() -> None:
    async with stand("okx", coins=20) as s, AsyncExitStack() as screens:
        api = Api(s.engine)
        async with api.up():
            remotes = [await screens.enter_async_context(attached(api)) for _ in range(2)]
            await s.within(5, lambda: all(r.board.rows and not r.trouble for r in remotes))
            first = {r.session for r in remotes}
        await s.within(2, lambda: all("COLLECTOR LOST" in r.trouble for r in remotes))
        assert not any(r.states()[0].fresh_legs for r in remotes)
        await s.rest(30)
        async with api.up():
            await s.within(14, lambda: all(not r.trouble for r in remotes))
            assert first.isdisjoint(r.session for r in remotes)
            for remote in remotes:
                await become_same(s, remote)
