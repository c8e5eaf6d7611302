"""Storage: how large a file gets, what it costs to write and tidy, how long questions take."""

import asyncio
import os
import sqlite3
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import aiosqlite

from bench.report import Claim
from bench.walks import LARGE, SMALL, T0, Coin, Leg, fill, legs, name_all
from frmon.clock import SystemClock
from frmon.config import StorageSettings
from frmon.jobs import apart
from frmon.storage.bars import MINUTE_MS
from frmon.storage.beside import ENDINGS, Beside
from frmon.storage.file import File
from frmon.storage.history import History
from frmon.storage.insert import Inserts
from frmon.storage.records import CoinGap, LegBar, PairName, Record
from frmon.storage.running import CoinLine, Frame, LegLine, Running, part_of
from frmon.storage.series import DAY
from frmon.storage.upkeep import Upkeep

DAYS, MINUTE_DAYS = 30, 7
CHUNK = 4_000  # as the journal writes
COIN = "C17"  # with eight legs


class Set(SystemClock):
    """The machine's clock with another wall clock."""

    def __init__(self, minute: int) -> None:
        self._minute = minute

    def now_ms(self) -> int:
        return self._minute * MINUTE_MS


def measure(runs: int) -> dict[str, Any]:
    """Make a file, write an hour into it, tidy it at the end of a day, ask it."""
    with TemporaryDirectory(prefix="frmon-bench-") as folder:
        path = Path(folder) / "bench.db"
        began = time.perf_counter()
        sizes = _made(path)
        found = {"made_s": time.perf_counter() - began, "day_mb": statistics.median(sizes), "day_sizes_mb": sizes}
        found["write"] = asyncio.run(_written(path))
        found["beside"] = asyncio.run(_kept_beside(path))
        found["tidy"] = _tidied(path)
        found["reads"] = _asked(path, max(runs, 3) * 5)
        found["file_mb"] = path.stat().st_size / 1e6
    return found


def _open(path: Path) -> tuple[File, sqlite3.Connection]:
    file = File(path, Set(T0).now_ms, lambda: False, simulated=True)
    return file, file.open()


def _made(path: Path) -> list[float]:
    """Returns by how many MB each whole day with one-minute packs made the file grow."""
    file, connection = _open(path)
    with closing(connection):
        connection.execute("PRAGMA synchronous = OFF")
        name_all(connection)
        sizes, before = [], 0.0
        for day in fill(connection, DAYS, MINUTE_DAYS):
            after = _used_mb(connection)
            if -MINUTE_DAYS <= day < -1:
                sizes.append(after - before)
            before = after
    file.release()
    return sizes


def _used_mb(connection: sqlite3.Connection) -> float:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return float((pages - free) * size / 1e6)


async def _written(path: Path) -> dict[str, float]:
    """The last hour, minute by minute, as the journal writes it. CPU of all threads, records already made."""
    file = File(path, Set(T0).now_ms, lambda: False, simulated=True)
    walks, coins = [Leg(n) for n in range(50)], [Coin(n) for n in range(50)]
    pair = PairName(("binance", "perp"), ("okx", "perp"))
    inserts, cpu, wall = Inserts(), [], []
    async with aiosqlite.Connection(file.open, iter_chunk_size=64) as connection:
        for minute in range(T0 - 60, T0):
            bars, gaps = [w.minute(minute) for w in walks], [c.minute(minute) for c in coins]
            records: list[Record] = [LegBar(leg, bars[n % 50]) for n, leg in enumerate(legs())]
            records += [CoinGap(f"C{n}", pair, gaps[n % 50]) for n in range(LARGE + SMALL)]
            began, used = time.perf_counter(), time.process_time()
            for at in range(0, len(records), CHUNK):
                await connection.execute("BEGIN IMMEDIATE")
                await inserts.write(connection, records[at : at + CHUNK])
                await connection.execute("COMMIT")
            cpu.append(time.process_time() - used)
            wall.append(time.perf_counter() - began)
    file.release()
    return {"minute_cpu_ms": 1e3 * statistics.mean(cpu), "minute_worst_ms": 1e3 * max(wall)}


async def _kept_beside(path: Path) -> dict[str, float]:
    """The running minute once a second, as it is kept beside the file. CPU of all threads; `loop_ms`: what of it holds up
    the loop."""
    walks, coins = [Leg(n).minute(T0) for n in range(50)], [Coin(n).minute(T0) for n in range(50)]
    names = [(leg.venue, leg.market, leg.symbol, leg.coin, leg.multiplier) for leg in legs()]
    lines = [LegLine(name, *walks[n % 50][1:]) for n, name in enumerate(names)]
    beside, cpu, loop_ms = Beside(path, "simulated"), [], []
    for _ in range(30):
        used, began = time.process_time(), time.thread_time()
        gaps = [
            CoinLine(f"C{n}", gap.most, gap.mean, gap.last, gap.seconds, ("binance", "perp"), ("okx", "perp"))
            for n, gap in enumerate(coins[n % 50] for n in range(LARGE + SMALL))
        ]
        frame = Frame("simulated", "bench", [part_of(Running(T0, lines, gaps)).raw])
        loop_ms.append(1e3 * (time.thread_time() - began))
        await apart(partial(beside.write, frame))
        cpu.append(1e3 * (time.process_time() - used))
    size = sum(path.with_name(path.name + ending).stat().st_size for ending in ENDINGS)
    return {"cpu_ms": statistics.mean(cpu), "loop_ms": max(loop_ms), "mb": size / 1e6}


def _tidied(path: Path) -> dict[str, Any]:
    """The steps of upkeep two minutes after the end of a day and of four days."""
    file, connection = _open(path)
    cpu: dict[str, float] = defaultdict(float)
    wall: list[float] = []
    used_ms: list[float] = []
    longest: dict[str, float] = {}
    with closing(connection):
        kept = StorageSettings(minutes_days=MINUTE_DAYS - 1 / 24)  # so that an hour is too old
        upkeep = Upkeep(kept, Set(T0 + 2), print)
        more = True
        while more:
            began, used = time.perf_counter(), time.thread_time()
            more = upkeep.do(connection)
            wall.append(1e3 * (time.perf_counter() - began))
            used_ms.append(1e3 * (time.thread_time() - used))
            what = _phase(upkeep.last.what if upkeep.last else "look")
            cpu[what] += used_ms[-1] / 1e3
            longest[what] = max(longest.get(what, 0), wall[-1])
        used = time.thread_time()
        upkeep.do(connection)
        idle = 1e3 * (time.thread_time() - used)
    file.release()
    wall.sort()
    return {
        "cpu_s": dict(cpu), "steps": len(wall), "longest_ms": wall[-1], "p99_ms": wall[int(0.99 * len(wall))],
        "median_ms": statistics.median(wall), "longest_of_ms": longest, "longest_cpu_ms": max(used_ms), "idle_ms": idle,
    }  # fmt: skip


def _phase(what: str) -> str:
    """The first word, for roll-ups with the step."""
    words = what.split()
    return f"roll {words[-2]}" if words[0] == "roll" else words[0]


def _asked(path: Path, runs: int) -> dict[str, dict[str, float]]:
    """Each question by a reader of its own. Cold: after the system was told to forget the file."""
    now = T0 * MINUTE_MS
    day, month = DAY * MINUTE_MS, 30 * DAY * MINUTE_MS
    questions: dict[str, Callable[[History], Any]] = {
        "day": lambda history: history.bars(COIN, now - day, now, 1),
        "quarters": lambda history: history.bars(COIN, now - month, now, 15),
        "spread": lambda history: history.gaps(COIN, now - month, now, 15),
    }
    found = {}
    for name, question in questions.items():
        cold = [_timed(path, question, cold=True) for _ in range(3)]
        warm = [_timed(path, question) for _ in range(runs)]
        found[name] = {
            "ms": statistics.median(a.ms for a in warm),
            "cpu_ms": statistics.median(a.cpu_ms for a in warm),
            "cold_ms": statistics.median(a.ms for a in cold),
            "bars": warm[0].bars,
        }
    return found


class Asked(NamedTuple):
    """How long an answer took, its CPU, and of how many bars it was."""

    ms: float
    cpu_ms: float
    bars: int


def _timed(path: Path, question: Callable[[History], Any], *, cold: bool = False) -> Asked:
    if cold:
        handle = os.open(path, os.O_RDWR)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    began, used = time.perf_counter(), time.thread_time()
    with History(path) as history:
        answer = question(history)
    took, cpu = time.perf_counter() - began, time.thread_time() - used
    bars = sum(len(s.bars) for s in answer) if isinstance(answer, list) else len(answer.gaps)
    return Asked(1e3 * took, 1e3 * cpu, bars)


def day_s(found: dict[str, Any]) -> dict[str, float]:
    """CPU seconds of a day: measured once each, taken as often as it happens. Hours are packed, cleared and dropped 24 times,
    quarters of an hour made once, hours every fourth day."""
    cpu = found["tidy"]["cpu_s"]
    times = {"pack": 24, "clear": 24, "drop": 24, "give": 24, "look": 24, "roll 15": 1, "roll 60": 0.25}
    return {
        "write": 1_440 * found["write"]["minute_cpu_ms"] / 1e3,
        "running minute": 86_400 * found["beside"]["cpu_ms"] / 1e3,
        **{what: seconds * times[what] for what, seconds in cpu.items()},
        "look every minute": 1_440 * found["tidy"]["idle_ms"] / 1e3,
    }


def claims(found: dict[str, Any]) -> list[Claim]:
    """What the figures say, against the goals."""
    tidy, by_part = found["tidy"], day_s(found)
    largest = ", ".join(f"{what} {s:.0f} s" for what, s in sorted(by_part.items(), key=lambda x: -x[1])[:4])
    return [
        Claim("5,000 legs, 1,250 coins, 30 days", f"{found['file_mb']:.0f} MB", f"made in {found['made_s']:.0f} s"),
        Claim.most("  a day of minutes, packed", found["day_mb"], "MB", 120),
        Claim.most("  write, pack, roll up, drop", 100 * sum(by_part.values()) / 86_400, "% of a core", 3),
        Claim("    of a day", "", largest),
        Claim(
            "    running minute, each second",
            f"{found['beside']['cpu_ms']:.1f} ms",
            f"of it {found['beside']['loop_ms']:.1f} ms on the loop at most, {found['beside']['mb']:.1f} MB",
        ),
        Claim.most("  longest step of upkeep", tidy["longest_ms"], "ms", 50),
        Claim("    its CPU at most", f"{tidy['longest_cpu_ms']:.1f} ms", f"{tidy['steps']} steps"),
        Claim("    99 of 100 steps", f"{tidy['p99_ms']:.1f} ms"),
        *_answer("a coin's day, eight legs, minutes", found["reads"]["day"], 50),
        *_answer("its 30 days, eight legs, 15 minutes", found["reads"]["quarters"], 200),
        *_answer("its best spread, 30 days, 15 minutes", found["reads"]["spread"], 200),
    ]


def _answer(what: str, read: dict[str, float], goal: float) -> list[Claim]:
    return [
        Claim.most(f"  {what}", read["ms"], "ms", goal),
        Claim("    its CPU", f"{read['cpu_ms']:.1f} ms", f"{read['bars']:,.0f} bars"),
        Claim("    the file not in memory", f"{read['cold_ms']:.0f} ms"),
    ]
