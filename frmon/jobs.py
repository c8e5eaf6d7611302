"""Long-running jobs: a bug in one restarts that one, with back-off, and is told; it never ends the program."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator

from frmon.clock import Clock

LOG = logging.getLogger("frmon.jobs")

Tell = Callable[[str], None]
"""Takes one clean line for the event log."""


def backoff(first_s: float = 0.5, most_s: float = 15.0, spread: float = 0.3) -> Iterator[float]:
    """Delays in seconds: doubling from `first_s`, never above `most_s`, each varied by ± `spread`."""
    delay = first_s
    while True:
        yield delay * random.uniform(1 - spread, 1 + spread)
        delay = min(delay * 2, most_s)


async def supervise(name: str, job: Callable[[], Awaitable[None]], clock: Clock, tell: Tell) -> None:
    """Run `job` until it returns or is cancelled. When it fails it is told, logged with its traceback, and started
    again after a delay that grows from half a second to 15 s and is forgotten after 30 s without a failure."""
    delays = backoff()
    while True:
        started = clock.mono()
        try:
            await job()
        except asyncio.CancelledError:
            raise
        except Exception as bug:
            LOG.exception("job %s failed", name)
            if clock.mono() - started > 30:
                delays = backoff()
            delay = next(delays)
            tell(f"{name} failed ({type(bug).__name__}), starting again in {delay:.1f} s")
            await clock.sleep(delay)
        else:
            return


async def first(*parts: Coroutine[None, None, None]) -> None:
    """Run parts together until one ends; cancel the rest; raise what the first one raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


class Jobs:
    """A set of supervised jobs that end together."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, job: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Start a job under supervision."""
        task = asyncio.create_task(supervise(name, job, self._clock, self._tell), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self) -> None:
        """Cancel every job and wait until all are gone."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
