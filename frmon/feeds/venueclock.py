"""The clock of a venue: what it is ahead of ours, asked at its own endpoint, again and again."""

import asyncio
from collections.abc import Callable

from frmon.errors import DecodeError, Unreachable
from frmon.feeds.access import Access
from frmon.feeds.contract import ServerTime
from frmon.feeds.lateness import AHEAD_MS
from frmon.feeds.rest import Rest

EVERY_S = 300.0
SLOW_MS = 1_000.0  # between question and answer
DOUBTED_S = 10.0  # the least between two looks, however odd the venue's times are


class VenueClock:
    """Keeps `Access.skew_ms` true, and looks at once where lines doubt it. `moved` is called when the venue's clock was set."""

    def __init__(self, access: Access, rest: Rest, moved: Callable[[], None]) -> None:
        self.is_known = False
        self._access = access
        self._rest = rest
        self._moved = moved
        self._told_ms = 0  # the last answer

    def words(self) -> str:
        """ "SKEW +300 s" where it is worth a word, else ""."""
        skew_ms = self._access.skew_ms
        return f"SKEW {skew_ms / 1000:+.0f} s" if abs(skew_ms) > AHEAD_MS else ""

    async def run(self, server_time: ServerTime) -> None:
        """Ask, wait, ask, for ever."""
        access, scale = self._access, self._access.time_scale
        while True:
            access.clock_doubted.clear()
            try:
                self._learn(*await self._ask(server_time))
            except (Unreachable, DecodeError) as error:
                access.tell(f"{access.venue.name} clock: {error}")
            await access.clock.sleep(DOUBTED_S * scale)
            try:
                async with asyncio.timeout((EVERY_S - DOUBTED_S) * scale):
                    await access.clock_doubted.wait()
            except TimeoutError:
                continue

    async def _ask(self, server_time: ServerTime) -> tuple[int, float, float]:
        """The venue's time, and ours when it was asked and when it answered."""
        body, asked_at = await self._rest.get(server_time.request)
        now_ms = self._access.clock.now_ms()
        return server_time.parse(body), now_ms - (self._access.clock.mono() - asked_at) * 1000, now_ms

    def _learn(self, told_ms: int, asked_ms: float, heard_ms: float) -> None:
        """An answer that took long, on its way or in our own queue, says little: what was known stands unless the answer
        rules it out, and then changes by no more than it must."""
        access, before = self._access, self._access.skew_ms
        if told_ms == self._told_ms:
            return  # the same answer again: no clock stands still
        self._told_ms = told_ms
        least, most = told_ms - heard_ms, told_ms - asked_ms
        if self.is_known and most - least > SLOW_MS:
            access.skew_ms = min(max(before, least), most)
        else:
            access.skew_ms = (least + most) / 2
        self.is_known = True
        if abs(access.skew_ms - before) > AHEAD_MS:
            access.tell(f"{access.venue.name}: SKEW {access.skew_ms / 1000:+.0f} s, its clock against ours")
            self._moved()
