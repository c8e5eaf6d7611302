"""Which settlements are missing, and the whole way of those that are: from the simulated venues into the file."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from frmon.backfill import HOUR_MS, LATE_MS, Backfill, Missing, Stored, intervals, last_settled
from frmon.board import Board
from frmon.cell import Cell, Row
from frmon.clock import ManualClock
from frmon.config import Settings
from frmon.feeds.contract import Settled
from frmon.feeds.settlements import Settlements, Want
from frmon.feeds.sim.past import settled
from frmon.model import LegKey, Market, Spread
from frmon.storage.history import History
from frmon.storage.records import LegName, Settlement
from tests.given import leg
from tests.scenarios.stand import stand

EIGHT = 1_795_305_600_000 // (8 * HOUR_MS) * 8 * HOUR_MS
NOW = EIGHT + 3 * HOUR_MS
MINUTE = 60_000
DAY = 24 * HOUR_MS


PATHS = {
    "binance": "/fapi/v1/fundingRate",
    "okx": "/api/v5/public/funding-rate-history",
    "bybit": "/v5/market/funding/history",
    "bitget": "/api/v2/mix/market/history-fund-rate",
}


class Place:
    """A board with legs, and what was put."""

    def __init__(self, *coins: str, top: int = 0) -> None:
        self.clock = ManualClock()
        self.clock.advance((NOW - self.clock.now_ms()) / 1000)
        self.board = Board()
        for coin in coins:
            for market in Market:
                self.board.seat(leg("okx", coin, market, funding_h=8.0))
        self.looked_at = list(coins)
        self.put: list[Settlement] = []
        self.stored: Stored | None = {}
        self.is_open = True
        self.fill = Backfill(
            Missing(
                board=self.board,
                looked_at=lambda: self.looked_at,
                top=top,
                newest=lambda: self.stored,
                is_open=lambda: self.is_open,
                put=self.put.append,
            ),
            self.clock,
        )
        self.fill.stored = self.stored  # as if the file had been read

    def wants(self) -> list[Want]:
        return self.fill.wants()


def key(coin: str) -> LegKey:
    return LegKey("okx", Market.PERP, f"{coin}USDT")


def name(coin: str) -> LegName:
    return LegName("okx", "perp", f"{coin}USDT", coin)


def cell(hours: float | None, coming: int | None) -> Cell:
    found = Cell(leg("okx"), Row("PEPE"))
    found.funding_interval_h, found.next_funding_ms = hours, coming
    return found


@pytest.mark.parametrize(
    ("hours", "coming", "last"),
    [
        (8.0, NOW + 5 * HOUR_MS, EIGHT),
        (4.0, NOW + HOUR_MS, EIGHT),
        (1.0, NOW + 30 * MINUTE, NOW - 30 * MINUTE),
        (8.0, NOW - MINUTE, NOW - MINUTE),
        (8.0, NOW + 21 * HOUR_MS, EIGHT),
        (8.0, None, EIGHT),
        (None, None, EIGHT),
        (8.0, 0, EIGHT),
    ],
)
def test_the_last_settlement_is_told_by_the_coming_one(hours: float | None, coming: int | None, last: int) -> None:
    assert last_settled(cell(hours, coming), NOW) == last


def test_the_hours_of_a_settlement_are_those_since_the_one_before() -> None:
    at = [EIGHT, EIGHT + 8 * HOUR_MS + 2, EIGHT + 12 * HOUR_MS, EIGHT + 13 * HOUR_MS - 3, EIGHT + 18 * HOUR_MS]
    assert intervals([None, *at]) == [None, 8.0, 4.0, 1.0, None]
    assert intervals([EIGHT - 4 * HOUR_MS, EIGHT]) == [4.0]


def test_perpetuals_of_coins_that_are_looked_at_lack_a_week_at_first() -> None:
    place = Place("A", "B")
    assert place.wants() == [Want(key(c), NOW - 7 * DAY, EIGHT) for c in ("A", "B")]
    place.looked_at = []
    assert place.wants() == []


def test_the_widest_coins_are_wanted_after_those_that_are_looked_at() -> None:
    place = Place("A", "B", "C", "D", top=2)
    place.looked_at = ["D", "NONE"]
    for coin, percent in (("A", 0.1), ("B", 0.5), ("C", 0.3)):
        place.board.rows[coin].spread = _spread(percent)
    assert [want.key for want in place.wants()] == [key("D"), key("B"), key("C")]


def _spread(percent: float) -> Spread:
    return Spread(
        buy=key("X"), sell=key("Y"), buy_price=1.0, sell_price=1.0, gross_pct=percent, fees_pct=0.1, net_pct=percent,
        carry_per_hour=None, needs_borrow=False, exit_pct=None,
    )  # fmt: skip


def test_what_the_file_has_is_not_asked_for_again() -> None:
    place = Place("A", "B")
    assert place.stored is not None
    place.stored |= {name("A"): EIGHT, name("B"): EIGHT - 16 * HOUR_MS}
    assert place.wants() == [Want(key("B"), EIGHT - 16 * HOUR_MS + MINUTE, EIGHT)]


def test_a_settlement_is_looked_for_when_the_venue_had_time_to_write_it_down() -> None:
    place = Place("A")
    assert place.stored is not None
    place.stored[name("A")] = EIGHT
    place.clock.advance((EIGHT + 8 * HOUR_MS + LATE_MS - 1 - NOW) / 1000)
    assert place.wants() == []
    place.clock.advance(0.01)
    assert [want.last_ms for want in place.wants()] == [EIGHT + 8 * HOUR_MS]


def test_what_is_heard_is_put_with_its_hours_and_wanted_no_more() -> None:
    place = Place("A")
    (want,) = place.wants()
    rows = [Settled("AUSDT", EIGHT - 8 * HOUR_MS + 2, 0.0001), Settled("AUSDT", EIGHT, -0.0002)]
    place.fill.hear(want, rows)
    assert [(s.leg, s.at_ms, s.rate, s.interval_h, s.source) for s in place.put] == [
        (name("A"), EIGHT - 8 * HOUR_MS + 2, 0.0001, None, "history"),
        (name("A"), EIGHT, -0.0002, 8.0, "history"),
    ]
    assert place.wants() == []


def test_nothing_heard_is_nothing_put() -> None:
    place = Place("A")
    (want,) = place.wants()
    place.fill.hear(want, [])
    assert place.put == []
    assert place.wants() == [want]


def few(settings: Settings) -> None:
    settings.storage.backfill_top = 0


async def test_nothing_is_wanted_while_the_file_takes_nothing_and_it_is_read_again_afterwards() -> None:
    place = Place("A")
    place.stored = {name("A"): EIGHT - 8 * HOUR_MS}
    wanted: list[list[Want]] = []

    class Asked(Settlements):
        def want(self, wants: Iterable[Want]) -> None:
            wanted.append(list(wants))

    run = asyncio.create_task(place.fill.run(Asked([], place.clock, print, place.fill.hear)))
    try:
        for is_open in (False, True, False, True):
            place.is_open, seen = is_open, len(wanted)
            for _ in range(200):
                place.clock.advance(5.0)
                await asyncio.sleep(0.005)
                if len(wanted) > seen + 2:
                    break
            assert wanted[-1] == ([Want(key("A"), EIGHT - 8 * HOUR_MS + MINUTE, EIGHT)] if is_open else [])
    finally:
        run.cancel()
        await asyncio.wait([run])


@pytest.mark.real_time("the file is written in a thread")
async def test_the_file_holds_what_the_simulated_venues_settled(tmp_path: Path) -> None:
    store = tmp_path / "frmon.db"
    async with stand(*PATHS, store=store, change=few) as s:
        s.engine.interest(["BTC", "ETH"])
        world = s.sim.world
        legs = [
            i for c in ("BTC", "ETH") for i in world.coins[c].instruments if (i.market, i.kind) == ("perp", "normal")
        ]
        assert {i.venue for i in legs} == PATHS.keys()

        def held() -> dict[tuple[str, str], list[tuple[int, float, str]]]:
            found: dict[tuple[str, str], list[tuple[int, float, str]]] = {}
            with History(store) as history:
                for coin in {"BTC", "ETH"} & set(history.coins()):
                    for one in history.settlements(coin):
                        found.setdefault((one.leg.venue, one.leg.symbol), []).append((one.at_ms, one.rate, one.source))
            return found

        await s.within(600, lambda: store.exists() and s.engine.storage.status == "OK")
        await s.within(600, lambda: all((i.venue, i.symbol) in held() for i in legs), "settlements of all legs")
        since = s.sim.now_ms() - 7 * DAY
        for i in legs:
            truth = [(p.at_ms, p.rate, "history") for p in reversed(list(settled(i, 500))) if p.at_ms > since + MINUTE]
            assert [row for row in held()[i.venue, i.symbol] if row[0] > since + MINUTE] == truth
            assert len(truth) >= 20
        await s.rest(100)
        asked = [s.sim.counters[f"rest {venue} {path}"] for venue, path in PATHS.items()]
        assert asked == [sum(i.venue == venue for i in legs) for venue in PATHS], "each leg once"
