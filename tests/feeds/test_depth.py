"""Order books on demand: a manual clock, a loopback server, a real pacer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest
from aiohttp import web

from frmon.clock import ManualClock
from frmon.errors import DecodeError
from frmon.feeds import depth
from frmon.feeds.contract import Depth, Request, Rule
from frmon.feeds.depth import BUSY, EVERY_S, SETTLE_S, Depths, Sight, has_room
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Rest
from frmon.model import Book, Leg, LegKey, Market
from tests.feeds import toy
from tests.feeds.toy import Desk, until
from tests.given import leg


def request(symbol: str) -> Request:
    return Request(endpoint="rest", path=f"/depth/{symbol}", costs=(("weight", 5),))


def parse(body: bytes) -> Book:
    told = json.loads(body)
    if "bids" not in told:
        raise DecodeError("no sides")
    return Book(tuple(map(tuple, told["bids"])), tuple(map(tuple, told["asks"])))


VENUE = msgspec.structs.replace(
    toy.VENUE,
    depths=(Depth(Market.PERP, request, parse, 50),),
    rules=(Rule("connects", 9, 1.0), Rule("weight", 100, 10.0)),
)
A = leg("toy", "A", contract=1.0)
B = leg("toy", "B", contract=1.0)
LADDER = {"bids": [[1.0, 10.0]], "asks": [[1.1, 20.0]]}


class Floor:
    """Depths of the toy venue, its pacer and the server it asks."""

    def __init__(self, desk: Desk, http: Http) -> None:
        self.desk = desk
        self.clock = ManualClock()
        self.pacer = Pacer(self.clock, VENUE.rules)
        self.told: list[str] = []
        rest = Rest(http, VENUE, {"rest": desk.url}, self.pacer, self.clock)
        self.depths = Depths([depth.Desk(VENUE, rest, self.pacer)], self.clock, self.told.append)

    def asked(self, one: Leg = A) -> int:
        return self.desk.asked.count(f"/depth/{one.symbol}")

    def sight(self, one: Leg = A) -> Sight:
        return self.depths.seen[one.key]

    async def let_pass(self, seconds: float) -> None:
        """Time goes by in small steps, and whoever is due gets his turn."""
        await asyncio.sleep(0.005)
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            await asyncio.sleep(0.005)

    async def comes(self, condition: Callable[[], object]) -> None:
        """Let time pass until it holds."""
        for _ in range(400):
            if condition():
                return
            await self.let_pass(0.25)
        raise AssertionError("never came true")


@asynccontextmanager
async def floor() -> AsyncIterator[Floor]:
    async with Desk() as desk:
        http = Http()
        found = Floor(desk, http)
        for one in (A, B):
            desk.give(f"/depth/{one.symbol}", LADDER)
        try:
            yield found
        finally:
            await found.depths.end()
            await http.close()


async def test_nothing_is_asked_while_nothing_is_chosen() -> None:
    async with floor() as f:
        await f.let_pass(20)
        assert (f.desk.asked, f.depths.seen, f.pacer.grants) == ([], {}, 0)


async def test_a_chosen_book_is_asked_for_at_once_and_then_every_two_seconds() -> None:
    async with floor() as f:
        f.depths.choose([A])
        assert f.sight() == Sight(A, None, None, "asked", 50)
        await f.comes(lambda: f.sight().book)
        assert f.sight().book == Book(((1.0, 10.0),), ((1.1, 20.0),))
        assert f.sight().why == ""
        first, start = f.asked(), f.clock.mono()
        await f.comes(lambda: f.asked() == first + 5)
        gone = f.clock.mono() - start
        assert gone >= 4 * EVERY_S
        asked_at = f.sight().asked_at
        assert asked_at is not None
        assert start < asked_at <= f.clock.mono()


async def test_no_book_is_asked_for_more_often_however_often_it_is_chosen() -> None:
    async with floor() as f:
        start = f.clock.mono()
        for _ in range(20):
            f.depths.choose([A])
            await f.let_pass(0.75)
            f.depths.choose([])
            await f.let_pass(0.25)
        assert 4 < f.asked() <= (f.clock.mono() - start) / EVERY_S + 1


async def test_a_choice_that_does_not_last_is_not_asked_for() -> None:
    async with floor() as f:
        for _ in range(30):
            f.depths.choose([A])
            await asyncio.sleep(0)
            f.clock.advance(SETTLE_S * 0.8)
            await asyncio.sleep(0.002)
            f.depths.choose([B])
            await asyncio.sleep(0)
            f.clock.advance(SETTLE_S * 0.8)
            await asyncio.sleep(0.002)
        assert f.desk.asked == []


async def test_it_stops_at_once_and_does_not_wait_for_what_was_asked() -> None:
    async with floor() as f:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def slow(_: web.Request) -> web.StreamResponse:
            entered.set()
            await leave.wait()
            return web.json_response(LADDER)

        f.desk.answers["/depth/AUSDT"] = slow
        f.depths.choose([A, B])
        await f.comes(entered.is_set)
        await f.comes(lambda: f.sight(B).book)
        f.depths.choose([])
        assert f.depths.seen == {}
        leave.set()
        before = len(f.desk.asked)
        await f.let_pass(20)
        assert (len(f.desk.asked), f.depths.seen) == (before, {})


async def test_one_request_at_a_time_for_a_book_however_slow_the_venue_is() -> None:
    async with floor() as f:
        inside, most = 0, 0
        leave = asyncio.Event()

        async def slow(_: web.Request) -> web.StreamResponse:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await leave.wait()
            inside -= 1
            return web.json_response(LADDER)

        f.desk.answers["/depth/AUSDT"] = slow
        f.depths.choose([A])
        await f.comes(lambda: inside)
        await f.let_pass(10)
        assert (most, f.asked()) == (1, 1)
        leave.set()
        await f.comes(lambda: f.asked() == 2)
        assert most == 1


async def test_other_legs_of_the_choice_are_kept_when_one_changes() -> None:
    async with floor() as f:
        f.depths.choose([A, B])
        await f.comes(lambda: f.sight(A).book and f.sight(B).book)
        kept = f.sight(A)
        f.depths.choose([A])
        assert f.depths.seen == {A.key: kept}
        count = f.asked(B)
        await f.comes(lambda: f.asked(A) > 3)
        assert f.asked(B) == count


async def test_a_leg_that_turns_out_to_have_another_size_is_asked_anew() -> None:
    async with floor() as f:
        f.depths.choose([A])
        await f.comes(lambda: f.sight().book)
        thousand = msgspec.structs.replace(A, multiplier=1000, contract=10.0)
        f.depths.choose([thousand])
        assert f.sight().book is None
        await f.comes(lambda: f.sight().book)
        assert f.sight().book == Book(((0.001, 100_000.0),), ((1.1 / 1000, 200_000.0),))


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (leg("toy", "A"), "the size of a contract is not known"),
        (leg("toy", "A", market=Market.SPOT, contract=1.0), "this venue is not asked for order books"),
        (leg("other", "A", contract=1.0), "this venue is not asked for order books"),
    ],
)
async def test_what_cannot_be_asked_says_why_and_is_not_asked(one: Leg, why: str) -> None:
    async with floor() as f:
        f.depths.choose([one])
        assert f.sight(one).why == why
        await f.let_pass(5)
        assert f.desk.asked == []


async def test_an_error_is_words_the_last_book_stays_and_the_next_answer_heals() -> None:
    async with floor() as f:
        f.depths.choose([A])
        await f.comes(lambda: f.sight().book)
        good = f.sight()
        f.desk.give("/depth/AUSDT", {}, 503)
        await f.comes(lambda: f.sight().why)
        assert f.sight().why == "RECONNECT: HTTP 503"
        f.desk.give("/depth/AUSDT", {"error": "what?"})
        await f.comes(lambda: f.sight().why.startswith("unreadable"))
        assert f.sight().why == "unreadable: no sides"
        assert (f.sight().book, f.sight().asked_at) == (good.book, good.asked_at)
        f.desk.give("/depth/AUSDT", LADDER)
        await f.comes(lambda: not f.sight().why)
        assert f.sight().asked_at != good.asked_at
        assert f.told == []


async def test_a_venue_that_says_stay_away_is_left_alone_that_long() -> None:
    async with floor() as f:
        f.desk.give("/depth/AUSDT", {}, 429, {"retry-after": "40"})
        f.depths.choose([A])
        await f.comes(f.asked)
        await f.comes(lambda: f.sight().why == "BANNED: too many")
        f.depths.choose([])
        f.depths.choose([A])
        f.desk.give("/depth/AUSDT", LADDER)
        await f.let_pass(38)
        assert f.asked() == 1
        await f.comes(lambda: f.sight().book)


async def test_everything_else_goes_first() -> None:
    async with floor() as f:
        await f.pacer.grant((("weight", 56),))
        f.depths.choose([A])
        await f.comes(lambda: f.sight().why == BUSY)
        await f.let_pass(4)
        assert f.desk.asked == []
        await f.comes(lambda: f.sight().book)


async def test_a_bug_in_a_parser_is_told_and_hurts_no_other_book() -> None:
    async with floor() as f:
        f.desk.give("/depth/AUSDT", {"bids": 5, "asks": []})
        f.depths.choose([A, B])
        await f.comes(lambda: f.told and f.sight(B).book)
        assert f.told[0].startswith("TASK toy AUSDT depth failed (TypeError)")
        count = f.asked(B)
        await f.comes(lambda: f.asked(B) > count)


def test_there_is_room_only_where_nobody_waits_and_budgets_are_mostly_free() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, VENUE.rules)
    assert has_room(pacer, request("A"))
    pacer.penalise("weight", clock.mono() + 5)
    assert not has_room(pacer, request("A"))
    clock.advance(6)
    assert has_room(pacer, request("A"))


@pytest.mark.parametrize(("spent", "room"), [(0, True), (55, True), (56, False), (80, False)])
async def test_a_share_of_every_budget_is_left_to_others(spent: int, room: bool) -> None:
    pacer = Pacer(ManualClock(), VENUE.rules)
    await pacer.grant((("weight", spent),))
    assert has_room(pacer, request("A")) is room


async def test_there_is_no_room_behind_somebody_who_waits() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, (Rule("weight", 100, 10.0), Rule("other", 1, 10.0)))
    await pacer.grant((("other", 1),))
    waiting = asyncio.create_task(pacer.grant((("other", 1), ("weight", 1))))
    await asyncio.sleep(0)
    assert not has_room(pacer, request("A"))
    waiting.cancel()
    await until(waiting.done)
    assert has_room(pacer, request("A"))


def test_what_was_seen_is_replaced_and_never_changed() -> None:
    depths = Depths([], ManualClock(), partial(print, end=""))
    before = depths.seen
    depths.choose([A])
    assert before == {}
    assert list(depths.seen) == [LegKey("toy", Market.PERP, "AUSDT")]
