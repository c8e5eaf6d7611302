"""Keeps the stream of a collector: dials again when it is lost, goes on where it was when the same collector is still there."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

from frmon.attach.line import Address, Denied, Lost, opened
from frmon.attach.sse import Event
from frmon.clock import Clock
from frmon.errors import DecodeError
from frmon.jobs import backoff

FIRST_S, MOST_S = 0.5, 10.0
HEALTHY_S = 10.0
"""A stream that lasted so long begins with short delays again."""


class Hears(Protocol):
    """Whoever makes something of the events."""

    def hear(self, event: Event, now: float) -> None:
        """One event came at `now` (monotonic). Raises `DecodeError`."""
        ...

    def lost(self) -> None:
        """Nothing comes any more."""
        ...


class Link:
    """The stream, until cancelled. `why`: what is wrong now, "" = it is heard."""

    def __init__(self, address: Address, clock: Clock, hears: Hears, tell: Callable[[str], None]) -> None:
        self.address = address
        self.why = ""
        self.again_at: float | None = None  # monotonic; None: heard, or being dialled
        self.losses = 0
        self.received = 0  # bytes of events
        self._clock = clock
        self._hears = hears
        self._tell = tell
        self._last = ""
        self._delays: Iterator[float] = backoff(FIRST_S, MOST_S)

    @property
    def trouble(self) -> str:
        """The banner: that the collector is lost, why, and when it is dialled again."""
        if not self.why:
            return ""
        again = self.again_at
        soon = "dialling" if again is None else f"again in {max(0.0, again - self._clock.mono()):.0f} s"
        return f"COLLECTOR LOST ({self.why}), {soon}"

    async def run(self) -> None:
        """Listen, and dial again, for ever."""
        while True:
            began = self._clock.mono()
            try:
                await self._listen()
            except Lost as error:
                self._end(str(error), began)
            except DecodeError as error:
                self._last = ""
                self._end(str(error), began)
            finally:
                self._hears.lost()
            delay = next(self._delays)
            self.again_at = self._clock.mono() + delay
            await self._clock.sleep(delay)
            self.again_at = None

    def _end(self, why: str, began: float) -> None:
        if self._clock.mono() - began > HEALTHY_S:
            self._delays = backoff(FIRST_S, MOST_S)
        if not self.why:
            self.losses += 1
        if self.why != why:
            self._tell(f"COLLECTOR {self.address.place} lost: {why}")
        self.why = why

    async def _listen(self) -> None:
        async with opened(self.address, "?form=legs", self._last) as stream:
            await self._hear_all(stream)

    async def _hear_all(self, stream: AsyncIterator[list[Event]]) -> None:
        async for events in stream:
            now = self._clock.mono()
            for event in events:
                self._hears.hear(event, now)
                self._last = event.name or self._last
                self.received += len(event.data)
                if event.kind == "status" and self.why:
                    self._tell(f"COLLECTOR {self.address.place} is back")
                    self.why = ""


async def first(address: Address) -> Event:
    """The first event of the stream, of the widest spread alone. Raises `Lost` and `Denied`."""
    async with opened(address, "?top=1") as stream:
        async for events in stream:
            return events[0]
    raise Denied("it said nothing")
