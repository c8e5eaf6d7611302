"""The engine on a toy venue: real sockets, timers fifty times faster."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from frmon.config import Settings, VenueDefaults, defaults
from frmon.engine import Engine
from frmon.feeds.contract import Venue
from frmon.model import Carrier, LegKey, Market, Status, Tick
from tests.feeds import toy
from tests.feeds.toy import Desk, Peer, Stage, until
from tests.leaping import clock_here


def rows(**quotes: tuple[float, float]) -> dict[str, object]:
    """A REST reply of quotes, stamped now."""
    now = clock_here().now_ms()
    return {"rows": [{"s": f"{coin}USDT", "b": b, "a": a, "t": now} for coin, (b, a) in quotes.items()]}


class Floor:
    """A toy venue on loopback and an engine pointed at it."""

    def __init__(self, desk: Desk, stage: Stage, scale: float, venue: Venue, state_dir: Path | None) -> None:
        self.desk = desk
        self.stage = stage
        settings: Settings = defaults(
            [VenueDefaults(name="toy", endpoints={}, taker_fee_spot=0.001, taker_fee_perp=0.0005)]
        )
        settings.venues["toy"].endpoints = {"rest": desk.url, "ws": stage.url}
        settings.feeds.time_scale = scale
        settings.signals.max_age_s = 1.0
        self.engine = Engine((venue,), settings, clock=clock_here(), state_dir=state_dir)

    def list(self, *coins: str) -> None:
        self.desk.give("/list", {"symbols": [f"{c}USDT" for c in coins]})

    def quote(self, **quotes: tuple[float, float]) -> None:
        self.desk.give("/book", rows(**quotes))

    def bid(self, coin: str) -> float | None:
        cell = self.engine.board.cell(LegKey("toy", Market.PERP, f"{coin}USDT"))
        return cell.bid if cell is not None else None

    def source(self, coin: str) -> str | None:
        cell = self.engine.board.cell(LegKey("toy", Market.PERP, f"{coin}USDT"))
        return cell.source if cell is not None else None

    def fresh(self) -> int:
        now = self.engine.clock.mono()
        return sum(c.is_fresh(now, self.engine.terms.freshness) for c in self.engine.board.cells())


@asynccontextmanager
async def floor(
    scale: float = 0.05, venue: Venue = toy.VENUE, state_dir: Path | None = None, stage: Stage | None = None
) -> AsyncIterator[Floor]:
    async with Desk() as desk, stage or Stage() as one:
        found = Floor(desk, one, scale, venue, state_dir)
        desk.give("/time", {"t": clock_here().now_ms()})
        task = asyncio.create_task(found.engine.run())
        try:
            yield found
        finally:
            await asyncio.sleep(0)
            found.engine.stop()
            await asyncio.wait_for(task, 10)


async def talk(peer: Peer, *coins: str) -> None:
    while True:
        for coin in coins:
            await peer.quote(f"{coin}USDT", 5.0, 5.1)
        await asyncio.sleep(0.02)


async def test_rest_seeds_the_board_before_any_stream_spoke_and_the_stream_takes_over() -> None:
    async with floor(scale=0.3) as f:
        f.list("A", "B")
        f.quote(A=(1.0, 1.1), B=(2.0, 2.1))
        await until(lambda: (f.bid("A"), f.bid("B")) == (1.0, 2.0))
        assert f.source("A") == "rest"
        peer = await f.stage.peer()
        task = asyncio.create_task(talk(peer, "A", "B"))
        await until(lambda: f.source("A") == "ws" and f.source("B") == "ws")
        await until(f.engine.is_complete)
        state = f.engine.states()[0]
        await until(lambda: f.engine.states()[0].status is Status.LIVE)
        assert (state.name, state.legs) == ("toy", 2)
        task.cancel()


async def test_rest_covers_silent_streams_and_stops_when_they_are_back() -> None:
    async with floor(scale=0.05) as f:
        f.list("A", "B")
        f.quote(A=(1.0, 1.1), B=(2.0, 2.1))
        peer = await f.stage.peer()
        await until(lambda: f.desk.asked.count("/book") > 5, "silent from the start: REST is asked again and again")
        await until(lambda: f.fresh() == 2)
        task = asyncio.create_task(talk(peer if not peer.connection.close_code else await f.stage.peer(), "A", "B"))
        try:
            await until(lambda: f.source("A") == "ws")
        except Exception:
            task.cancel()
            raise
        await asyncio.sleep(0.3)
        before = f.desk.asked.count("/book")
        await asyncio.sleep(1.0)
        assert f.desk.asked.count("/book") - before <= 2, "only the sweep goes on"
        task.cancel()


async def test_listings_are_refreshed_new_coins_appear_and_dead_ones_leave_without_disturbing_the_line() -> None:
    venue = msgspec.structs.replace(
        toy.VENUE, directories=(msgspec.structs.replace(toy.VENUE.directories[0], every_s=4.0),)
    )
    async with floor(scale=0.1, venue=venue) as f:
        coins = [f"C{i}" for i in range(20)]
        f.list(*coins)
        f.quote(C1=(1.0, 1.1))
        await until(lambda: len(f.engine.board.rows) == 20)
        f.list(*coins[:-1], "NEW")
        await until(lambda: "NEW" in f.engine.board.rows and "C19" not in f.engine.board.rows)
        lines = f.engine.fleets["toy"].all_lines
        assert sum(len(line.symbols) for line in lines) == 20
        assert "NEWUSDT" in {s for line in lines for s in line.symbols}
        assert "C19USDT" not in {s for line in lines for s in line.symbols}


async def test_a_broken_list_keeps_the_old_set_and_says_so() -> None:
    venue = msgspec.structs.replace(
        toy.VENUE, directories=(msgspec.structs.replace(toy.VENUE.directories[0], every_s=2.0),)
    )
    async with floor(scale=0.1, venue=venue) as f:
        f.list("A", "B", "C")
        f.quote(A=(1.0, 1.1))
        await until(lambda: len(f.engine.board.rows) == 3)
        f.desk.give("/list", {}, 500)
        await until(lambda: "HTTP 500" in f.engine.states()[0].detail)
        assert len(f.engine.board.rows) == 3


async def test_a_venue_that_refuses_everything_is_named_and_the_rest_goes_on() -> None:
    async with floor(scale=0.1) as f:
        f.desk.give("/list", {}, 451)
        await until(lambda: bool(f.engine.states()) and f.engine.states()[0].status is Status.BLOCKED)
        assert "HTTP 451" in f.engine.states()[0].detail
        await until(f.engine.is_complete)


async def test_a_line_that_will_be_closed_is_replaced_before_it_is_dropped() -> None:
    async with floor(scale=0.3) as f:
        f.list("A")
        f.quote(A=(1.0, 1.1))
        first = await f.stage.peer()
        one = asyncio.create_task(talk(first, "A"))
        await until(lambda: f.source("A") == "ws")
        await first.say(notice="shutdown")
        second = await f.stage.peer()
        assert first.connection.close_code is None, "make before break"
        two = asyncio.create_task(talk(second, "A"))
        await until(lambda: first.connection.close_code is not None)
        assert f.fresh() == 1
        assert len(f.engine.fleets["toy"].all_lines) == 1
        one.cancel()
        two.cancel()


async def test_a_line_is_replaced_before_its_lifetime_ends_and_so_is_its_successor() -> None:
    aging = msgspec.structs.replace(toy.STREAM, lifetime_s=60.0)
    venue = msgspec.structs.replace(toy.VENUE, streams=(aging,))
    async with floor(scale=0.02, venue=venue) as f:
        f.list("A")
        f.quote(A=(1.0, 1.1))
        peers, talks = [], []
        for _ in range(3):
            peers.append(await f.stage.peer())
            talks.append(asyncio.create_task(talk(peers[-1], "A")))
        await until(lambda: peers[1].connection.close_code is not None)
        assert peers[0].connection.close_code == 1000
        assert f.engine.states()[0].reconnects == 0, "nothing was lost"
        assert len(f.engine.fleets["toy"].all_lines) == 1
        for one in talks:
            one.cancel()


async def test_an_old_line_stays_when_no_new_one_comes_up() -> None:
    refusing: list[bool] = []
    async with floor(scale=0.05, stage=Stage(refuse=lambda: 503 if refusing else None)) as f:
        f.list("A")
        f.quote(A=(1.0, 1.1))
        first = await f.stage.peer()
        task = asyncio.create_task(talk(first, "A"))
        await until(lambda: f.source("A") == "ws")
        refusing.append(True)
        await first.say(notice="shutdown")
        await first.say(notice="shutdown")
        await until(lambda: f.stage.connects >= 3, "it tries, more than once")
        await until(lambda: len(f.engine.fleets["toy"]._lineup.running) == 1, "and gives up")
        assert first.connection.close_code is None
        assert f.fresh() == 1
        task.cancel()


async def test_maintenance_explains_a_venue_that_fell_silent_and_no_other() -> None:
    async with floor(scale=0.05) as f:
        f.list("A")
        f.quote(A=(1.0, 1.1))
        peer = await f.stage.peer()
        task = asyncio.create_task(talk(peer, "A"))
        await until(lambda: bool(f.engine.states()) and f.engine.states()[0].status is Status.LIVE)
        await peer.say(notice="maintenance")
        await until(lambda: any("maintenance" in e.text for e in f.engine.events))
        assert f.engine.states()[0].status is Status.LIVE
        task.cancel()
        f.desk.give("/book", {}, 503)
        await until(lambda: f.engine.states()[0].status is Status.MAINT)


async def test_a_bug_in_a_job_restarts_that_job_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = iter([True, True])

    async with floor(scale=0.3) as f:
        judge: Callable[[], None] = f.engine._identity.judge

        def broken() -> None:
            if next(fails, False):
                raise ZeroDivisionError
            judge()

        monkeypatch.setattr(f.engine._identity, "judge", broken)
        f.list("A")
        f.quote(A=(1.0, 1.1))
        await until(lambda: any("TASK identity restarted" in e.text for e in f.engine.events))
        await until(lambda: f.bid("A") == 1.0)


async def test_what_was_spent_is_remembered_over_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        async with floor(scale=0.3, state_dir=tmp_path) as f:
            f.list("A")
            f.quote(A=(1.0, 1.1))
            await f.stage.peer()
    assert (tmp_path / "budgets.json").stat().st_mode & 0o077 == 0
    assert "toy http" in (tmp_path / "budgets.json").read_text()


async def test_what_a_settlement_paid_is_kept_while_the_engine_runs() -> None:
    async with floor() as f:
        f.list("A")
        key = LegKey("toy", Market.PERP, "AUSDT")
        await until(lambda: f.engine.board.cell(key) is not None)
        stream = Carrier("toy", Market.PERP, "funding")

        def say(rate: float, due: int) -> None:
            now = f.engine.clock.mono(), f.engine.clock.now_ms()
            tick = Tick(symbol="AUSDT", event_ms=now[1], funding_rate=rate, funding_interval_h=8, next_funding_ms=due)
            f.engine.board.take(stream, [tick], *now)

        due = f.engine.clock.now_ms() - 1
        say(0.0001, due)
        await asyncio.sleep(1.2)  # it looks once a second
        say(0.0002, due + 8 * 3_600_000)
        await until(lambda: f.engine.funding.settled.get(key) == (0.0001, due, False))


async def test_who_is_stopped_before_it_begins_ends_at_once() -> None:
    engine = Engine((), defaults([]), clock=clock_here())
    engine.stop()
    async with asyncio.timeout(5):
        await engine.run()
