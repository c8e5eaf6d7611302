"""Whatever comes and goes with connections goes: after many of them there is as much of everything as after a few."""

import os
from collections import Counter
from contextlib import suppress
from gc import collect, get_objects

from frmon.cell import Cell, Row
from frmon.feeds.sim.faults import Fault
from frmon.model import Carrier
from soak.figures import look
from tests.scenarios.stand import stand
from tests.scenarios.test_lines_ends import all_up

CYCLES = int(os.environ.get("FRMON_TEST_CYCLES", "40"))
VENUES = ("binance", "okx", "bybit", "bitget")
SIMULATED = "frmon.feeds.sim."


def census() -> dict[str, int]:
    """Everything that lives in the feeds and on the board, by class."""
    collect()
    found: Counter[str] = Counter()
    for one in get_objects():
        module = str(type(one).__module__)
        if module.startswith("frmon.feeds.") and not module.startswith(SIMULATED):
            found[type(one).__qualname__] += 1
        elif isinstance(one, (Carrier, Cell, Row)):
            found[type(one).__name__] += 1
    return dict(found)


async def test_nothing_is_left_of_connections_that_ended() -> None:
    """With 500 cycles it takes minutes: FRMON_TEST_CYCLES=500."""
    async with stand(coins=6) as s:

        async def cycle(code: int) -> None:
            s.fault(Fault(kind="drop", code=code))
            await s.rest(1.5)
            for venue in VENUES:
                s.engine.redial(venue)
            await s.within(60, lambda: all_up(s, *VENUES))
            await s.rest(4.0)

        for code in (1006, 1001, 1012):
            await cycle(code)
        before, held = look(), census()
        for n in range(CYCLES):
            await cycle((1006, 1001, 1012)[n % 3])
        with suppress(AssertionError):
            await s.within(30, lambda: census() == held, "one may look while a request is under way")
        after, now = look(), census()
        assert (after.tasks, after.threads, after.files) == (before.tasks, before.threads, before.files)
        grown = {name: (held.get(name, 0), count) for name, count in now.items() if count != held.get(name, 0)}
        assert grown == {}
