"""A program that writes and tidies until it is killed: `python -m tests.storage.writer FILE LEGS MINUTE LOOK SPEED SINCE`. It
prints, once they have happened, `S n` for each acknowledged signal, `B n` for each turn of bars that was put a second ago or
longer, `L n` for each look at the board, at which every price is n, and `K n` when that is kept beside the file. Looks are
counted from LOOK on; time passes SPEED times as fast since SINCE (Unix seconds)."""

import asyncio
import signal as signals
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from frmon.clock import SystemClock
from frmon.config import StorageSettings
from frmon.keeping import Keeping, Seen
from frmon.model import LegKey, Market, Spread
from frmon.signals.episodes import Episodes
from frmon.storage.bars import Bar
from frmon.storage.journal import Journal
from frmon.storage.records import CoinGap, LegBar, Record, SignalRow
from frmon.storage.running import Frame, minutes_of, parts_of
from frmon.storage.upkeep import Upkeep
from frmon.vigil import Vigil
from tests.given import TERMS, Desk
from tests.given import leg as seat
from tests.storage.made import episode, leg, settlement, signal

TURN_S = 0.1
COIN = "SEEN0"


class Life(NamedTuple):
    """What one life is told."""

    path: Path
    legs: int
    first: int  # minute of the first turn of bars
    look: int
    speed: float
    since: float


class Fast(SystemClock):
    """A clock that runs so many times as fast."""

    def __init__(self, speed: float, since: float) -> None:
        self._speed, self._since = speed, since

    def now_ms(self) -> int:
        return int((self._since + (time.time() - self._since) * self._speed) * 1000)

    def mono(self) -> float:
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


class Counted(Keeping):
    """Before each look every leg has another price: the number of the look."""

    def begin(self, legs: int, look: int) -> None:
        self._legs = [seat("okx", f"SEEN{n}") for n in range(legs)]
        self._desk = Desk(*self._legs)
        self._seen = Seen(board=self._desk.board, episodes=Episodes(8.0), states=list, freshness=TERMS.freshness)
        self._number = look
        self._write, self._last._beside.write = self._last._beside.write, self._kept  # type: ignore[method-assign]

    def _kept(self, frame: Frame) -> None:
        self._write(frame)
        kept = [r.gap.last for seen in minutes_of(parts_of(frame)).values() for r in seen if isinstance(r, CoinGap)]
        sys.stdout.write(f"K {max(kept, default=0.0):.0f}\n")
        sys.stdout.flush()

    def look(self) -> None:
        self._number += 1
        now = self._clock.mono()
        for one in self._legs:
            self._desk.say(one, self._number, self._number, now)
        key = LegKey("okx", Market.PERP, f"{COIN}USDT")
        values = {**dict.fromkeys(Spread.__struct_fields__), "buy": key, "sell": key, "gross_pct": float(self._number)}
        self._desk.board.rows[COIN].spread = Spread(**values)  # type: ignore[arg-type]
        super().look()
        sys.stdout.write(f"L {self._number}\n")
        sys.stdout.flush()


async def strain(journal: Journal, life: Life, ending: asyncio.Event) -> None:
    """Put a turn of old bars, signals, an episode and a settlement again and again."""
    names = [leg(n) for n in range(life.legs)]
    put: list[tuple[float, int]] = []
    for turn in range(life.first, life.first + 10**6):
        for name in names:
            journal.put(LegBar(name, Bar(turn, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, None, None, None, 1)))
        for n in range(3):
            journal.put(signal(3 * turn + n))
        journal.put(episode(turn))
        journal.put(settlement(signal(0).at_ms + turn * 3_600_000))
        put.append((time.monotonic(), turn))
        while put and put[0][0] < time.monotonic() - 1.0:
            sys.stdout.write(f"B {put.pop(0)[1]}\n")
        sys.stdout.flush()
        await asyncio.sleep(TURN_S)
        if ending.is_set():
            return


async def main(life: Life) -> None:
    def tell(line: str) -> None:
        sys.stdout.write(f"! {line}\n")

    def acknowledge(records: Sequence[Record]) -> None:
        lines = [f"S {r.at_ms - signal(0).at_ms}\n" for r in records if isinstance(r, SignalRow)]
        sys.stdout.write("".join(lines))
        sys.stdout.flush()

    journal = Journal(life.path, SystemClock(), tell, simulated=True)
    journal.on_saved(acknowledge)
    journal.upkeep = Upkeep(StorageSettings(), SystemClock(), tell).step
    nothing = Seen(board=Desk().board, episodes=Episodes(8.0), states=list, freshness=TERMS.freshness)
    clock = Vigil(Fast(life.speed, life.since), 5.0)
    keeping = Counted(journal, nothing, clock, tell)
    keeping.begin(life.legs, life.look)
    keeping.start()
    loop = asyncio.get_running_loop()
    while journal.state.status == "OPENING":  # noqa: ASYNC110  the state tells nobody
        await asyncio.sleep(0.005)
    sys.stdout.write("READY\n")
    ending = asyncio.Event()
    loop.add_signal_handler(signals.SIGTERM, ending.set)
    await strain(journal, life, ending)
    await keeping.end()


if __name__ == "__main__":
    path, legs, first, look, speed, since = sys.argv[1:]
    asyncio.run(main(Life(Path(path), int(legs), int(first), int(look), float(speed), float(since))))
