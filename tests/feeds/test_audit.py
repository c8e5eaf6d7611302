"""When one REST snapshot is asked, on a clock that stands still until told."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from frmon.clock import ManualClock
from frmon.errors import Unreachable
from frmon.feeds.audit import SWEEP_S, Cover
from frmon.feeds.contract import Request, Snapshot
from frmon.feeds.rest import Rest
from frmon.model import Carrier, Tick
from tests.feeds import toy


class Counter:
    """REST that counts and answers, or fails; and a sink that remembers."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self.fail: Unreachable | None = None
        self.taken = 0
        self.ticks: list[Tick] = []

    async def get(self, _request: Request) -> tuple[bytes, float]:
        self.asked.append(self.clock.mono())
        if self.fail is not None:
            raise self.fail
        return json.dumps({"rows": [{"s": "AUSDT", "b": 1, "a": 2}]}).encode(), self.clock.mono()

    def take(
        self, _carrier: Carrier, ticks: Sequence[Tick], _at: float, _now_ms: int, _asked_at: float | None = None
    ) -> int:
        self.taken += len(ticks)
        self.ticks = list(ticks)
        return len(ticks)

    def carry(self, _carrier: Carrier, _symbols: object) -> None:
        raise AssertionError("REST carries nothing")


class Case:
    """One cover, run second by second."""

    def __init__(self, snapshot: Snapshot, *, waiting: int = 0, streamed: bool = True) -> None:
        self.clock = ManualClock()
        self.rest = Counter(self.clock)
        self.waiting = waiting
        self.streamed = streamed
        self.cover = Cover(
            toy.VENUE,
            snapshot,
            cast("Rest", self.rest),
            self.rest,
            self.clock,
            lambda _market: {"AUSDT", "BUSDT"},
            lambda _market, _part: self.streamed,
            lambda _venue, _market, _since: self.waiting,
            lambda: 0.0,
            1.0,
        )

    async def run(self, seconds: float) -> int:
        """How often it asked."""
        before = len(self.rest.asked)
        for _ in range(int(seconds * 10)):
            for _ in range(3):
                await asyncio.sleep(0)
            self.clock.advance(0.1)
        return len(self.rest.asked) - before


def snapshot(**fields: Any) -> Snapshot:
    return msgspec.structs.replace(toy.SNAPSHOT, **fields)


async def running(case: Case) -> "asyncio.Task[None]":
    task = asyncio.create_task(case.cover.run())
    await asyncio.sleep(0)
    return task


async def test_nothing_is_asked_before_symbols_have_seats_then_it_seeds_at_once() -> None:
    case = Case(snapshot())
    task = await running(case)
    assert await case.run(5) == 0
    case.cover.open()
    assert await case.run(1) == 1
    assert case.rest.taken == 1
    task.cancel()


async def test_a_base_is_asked_at_its_cadence_for_ever() -> None:
    case = Case(snapshot(every_s=2.0))
    task = await running(case)
    case.cover.open()
    assert 14 <= await case.run(30) <= 16
    task.cancel()


async def test_while_streams_speak_only_the_sweep_asks() -> None:
    case = Case(snapshot())
    task = await running(case)
    case.cover.open()
    await case.run(1)
    assert await case.run(SWEEP_S * 2 + 1) == 2
    task.cancel()


async def test_waiting_legs_bring_cover_and_their_return_ends_it() -> None:
    case = Case(snapshot(cover_s=2.0), waiting=5)
    task = await running(case)
    case.cover.open()
    await case.run(1)
    case.waiting = 7
    assert await case.run(3) >= 1
    case.waiting = 0
    assert await case.run(10) == 0
    task.cancel()


async def test_legs_that_cover_does_not_help_are_not_hammered_for() -> None:
    case = Case(snapshot(cover_s=2.0), waiting=3)
    task = await running(case)
    case.cover.open()
    await case.run(1)
    assert await case.run(30) <= 3
    task.cancel()


async def test_marks_are_covered_while_their_stream_is_silent() -> None:
    case = Case(snapshot(kind="mark", parts=frozenset({"ref"}), cover_s=5.0), streamed=False)
    task = await running(case)
    case.cover.open()
    await case.run(1)
    assert 5 <= await case.run(30) <= 7
    case.streamed = True
    assert await case.run(30) <= 1
    task.cancel()


async def test_trouble_is_kept_until_an_answer_comes_and_a_ban_is_waited_out() -> None:
    case = Case(snapshot(every_s=2.0))
    task = await running(case)
    case.rest.fail = Unreachable("BANNED", "too many", 20.0)
    case.cover.open()
    assert await case.run(19) == 1
    assert str(case.cover.trouble) == "too many"
    case.rest.fail = None
    assert await case.run(4) >= 1
    assert str(case.cover.trouble) == "None"
    task.cancel()


async def test_symbols_that_a_list_of_intervals_leaves_out_have_what_the_venue_documents_once_it_was_read() -> None:
    case = Case(snapshot(kind="interval", parts=frozenset({"funding"}), every_s=600.0, absent_interval_h=8.0))
    task = await running(case)
    case.rest.fail = Unreachable("RECONNECT", "HTML")
    case.cover.open()
    await case.run(3)
    assert case.rest.ticks == [], "unknown stays unknown while there is no list"
    case.rest.fail = None
    await case.run(20)
    assert [(t.symbol, t.funding_interval_h) for t in case.rest.ticks if t.bid is None] == [("BUSDT", 8.0)]
    task.cancel()
