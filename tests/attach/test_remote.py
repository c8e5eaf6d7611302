"""An attached screen's source against a collector over a real socket: what it repeats, how old that is, losses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from math import isclose

import pytest

from frmon.attach import line
from frmon.attach.line import address_of
from frmon.attach.remote import Remote
from frmon.config import Settings, defaults
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults
from frmon.model import LegKey, Market, Status
from tests.attach.collector import FakeCollector, coin, leg, past, signal
from tests.leaping import clock_here

BINANCE, OKX = (LegKey(name, Market.PERP, "BTCUSDT") for name in ("binance", "okx"))


def settings() -> Settings:
    return defaults(venue_defaults())


@pytest.fixture
async def there() -> AsyncIterator[FakeCollector]:
    collector = FakeCollector()
    await collector.start()
    yield collector
    await collector.stop()


@pytest.fixture
async def screen(there: FakeCollector) -> AsyncIterator[Remote]:
    async for remote in running(there):
        yield remote


async def running(there: FakeCollector) -> AsyncIterator[Remote]:
    remote = Remote(address_of(there.url), settings(), all_venues(), clock_here())
    job = asyncio.create_task(remote.run())
    await within(5, lambda: bool(remote.board.rows) and remote.states()[0].status is Status.LIVE)
    yield remote
    remote.stop()
    await job


async def within(seconds: float, is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110  a condition of any kind
            await asyncio.sleep(0.02)


def is_fresh(remote: Remote, key: LegKey) -> bool:
    cell = remote.board.cell(key)
    return cell is not None and cell.is_fresh(remote.clock.mono(), remote.terms.freshness)


async def test_the_picture_stands_on_the_board_and_spreads_are_reckoned_from_it(screen: Remote) -> None:
    cell = screen.board.cell(BINANCE)
    assert cell is not None
    assert (cell.bid, cell.ask, cell.funding_interval_h, cell.leg.coin) == (100.0, 101.0, 8, "BTC")
    await within(2, lambda: screen.board.rows["BTC"].spread is not None)
    spread = screen.board.rows["BTC"].spread
    assert spread is not None
    assert isclose(spread.gross_pct, 100 / 101)
    assert [s.name for s in screen.states()] == ["binance", "okx"]
    assert screen.way.startswith("127.0.0.1:")
    assert screen.trouble == ""


async def test_changes_replace_what_is_known_also_by_nothing(there: FakeCollector, screen: Remote) -> None:
    there.change(coin("BTC", leg("binance", None, 101.0)), coin("ETH", leg("okx", 5, 6, symbol="ETHUSDT")))
    await within(2, lambda: "ETH" in screen.board.rows)
    cell = screen.board.cell(BINANCE)
    assert cell is not None
    assert cell.bid is None
    assert screen.board.cell(OKX) is None  # the coin was told without it
    there.change(gone=("BTC",))
    await within(2, lambda: "BTC" not in screen.board.rows)


async def test_legs_are_told_in_part_and_the_rest_of_them_stands(there: FakeCollector, screen: Remote) -> None:
    who = {"venue": "binance", "market": "perp", "symbol": "BTCUSDT"}
    there.change(legs=({**who, "bid": 90.0, "age_s": 0.5}, {**who, "symbol": "NOSUCH", "bid": 1.0}))
    await within(2, lambda: (cell := screen.board.cell(BINANCE)) is not None and cell.bid == 90.0)
    cell = screen.board.cell(BINANCE)
    assert cell is not None
    assert (cell.ask, cell.funding_rate, cell.volume_usd) == (101.0, 0.0001, 1e6)
    assert is_fresh(screen, BINANCE)
    there.change(legs=({**who, "bid": None, "fresh": False, "age_s": 70.0},))
    await within(2, lambda: not is_fresh(screen, BINANCE))
    assert cell.bid is None
    there.change(coin("BTC", leg("okx", 102.0, 103.0)), legs=({**who, "bid": 5.0},))
    await within(2, lambda: screen.board.cell(BINANCE) is None)


async def test_what_was_before_the_screen_came_is_told(there: FakeCollector, screen: Remote) -> None:
    wave = [round(0.5 + 0.1 * (n % 3), 4) for n in range(450)]
    there.say("past", {"at_ms": there.wall(), "coins": [past("BTC", 2.0, wave), past("NOSUCH", 2.0, wave)]})
    await within(2, lambda: screen.history.series("BTC") is not None)
    series = screen.history.series("BTC")
    assert series is not None
    assert screen.history.series("NOSUCH") is None
    assert sum(p == p for p in series.tiers[0].points) > 440  # noqa: PLR0124  not nan
    await within(5, lambda: screen.history.z.get("BTC") is not None)
    assert screen.history.z["BTC"] == pytest.approx((100 / 101 - 0.6) / 0.0817, rel=0.05)


@pytest.mark.parametrize(
    "span", [{"step_s": 0.0}, {"step_s": -1.0}, {"ago_s": -5.0}, {"ago_s": 1e300}, {"step_s": 1e300}]
)
async def test_a_past_that_is_none_ends_the_stream_and_not_the_screen(
    there: FakeCollector, screen: Remote, span: dict[str, float]
) -> None:
    told = past("BTC", 2.0, [0.5])
    told["spans"][0] |= span
    there.say("past", {"at_ms": there.wall(), "coins": [told]})
    await within(2, lambda: "a past that is none" in screen.trouble)
    await within(10, lambda: screen.trouble == "")


async def test_a_leg_that_changed_its_coin_moves(there: FakeCollector, screen: Remote) -> None:
    there.change(coin("BTC2", leg("okx", 102.0, 103.0)), coin("BTC", leg("binance", 100.0, 101.0)))
    await within(2, lambda: "BTC2" in screen.board.rows)
    cell = screen.board.cell(OKX)
    assert cell is not None
    assert cell.row.coin == "BTC2"


async def test_ages_are_those_of_the_collector_and_quiet_is_not_stale(there: FakeCollector, screen: Remote) -> None:
    there.change(coin("BTC", leg("binance", 1, 2, age_s=3.0), leg("okx", 1, 2, age_s=30.0, fresh=False)))
    await within(2, lambda: not is_fresh(screen, OKX))
    await asyncio.sleep(0.3)
    now, freshness = screen.clock.mono(), screen.terms.freshness
    quiet, stale = screen.board.cell(BINANCE), screen.board.cell(OKX)
    assert quiet is not None
    assert stale is not None
    assert is_fresh(screen, BINANCE)
    assert 0 <= (quiet.age_s(now, freshness) or -1) < 1.0  # something came on its line 0.1 s ago
    assert 30.0 <= (stale.age_s(now, freshness) or 0) < 32.0


async def test_a_lost_collector_makes_everything_stale_at_once_and_says_so(
    there: FakeCollector, screen: Remote
) -> None:
    assert is_fresh(screen, BINANCE)
    await there.stop()
    await within(2, lambda: not is_fresh(screen, BINANCE))
    await within(2, lambda: screen.trouble.startswith("COLLECTOR LOST"))
    await within(5, lambda: "connection refused" in screen.trouble)
    assert {s.status for s in screen.states()} == {Status.STALE}
    assert sum(s.fresh_legs for s in screen.states()) == 0
    assert any("lost" in row.text for row in screen.events)


async def test_a_restarted_collector_is_told_of_anew(there: FakeCollector, screen: Remote) -> None:
    await there.stop()
    await within(2, lambda: screen.trouble != "")
    there.session = "ffffffffffff"
    there.coins = [coin("ETH", leg("okx", 5, 6, symbol="ETHUSDT"))]
    await there.start()
    await within(10, lambda: screen.trouble == "" and "ETH" in screen.board.rows)
    assert list(screen.board.rows) == ["ETH"]
    assert is_fresh(screen, LegKey("okx", Market.PERP, "ETHUSDT"))


async def test_the_same_collector_is_asked_only_for_what_came_since(there: FakeCollector, screen: Remote) -> None:
    await there.stop()
    await within(2, lambda: not is_fresh(screen, BINANCE))
    await there.start()
    await within(10, lambda: screen.trouble == "" and is_fresh(screen, BINANCE))
    assert there.asked[-1].headers["Last-Event-ID"].startswith(there.session)


async def test_a_collector_that_falls_silent_is_lost(
    there: FakeCollector, screen: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "SILENCE_S", 1.0)
    await there.stop()
    await there.start()
    await within(10, lambda: screen.trouble == "" and is_fresh(screen, BINANCE))
    there.beats = False
    await within(5, lambda: "no answer in time" in screen.trouble)
    assert not is_fresh(screen, BINANCE)


async def test_signals_and_events_are_told_once(there: FakeCollector, screen: Remote) -> None:
    for _ in range(2):
        there.say("signal", signal())
    there.say("event", {"at_ms": 5, "text": "okx: LIVE → LAG"})
    there.say("event", {"at_ms": 6, "text": "okx: LIVE → LAG x2"})
    await within(2, lambda: bool(screen.events) and screen.events[0].text.endswith("x2"))
    assert [s.symbol for s in screen.signals] == ["BTC"]
    assert [row.text for row in screen.events] == ["okx: LIVE → LAG x2"]


async def test_what_is_not_streamed_says_so(screen: Remote) -> None:
    screen.study("BTC")
    assert screen.depth is not None
    assert "not streamed" in screen.depth.why
    screen.redial("okx")
    await within(2, lambda: any("the collector's" in row.text for row in screen.events))


async def test_several_screens_attach_at_once(there: FakeCollector, screen: Remote) -> None:
    async for other in running(there):
        there.change(coin("BTC", leg("binance", 7.0, 8.0)))
        for each in (screen, other):
            await within(2, lambda one=each: (cell := one.board.cell(BINANCE)) is not None and cell.bid == 7.0)  # type: ignore[misc]
