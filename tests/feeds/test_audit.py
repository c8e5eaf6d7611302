"""When one REST snapshot is asked, on a clock that stands still until told."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec

from frmon.clock import ManualClock
from frmon.errors import Unreachable
from frmon.feeds.audit import Cover
from frmon.feeds.contract import Request, Snapshot
from frmon.feeds.rest import Rest
from frmon.feeds.sweep import AGAIN_S, SWEEP_S
from frmon.model import Carrier, Difference, Look, Tick
from tests.feeds import toy


class Counter:
    """REST that counts and answers, or fails; and a sink that remembers."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self.fail: Unreachable | None = None
        self.taken = 0
        self.ticks: list[Tick] = []
        self.look_like = Look()
        self.doubts: list[str] = []

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

    def carry(self, _carrier: Carrier, _symbols: object, _at: float) -> None:
        raise AssertionError("REST carries nothing")

    def pass_on(self, _old: Carrier, _new: Carrier, _lacking: object = ()) -> None:
        raise AssertionError("REST carries nothing")

    def set_back(self, _venue: str, _now_ms: int) -> None:
        raise AssertionError("a sweep sets no clock")

    def look(self, _carrier: Carrier, _ticks: object) -> Look:
        return self.look_like

    def doubt(self, _carrier: Carrier, symbols: Iterable[str]) -> None:
        self.doubts += symbols


class Case:
    """One cover, run second by second."""

    def __init__(self, snapshot: Snapshot, *, waiting: int = 0, streamed: bool = True) -> None:
        self.clock = ManualClock()
        self.rest = Counter(self.clock)
        self.waiting = waiting
        self.streamed = streamed
        self.told: list[str] = []
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
            lambda _market, text, _wrong: self.told.append(text),
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


STILL = Difference(7, far=False)


async def seen_twice(first: Look, second: Look) -> Case:
    """Two looks of one sweep, the seed apart."""
    case = Case(snapshot())
    task = await running(case)
    case.cover.open()
    await case.run(1)
    case.rest.look_like = first
    assert await case.run(SWEEP_S) == 1
    case.rest.look_like = second
    assert await case.run(AGAIN_S + 1) == 1, "what is odd is looked at again soon"
    task.cancel()
    return case


async def test_a_quote_that_never_moves_and_still_differs_is_found_wrong_within_a_minute() -> None:
    odd = Look(compared=412, differing={"AUSDT": STILL})
    case = await seen_twice(odd, odd)
    assert case.rest.doubts == ["AUSDT"]
    assert case.told == ["sweep: 1 of 412 differ (AUSDT)"]
    assert case.cover.is_refuted
    assert SWEEP_S + AGAIN_S < 60


async def test_a_quote_that_moved_on_meanwhile_is_not_wrong() -> None:
    moved = Look(compared=412, differing={"AUSDT": Difference(8, far=False)})
    case = await seen_twice(Look(compared=412, differing={"AUSDT": STILL, "BUSDT": STILL}), moved)
    assert (case.rest.doubts, case.told, case.cover.finding) == ([], [], "")


async def test_a_quote_that_moves_but_stays_far_away_is_named_though_its_stream_is_believed() -> None:
    first = Look(compared=412, differing={"AUSDT": Difference(7, far=True)})
    second = Look(compared=412, differing={"AUSDT": Difference(8, far=True)})
    case = await seen_twice(first, second)
    assert (case.rest.doubts, case.told) == ([], ["sweep: 1 of 412 differ (AUSDT)"])


async def test_symbols_that_no_reply_and_no_stream_knows_are_named() -> None:
    gone = Look(compared=408, missing={"D", "C", "B", "A"})
    case = await seen_twice(gone, gone)
    assert case.cover.finding == "sweep: 4 missing (A, B, C, ...)"
    assert not case.cover.is_refuted
    case.rest.look_like = Look(compared=412)
    await case.run(0)
    assert case.told == ["sweep: 4 missing (A, B, C, ...)"]


async def test_the_finding_stands_while_the_stream_repeats_it_and_ends_with_it() -> None:
    case = Case(snapshot(every_s=2.0))
    task = await running(case)
    case.cover.open()
    case.rest.look_like = Look(compared=9, differing={"AUSDT": STILL})
    await case.run(AGAIN_S + 3)
    case.rest.look_like = Look(compared=9, doubted={"AUSDT"})
    await case.run(2 * SWEEP_S)
    assert case.told == ["sweep: 1 of 9 differ (AUSDT)"]
    case.rest.look_like = Look(compared=9)
    await case.run(SWEEP_S + 3)
    assert case.told[1:] == ["sweep: all agree again"]
    task.cancel()
