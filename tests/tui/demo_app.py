"""The screen over the fake engine, as a program of its own: `python -m tests.tui.demo_app STATE [COINS]`. The engine
writes a byte into the file named by FRMON_TEST_BEAT a hundred times a second."""

import asyncio
import os
import sys
import time
from pathlib import Path

from frmon.clock import SystemClock
from frmon.tui import run_screen
from tests.tui.fake import FakeEngine


class LiveEngine(FakeEngine):
    """Stirs its own market in its own thread and notes the longest pause between two beats."""

    async def run(self) -> None:
        beat = Path(os.environ["FRMON_TEST_BEAT"])
        longest, last, count = 0.0, time.monotonic(), 0
        while not self.stopped:  # noqa: ASYNC110  set from another thread
            await asyncio.sleep(0.02)
            now = time.monotonic()
            longest, last, count = max(longest, now - last), now, count + 1
            if count % 10 == 0:
                self.stir(0.05)
            if count % 5 == 0:
                beat.write_text(f"{count} {longest:.3f}")


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
