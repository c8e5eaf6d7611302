"""Kill -9 a writing program again and again and look at what it leaves:
`python -m tests.storage.kills [TIMES] [LEGS] [SPEED]`. SPEED: how fast its minutes pass, 1 as they are."""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from frmon.clock import SystemClock
from frmon.storage.bars import Gap, minute_of
from frmon.storage.beside import Beside
from frmon.storage.file import File
from frmon.storage.history import History
from frmon.storage.packing import unpack_bars
from frmon.storage.records import CoinGap
from tests.storage.made import AT, rows, sound
from tests.storage.writer import COIN


class Left(NamedTuple):
    """What was found after one kill."""

    acknowledged: int
    missing: int  # acknowledged signals that are not in the file
    bars: int  # that were put more than a second before the kill
    bars_missing: int  # of these
    looks: int  # at the board, each at all legs
    looks_missing: int  # of these, in the file and beside it
    behind: float  # looks between the last that is there and the last that was said to be kept, 0 where it is there
    sound: bool
    ready_s: float  # until the next program could write


class Lives:
    """One life after another, on one file that is used on and on."""

    def __init__(self, path: Path, legs: int, speed: float) -> None:
        self.path = path
        self.legs = legs
        self.looks = 0  # made so far, by all
        self.lost = 0  # of these
        self.acknowledged: set[int] = set()
        self._speed = speed
        self._since = time.time()
        self._number = 0

    def kill(self, after_s: float, *, gently: bool = False) -> Left:
        """One life of the writer, killed so long after it is ready, or asked to end."""
        self._number += 1
        first = minute_of(SystemClock().now_ms()) - 5 * 1440 + 60 * self._number  # long enough ago to be packed at once
        told = [str(value) for value in (self.path, self.legs, first, self.looks, self._speed, self._since)]
        said: list[str] = []
        with subprocess.Popen(
            [sys.executable, "-m", "tests.storage.writer", *told], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            start = time.monotonic()
            while (line := process.stdout.readline()) != "READY\n":
                assert line[:1] in {"L", "K", "!"}, f"the writer ended: {line!r}"
                said.append(line.strip())
            ready_s = time.monotonic() - start
            time.sleep(after_s)
            process.send_signal(signal.SIGTERM if gently else signal.SIGKILL)
            said += process.stdout.read().splitlines()
        return self._found(said, first, ready_s)

    def _found(self, said: list[str], first: int, ready_s: float) -> Left:
        signals, turns, looks = (
            {int(line[2:]) for line in said if line.startswith(f"{kind} ")} for kind in ("S", "B", "L")
        )
        self.acknowledged |= signals
        whole = sound(self.path)  # recovers the log as any next program does
        held = {at - AT for (at,) in rows(self.path, "SELECT at_ms FROM signal")}
        counts = bars(self.path, first)
        lost = sum(self.legs - counts[turn] for turn in turns)
        self.looks = max(looks, default=self.looks)
        said_kept = max((int(line[2:]) for line in said if line.startswith("K ")), default=0)
        kept = seen(self.path)
        missing = self.looks - self.lost - sum(gap.seconds for gap in kept)
        self.lost += missing
        return Left(
            len(signals), len(self.acknowledged - held), self.legs * len(turns), lost, len(looks), missing,
            max(0.0, said_kept - max((gap.last for gap in kept), default=0.0)), whole, ready_s,
        )  # fmt: skip


def bars(path: Path, first: int) -> Counter[int]:
    """Minutes from this one on and how many legs have a bar of each, packed or not, or both for a moment."""
    found = set(rows(path, f"SELECT leg, start FROM bar WHERE start >= {first}"))
    query = f"SELECT subject, data FROM pack WHERE kind = 0 AND step = 1 AND until > {first}"
    found |= {(leg, bar.start) for leg, pack in rows(path, query) for bar in unpack_bars(pack)}
    return Counter(start for _, start in found)


def seen(path: Path, *, beside: bool = True) -> list[Gap]:
    """What is known of the looks by minute: how many, and which was the last; in the file, and beside it."""
    found = {}
    with History(path) as history:
        if COIN in history.coins():
            found = {gap.start: gap for gap in history.gaps(COIN, 0, 2**52, 1).gaps}
    for minute, records in Beside(path, "simulated").read().minutes.items() if beside else ():
        found.update((minute, record.gap) for record in records if isinstance(record, CoinGap))
    return [found[start] for start in sorted(found)]


def differing(path: Path, legs: int) -> int:
    """Minutes of legs in the file that say something else than the looks at them, or nothing."""
    last = {gap.start: gap.last for gap in seen(path, beside=False)}
    wrong = 0
    with History(path) as history:
        for n in range(legs):
            [series] = history.bars(f"SEEN{n}", 0, 2**52, 1)
            wrong += sum((bar.high, bar.close) != (last[bar.start],) * 2 for bar in series.bars)
            wrong += len(last) - len(series.bars)
    return wrong


def kills(path: Path, times: int, legs: int, speed: float = 1.0, seed: int = 1) -> tuple[list[Left], Lives]:
    """Kill so many times at random points."""
    chance = random.Random(seed)
    lives = Lives(path, legs, speed)
    found = [lives.kill(chance.uniform(0.05, 2.5)) for _ in range(times)]
    last = lives.kill(0.5, gently=True)
    assert (last.missing, last.looks_missing, last.sound) == (0, 0, True), last
    file = File(path, lambda: AT, lambda: False, simulated=True)
    file.open().close()
    assert not file.reset, file.reset
    file.release()
    return found, lives


def main(times: int = 100, legs: int = 500, speed: float = 1.0) -> str:
    """What came of it, in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frmon.db"
        found, lives = kills(path, times, legs, speed)
        size = path.stat().st_size / 1e6
        ((packs, packed),) = rows(path, "SELECT count(*), sum(bars) FROM pack WHERE kind = 0 AND step = 1")
        written, wrong, minutes = (
            sum(gap.seconds for gap in seen(path, beside=False)),
            differing(path, legs),
            len(seen(path)),
        )
    return f"""{len(found)} kills: sound {sum(f.sound for f in found)}
signals acknowledged {sum(f.acknowledged for f in found)}, missing {max(f.missing for f in found)}
bars put more than a second before {sum(f.bars for f in found)}, missing {sum(f.bars_missing for f in found)}
looks at {legs} legs, one each {1 / speed:g} s, {minutes} minutes: {lives.looks}, lost {lives.lost}, at most {max(f.looks_missing for f in found)} in a kill \
(of those said to be kept {sum(f.behind for f in found):.0f}; nothing lost in {sum(not f.looks_missing for f in found)}); in the file at the end {written}; minutes of legs that differ {wrong}
ready again within {max(f.ready_s for f in found):.2f} s (with the interpreter's start), {packed} bars in {packs} packs, {size:.0f} MB"""


if __name__ == "__main__":
    asked = sys.argv[1:]
    print(main(*map(int, asked[:2]), *map(float, asked[2:])))  # noqa: T201
