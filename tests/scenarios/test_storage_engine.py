"""What a whole engine on simulated venues writes, read with SQLite alone, and what its next start brings back."""

import asyncio
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from frmon import warmstart
from frmon.board import Board
from frmon.clock import SystemClock
from frmon.model import LegKey, Market
from frmon.storage.beside import ENDINGS
from frmon.storage.lock import Lock
from tests.scenarios.machine import Machine
from tests.scenarios.stand import Stand, stand
from tests.scenarios.stored import at_rest, instruments, last_bars, rows, truly
from tests.scenarios.turning import common, turn
from tests.storage.pasts import tend

DEAD = {
    name: {key: f"{scheme}://127.0.0.1:9" for key, scheme in (("rest", "http"), ("ws", "ws"))}
    for name in ("okx", "bybit")
}


async def test_the_file_says_what_the_venues_said(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    async with stand("okx", "bybit", store=path, rate=2.0) as s:
        await s.within(60, lambda: s.engine.clock.now_ms() % 60_000 < 1_000)
        await s.rest(20)
        await at_rest(s)
        known = list(instruments(s))
        rates = {cell.key: cell.funding_rate for cell in s.engine.board.cells()}
    found = last_bars(path)
    for i in known:
        bar = found[i.venue, i.market, i.symbol]
        assert (bar["bid"], bar["ask"]) == (truly(i.quote.bid, i), truly(i.quote.ask, i)), i.symbol
        assert bar["close"] == pytest.approx((bar["bid"] + bar["ask"]) / 2)
        assert bar["low"] <= min(bar["open"], bar["close"]) <= max(bar["open"], bar["close"]) <= bar["high"]
        assert bar["updates"] > 0
        if i.market == "perp":
            assert bar["mark_price"] == pytest.approx(truly(i.quote.mark, i), rel=0.002)
            assert bar["rate"] == rates[LegKey(i.venue, Market.PERP, i.symbol)]  # as the venue stated it last
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    texts = [text for (text,) in rows(path, "SELECT text FROM event ORDER BY id")]
    assert texts == s.events()[: len(texts)]
    assert "okx: CONNECTING → LIVE" in texts


async def test_the_spread_of_a_coin_is_that_of_its_pair(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    async with stand("okx", "bybit", store=path) as s:
        await at_rest(s)
        prices = {(i.coin.name, i.venue, i.market): i for i in instruments(s)}
    found = rows(path, """SELECT name, last, most, mean, buy_venue, buy_market, sell_venue, sell_market, seconds, max(start)
        FROM gap JOIN coin ON coin.id = gap.coin JOIN pair ON pair.id = gap.pair GROUP BY gap.coin""")  # fmt: skip
    checked = 0
    for coin, last, most, mean, *pair, seconds, _ in found:
        buy, sell = (prices.get((coin, *place)) for place in (pair[:2], pair[2:]))
        if buy is not None and sell is not None:
            low, high = truly(buy.quote.ask, buy), truly(sell.quote.bid, sell)
            assert last == pytest.approx((high - low) / low * 100, abs=1e-9)
            checked += 1
        assert most >= last
        assert most >= mean
        assert 0 < seconds <= 60
    assert checked > 5


async def test_signals_and_episodes_are_saved_before_they_are_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    async with stand("okx", "bybit", store=path) as s:
        one = common(s, "okx", "bybit")[0]
        turn(s, "price", one, factor=1.03, for_s=15.0)
        await s.within(30, lambda: s.signals)
        signal = s.signals[0]
        await s.within(20, lambda: signal in s.engine.saved)
        assert rows(
            path, "SELECT count(*) FROM signal WHERE coin = ? AND at_ms = ?", signal.symbol, signal.observed_ms
        ) == [(1,)]
        await s.within(60, lambda: s.engine.episodes.closed)
        closed = s.engine.episodes.closed[0]
        await s.within(
            20, lambda: rows(path, "SELECT reason FROM episode WHERE coin = ?", closed.coin) == [("narrow",)]
        )
        assert closed in s.engine.saved
    found = rows(
        path, "SELECT at_ms, kind, coin, short, long, percent, price_short, price_long FROM signal ORDER BY id"
    )
    assert found == [
        (
            x.observed_ms,
            x.kind,
            x.symbol,
            x.short_exchange,
            x.long_exchange,
            x.spread_percent,
            x.price_short,
            x.price_long,
        )
        for x in s.signals
    ]
    peak, opened_ms, seen_ms, closed_ms, samples = rows(
        path, "SELECT peak_pct, opened_ms, seen_ms, closed_ms, samples FROM episode WHERE coin = ?", closed.coin
    )[0]
    assert (peak, samples) == (closed.peak_pct, closed.samples)
    assert 2.0 < peak < 4.0
    assert opened_ms <= seen_ms <= closed_ms + 50


async def restarted(s: Stand, seconds: float = 1.0) -> float:
    """Real seconds until rows are there."""
    clock = s.engine.clock
    start = clock.mono()
    while not s.engine.board.rows:
        assert clock.mono() - start < seconds, "no row within a second"
        await asyncio.sleep(0.005)
    return clock.mono() - start


async def test_a_restart_shows_the_last_known_rows_within_a_second_as_old_as_they_are(tmp_path: Path) -> None:
    """Nothing answers, so that what is shown is what is remembered. The clock is set on by ten minutes between the runs."""
    path, away_s = tmp_path / "frmon.db", 600.0
    async with stand("okx", "bybit", store=path) as s:
        await at_rest(s)
        ended_ms = s.engine.clock.now_ms()
    before = last_bars(path)
    later = Machine()
    later.step(away_s)
    async with stand("okx", "bybit", store=path, clock=later, endpoints=lambda _: DEAD, up=False) as s:
        await restarted(s)
        await s.within(5, lambda: sum(len(c["legs"]) for c in s.picture()["coins"]) == len(before))
        for _ in range(20):
            found = s.picture()
            assert not found["signals"]
            for coin in found["coins"]:
                assert coin["spread"] is None
                assert "STALE" in coin["flags"]
                for leg in coin["legs"]:
                    bar = before[leg["venue"], leg["market"], leg["symbol"]]
                    assert (leg["bid"], leg["ask"], leg["mark"]) == (bar["bid"], bar["ask"], bar["mark_price"])
                    assert (leg["fresh"], leg["source"], leg["last"]) == (False, None, None)
                    true_s = (s.engine.clock.now_ms() - ended_ms) / 1000
                    assert true_s - 2.0 <= leg["age_s"] <= true_s + 62.0, "to the minute, and not too young"
            await asyncio.sleep(0.1)
        legs = {name: v["legs"] for name, v in found["venues"].items() if v["status"] != "OFF"}
        assert legs == {name: sum(key[0] == name for key in before) for name in ("okx", "bybit")}
        assert {v["fresh_legs"] for v in found["venues"].values()} == {0}
    assert len(last_bars(path)) == len(before), "what is only remembered is no new history"


async def test_what_is_remembered_comes_to_rows_that_were_listed_before_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is packed, lists are read, quotes are not heard yet; then the memory comes, then the quotes."""
    path, gate, deaf = tmp_path / "frmon.db", threading.Event(), True
    async with stand("okx", "bybit", store=path) as s:
        await at_rest(s)
    with closing(sqlite3.connect(path)) as file, file:  # as if it had ended two hours ago
        file.executescript("UPDATE bar SET start = start - 120; UPDATE gap SET start = start - 120")
    for ending in ENDINGS:  # the minute in which it did end
        path.with_name(path.name + ending).unlink()
    before = last_bars(path)
    await asyncio.to_thread(tend, path, SystemClock().now_ms() // 60_000)
    assert rows(path, "SELECT count(*) FROM bar") == [(0,)]
    read, take = warmstart.read, Board.take

    def late(*args: Any) -> warmstart.Known | warmstart.Unread:
        gate.wait(30)
        return read(*args)

    monkeypatch.setattr(warmstart, "read", late)
    monkeypatch.setattr(Board, "take", lambda *args, **more: 0 if deaf else take(*args, **more))
    async with stand("okx", "bybit", store=path, up=False) as s:
        seats = s.engine.board.cells
        await s.within(40, lambda: all(s.engine._identity.is_listed(v, m) for v in ("okx", "bybit") for m in Market))
        assert len(list(seats())) >= len(before)
        assert all(c.bid is None for c in seats())
        gate.set()
        await s.within(20, lambda: sum(c.bid is not None for c in seats()) >= 0.9 * len(before))
        await asyncio.sleep(0.5)
        found = s.picture()
        assert not found["signals"]
        for coin in found["coins"]:
            assert coin["spread"] is None
            for leg in coin["legs"]:
                assert (leg["fresh"], leg["source"]) == (False, None)
                bar = before.get((leg["venue"], leg["market"], leg["symbol"]))
                assert (leg["bid"], leg["ask"]) == ((bar["bid"], bar["ask"]) if bar else (None, None))
                assert bar is None or leg["age_s"] >= 7190
        deaf = False
        await s.up()
        await s.still()


async def test_remembered_rows_make_way_for_what_venues_list(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    async with stand("okx", "bybit", store=path) as s:
        await at_rest(s)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT INTO leg VALUES (9999, 'okx', 'perp', 'GONE-USDT-SWAP', 'GONE', 1)")
        file.execute("UPDATE leg SET multiplier = 1000 WHERE symbol = 'BTC-USDT-SWAP'")
        file.execute("INSERT INTO bar SELECT 9999, max(start), 1, 1, 1, 1, 1, 1, 1, 1, 0, 1 FROM bar")
    async with stand("okx", "bybit", store=path, up=False) as s:
        await restarted(s)
        assert not s.engine.signals
        await s.up()
        await s.still()
        assert "GONE" not in s.engine.board.rows
        assert not s.engine.board._remembered
        assert not [x for x in s.events("listed") if "GONE" in x]
        assert not s.events("failed")
        cell = s.cell("okx", "perp", "BTC-USDT-SWAP")
        assert cell is not None
        assert cell.scale == 1


@pytest.mark.parametrize("killed", [False, True])
async def test_an_episode_that_the_end_cut_off_is_closed_when_it_was_seen_last(tmp_path: Path, killed: bool) -> None:
    """`killed`: the file as it stood while the program ran, which is what kill -9 leaves."""
    path, left = tmp_path / "frmon.db", tmp_path / "left.db"
    async with stand("okx", "bybit", store=path) as s:
        one = common(s, "okx", "bybit")[0]
        turn(s, "price", one, factor=1.03, for_s=60.0)
        await s.within(30, lambda: s.engine.episodes.open)
        await asyncio.sleep(6.5)
        seen_ms = s.engine.clock.now_ms()
        for tail in ("", "-wal"):
            shutil.copy(f"{path}{tail}", f"{left}{tail}")
    path = left if killed else path
    [(coin, opened_ms, reason)] = rows(path, "SELECT coin, opened_ms, reason FROM episode")
    assert reason is None
    async with stand("okx", "bybit", store=path, endpoints=lambda _: DEAD, up=False) as s:
        await s.within(10, lambda: rows(path, "SELECT reason FROM episode") == [("interrupted",)])
        assert s.events("1 episodes were open when the last run ended")
    [(again, same_ms, closed_ms, last_ms)] = rows(path, "SELECT coin, opened_ms, closed_ms, seen_ms FROM episode")
    assert (again, same_ms, closed_ms) == (coin, opened_ms, last_ms)
    assert seen_ms - 7_000 <= last_ms <= seen_ms + 1_000
    async with stand("okx", "bybit", store=path, endpoints=lambda _: DEAD, up=False) as s:
        await s.rest(15)
    assert rows(path, "SELECT closed_ms FROM episode") == [(closed_ms,)], "closed once, for good"


async def test_a_spread_has_its_past_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    async with stand("okx", "bybit", store=path) as s:
        await at_rest(s)
    minute = rows(path, "SELECT max(start) FROM gap")[0][0]
    with closing(sqlite3.connect(path)) as file, file:
        for back in range(1, 200):
            file.execute(
                """INSERT OR REPLACE INTO gap SELECT coin, ?, 0.5, 0.3, 0.2 + 0.1 * ?, pair, 60 FROM gap WHERE start = ?""",
                (minute - back, back % 3, minute),
            )
    async with stand("okx", "bybit", store=path) as s:
        await s.within(30, lambda: s.engine.history.z)
        coin = next(iter(s.engine.history.z))
        past = s.engine.history.look(coin)
        assert past is not None
        four = past.windows[2]
        assert four.mean == pytest.approx(0.3, abs=0.05)
        assert four.points > 300
        assert four.high is not None
        assert four.high >= 0.5


async def test_while_another_program_has_the_file_the_screen_runs_on_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    lock = Lock(path)
    lock.take()
    async with stand("okx", "bybit", store=path) as s:
        await s.within(20, lambda: s.words().startswith("storage: TAKEN (another frmon"))
        assert s.engine.storage.status == "TAKEN"
        assert s.picture()["notices"][0].startswith("storage: TAKEN")
        assert s.events("storage: OPENING → TAKEN")
        turn(s, "price", common(s, "okx", "bybit")[0], factor=1.03, for_s=10.0)
        await s.within(30, lambda: s.signals)
        assert s.signals[0] not in s.engine.saved
        await s.still()
        lock.drop()
        await s.within(80, lambda: s.signals[0] in s.engine.saved)
        await s.within(20, lambda: not s.words())
    assert rows(path, "SELECT count(*) FROM signal") == [(len(s.signals),)]


async def test_a_locked_file_keeps_nobody_from_ending(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    async with stand("okx", "bybit", store=path) as s:
        await asyncio.sleep(1.5)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        s.engine.tell("something to write")
        await s.within(30, lambda: "storage: WAIT" in s.words())
        began = s.engine.clock.mono()
    assert s.engine.clock.mono() - began < 3.0
    holder.close()
