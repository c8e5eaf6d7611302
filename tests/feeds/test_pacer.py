"""Budgets over rolling windows, with a server that counts what arrives."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.clock import ManualClock
from frmon.feeds.contract import Rule
from frmon.feeds.pacer import LONGEST_BAR_S, Pacer, load, save

FAST = Rule("fast", 3, 1.0)
SLOW = Rule("slow", 20, 60.0)
RULES = (FAST, SLOW)
LATE_S = 0.2


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def pass_time(clock: ManualClock, seconds: float, step_s: float = 0.05) -> None:
    end = clock.mono() + seconds
    while clock.mono() < end:
        clock.advance(min(step_s, end - clock.mono()) or step_s)
        await settle()


def in_background(clock: ManualClock, pacer: Pacer, *costs: tuple[str, int]) -> asyncio.Task[float]:
    async def one() -> float:
        await pacer.grant(costs)
        return clock.mono()

    return asyncio.create_task(one())


async def test_what_fits_is_granted_at_once() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)
    await pacer.grant([("fast", 1), ("slow", 5)])
    await pacer.grant([("slow", 5)])
    assert pacer.used("slow") == (10, 20)
    assert pacer.used("fast") == (1, 3)
    assert pacer.grants == 2


async def test_costs_of_nothing_wait_for_nobody() -> None:
    pacer = Pacer(ManualClock(), ())
    await pacer.grant(())
    assert pacer.wait_s(()) == 0


async def test_the_next_one_waits_until_the_stretched_window_has_passed() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)  # headroom leaves 2 of 3
    await pacer.grant([("fast", 2)])
    task = in_background(clock, pacer, ("fast", 1))
    await pass_time(clock, 1.2)
    assert not task.done()
    await pass_time(clock, 0.1)
    assert await task == pytest.approx(1_001.25)


async def test_wait_s_tells_how_long_a_grant_takes_behind_those_that_wait() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)
    assert pacer.wait_s([("fast", 2)]) == 0
    await pacer.grant([("fast", 2)])
    assert pacer.wait_s([("fast", 1)]) == pytest.approx(1.25)
    tasks = [in_background(clock, pacer, ("fast", 2)) for _ in range(2)]
    await settle()
    told = pacer.wait_s([("fast", 1)])
    assert told == pytest.approx(3.75)
    tasks.append(in_background(clock, pacer, ("fast", 1)))
    await pass_time(clock, 4.0)
    assert [await t for t in tasks][-1] == pytest.approx(1_000 + told, abs=0.2)


async def test_requests_are_granted_in_the_order_they_came_also_small_behind_large() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, (SLOW,))
    await pacer.grant([("slow", 10)])
    large = in_background(clock, pacer, ("slow", 12))
    await settle()
    small = in_background(clock, pacer, ("slow", 1))
    await pass_time(clock, 1.0)
    assert not large.done()
    assert not small.done()  # though it would fit
    await pass_time(clock, 70.0, 1.0)
    assert await large <= await small


async def test_a_full_rule_does_not_hold_up_requests_of_another() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)
    await pacer.grant([("slow", 16)])
    waiting = in_background(clock, pacer, ("slow", 1))
    await settle()
    assert await in_background(clock, pacer, ("fast", 1)) == clock.mono()
    waiting.cancel()
    await settle()


async def test_a_cancelled_wait_spends_nothing_and_lets_the_next_one_go() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)
    await pacer.grant([("slow", 10)])
    first = in_background(clock, pacer, ("slow", 16))
    await settle()
    second = in_background(clock, pacer, ("slow", 16), ("fast", 1))
    third = in_background(clock, pacer, ("slow", 2), ("fast", 1))
    await settle()
    first.cancel()
    second.cancel()
    await settle()
    assert await third == clock.mono()
    assert pacer.used("slow") == (12, 20)
    assert pacer.used("fast") == (1, 3)


async def test_a_request_above_the_headroom_has_the_window_for_itself() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, (SLOW,))
    await pacer.grant([("slow", 1)])
    whole = in_background(clock, pacer, ("slow", 20))
    await pass_time(clock, 62.0, 1.0)
    assert not whole.done()
    await pass_time(clock, 2.0)
    assert await whole == pytest.approx(1_063.0, abs=0.05)
    assert pacer.wait_s([("slow", 1)]) > 60


async def test_a_limit_of_one_survives_the_headroom() -> None:
    pacer = Pacer(ManualClock(), [Rule("status", 1, 5.0)])
    await pacer.grant([("status", 1)])
    assert pacer.wait_s([("status", 1)]) == pytest.approx(5.25)


@pytest.mark.parametrize("costs", [[("fast", 4)], [("fast", 2), ("fast", 2)], [("nothing", 1)], [("fast", -1)]])
async def test_what_can_never_be_granted_is_an_error(costs: list[tuple[str, int]]) -> None:
    pacer = Pacer(ManualClock(), RULES)
    with pytest.raises(ValueError, match=r"fast|nothing"):
        await pacer.grant(costs)
    await pacer.grant([("fast", 1)])


async def test_a_penalty_bars_its_rule_alone_until_its_end() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)
    task = in_background(clock, pacer, ("slow", 0))
    assert await task == clock.mono()
    pacer.penalise("slow", clock.mono() + 120)
    pacer.penalise("slow", clock.mono() + 1)
    await pacer.grant([("fast", 1)])
    free, spending = in_background(clock, pacer, ("slow", 0)), in_background(clock, pacer, ("slow", 1))
    await pass_time(clock, 119, 1.0)
    assert not free.done()
    await pass_time(clock, 2, 0.5)
    assert await free == await spending == pytest.approx(1_120)


async def test_a_penalty_reaches_those_that_wait_already() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)
    await pacer.grant([("fast", 2)])
    task = in_background(clock, pacer, ("fast", 1))
    await settle()
    pacer.penalise("fast", clock.mono() + 10)
    await pass_time(clock, 9.5)
    assert not task.done()
    await pass_time(clock, 1.0)
    assert await task == pytest.approx(1_010, abs=0.06)


class Arrival(NamedTuple):
    at: float
    rule: str
    units: int


def is_within(rule: Rule, arrivals: Sequence[Arrival]) -> bool:
    """Whether no closed window of the documented length holds more than the documented limit."""
    mine = [a for a in arrivals if a.rule == rule.name]
    return all(sum(a.units for a in mine if end.at - rule.window_s <= a.at <= end.at) <= rule.limit for end in mine)


costs_of_one = st.dictionaries(st.sampled_from(["fast", "slow"]), st.integers(0, 3), min_size=1).map(
    lambda d: tuple(sorted(d.items()))
)
asks = st.lists(st.tuples(costs_of_one, st.floats(0, LATE_S)), min_size=1, max_size=30)
steps = st.lists(st.floats(0.001, 3.0), min_size=1, max_size=20)


class Server:
    """Sees every grant a little late."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.order: dict[str, list[int]] = {"fast": [], "slow": []}

    def seen(self, number: int, costs: Sequence[tuple[str, int]], at: float) -> None:
        self.arrivals += [Arrival(at, name, units) for name, units in costs]
        for name, _ in costs:
            self.order[name].append(number)


class Case(NamedTuple):
    clock: ManualClock
    pacer: Pacer
    server: Server
    offset_s: float = 0.0  # true time minus the clock's monotonic time


Ask = tuple[tuple[tuple[str, int], ...], float]


async def ask_all(case: Case, wanted: Sequence[Ask], pauses: Sequence[float]) -> None:
    """Ask for everything, some at once, some later, and let time pass until everything is granted."""

    async def one(number: int, costs: tuple[tuple[str, int], ...], late_s: float) -> None:
        await case.pacer.grant(costs)
        case.server.seen(number, costs, case.offset_s + case.clock.mono() + late_s)

    tasks = []
    for i, (costs, late_s) in enumerate(wanted):
        tasks.append(asyncio.create_task(one(i, costs, late_s)))
        await settle()
        if i % 4 == 0:
            case.clock.advance(pauses[i % len(pauses)])
            await settle()
    for i in range(3_000):
        if all(t.done() for t in tasks):
            break
        case.clock.advance(pauses[i % len(pauses)])
        await settle()
    assert all(t.done() for t in tasks)


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def wrapped() -> None:
        await main()

    asyncio.run(wrapped())


@settings(max_examples=60, deadline=None)
@given(asks, steps)
def test_no_rolling_window_ever_holds_more_than_the_limit(wanted: list[Ask], pauses: list[float]) -> None:
    pauses = [*pauses, 0.5]
    clock, server = ManualClock(), Server()
    run(lambda: ask_all(Case(clock, Pacer(clock, RULES), server), wanted, pauses))
    assert all(is_within(rule, server.arrivals) for rule in RULES)
    assert all(numbers == sorted(numbers) for numbers in server.order.values())
    assert set(server.order["fast"] + server.order["slow"]) == set(range(len(wanted)))


@settings(max_examples=60, deadline=None)
@given(asks, asks, st.floats(0, 70), st.floats(-7_200, 7_200), st.booleans())
def test_a_restart_spends_nothing_twice(
    before: list[Ask], after: list[Ask], down_s: float, step_s: float, reboot: bool
) -> None:
    server = Server()
    clock = ManualClock()
    first = Pacer(clock, RULES)
    run(lambda: ask_all(Case(clock, first, server), before, [0.3, 1.0]))
    saved = json.loads(json.dumps(first.export()))
    clock.advance(down_s)
    clock.step_wall(min(0.0, step_s) if reboot else step_s)  # set forward in a reboot: nobody can know
    offset_s = 0.0
    if reboot:
        offset_s = clock.mono() - 5.0
        clock = ManualClock(clock.now_ms(), 5.0)
    second = Pacer(clock, RULES, saved=saved)
    run(lambda: ask_all(Case(clock, second, server, offset_s), after, [0.3, 1.0]))
    assert all(is_within(rule, server.arrivals) for rule in RULES)


async def test_a_restart_keeps_penalties_for_as_long_as_they_were() -> None:
    clock = ManualClock()
    first = Pacer(clock, RULES)
    first.penalise("slow", clock.mono() + 100)
    saved = first.export()
    clock.advance(40)
    assert Pacer(clock, RULES, saved=saved).wait_s([("slow", 1)]) == pytest.approx(60)
    clock.advance(70)
    assert Pacer(clock, RULES, saved=saved).wait_s([("slow", 1)]) == 0


GARBAGE: list[object] = [
    None,
    [],
    "x",
    {"saved_ms": "now"},
    {"saved_ms": 1, "saved_mono": 1, "rules": {"fast": {"spent": [[1]]}}},
    {"saved_ms": 10**400, "saved_mono": 1e9, "rules": {}},
    {"saved_ms": 1, "saved_mono": 1, "rules": {"fast": {"spent": [[float("nan"), 1], [0, -5]]}}},
    {"saved_ms": 1, "saved_mono": 1, "rules": {"gone": {"spent": [[0, 1]]}}},
]


@pytest.mark.parametrize("saved", GARBAGE)
async def test_garbage_is_no_memory(saved: object) -> None:
    assert Pacer(ManualClock(), RULES, saved=saved).wait_s([("fast", 2), ("slow", 16)]) == 0


async def test_saved_times_from_the_future_count_as_now() -> None:
    clock = ManualClock()
    saved = {"saved_ms": clock.now_ms() + 10**9, "saved_mono": 10**9, "rules": {"slow": {"spent": [[-5e9, 16]]}}}
    assert Pacer(clock, RULES, saved=saved).wait_s([("slow", 1)]) == pytest.approx(63)


async def test_an_absurd_saved_penalty_is_cut() -> None:
    clock = ManualClock()
    saved = {"saved_ms": clock.now_ms(), "saved_mono": clock.mono(), "rules": {"slow": {"barred_s": 1e18}}}
    assert Pacer(clock, RULES, saved=saved).wait_s([("slow", 1)]) == pytest.approx(LONGEST_BAR_S)


def test_what_was_saved_is_loaded_and_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "budgets.json"
    state = {"venue": Pacer(ManualClock(), RULES).export()}
    assert save(path, {})
    assert save(path, state)
    assert load(path) == state
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["budgets.json"]


def test_a_file_that_cannot_be_read_is_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "budgets.json"
    assert load(path) is None
    for content in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        path.write_bytes(content)
        assert load(path) is None


def test_where_nothing_can_be_written_nothing_is_saved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert not save(tmp_path / "file" / "budgets.json", {})
    (tmp_path / "taken").mkdir()
    assert not save(tmp_path / "taken", {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "taken"]


async def test_who_waits_is_told_with_the_seconds_that_are_left_and_why() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, RULES)
    await pacer.grant([("fast", 2)])
    waiting = [asyncio.create_task(pacer.grant([("fast", 2)], who)) for who in ("first", "second")]
    await settle()
    first = pacer.waits()["first"]
    assert (first.words, first.is_barred) == ("waiting 2 s (quota)", False)
    assert pacer.waits()["second"].seconds > first.seconds
    clock.advance(0.5)
    assert pacer.waits()["first"].seconds == pytest.approx(first.seconds - 0.5)
    pacer.bar([("fast", 1)], 90.0)
    assert pacer.waits()["first"].words == "waiting 90 s (ban)"
    for task in waiting:
        task.cancel()
    await settle()
    assert pacer.waits() == {}
