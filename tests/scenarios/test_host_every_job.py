"""S62: whatever runs under supervision, by whatever name, is given a bug: each starts again within a second, says so, and nobody
else notices. Bugs are planted through what is handed in: a clock that raises in one job, a list that cannot be read."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frmon.feeds.sim.faults import Fault
from frmon.feeds.venues import all_venues
from frmon.jobs import Jobs
from frmon.storage.beside import Beside
from tests.scenarios.machine import FILE, Machine, Planted
from tests.scenarios.stand import Stand, stand
from tests.scenarios.stored import rows
from tests.scenarios.turning import common, turn

RESTART_S = 1.0
BEAT_S = 75.0  # within which every job reads its clock
VENUES = tuple(v.name for v in all_venues())
CLOCKLESS = {"storage", "last minute", "settlements"}
"""They wait for others, not for a clock: tested by themselves."""

CLOCKS = {f"{v.name} clock" for v in all_venues() if v.server_times}
"""They ask at the beginning and then seldom."""


def supervised() -> set[str]:
    """The names of all jobs that run under supervision now."""
    keep = Jobs._keep.__code__
    return {t.get_name() for t in asyncio.all_tasks() if getattr(t.get_coro(), "cr_code", None) is keep}


def own_lines(s: Stand) -> set[str]:
    """Lines are jobs too: each runs its parts."""
    return {line.state.name for fleet in s.engine.fleets.values() for line in fleet.all_lines}


def lost(s: Stand) -> list[tuple[str, int]]:
    return [(line.name, line.reconnects) for state in s.engine.states() for line in state.lines]


def mostly_fresh(s: Stand) -> bool:
    return all(fresh >= 0.9 * legs > 0 for fresh, legs in map(s.fresh, s.engine.fleets))


def reader(name: str) -> str:
    """Which task of a job waits for the clock: one that waits for several things at once does it in parts."""
    return next((n for n in (task.get_name() for task in asyncio.all_tasks()) if n == f"{name} sleep"), name)


async def restarted(s: Stand, name: str) -> None:
    """It failed, started again in time, and a user is told wherever he looks."""
    await s.within(RESTART_S, lambda: s.events(f"TASK {name} restarted"), f"{name} did not start again")
    assert s.events(f"TASK {name} failed (Planted)")
    await s.within(1, lambda: f"TASK {name} restarted" in s.words())
    assert f"TASK {name} restarted" in s.picture()["notices"]


async def test_s62_a_bug_in_whatever_runs_restarts_it_and_nothing_else(tmp_path: Path) -> None:
    """With an injected clock that raises in one job after the other."""
    machine = Machine()
    machine.planted |= CLOCKS
    async with stand(clock=machine, store=tmp_path / "frmon.db", coins=20, rate=0.1) as s:
        for name in CLOCKS:
            await s.within(RESTART_S, lambda name=name: s.events(f"TASK {name} restarted"))  # type: ignore[misc]
        await s.within(20, lambda: s.engine.storage.status == "OK")
        s.engine.study(common(s, *VENUES, skip=0)[0].coin.name)
        await s.rest(5)
        connected, lines = lost(s), own_lines(s)
        names = supervised() - lines - CLOCKLESS - CLOCKS
        assert len(names) > 40, sorted(names)
        for name in sorted(names):
            machine.plant(reader(name))
            await s.within(BEAT_S, lambda: not machine.planted, f"{name} never reads its clock")
            await restarted(s, name)
            assert mostly_fresh(s), name
        await s.rest(2)
        assert supervised() >= {n for n in names if not n.endswith(" depth")}
        assert lost(s) == connected
        await s.still()


async def test_s62_a_bug_in_a_line_itself_costs_that_line_a_dial(tmp_path: Path) -> None:
    """With an injected clock that raises while the line is dialled again."""
    machine = Machine()
    async with stand("okx", clock=machine) as s:
        name = next(iter(own_lines(s)))
        machine.plant(name)
        s.fault(Fault(kind="drop"))
        await s.within(20, lambda: not machine.planted)
        await restarted(s, name)
        await s.up()
        await s.still()


@pytest.mark.parametrize("name", ["last minute", "warm start"])
async def test_s62_a_bug_in_a_job_that_begins_with_storage_costs_nothing(name: str, tmp_path: Path) -> None:
    """With an injected clock that raises at its first reading in that job."""
    machine, path = Machine(), tmp_path / "frmon.db"
    machine.plant(name)
    async with stand("okx", "bybit", clock=machine, store=path) as s:
        assert not machine.planted
        await s.within(RESTART_S, lambda: s.events(f"TASK {name} restarted"))
        await s.within(5, lambda: s.engine.storage.status == "OK")
        await s.within(5, lambda: Beside(path, "real").read().minutes)
        before = max(Beside(path, "real").read().minutes)
        await s.within(70, lambda: max(Beside(path, "real").read().minutes) > before)
        await s.still()


async def test_s62_a_bug_in_upkeep_is_told_and_the_writer_goes_on(tmp_path: Path) -> None:
    """With an injected clock that raises in the file's thread: nobody but upkeep reads it there."""
    machine = Machine()
    async with stand("okx", "bybit", clock=machine, store=tmp_path / "frmon.db") as s:
        await s.within(20, lambda: s.engine.storage.status == "OK")
        machine.plant(FILE)
        await s.within(70, lambda: not machine.planted)
        await s.within(1, lambda: s.events("storage: upkeep failed (Planted"))
        one = common(s, "okx", "bybit")[0]
        turn(s, "price", one, factor=1.03, for_s=10.0)
        await s.within(30, lambda: s.signals and s.signals[0] in s.engine.saved)
        assert not s.events("TASK")
        upkeep = s.engine.upkeep
        assert upkeep is not None
        before = upkeep._minute
        await s.within(130, lambda: upkeep._minute > before, "it was not tried again")


class Spoilt(tuple[Any, ...]):
    """Cannot be read once."""

    fails = True

    def __iter__(self) -> Iterator[Any]:
        if self.fails:
            type(self).fails = False
            raise Planted
        return super().__iter__()


async def test_s62_a_bug_in_what_starts_other_jobs_starts_them_again(tmp_path: Path) -> None:
    okx = next(v for v in all_venues() if v.name == "okx")
    spoilt = replace(okx, funding_histories=Spoilt(okx.funding_histories))
    async with stand("okx", store=tmp_path / "frmon.db", venues_of=(spoilt,)) as s:
        await restarted(s, "settlements")
        assert "okx perp settlements" in supervised()
        await s.still()


async def test_s62_a_bug_in_a_planned_rotation_leaves_no_line_behind_and_the_line_can_still_be_rotated() -> None:
    """With an injected clock that raises while the next line comes up."""
    machine = Machine()
    async with stand("okx", clock=machine) as s:
        name = next(n for n in own_lines(s) if "perp" in n)
        job = f"{name} replacement"
        s.fault(Fault(kind="hang", venue="okx", for_s=3.0))
        s.fault(Fault(kind="notice", venue="okx", how="shutdown", delay_s=60.0))
        await s.within(5, lambda: job in supervised())
        machine.plant(job)
        await s.within(5, lambda: not machine.planted)
        await restarted(s, job)
        await s.within(20, lambda: s.events(f"{name}: planned rotation, a new connection took over"))
        await s.rest(30)
        ours = [task for task in asyncio.all_tasks() if task.get_name() in {name, f"{name} (next)"}]
        assert len(ours) == 1, "a connection that nobody wants any more"
        await s.up()
        await s.still()


async def test_s62_what_fired_while_the_writer_waits_after_many_bugs_is_written_at_the_end(tmp_path: Path) -> None:
    """With an injected clock that raises in the writer until it may not start again for a while."""
    machine, path = Machine(), tmp_path / "frmon.db"
    async with stand("okx", "bybit", clock=machine, store=path) as s:
        await s.within(20, lambda: s.engine.storage.status == "OK")
        for _ in range(6):
            machine.plant("journal")
            await s.within(20, lambda: not machine.planted)
        assert "again in" in s.events("TASK storage failed")[-1]
        assert s.engine.storage.status == "WAIT"
        assert any(notice.startswith("storage: WAIT (its writer met a bug") for notice in s.picture()["notices"])
        turn(s, "price", common(s, "okx", "bybit")[0], factor=1.03)
        await s.within(10, lambda: s.signals)
        assert s.signals[0] not in s.engine.saved
    assert rows(path, "SELECT count(*) FROM signal") == [(len(s.signals),)]
