"""Long-running jobs: a bug in one restarts that one, with back-off, and is told; it never ends the program."""

import asyncio
import logging
import random
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import TypeVar

from frmon.clock import Clock

LOG = logging.getLogger("frmon.jobs")
FIRST_S = 0.5
HEALTHY_S = 30.0
PER_MINUTE = 5
MINUTE_S = 60.0
LONG_S = 2.0  # a delay that is worth telling

T = TypeVar("T")

Tell = Callable[[str], None]
"""Takes one clean line for the event log."""


def backoff(first_s: float = 0.5, most_s: float = 15.0, spread: float = 0.3) -> Iterator[float]:
    """Delays in seconds: doubling from `first_s` up to `most_s`, each varied by ± `spread`, the last ones upwards only and by
    half as much."""
    delay = first_s
    while True:
        low, high = (1.0, 1 + spread / 2) if delay >= most_s else (1 - spread, 1 + spread)
        yield delay * random.uniform(low, high)
        delay = min(delay * 2, most_s)


class Restarts:
    """When a job that failed may start again. Delays grow from half a second to 15 s and are forgotten after 30 s without a
    failure; no job starts more than five times in a minute. `time_scale` multiplies all of them."""

    def __init__(self, time_scale: float = 1.0) -> None:
        self._scale = time_scale
        self._delays = backoff(FIRST_S)
        self._failed: deque[float] = deque(maxlen=PER_MINUTE)

    def after(self, now: float) -> float:
        """It failed at `now` (monotonic): seconds to wait."""
        if self._failed and now - self._failed[-1] > HEALTHY_S * self._scale:
            self._delays = backoff(FIRST_S)
        delay = next(self._delays) * self._scale
        if len(self._failed) == PER_MINUTE:
            delay = max(delay, self._failed[0] + MINUTE_S * self._scale - now)
        self._failed.append(now + delay)
        return delay


async def supervise(
    name: str, job: Callable[[], Awaitable[None]], clock: Clock, tell: Tell, time_scale: float = 1.0
) -> None:
    """Run `job` until it returns or is cancelled. When it fails it is told, logged with its traceback, and started again:
    see `Restarts`. A cancellation that nobody asked for is a failure too."""
    restarts = Restarts(time_scale)
    while True:
        try:
            await job()
        except asyncio.CancelledError as end:
            if is_cancelled():
                raise
            bug: BaseException = end
        except Exception as error:
            bug = error
        else:
            return
        LOG.error("job %s failed", name, exc_info=bug)
        delay = restarts.after(clock.mono())
        later = f", again in {delay:.0f} s" if delay >= LONG_S else ""
        tell(f"TASK {name} failed ({type(bug).__name__}){later}")
        await clock.sleep(delay)
        tell(f"TASK {name} restarted")


def is_cancelled() -> bool:
    """Whether somebody asked for the end of the task that this runs in."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def first(*parts: Coroutine[None, None, None]) -> None:
    """Run parts together until one ends; cancel the rest; raise what the first one raised."""
    task = asyncio.current_task()
    name = "" if task is None else task.get_name()
    tasks = [asyncio.create_task(part, name=f"{name} {getattr(part, '__name__', 'part').strip('_')}") for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def apart(work: Callable[[], T]) -> T:
    """Do this on a thread of its own, which keeps nobody from ending."""
    answer: Future[T] = Future()

    def do() -> None:
        answer.set_running_or_notify_cancel()
        try:
            answer.set_result(work())
        except Exception as bug:
            answer.set_exception(bug)

    threading.Thread(target=do, name="apart", daemon=True).start()
    return await asyncio.wrap_future(answer)


class Jobs:
    """A set of supervised jobs that end together. `time_scale`: of the delays before restarts."""

    def __init__(self, clock: Clock, tell: Tell, time_scale: float = 1.0) -> None:
        self._clock = clock
        self._tell = tell
        self._scale = time_scale
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, job: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Start a job under supervision."""
        task = asyncio.create_task(self._keep(name, job), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self) -> None:
        """Cancel every job and wait until all are gone."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """Supervision itself may meet a bug, of the clock or of whoever is told: then it begins anew, no more often than a job."""
        restarts = Restarts(self._scale)
        while True:
            try:
                await supervise(name, job, self._clock, self._tell, self._scale)
            except Exception:
                LOG.exception("supervision of %s failed", name)
                await asyncio.sleep(restarts.after(asyncio.get_running_loop().time()))
            else:
                return
