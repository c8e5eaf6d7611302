"""S62 for `frmon serve` and for a screen that is attached to it: a bug in each job. The job starts again, the event log says so,
and the feeds never notice."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from frmon.api import server
from frmon.api.collector import Collector
from frmon.api.server import Listening, Serving
from frmon.attach.line import address_of
from frmon.attach.remote import Remote
from frmon.config import Settings, defaults
from frmon.feeds.venues import all_venues
from frmon.host import Host
from frmon.jobs import Jobs
from frmon.launch import venue_defaults
from frmon.model import Status
from tests.attach.collector import FakeCollector
from tests.leaping import LeapingLoop, LeapingPolicy
from tests.scenarios.machine import Machine, Planted
from tests.scenarios.stand import Stand, stand

RESTART_S = 1.0


class Trapped(LeapingLoop):
    """A loop whose time cannot be read once in the task of a name: some jobs know no other clock."""

    trapped = ""

    def time(self) -> float:
        task = asyncio.current_task(self) if self.trapped else None
        if task is not None and task.get_name() == self.trapped:
            self.trapped = ""
            raise Planted
        return super().time()


class TrappedPolicy(LeapingPolicy):
    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return Trapped()


@pytest.fixture(scope="module")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    return TrappedPolicy()


class Here:
    """In place of a thread of the engine's own."""

    def post(self, call: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_soon(call)

    def rest(self, seconds: float) -> None:
        """The engine lives."""


class Read:
    """The configuration, which cannot be read as long as `fails`."""

    def __init__(self) -> None:
        self.fails = False
        self.threshold_pct = 0.6

    def __call__(self) -> Settings:
        if self.fails:
            raise Planted
        found = defaults(venue_defaults())
        found.signals.threshold_pct = self.threshold_pct
        return found


@asynccontextmanager
async def serving(machine: Machine) -> AsyncIterator[tuple[Stand, Read]]:
    """The API of a running engine, until it is told to end."""
    async with stand("okx", clock=machine) as s:
        host, read, said = cast("Host", Here()), Read(), list[str]()
        listening = Listening(host="127.0.0.1", port=0)
        collector = Collector(s.engine, host)
        run = asyncio.create_task(
            server._run(
                collector, host, Serving(listening=listening, read=read, say=said.append), server.bound(listening)
            )
        )
        await s.within(2, lambda: said)
        yield s, read
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(run, 5)
        await s.still()


def restarts(s: Stand, name: str) -> Any:
    return lambda: s.events(f"TASK {name} failed (Planted)") and s.events(f"TASK {name} restarted")


async def test_s62_a_bug_in_the_watch_over_the_loop_restarts_it() -> None:
    machine = Machine()
    async with serving(machine) as (s, _):
        machine.plant("loop lag")
        await s.within(RESTART_S + 0.5, restarts(s, "loop lag"))
        await s.within(1, lambda: "TASK loop lag restarted" in s.words())


async def test_s62_a_bug_in_the_watch_over_connections_restarts_it() -> None:
    async with serving(Machine()) as (s, _):
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Trapped)
        loop.trapped = "connections"
        await s.within(RESTART_S + 0.5, restarts(s, "connections"))
        await s.within(1, lambda: "TASK connections restarted" in s.words())


async def test_s62_a_bug_while_the_configuration_is_read_again_loses_no_change() -> None:
    async with serving(Machine()) as (s, read):
        await s.rest(1)
        read.fails, read.threshold_pct = True, 0.9
        os.kill(os.getpid(), signal.SIGHUP)
        await s.within(1, lambda: s.events("TASK reload failed (Planted)"))
        read.fails = False
        await s.within(RESTART_S, restarts(s, "reload"))
        os.kill(os.getpid(), signal.SIGHUP)
        await s.within(2, lambda: s.events("CONFIG signals.threshold_pct: 0.6 → 0.9"))
        assert s.engine.settings.signals.threshold_pct == 0.9


async def within(seconds: float, true: Callable[[], object]) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  a condition of any kind
            await asyncio.sleep(0.02)


async def test_s62_a_bug_in_any_job_of_an_attached_screen_restarts_it() -> None:
    """With an injected clock that raises in one job after the other."""
    there, machine = FakeCollector(), Machine()
    await there.start()
    remote = Remote(address_of(there.url), defaults(venue_defaults()), all_venues(), machine)
    run = asyncio.create_task(remote.run(), name="remote")
    await within(5, lambda: remote.states()[0].status is Status.LIVE)
    keep = Jobs._keep.__code__
    names = {t.get_name() for t in asyncio.all_tasks() if getattr(t.get_coro(), "cr_code", None) is keep}
    assert names >= {"stream", "spreads", "signals", "history", "funding"}
    for name in sorted(names):
        machine.plant(name)
        await within(15, lambda: not machine.planted)
        await within(RESTART_S, lambda name=name: any(f"TASK {name} restarted" in e.text for e in remote.events))  # type: ignore[misc]
        await within(2, lambda: remote.states()[0].status is Status.LIVE)
        assert not remote.trouble
    remote.stop()
    await run
    await there.stop()
