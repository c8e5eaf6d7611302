"""Past settlements on demand: a manual clock, a loopback server, a real pacer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from frmon.clock import ManualClock
from frmon.errors import DecodeError
from frmon.feeds.contract import FundingHistory, Past, Request, Rule, Settled
from frmon.feeds.depth import Desk as Asked
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Rest
from frmon.feeds.settlements import AGAIN_S, PACE_S, SHARE, Settlements, Want
from frmon.model import LegKey, Market
from tests.feeds import toy
from tests.feeds.toy import Desk

T0 = 1_795_305_600_000
HOUR_MS = 3_600_000


def request(past: Past) -> Request:
    return Request(endpoint="rest", path=f"/paid/{past.symbol}/{past.page}", costs=(("weight", 1),))


def parse(body: bytes) -> list[Settled]:
    told = json.loads(body)
    if "rows" not in told:
        raise DecodeError("no rows")
    return [Settled(*row) for row in told["rows"]]


VENUE = msgspec.structs.replace(
    toy.VENUE,
    funding_histories=(FundingHistory(Market.PERP, request, parse, 3),),
    rules=(Rule("connects", 9, 1.0), Rule("weight", 100, 10.0)),
)


def key(coin: str) -> LegKey:
    return LegKey("toy", Market.PERP, f"{coin}USDT")


def want(coin: str, last_ms: int = T0, since_ms: int = 0) -> Want:
    return Want(key(coin), since_ms, last_ms)


def row(coin: str, hours: int, rate: float = 0.0001) -> list[object]:
    return [f"{coin}USDT", T0 - hours * HOUR_MS, rate]


class Floor:
    """The toy venue's history, its pacer and the server that is asked."""

    def __init__(self, desk: Desk, http: Http) -> None:
        self.desk = desk
        self.clock = ManualClock()
        self.clock.advance((T0 + HOUR_MS - self.clock.now_ms()) / 1000)
        self.pacer = Pacer(self.clock, VENUE.rules)
        self.told: list[str] = []
        self.heard: dict[str, list[Settled]] = {}
        rest = Rest(http, VENUE, {"rest": desk.url}, self.pacer, self.clock)
        self.past = Settlements([Asked(VENUE, rest, self.pacer)], self.clock, self.told.append, self.hear)

    def hear(self, wanted: Want, settled: Sequence[Settled]) -> None:
        self.heard[wanted.key.symbol] = list(settled)

    def give(self, coin: str, *rows: list[object], page: int = 0) -> None:
        self.desk.give(f"/paid/{coin}USDT/{page}", {"rows": rows})

    def asked(self, coin: str, page: int = 0) -> int:
        return self.desk.asked.count(f"/paid/{coin}USDT/{page}")

    async def let_pass(self, seconds: float, step: float = 0.5) -> None:
        await asyncio.sleep(0.005)
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            await asyncio.sleep(0.005)

    async def comes(self, condition: Callable[[], object]) -> None:
        for _ in range(300):
            if condition():
                return
            await self.let_pass(0.5)
        raise AssertionError("never came true")


@asynccontextmanager
async def floor() -> AsyncIterator[Floor]:
    async with Desk() as desk:
        http = Http()
        found = Floor(desk, http)
        run = asyncio.create_task(found.past.run())
        try:
            yield found
        finally:
            run.cancel()
            await asyncio.wait([run])
            await http.close()


async def test_nothing_is_asked_while_nothing_is_wanted() -> None:
    async with floor() as f:
        await f.let_pass(30)
        assert (f.desk.asked, f.pacer.grants) == ([], 0)


async def test_what_is_wanted_is_heard_in_the_order_of_time_and_asked_for_once() -> None:
    async with floor() as f:
        f.give("A", row("A", 0, 0.3), row("A", 8, -0.1))
        f.past.want([want("A")])
        await f.comes(lambda: f.heard)
        assert [(s.at_ms, s.rate) for s in f.heard["AUSDT"]] == [(T0 - 8 * HOUR_MS, -0.1), (T0, 0.3)]
        for _ in range(5):
            f.past.want([want("A")])
            await f.let_pass(10)
        assert f.asked("A") == 1
        f.past.want([want("A", T0 + 8 * HOUR_MS)])
        await f.comes(lambda: f.asked("A") == 2)


async def test_rows_of_others_of_the_future_and_from_before_are_left_out() -> None:
    async with floor() as f:
        f.give("A", ["AUSDT", T0 + 2 * HOUR_MS, 0.5], row("B", 0), row("A", 0), row("A", 9))
        f.past.want([want("A", since_ms=T0 - 8 * HOUR_MS)])
        await f.comes(lambda: f.heard)
        assert [s.at_ms for s in f.heard["AUSDT"]] == [T0]


async def test_pages_are_read_as_far_back_as_it_is_wanted() -> None:
    async with floor() as f:
        for page in range(4):
            f.give("A", *(row("A", 3 * page + n) for n in range(3)), page=page)
        f.past.want([want("A", since_ms=T0 - 7 * HOUR_MS)])
        await f.comes(lambda: f.heard)
        assert [s.at_ms for s in f.heard["AUSDT"]] == [T0 - n * HOUR_MS for n in range(7, -1, -1)]
        assert [f.asked("A", page) for page in range(4)] == [1, 1, 1, 0]


async def test_a_venue_that_repeats_itself_is_not_asked_for_ever() -> None:
    async with floor() as f:
        for page in range(20):
            f.give("A", row("A", 0), row("A", 1), row("A", 2), page=page)
        f.past.want([want("A")])
        await f.comes(lambda: f.heard)
        assert len(f.heard["AUSDT"]) == 3
        assert len(f.desk.asked) == 2


@pytest.mark.parametrize("status", [503, 200, 404])
async def test_a_leg_that_fails_harms_nobody_and_is_asked_again_much_later(status: int) -> None:
    async with floor() as f:
        f.desk.give("/paid/AUSDT/0", {"error": "no"}, status)
        f.give("B", row("B", 0))
        f.past.want([want("A"), want("B")])
        await f.comes(lambda: f.heard)
        await f.let_pass(AGAIN_S * 0.9, 5.0)
        assert (f.asked("A"), f.asked("B")) == (1, 1)
        f.give("A", row("A", 0))
        await f.let_pass(AGAIN_S * 0.2, 5.0)
        await f.comes(lambda: "AUSDT" in f.heard)
        assert f.told == []


async def test_failures_are_asked_again_ever_more_seldom() -> None:
    async with floor() as f:
        f.desk.give("/paid/AUSDT/0", {}, 500)
        f.past.want([want("A")])
        await f.let_pass(AGAIN_S * 8, 20.0)
        assert 3 <= f.asked("A") <= 4


async def test_a_ban_stops_all_legs_for_as_long_as_the_venue_says() -> None:
    async with floor() as f:
        f.desk.give("/paid/AUSDT/0", {}, 429, {"retry-after": "60"})
        f.give("B", row("B", 0))
        f.past.want([want("A"), want("B")])
        await f.comes(lambda: f.asked("A"))
        await f.let_pass(55)
        assert f.asked("B") == 0
        await f.comes(lambda: f.heard)


async def test_a_bug_in_a_parser_is_told_and_the_others_are_read() -> None:
    async with floor() as f:
        f.desk.give("/paid/AUSDT/0", {"rows": 5})
        f.give("B", row("B", 0))
        f.past.want([want("A"), want("B")])
        await f.comes(lambda: f.heard)
        assert f.told[0].startswith("TASK toy perp settlements failed (TypeError)")
        assert f.asked("A") == 1


async def test_no_more_than_one_request_a_second_and_a_share_of_every_budget() -> None:
    async with floor() as f:
        for n in range(60):
            f.give(f"C{n}", row(f"C{n}", 0))
        f.past.want([want(f"C{n}") for n in range(60)])
        start = f.clock.mono()
        await f.comes(lambda: len(f.heard) >= 20)
        assert f.clock.mono() - start >= 19 * PACE_S
        assert f.pacer.used("weight")[0] <= SHARE * 100


async def test_everything_else_goes_first() -> None:
    async with floor() as f:
        await f.pacer.grant((("weight", 30),))
        f.give("A", row("A", 0))
        f.past.want([want("A")])
        await f.let_pass(8)
        assert f.desk.asked == []
        await f.comes(lambda: f.heard)


async def test_what_is_no_longer_wanted_is_not_asked_for() -> None:
    async with floor() as f:
        f.give("A", row("A", 0))
        f.past.want([want("A")])
        f.past.want([])
        await f.let_pass(10)
        assert f.desk.asked == []
        f.past.want([msgspec.structs.replace(want("A"), key=LegKey("toy", Market.SPOT, "AUSDT"))])
        await f.let_pass(10)
        assert f.desk.asked == [], "spot pays no funding"
