"""The screen as `frmon` starts it, over an engine with one more listener, which writes every signal down as it fires:
`python -m tests.scenarios.telling SIGNALS --record TAPE --log LOG`."""

import argparse
import os
import sys
from pathlib import Path

import msgspec

from frmon import departure
from frmon.launch import Launch, Wish, engine_for
from frmon.logfile import open_log
from frmon.model import Signal
from frmon.tui import run_screen
from tests.scenarios.keptrows import Fired


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("signals", "--record", "--log"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    departure.at_once()
    departure.in_order()
    open_log(given.log, "info")
    told = os.open(given.signals, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(x: Signal) -> None:
        row = Fired(x.observed_ms, x.kind, x.symbol, x.short_exchange, x.long_exchange)
        os.write(told, msgspec.json.encode(row) + b"\n")  # whatever ends us, the system has it

    with engine_for(Wish(log=given.log), Launch(record=given.record), keeps=True) as engine:
        engine.listeners.append(write)
        code = run_screen(engine, None)
        departure.leaving(code)
        sys.exit(code)


if __name__ == "__main__":
    main()
