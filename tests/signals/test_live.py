"""A whole engine on simulated venues: its signals and episodes are those that the oracle demands of what was delivered,
and every episode that was planted in the market is among them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from frmon.board import Cell, Row
from frmon.config import defaults
from frmon.engine import Engine
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults
from frmon.model import Market, Signal
from frmon.signals.episodes import Reason, State
from tests.feeds.toy import until
from tests.leaping import clock_here
from tests.signals.oracle import Asked, Saw, run

MAX_AGE_S = 2.0
ASKED = Asked(samples=3, gap=Decimal(1), cooldown=Decimal(2))
SIZE = 0.02


class Told:
    """Everything that the engine's samples saw, and every signal that it gave."""

    def __init__(self) -> None:
        self.samples: list[tuple[Decimal, dict[str, Sequence[Saw]]]] = []
        self.signals: list[tuple[int, tuple[str, str, str]]] = []

    def see(self, rows: Sequence[Row], now: float, now_ms: int) -> None:
        seen: dict[str, Sequence[Saw]] = {row.coin: [saw(cell, now, now_ms) for cell in row.cells] for row in rows}
        self.samples.append((Decimal(repr(now)), seen))

    def hear(self, signal: Signal) -> None:
        key = signal.symbol, signal.short_exchange, signal.long_exchange
        self.signals.append((len(self.samples) - 1, key))


def saw(cell: Cell, now: float, now_ms: int) -> Saw:
    """What a leg holds, and whether the contract's wording calls it fresh and comparable."""
    quote, leg = cell.quote, cell.leg
    confirmed, carrier = quote.at, quote.by
    on_line = carrier is not None and carrier.source == "ws" and carrier.live and carrier.generation == quote.generation
    if carrier is not None and on_line and carrier.pushes_changes and now - quote.at <= 300:
        confirmed = max(confirmed, carrier.heard_at)
    is_over = leg.off_ms is not None and leg.off_ms <= now_ms
    allowed = now - confirmed <= MAX_AGE_S and not leg.quarantine and not leg.halted and not is_over
    return Saw(cell.key.venue, cell.key.market.value, exact(cell.bid), exact(cell.ask), exact(cell.last), allowed)


def exact(price: float | None) -> Decimal | None:
    return None if price is None else Decimal(repr(price))


@asynccontextmanager
async def trading() -> AsyncIterator[tuple[Sim, Engine, Told]]:
    async with Sim(SimOptions(seed=5, coins=40, rate=0.3), clock_here()) as sim:
        settings = defaults(venue_defaults())
        for venue, urls in sim.endpoints.items():
            settings.venues[venue].endpoints |= urls
        rule = settings.signals
        rule.sample_every_s, rule.max_gap_s, rule.cooldown_s, rule.max_age_s = 0.25, 1.0, 2.0, MAX_AGE_S
        engine = Engine(all_venues(), settings, clock=clock_here())
        told = Told()
        engine.watch.observe = told.see
        engine.listeners.append(told.hear)
        task = asyncio.create_task(engine.run())
        try:
            yield sim, engine, told
        finally:
            await asyncio.sleep(0)
            engine.stop()
            await asyncio.wait_for(task, 20)


def quiet_perps(sim: Sim, venues: Sequence[str]) -> list[Instrument]:
    """One perpetual of each venue, of different coins that have two more, none of which departs from the others."""
    found: dict[str, Instrument] = {}
    for venue in venues:
        one = next(i for i in sim.world.instruments(venue, "perp").values() if i.coin.name not in found and is_quiet(i))
        found[one.coin.name] = one
    return list(found.values())


def is_quiet(one: Instrument) -> bool:
    legs = [i for i in one.coin.instruments if i.market == "perp" and (i.kind, i.state) == ("normal", "trading")]
    return one in legs and len(legs) > 2 and not any(i.flaw or i.episode or abs(i.premium) > 0.002 for i in legs)


def coin_of(engine: Engine, one: Instrument) -> str:
    return next(c.leg.coin for c in engine.board.cells_of(one.venue, Market.PERP) if c.key.symbol == one.symbol)


async def passes(told: Told, count: int) -> None:
    """So many more samples are taken."""
    wanted = len(told.samples) + count
    await until(lambda: len(told.samples) >= wanted)


async def test_signals_and_episodes_are_those_of_the_oracle_and_hold_all_that_was_planted() -> None:
    async with trading() as (sim, engine, told):
        await until(engine.is_complete)
        planted = quiet_perps(sim, ("binance", "okx", "bybit"))
        since = len(told.samples)
        for one in planted:
            one.episode = SIZE
        keys = {(coin_of(engine, one), one.venue) for one in planted}
        await until(lambda: keys <= shorts(told, since))
        sim.fault(Fault(kind="mute", venue="okx", for_s=MAX_AGE_S * 2))
        sim.fault(Fault(kind="rest_status", venue="okx", for_s=MAX_AGE_S * 2))
        await until(lambda: State.SUSPENDED in {e.state for e in engine.episodes.open if e.short == "okx"})
        await until(lambda: {State.OPEN} == {e.state for e in engine.episodes.open if (e.coin, e.short) in keys})
        for one in planted:
            one.episode = 0.0
        await until(lambda: not {(e.coin, e.short) for e in engine.episodes.open} & keys)
        await passes(told, 5)
        expected = run(told.samples, ASKED)
        closed = {e.key: e for e in engine.episodes.closed if (e.coin, e.short) in keys}
        assert sorted(told.signals) == [(f.opened, f.key) for f in expected]
        assert len(closed) >= 3
        assert {e.reason for e in closed.values()} == {Reason.NARROW}
        latest = {f.key: f for f in expected if f.closed is not None}
        for key, episode in closed.items():
            assert episode.peak_pct == pytest.approx(latest[key].peak)
            assert episode.area == pytest.approx(latest[key].area)
            assert episode.samples == latest[key].seen
        assert not sim.violations


def shorts(told: Told, since: int) -> set[tuple[str, str]]:
    """(coin, short venue) of the signals since a sample."""
    return {(key[0], key[1]) for n, key in told.signals if n >= since}
