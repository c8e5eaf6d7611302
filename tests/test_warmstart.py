"""What the last run left, read back."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from frmon.board import Board
from frmon.clock import ManualClock
from frmon.config import VenueDefaults, defaults
from frmon.model import Carrier, Leg, LegKey, Market, Tick
from frmon.signals.history import MOST_COINS, History
from frmon.spread import qualifies
from frmon.storage.bars import Bar, Gap
from frmon.storage.records import LegBar, LegName, Record
from frmon.warmstart import LAST, PAST, ROWS_AGE, Known, Unread, held, open_episodes, read, remembered
from tests.given import TERMS, WALL, leg, line
from tests.storage.made import bar, episode, gap, kept, rows
from tests.storage.pasts import tend

MINUTE = 29_000_000
HOUR = MINUTE // 60 * 60
LAST_BAR = Bar(MINUTE, 1.0, 1.0, 1.0, 1.0, 0.9, 1.1, 1.01, 1.02, 0.0001, 7)
NOW_MS = MINUTE * 60_000 + 30_000
SETTINGS = defaults(
    [VenueDefaults(name=n, endpoints={}, taker_fee_spot=0.001, taker_fee_perp=0.0005) for n in ("binance", "okx")]
)


async def written(path: Path, records: Sequence[Record], *, simulated: bool = False) -> Path:
    async with kept(path, simulated=simulated) as it:
        for record in records:
            it.journal.put(record)
        await it.written()
    return path


def known(path: Path, now_ms: int = NOW_MS, market: str = "real") -> Known:
    found = read(path, market, now_ms)
    assert isinstance(found, Known), found
    return found


async def test_every_legs_last_minute_is_read_if_it_was_among_the_last_of_the_run(tmp_path: Path) -> None:
    records = [bar(n, MINUTE - back, price=float(back)) for n, back in ((0, 1), (0, 2), (1, LAST - 1), (2, LAST + 1))]
    path = await written(tmp_path / "frmon.db", records)
    assert {name.symbol: last.close for name, last in known(path).legs} == {"C0USDT": 1.0, "C1USDT": LAST - 1.0}


async def test_what_is_older_than_a_day_or_of_the_future_is_not_shown(tmp_path: Path) -> None:
    path = await written(tmp_path / "frmon.db", [bar(0, MINUTE)])
    assert known(path, NOW_MS + (ROWS_AGE - 1) * 60_000).legs
    assert not known(path, NOW_MS + (ROWS_AGE + 1) * 60_000).legs
    assert not known(path, NOW_MS - 3_600_000).legs


async def test_simulated_prices_are_never_shown_as_real_ones(tmp_path: Path) -> None:
    path = await written(tmp_path / "frmon.db", [bar(0, MINUTE)], simulated=True)
    assert known(path, market="real") == ([], {})
    assert known(path, market="simulated").legs


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 400, b"SQLite format 3\0" + b"\xff" * 5_000])
async def test_a_file_that_is_not_there_or_none_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "frmon.db"
    if content is not None:
        path.write_bytes(content)
    found = read(path, "real", NOW_MS)
    assert isinstance(found, Unread)
    assert bool(found.why) is bool(content)
    assert isinstance(open_episodes(path), Unread)


async def test_hours_of_the_widest_spreads_are_read_from_minutes_and_packs(tmp_path: Path) -> None:
    path = await written(tmp_path / "frmon.db", [gap(f"C{n}", MINUTE - back) for n in range(3) for back in range(300)])
    found = known(path).gaps
    assert sorted(found) == ["C0", "C1", "C2"]
    starts = [g.start for g in found["C0"]]
    assert starts == sorted(starts)
    assert starts == list(range(MINUTE - PAST, MINUTE))


def test_a_remembered_leg_is_never_fresh_and_as_old_as_it_is() -> None:
    name = LegName("okx", "perp", "PEPE-USDT-SWAP", "PEPE", 1)
    last = Bar(MINUTE, 1.0, 1.0, 1.0, 1.0, 0.9, 1.1, 1.01, 1.02, 0.0001, 7)
    for age_s in (0.5, 4.0, 300.0):
        [cell] = remembered([(name, last)], SETTINGS, 1_000.0, MINUTE * 60_000 + int(age_s * 1000))
        assert (cell.bid, cell.ask, cell.mark, cell.index, cell.funding_rate) == (0.9, 1.1, 1.01, 1.02, 0.0001)
        assert (cell.source, cell.received_ms, cell.event_ms, cell.last) == (None, None, None, None)
        assert not cell.is_fresh(1_000.0, TERMS.freshness)
        assert not qualifies(cell, TERMS, 1_000.0, WALL)
        assert cell.age_s(1_000.0, TERMS.freshness) == (None if age_s < 5 else pytest.approx(age_s))


def test_legs_of_venues_and_coins_that_are_off_are_left_out() -> None:
    settings = defaults(
        [VenueDefaults(name=n, endpoints={}, taker_fee_spot=0.0, taker_fee_perp=0.0) for n in ("okx", "bybit")]
    )
    settings.venues["bybit"].enabled = False
    settings.coins.exclude = ["doge"]
    names = [
        ("okx", "perp", "A"),
        ("bybit", "perp", "A"),
        ("gone", "perp", "A"),
        ("okx", "perp", "DOGE"),
        ("okx", "?", "A"),
    ]
    last = Bar(MINUTE, 1.0, 1.0, 1.0, 1.0, 0.9, 1.1, None, None, None, 7)
    legs = [(LegName(venue, market, f"{coin}USDT", coin), last) for venue, market, coin in names]
    assert [c.key for c in remembered(legs, settings, 0.0, NOW_MS)] == [LegKey("okx", Market.PERP, "AUSDT")]


def recalled(board: Board, coin: str = "PEPE", multiplier: int = 1) -> None:
    name = LegName("okx", "perp", "PEPEUSDT", coin, multiplier)
    last = Bar(MINUTE, 1.0, 1.0, 1.0, 1.0, 0.9, 1.1, None, None, 0.0001, 7)
    for cell in remembered([(name, last)], SETTINGS, 100.0, MINUTE * 60_000 + 60_000):
        board.remember(cell)


def test_nothing_that_is_said_reaches_a_leg_without_a_seat() -> None:
    board = Board()
    recalled(board)
    carrier = line("okx")
    assert board.take(carrier, [Tick(symbol="PEPEUSDT", bid=5.0, ask=5.1, event_ms=WALL)], 100.0, WALL) == 0
    assert not list(board.cells())
    assert not board.symbols("okx", Market.PERP)
    [cell] = board.rows["PEPE"].cells
    assert cell.bid == 0.9


def test_with_its_seat_a_leg_hands_on_what_is_remembered_until_something_is_said() -> None:
    board = Board()
    recalled(board)
    board.seat(leg("okx"))
    [cell] = board.rows["PEPE"].cells
    assert cell is board.cell(leg("okx").key)
    assert (cell.bid, cell.ask, cell.funding_rate) == (0.9, 1.1, 0.0001)
    assert not cell.is_fresh(100.0, TERMS.freshness)
    assert cell.age_s(100.0, TERMS.freshness) == pytest.approx(60.0)
    board.take(line("okx"), [Tick(symbol="PEPEUSDT", bid=0.9, ask=1.1, event_ms=WALL)], 100.0, WALL)
    assert cell.is_fresh(100.0, TERMS.freshness)
    assert (cell.source, cell.received_ms) == ("ws", WALL)


@pytest.mark.parametrize("stamped", [True, False])
def test_a_reply_that_agrees_with_what_is_remembered_confirms_it_as_its_own(stamped: bool) -> None:
    board = Board()
    recalled(board)
    board.seat(leg("okx"))
    reply = Carrier("okx", Market.PERP, "book", source="rest", stamped=stamped)
    tick = Tick(symbol="PEPEUSDT", bid=0.9, ask=1.1, event_ms=WALL if stamped else None)
    board.take(reply, [tick], 100.0, WALL, asked_at=99.9)
    [cell] = board.rows["PEPE"].cells
    assert cell.is_fresh(100.0, TERMS.freshness)
    assert (cell.source, cell.received_ms) == ("rest", WALL)


@pytest.mark.parametrize("one", [leg("okx", multiplier=1000), leg("okx", coin="X", symbol="PEPEUSDT")])
def test_a_leg_that_means_something_else_now_begins_without_values(one: Leg) -> None:
    board = Board()
    recalled(board)
    board.seat(one)
    [cell] = [c for row in board.rows.values() for c in row.cells]
    assert (cell.bid, cell.ask, cell.funding_rate) == (None, None, None)


def test_what_the_list_does_not_name_is_no_longer_shown() -> None:
    board = Board()
    recalled(board)
    board.forget("okx", Market.SPOT)
    assert "PEPE" in board.rows
    board.forget("okx", Market.PERP)
    assert not board.rows


def test_the_past_of_a_spread_comes_back_minute_by_minute() -> None:
    clock = ManualClock(NOW_MS, 50_000.0)
    gaps = [Gap(MINUTE - back, 2.0, 0.5, 1.0 + back % 2, 0, 60) for back in range(240, 0, -1)]
    history = History(TERMS, 2.0)
    history.recall("PEPE", list(held(gaps, clock.mono(), clock.now_ms())), clock.mono())
    quarter, hour, four = history._coins["PEPE"].tiers
    for tier in (quarter, hour, four):
        window = tier.window(9.0)
        assert window.mean == pytest.approx(1.5, abs=0.05)
        assert window.std == pytest.approx(0.5, abs=0.05)
        assert (window.low, window.high) == (0.5, 2.0)
        assert window.points >= 0.95 * 450
    assert len(four.points) == 450


def test_what_was_sampled_since_the_start_stays() -> None:
    now = 50_000.0
    history = History(TERMS, 2.0)
    history.recall("PEPE", [], now)
    series = history._coins["PEPE"]
    for n in range(20):
        series.take(7.0, now + 2 * n)
    gaps = [Gap(MINUTE - back, 2.0, 1.0, 1.0, 0, 60) for back in range(30, 0, -1)]
    history.recall("PEPE", list(held(gaps, now + 40, NOW_MS + 40_000)), now + 40)
    points = list(series.tiers[0].points)
    assert points[-15:] == [7.0] * 15
    assert points.count(1.0) > 350
    assert series.live == 7.0


def test_a_minute_known_only_for_seconds_or_of_the_future_counts_so_long_or_not_at_all() -> None:
    gaps = [
        Gap(MINUTE - 1, 2.0, 1.0, 1.5, 0, 10),
        Gap(MINUTE, 3.0, 1.0, 1.5, 0, 20),
        Gap(MINUTE + 1, 2.0, 1.0, 1.5, 0, 60),
    ]
    found = list(held(gaps, 1_000.0, NOW_MS))
    assert [(h.since, h.until, h.low, h.high) for h in found] == [(960.0, 970.0, 1.0, 2.0), (980.0, 1000.0, 1.0, 3.0)]


async def test_only_the_widest_are_read(tmp_path: Path) -> None:
    records = [gap(f"C{n}", MINUTE - 1) for n in range(MOST_COINS + 20)]
    path = await written(tmp_path / "frmon.db", records)
    assert len(known(path).gaps) == MOST_COINS


async def test_episodes_that_did_not_close_are_found(tmp_path: Path) -> None:
    path = await written(tmp_path / "frmon.db", [episode(1), episode(2, reason="narrow"), episode(3)])
    assert open_episodes(path) == [episode(1), episode(3)]


def at(minute: int) -> int:
    return minute * 60_000 + 30_000


def packed(path: Path, minute: int) -> None:
    """Pack what is over at this minute."""
    tend(path, minute)
    assert rows(path, "SELECT count(*) > 0 FROM pack") == [(1,)]


async def test_minutes_that_are_all_packed_are_read_like_those_that_are_not(tmp_path: Path) -> None:
    records: list[Record] = [bar(0, HOUR - n, price=2.0 + n) for n in range(1, 90)]
    records += [bar(1, HOUR - 10, price=5.0), bar(2, HOUR - 11), bar(3, HOUR - 70)]
    records += [gap(f"C{n}", HOUR - back) for n in range(2) for back in range(1, 300)]
    path = await written(tmp_path / "frmon.db", records)
    before = known(path, at(HOUR + 5))
    assert {(name.symbol, last.start, last.close) for name, last in before.legs} == {
        ("C0USDT", HOUR - 1, 3.0),
        ("C1USDT", HOUR - 10, 5.0),
    }
    assert [g.start for g in before.gaps["C1"]] == list(range(HOUR + 5 - PAST, HOUR))
    await asyncio.to_thread(packed, path, HOUR + 5)
    assert rows(path, "SELECT (SELECT count(*) FROM bar) + (SELECT count(*) FROM gap)") == [(0,)]
    after = known(path, at(HOUR + 5))
    assert dict(after.legs) == dict(before.legs)
    assert after.gaps == before.gaps


@pytest.mark.parametrize("end", [HOUR + 2, HOUR + 30])
async def test_minutes_of_which_a_part_is_packed_are_read_like_those_that_are_not(tmp_path: Path, end: int) -> None:
    """Leg 1 left just before the full hour, leg 0 ran on."""
    records: list[Record] = [bar(0, minute, price=float(end - minute)) for minute in range(HOUR - 100, end)]
    records += [bar(1, HOUR - 3), *(gap("C0", minute) for minute in range(HOUR - 100, end))]
    path = await written(tmp_path / "frmon.db", records)
    before = known(path, at(end))
    assert {name.symbol for name, _ in before.legs} == ({"C0USDT", "C1USDT"} if end == HOUR + 2 else {"C0USDT"})
    await asyncio.to_thread(packed, path, HOUR + 5)
    assert rows(path, "SELECT count(*) FROM bar") == [(end - HOUR,)]
    after = known(path, at(end))
    assert dict(after.legs) == dict(before.legs)
    assert after.gaps == before.gaps


async def test_of_minutes_packed_twice_over_the_last_counts(tmp_path: Path) -> None:
    """A late minute lies as a row beside the pack of its hour: it wins over what the pack says of it, not over later ones."""
    path = await written(tmp_path / "frmon.db", [bar(n, HOUR - 1 - back) for n in range(2) for back in range(30)])
    await asyncio.to_thread(packed, path, HOUR + 5)
    await written(path, [bar(0, HOUR - 5, price=9.0), bar(1, HOUR - 1, price=9.0)])
    found = {name.symbol: (last.start, last.close) for name, last in known(path, at(HOUR + 6)).legs}
    assert found == {"C0USDT": (HOUR - 1, 2.0), "C1USDT": (HOUR - 1, 9.0)}


async def test_packs_older_than_a_day_of_the_future_or_unreadable_say_nothing(tmp_path: Path) -> None:
    path = await written(tmp_path / "frmon.db", [bar(0, HOUR - 1), bar(1, HOUR - 2), gap("C0", HOUR - 1)])
    await asyncio.to_thread(packed, path, HOUR + 5)
    assert len(known(path, at(HOUR - 1 + ROWS_AGE)).legs) == 1
    assert not known(path, at(HOUR + ROWS_AGE)).legs
    assert not known(path, at(HOUR - 3)).legs
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE pack SET data = x'00' WHERE step = 1")
    assert known(path, at(HOUR + 5)) == ([], {})


async def test_of_two_legs_with_one_symbol_the_last_is_remembered(tmp_path: Path) -> None:
    one = LegName("okx", "perp", "PEPE-USDT-SWAP", "PEPE", 1)
    other = LegName("okx", "perp", "PEPE-USDT-SWAP", "PEPE", 1000)
    records = [LegBar(other, LAST_BAR._replace(start=MINUTE - 3)), LegBar(one, LAST_BAR._replace(start=MINUTE - 5))]
    path = await written(tmp_path / "frmon.db", records)
    assert [name for name, _ in known(path).legs] == [other]
