"""The screen over the fake engine, as a program of its own: `python -m tests.tui.demo_app STATE [COINS]`. The engine
counts the turns of its loop in the file named by FRMON_TEST_BEAT."""

import asyncio
import os
import sys
from pathlib import Path

from frmon.clock import SystemClock
from frmon.tui import run_screen
from tests.tui.fake import FakeEngine


class LiveEngine(FakeEngine):
    """Stirs its own market in its own thread and counts its beats."""

    async def run(self) -> None:
        beat, count = Path(os.environ["FRMON_TEST_BEAT"]), 0
        while not self.stopped:
            await asyncio.sleep(0.02)
            count += 1
            if count % 10 == 0:
                self.stir(0.05)
            beat.write_text(str(count))  # noqa: ASYNC240  a few bytes


class HangingEngine(FakeEngine):
    """Never ends."""

    async def run(self) -> None:
        while True:  # noqa: ASYNC110  never ends
            await asyncio.sleep(0.05)


def main() -> int:
    kind = HangingEngine if os.environ.get("FRMON_TEST_HANG") else LiveEngine
    engine = kind(int(sys.argv[2]) if len(sys.argv) > 2 else 60, simulated="SIMULATED", clock=SystemClock())
    engine.stir()
    return run_screen(engine, Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
