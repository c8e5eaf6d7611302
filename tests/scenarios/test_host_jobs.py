"""S62: a bug in each job in turn. The program lives, the job starts again, the status says so, nothing else notices.

Bugs are planted through what is handed in: a clock that raises in one job, listeners, an observer, a venue's parser.
"""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from frmon.clock import SystemClock
from frmon.config import defaults
from frmon.engine import Engine
from frmon.feeds.contract import Heard
from frmon.feeds.venues import all_venues
from frmon.host import Host
from frmon.launch import venue_defaults
from frmon.model import Signal, VenueState
from tests.scenarios.machine import Machine, Planted
from tests.scenarios.stand import Stand, stand
from tests.scenarios.turning import common, signals_with, turn
from tests.tui.fake import FakeEngine
from tests.tui.screen import settle, shown, text

ENGINE = ("time", "spreads", "states", "interest", "identity", "signals", "history", "funding", "depth", "budgets")
VENUE = next(v for v in all_venues() if v.name == "binance")
SELDOM = (
    "binance clock",
    *(f"binance {d.market} listings" for d in VENUE.directories),
    *(f"binance {s.market} {s.kind}" for s in VENUE.snapshots),
)
RESTART_S = 1.0


def names() -> list[str]:
    """What runs now, by name."""
    return sorted(task.get_name() for task in asyncio.all_tasks())


def lines(s: Stand) -> list[tuple[str, int]]:
    return [(line.name, line.reconnects) for state in s.engine.states() for line in state.lines]


def mostly_fresh(s: Stand) -> bool:
    return all(fresh >= 0.9 * legs > 0 for fresh, legs in map(s.fresh, s.engine.fleets))


async def test_s62_a_bug_in_any_job_of_the_engine_restarts_that_job_and_nothing_else() -> None:
    """With an injected clock that raises in one job."""
    machine = Machine()
    async with stand("okx", "bybit", clock=machine) as s:
        s.engine.study(common(s, "okx", "bybit")[0].coin.name)
        await s.rest(5)
        running, connected = set(names()), lines(s)
        assert running >= set(ENGINE)
        for name in ENGINE:
            machine.plant(name)
            await s.within(RESTART_S, lambda name=name: s.events(f"TASK {name} restarted"))  # type: ignore[misc]
            assert s.events(f"TASK {name} failed (Planted)")
            await s.within(1, lambda name=name: f"TASK {name} restarted" in s.words())  # type: ignore[misc]
            assert f"TASK {name} restarted" in s.picture()["notices"]
            assert mostly_fresh(s)
        await s.rest(2)
        assert set(ENGINE) <= set(names())
        assert lines(s) == connected
        await s.still()


@pytest.mark.parametrize("name", ["keeping", "journal", "backfill"])
async def test_s62_a_bug_in_any_job_of_storage_restarts_that_job_and_loses_nothing(name: str, tmp_path: Path) -> None:
    """With an injected clock that raises in one job."""
    machine = Machine()
    async with stand("okx", "bybit", clock=machine, store=tmp_path / "frmon.db") as s:
        await s.within(20, lambda: s.engine.storage.status == "OK")
        job = "storage" if name == "journal" else name
        machine.plant(name)
        await s.within(60, lambda: not machine.planted)
        await s.within(RESTART_S, lambda: s.events(f"TASK {job} restarted"))
        await s.within(1, lambda: f"TASK {job} restarted" in s.words())
        assert mostly_fresh(s)
        assert not any(count for _, count in lines(s))
        await s.within(5, lambda: s.engine.storage.status == "OK")
        one = common(s, "okx", "bybit")[0]
        turn(s, "price", one, factor=1.03, for_s=10.0)
        await s.within(30, lambda: s.signals and s.signals[0] in s.engine.saved)


async def test_s62_a_job_that_always_fails_starts_five_times_a_minute_at_most() -> None:
    """With an injected clock that raises in one job again and again."""
    machine = Machine()
    async with stand("okx", clock=machine) as s:
        starts: list[float] = []
        began, told = s.engine.clock.mono(), ""
        while s.engine.clock.mono() - began < 130:
            machine.plant("funding")
            await s.within(61, lambda told=told: s.events("TASK funding restarted")[-1:] not in ([], [told]))  # type: ignore[misc]
            told = s.events("TASK funding restarted")[-1]
            starts.append(s.engine.clock.mono())
        gaps = [b - a for a, b in zip(starts, starts[5:], strict=False)]
        assert gaps
        assert min(gaps) >= 59, starts
        assert starts[0] - began <= RESTART_S, "the first time it starts again within a second"
        assert mostly_fresh(s)


async def test_s62_a_bug_in_a_part_of_a_line_restarts_that_line_alone() -> None:
    """With an injected clock that raises in one part."""
    machine = Machine()
    async with stand("bybit", "okx", clock=machine) as s:
        await s.rest(5)
        for part in ("watch", "ping"):
            machine.plant(f"bybit perp 1 {part}")
            await s.within(40, lambda: not machine.planted)  # pings are sent every 20 s
            await s.within(RESTART_S, lambda: s.events("TASK bybit perp 1 restarted"))
            await s.within(10, lambda: s.line("bybit perp 1").status == "LIVE")
        assert {name for name, count in lines(s) if count} <= {"bybit perp 1"}
        await s.up()
        await s.still()


async def test_s62_bugs_in_every_seldom_job_of_a_venue_cost_seconds() -> None:
    """With an injected clock that raises when listings, the venue's clock and each snapshot are asked for first."""
    machine = Machine()
    for name in SELDOM:
        machine.plant(name)
    async with stand("binance", "okx", clock=machine) as s:
        await s.within(30, lambda: not machine.planted, f"never run: {machine.planted}")
        for name in SELDOM:
            await s.within(RESTART_S, lambda name=name: s.events(f"TASK {name} restarted"))  # type: ignore[misc]
        age = next(name for name in names() if name.endswith(" age"))
        machine.plant(age)
        await s.within(RESTART_S, lambda: s.events(f"TASK {age} restarted"))
        await s.up()
        await s.still()


async def test_s62_a_listener_that_fails_harms_neither_the_others_nor_the_samples() -> None:
    async with stand("okx", "bybit") as s:
        heard: list[Signal] = []

        def fail(_: Signal) -> None:
            raise Planted

        s.engine.listeners[:] = [fail, *s.engine.listeners, heard.append]
        wide = [rows[0] for rows in (common(s, "okx", "bybit", skip=n) for n in (0, 2))]
        for one in wide:
            turn(s, "price", one, factor=1.03)
        await s.within(20, lambda: all(signals_with(s, one) for one in wide))
        assert len(heard) == len(s.signals) >= 2
        assert s.events("TASK listener failed (Planted)")
        await s.within(1, lambda: "TASK listener failed" in s.words())
        assert not s.events("TASK signals")


async def test_s62_an_observer_that_fails_loses_its_own_tape_and_nothing_else() -> None:
    def fail(*_: object) -> None:
        raise Planted

    async with stand("okx", observe=fail) as s:
        assert s.events("TASK observer failed (Planted)")
        assert len(s.events("TASK")) == 1, "thousands of times, in one row"
        assert not any(count for _, count in lines(s))
        await s.still()


async def test_s62_a_parser_that_fails_costs_the_frame() -> None:
    okx = next(v for v in all_venues() if v.name == "okx")
    failed: list[bytes] = []

    def fails(raw: bytes) -> Heard:
        if b"BTC-USDT-SWAP" in raw and b"data" in raw and len(failed) < 3:
            failed.append(raw)
            raise Planted
        return stream.parse(raw)

    stream = next(one for one in okx.streams if one.market == "perp" and one.per_symbol and not one.on_demand)
    streams = tuple(replace(stream, parse=fails) if one is stream else one for one in okx.streams)
    async with stand("okx", venues_of=(replace(okx, streams=streams),)) as s:
        await s.within(100, lambda: len(failed) == 3)
        await s.within(2, lambda: "PARSE" in s.state("okx").detail and "PARSE" in s.words())
        assert not any(count for _, count in lines(s))
        await s.still()


class Broken(SystemClock):
    def now_ms(self) -> int:
        raise Planted


def test_s62_an_engine_that_ends_wholly_is_never_silent() -> None:
    settings = defaults(venue_defaults())
    for venue in settings.venues.values():
        venue.enabled = False
    with Host(Engine(all_venues(), settings, clock=Broken())) as host, pytest.raises(Planted):
        host.rest(5)


async def test_s62_a_timer_of_the_screen_that_fails_costs_one_picture(tmp_path: Path) -> None:
    class Failing(FakeEngine):
        fails_once = 0

        def states(self) -> list[VenueState]:
            if self.fails_once:
                self.fails_once -= 1
                raise Planted
            return super().states()

    engine = Failing(20)
    async with shown(engine, tmp_path) as (app, pilot):
        engine.fails_once = 1
        app.desk.paint(whole=True)
        await settle(pilot)
        assert "SCREEN: Planted" in text(app)
        engine.notices = ["TASK signals restarted x2"]
        app.desk.paint(whole=True)
        await settle(pilot)
        assert "SCREEN" not in text(app)
        assert "TASK signals restarted x2" in text(app)
        assert app.is_running
