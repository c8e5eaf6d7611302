"""Settlements that are over: those that happened in the simulated world, and before them a past that is made up, always the
same for the same symbol and time."""

from collections.abc import Iterator
from itertools import islice
from random import Random

from frmon.feeds.sim.instrument import Instrument, Paid

HOUR_MS = 3_600_000


def settled(i: Instrument, count: int, before_ms: int | None = None) -> Iterator[Paid]:
    """The last `count` settlements not after `before_ms`, newest first."""
    found = (paid for paid in _all(i) if before_ms is None or paid.at_ms <= before_ms)
    return islice(found, max(0, count))


def _all(i: Instrument) -> Iterator[Paid]:
    """Newest first, down to the start of trading."""
    for paid in reversed(i.paid):
        if paid.at_ms > i.on_ms:
            yield paid
    if not i.paid:
        return
    oldest = i.paid[0]
    step = oldest.hours * HOUR_MS
    for at_ms in range(oldest.at_ms - step, i.on_ms, -step):
        noise = Random(f"{i.symbol} {at_ms}").gauss(0.0, 0.00003)
        yield Paid(at_ms, round(oldest.rate + noise, 8), oldest.hours)
