"""The whole engine without a screen, on the endpoints it is told; says every so often how far it is, as a JSON line:
seconds since this process was started, coins with a quote, legs, fresh legs, lines, live lines, messages so far, resident
megabytes, CPU seconds."""

import json
import sys
import time

import psutil

from frmon.config import Settings
from frmon.engine import Engine
from frmon.feeds.venues import all_venues
from frmon.host import Host
from frmon.launch import Wish, endpoint_options, settings_for
from frmon.model import Status


def look(engine: Engine, me: psutil.Process) -> dict[str, float]:
    """How far it is."""
    now = engine.clock.mono()
    lines = [line for state in engine.states() for line in state.lines]
    cells = [cell for cell in engine.board.cells() if not cell.leg.halted]
    return {
        "at": time.time() - me.create_time(),
        "coins": sum(any(c.bid is not None for c in row.cells) for row in list(engine.board.rows.values())),
        "legs": len(cells),
        "fresh": sum(cell.is_fresh(now, engine.terms.freshness) for cell in cells),
        "lines": len(lines),
        "live": sum(line.status is Status.LIVE for line in lines),
        "messages": sum(line.messages for line in lines),
        "rss_mb": me.memory_info().rss / 1e6,
        "cpu_s": time.process_time(),
    }


def main() -> None:
    """Run until ended from outside."""
    told = json.loads(sys.argv[1])
    settings: Settings = settings_for(Wish(), endpoint_options(told["endpoints"]))
    engine = Engine(all_venues(), settings, simulated="SIMULATED")
    me = psutil.Process()
    with Host(engine) as host:
        while True:
            print(json.dumps(host.ask(lambda: look(engine, me))), flush=True)
            host.rest(told["every_s"])


if __name__ == "__main__":
    main()
