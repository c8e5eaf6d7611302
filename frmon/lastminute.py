"""The running minute outlives the program: about once a second it is kept beside the file, and the next run goes on with it.
Whatever the disk does to that holds up nobody."""

import asyncio
from collections.abc import Callable
from secrets import token_hex

from frmon.clock import Clock
from frmon.jobs import apart
from frmon.minutes import Minutes
from frmon.storage.bars import minute_of
from frmon.storage.beside import Beside, Left
from frmon.storage.journal import Journal
from frmon.storage.running import Frame, Minute, Part, joined, part_of
from frmon.storage.unusable import status_of

LOOK_S = 0.1
"""Between two looks whether the file is ours."""

MOST_BYTES = 8 << 20
"""Of minutes that wait to be written: of older ones there is no second copy."""

Trouble = tuple[str, str]
"""Status and why."""


class LastMinute:
    """Keeps the running minute of one run, and those that the journal has not written yet. On the engine's thread."""

    def __init__(self, journal: Journal, minutes: Minutes, clock: Clock, tell: Callable[[str], None]) -> None:
        self.trouble: Trouble | None = None  # while it cannot be kept
        self._journal = journal
        self._minutes = minutes
        self._clock = clock
        self._tell = tell
        self._beside = Beside(journal.file.path, journal.file.market)
        self._run = token_hex(8)
        self._looked = asyncio.Event()
        self._handed: list[Part] = []
        self._first = -1  # the minute that this run has not seen from its beginning
        self._before: Minute = []  # what the run before saw of it
        self._own: Minute | None = None  # what this run saw of it, once it is over
        self._is_read = False
        self._closing: Frame | None = None

    def looked(self) -> None:
        """The board was looked at."""
        if self._first < 0:
            self._first = self._minutes.minute
        self._looked.set()

    def hand(self) -> None:
        """The running minute is about to end and to be given to the journal: it is kept until that has written it."""
        self._handed.append(part_of(self._minutes.running()))
        while sum(len(memoryview(part.raw)) for part in self._handed) > MOST_BYTES:
            self._handed.pop(0)

    def whole(self, minute: int, over: Minute) -> Minute:
        """A minute that is over, with what the run before saw of it."""
        if minute != self._first or self._own is not None:
            return over
        self._own = over
        return joined([self._before, over])

    async def run(self) -> None:
        """Whenever the file is ours: take up what was kept, then keep what is looked at."""
        while True:
            while not self._journal.file.is_ours:
                await self._clock.sleep(LOOK_S)
            await self._take_up()
            while self._journal.file.is_ours:
                await self._looked.wait()
                self._looked.clear()
                await self._write(self._closing or self._frame())

    def close(self) -> None:
        """The program ends within the running minute, which is kept as it is now: the next run may go on with it."""
        self._closing = self._frame()

    async def end(self) -> None:
        """Keep what was there at `close`."""
        if self._closing is not None and self._is_read and self._journal.file.is_ours:
            await self._write(self._closing)

    def _frame(self) -> Frame:
        if not self._journal.holds_minutes:
            running = self._minutes.minute
            self._handed = [part for part in self._handed if part.minute == running]
        parts = [*self._handed, part_of(self._minutes.running())]
        return Frame(self._journal.file.market, self._run, [part.raw for part in parts])

    async def _write(self, frame: Frame) -> None:
        try:
            await apart(lambda: self._beside.write(frame))
        except OSError as error:
            self._show((status_of(error), f"the running minute: {error.strerror or error}".lower()))
        else:
            self._show(None)

    def _show(self, trouble: Trouble | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._tell(
                "storage: the running minute is kept again"
                if trouble is None
                else f"storage: {trouble[0]} ({trouble[1]})"
            )

    async def _take_up(self) -> None:
        left = await apart(self._beside.read)
        self._is_read = True
        if left.wrong:
            self._tell(f"storage: the minute that was kept last is left out ({left.wrong})")
        if left.run == self._run:
            return
        now = minute_of(self._clock.now_ms())
        if self._first < 0:
            self._first = now
        wanted = [
            minute for minute in left.minutes if not self._first < minute <= now
        ]  # the others were seen as a whole
        self._handed = [*(part for part in left.parts if part.minute in wanted), *self._handed]
        for minute in wanted:
            self._go_on(minute, left)

    def _go_on(self, minute: int, left: Left) -> None:
        seen = left.minutes[minute]
        if minute == self._first and self._own is None:
            self._before = seen
            return
        for record in joined([seen, self._own]) if minute == self._first and self._own is not None else seen:
            self._journal.put(record)
