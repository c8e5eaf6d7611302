"""The machine's clocks, with which things can be done that a plain machine does not let a test do: set the wall clock, let it
run fast, sleep for ten minutes, and raise in a job of one's choice."""

import asyncio
import threading

from tests.leaping import clock_here

FILE = "the file's thread"
"""The name under which a bug is planted where a database is written."""


class Planted(Exception):
    """The planted bug."""


class Machine:
    """`step` sets the wall clock, `suspend` lets time pass in which nothing ran, `smear_to` lets the wall clock run away by so
    many seconds a second. `plant(name)`: the next reading, or the sleep that goes on, in the task of that name raises
    `Planted` once; `planted` says what has not raised yet."""

    def __init__(self) -> None:
        self.planted: set[str] = set()
        self._wall_s = 0.0
        self._slept_s = 0.0
        self._smear = 0.0
        self._smeared_at = 0.0
        self._under = clock_here()
        self._asleep: dict[str, asyncio.Future[None]] = {}

    def now_ms(self) -> int:
        self._fail()
        smeared_s = self._smear * (self._under.mono() - self._smeared_at)
        return self._under.now_ms() + int((self._wall_s + self._slept_s + smeared_s) * 1000)

    def mono(self) -> float:
        self._fail()
        return self._under.mono() + self._slept_s

    async def sleep(self, seconds: float) -> None:
        self._fail()
        name = _task()
        wake = self._asleep[name] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait([wake], timeout=max(0.0, seconds))
        finally:
            if self._asleep.get(name) is wake:
                del self._asleep[name]
        self._fail()

    def step(self, seconds: float) -> None:
        self._wall_s += seconds

    def suspend(self, seconds: float) -> None:
        self._slept_s += seconds

    def smear_to(self, rate: float) -> None:
        self._smear, self._smeared_at = rate, self._under.mono()

    def plant(self, name: str) -> None:
        self.planted.add(name)
        if (wake := self._asleep.get(name)) is not None and not wake.done():
            wake.set_result(None)

    def _fail(self) -> None:
        if self.planted and (name := _task()) in self.planted:
            self.planted.discard(name)
            raise Planted(name)


def _task() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return FILE if "connection_worker" in threading.current_thread().name else ""
    return "" if task is None else task.get_name()
