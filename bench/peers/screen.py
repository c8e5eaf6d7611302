"""frmon's screen over a stirred market."""

import os
import sys
from pathlib import Path

from bench.peers.market import Stirred
from frmon.tui import run_screen

if __name__ == "__main__":
    engine = Stirred()
    engine.settings.screen.updates_per_s = 4.0
    sys.exit(run_screen(engine, Path(os.environ["BENCH_FEEDER"]).with_name("state.json")))
