"""What a measured process counts of itself."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

LOOK_S = 0.05
LAG_S = 0.01


class Mark(NamedTuple):
    """Messages handled, CPU seconds of the whole process, wall seconds."""

    messages: int
    cpu: float
    wall: float


async def meter(count: Callable[[], int], skip: int, until: int) -> None:
    """Look every 50 ms how many messages were handled; print CPU per message between the first look at or after `skip`
    messages and the first at or after `until`, or where nothing came for 3 s; and when that was."""
    first = await _reach(count, skip)
    last = await _reach(count, until)
    print(json.dumps({**between(first, last), "reached_at": last.wall}), flush=True)


async def _reach(count: Callable[[], int], wanted: int) -> Mark:
    mark = look(count)
    while mark.messages < wanted:
        await asyncio.sleep(LOOK_S)
        found = look(count)
        if mark.messages and found.messages == mark.messages and found.wall - mark.wall > 3:
            return mark
        mark = found if found.messages != mark.messages else mark
    return mark


def look(count: Callable[[], int]) -> Mark:
    """Now."""
    return Mark(count(), time.process_time(), time.perf_counter())


def between(first: Mark, last: Mark) -> dict[str, float]:
    """What happened between two looks."""
    messages, cpu, wall = (b - a for a, b in zip(first, last, strict=True))
    return {
        "messages": messages,
        "cpu_us": round(cpu / max(1, messages) * 1e6, 3),
        "cpu_pct": round(cpu / max(1e-9, wall) * 100, 2),
        "rate": round(messages / max(1e-9, wall)),
    }


async def lags(found: list[float], count: Callable[[], int], skip: int) -> None:
    """How much later than asked for a timer of 10 ms wakes, in ms, again and again once `skip` messages were handled, until
    cancelled."""
    while True:
        asked_at = time.perf_counter()
        await asyncio.sleep(LAG_S)
        if count() >= skip:
            found.append((time.perf_counter() - asked_at - LAG_S) * 1000)


def arguments() -> tuple[dict[str, int], dict[str, int], int, int]:
    """Ports of the venues, shares of the mix, messages to skip, messages until the end: from the command line."""
    told = json.loads(sys.argv[1])
    return told["ports"], told["shares"], told["skip"], told["until"]
