"""A market in memory for the paint benches: the screen tests' engine, stirred at a steady rate from its own thread."""

import asyncio
import os
import threading
import time
from pathlib import Path

from frmon import spread
from frmon.clock import SystemClock
from tests.tui.fake import FakeEngine

ROWS = 2_000
UPDATES_PER_S = 3_000
STEP_S = 0.01


class Stirred(FakeEngine):
    """2,000 coins; 3,000 times a second one leg of one of them gets a new quote and the coin its spread. Writes the id of
    its thread into the file that BENCH_FEEDER names, so that its CPU can be told from the screen's."""

    def __init__(self) -> None:
        super().__init__(ROWS, simulated="SIMULATED", clock=SystemClock())
        self.stir()
        self.table = list(self.board.rows.values())

    def name_thread(self) -> None:
        Path(os.environ["BENCH_FEEDER"]).write_text(str(threading.get_native_id()))

    async def run(self) -> None:
        self.name_thread()
        start, done = time.monotonic(), 0
        while not self.stopped:
            await asyncio.sleep(STEP_S)
            due = int((time.monotonic() - start) * UPDATES_PER_S)
            for _ in range(due - done):
                self.update()
            done = due

    def update(self) -> None:
        """One row update."""
        row = self.random.choice(self.table)
        self.quote(self.random.choice(row.cells).key)
        row.spread = spread.best(row, self.terms, self.clock.mono(), self.clock.now_ms())
