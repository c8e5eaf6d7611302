"""Kill -9 a writing program again and again and look at what it leaves: `python -m tests.storage.kills [TIMES] [LEGS]`."""

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from frmon.clock import SystemClock
from frmon.storage.bars import minute_of
from frmon.storage.file import File
from frmon.storage.packing import unpack_bars
from tests.storage.made import AT, rows, sound


class Left(NamedTuple):
    """What was found after one kill."""

    acknowledged: int
    missing: int  # acknowledged signals that are not in the file
    bars: int  # that were put more than a second before the kill
    bars_missing: int  # of these
    sound: bool
    ready_s: float  # until the next program could write


def kill(path: Path, number: int, after_s: float, legs: int) -> tuple[Left, set[int], set[int]]:
    """One life of the writer, killed so long after it is ready."""
    first = minute_of(SystemClock().now_ms()) - 5 * 1440 + 60 * number  # long enough ago to be packed at once
    command = [sys.executable, "-m", "tests.storage.writer", str(path), str(legs), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        start = time.monotonic()
        while (line := process.stdout.readline()) != "READY\n":
            assert line.startswith("!"), f"the writer ended: {line!r}"
        ready_s = time.monotonic() - start
        time.sleep(after_s)
        process.kill()
        said = process.stdout.read().splitlines()
    signals = {int(line[2:]) for line in said if line.startswith("S ")}
    turns = {int(line[2:]) for line in said if line.startswith("B ")}
    whole = sound(path)  # recovers the log as any next program does
    held = {at - AT for (at,) in rows(path, "SELECT at_ms FROM signal")}
    counts = bars(path, first)
    lost = sum(legs - counts[turn] for turn in turns)
    return Left(len(signals), len(signals - held), legs * len(turns), lost, whole, ready_s), signals, held


def bars(path: Path, first: int) -> Counter[int]:
    """Minutes from this one on and how many bars there are of each, packed or not."""
    found = Counter(start for (start,) in rows(path, f"SELECT start FROM bar WHERE start >= {first}"))
    for (pack,) in rows(path, f"SELECT data FROM pack WHERE kind = 0 AND step = 1 AND until > {first}"):
        found.update(bar.start for bar in unpack_bars(pack))
    return found


def kills(path: Path, times: int, legs: int, seed: int = 1) -> list[Left]:
    """Kill so many times at random points, on one file that is used on and on."""
    chance = random.Random(seed)
    found: list[Left] = []
    acknowledged: set[int] = set()
    for number in range(1, times + 1):
        left, signals, held = kill(path, number, chance.uniform(0.05, 2.5), legs)
        acknowledged |= signals
        found.append(left._replace(missing=len(acknowledged - held)))
    file = File(path, lambda: AT, lambda: False, simulated=True)
    file.open().close()
    assert not file.reset, file.reset
    file.release()
    return found


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frmon.db"
        found = kills(path, *(asked or [100]), *([] if len(asked) > 1 else [500]))
        size = path.stat().st_size / 1e6
        ((packs, packed),) = rows(path, "SELECT count(*), sum(bars) FROM pack WHERE kind = 0 AND step = 1")
    print(  # noqa: T201
        f"{len(found)} kills: sound {sum(f.sound for f in found)}, signals acknowledged {sum(f.acknowledged for f in found)},"
        f" missing {max(f.missing for f in found)}, bars older than 1 s {sum(f.bars for f in found)}, missing {sum(f.bars_missing for f in found)},"
        f" ready again within {max(f.ready_s for f in found):.2f} s (with the interpreter's start),"
        f" {packed} bars in {packs} packs, {size:.0f} MB"
    )
