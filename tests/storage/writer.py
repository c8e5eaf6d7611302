"""A program that writes and tidies until it is killed: `python -m tests.storage.writer FILE LEGS MINUTE`. It prints, once they
have happened, `S n` for each acknowledged signal and `B n` for each turn of bars that was put a second ago or longer."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from frmon.clock import SystemClock
from frmon.config import StorageSettings
from frmon.storage.bars import Bar
from frmon.storage.journal import Journal
from frmon.storage.records import LegBar, Record, SignalRow
from frmon.storage.upkeep import Upkeep
from tests.storage.made import episode, leg, settlement, signal

TURN_S = 0.1


async def main(path: Path, legs: int, first: int) -> None:
    def tell(line: str) -> None:
        sys.stdout.write(f"! {line}\n")

    def acknowledge(records: Sequence[Record]) -> None:
        lines = [f"S {r.at_ms - signal(0).at_ms}\n" for r in records if isinstance(r, SignalRow)]
        sys.stdout.write("".join(lines))
        sys.stdout.flush()

    journal = Journal(path, SystemClock(), tell, simulated=True)
    journal.on_saved(acknowledge)
    journal.upkeep = Upkeep(StorageSettings(), SystemClock(), tell).step
    work = asyncio.create_task(journal.run())
    names = [leg(n) for n in range(legs)]
    loop = asyncio.get_running_loop()
    while journal.state.status == "OPENING":  # noqa: ASYNC110  the state tells nobody
        await asyncio.sleep(0.005)
    sys.stdout.write("READY\n")
    put: list[tuple[float, int]] = []
    for turn in range(first, first + 10**6):
        for name in names:
            journal.put(LegBar(name, Bar(turn, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, None, None, None, 1)))
        for n in range(3):
            journal.put(signal(3 * turn + n))
        journal.put(episode(turn))
        journal.put(settlement(signal(0).at_ms + turn * 3_600_000))
        put.append((loop.time(), turn))
        while put and put[0][0] < loop.time() - 1.0:
            sys.stdout.write(f"B {put.pop(0)[1]}\n")
        sys.stdout.flush()
        await asyncio.sleep(TURN_S)
    await work


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
