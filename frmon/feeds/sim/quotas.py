"""Counts what a client used of a venue's limits and says when it is too much."""

from frmon.feeds.sim.dialects import Quota, Reply, Window


class Meter:
    """One client's use of one quota."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self._window = Window(quota.limit, quota.window_s)
        self._minute = 0
        self._used = 0
        self._strikes = 0
        self._banned_ms = 0

    def used(self, now_ms: int) -> int:
        """Units in the present window."""
        if not self.quota.clock_minute:
            return self._window.used(now_ms)
        minute = int(now_ms // (self.quota.window_s * 1000))
        if minute != self._minute:
            self._minute, self._used = minute, 0
        return self._used

    def charge(self, now_ms: int, units: int) -> Reply | None:
        """Count `units`; the refusal if that is too much, the ban if the client goes on."""
        quota = self.quota
        if now_ms < self._banned_ms and quota.ban is not None:
            return quota.ban((self._banned_ms - now_ms) / 1000)
        if self._take(now_ms, units):
            self._strikes = 0
            return None
        self._strikes += 1
        if quota.ban is not None and self._strikes > quota.ban_after:
            self._banned_ms = now_ms + int(quota.ban_s * 1000)
            return quota.ban(quota.ban_s)
        return quota.refuse(self._wait_s(now_ms))

    def _take(self, now_ms: int, units: int) -> bool:
        """On clock windows refused requests cost too."""
        if not self.quota.clock_minute:
            return self._window.take(now_ms, units)
        self._used = self.used(now_ms) + units
        return self._used <= self.quota.limit

    def _wait_s(self, now_ms: int) -> float:
        if not self.quota.clock_minute:
            return self._window.wait_s(now_ms)
        return self.quota.window_s - now_ms / 1000 % self.quota.window_s
