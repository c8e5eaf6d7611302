"""Counts what a client used of a venue's limits and says when it is too much."""

from collections.abc import Callable

from frmon.feeds.sim.dialects import Dialect, Query, Quota, Reply, Window


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


class Meters:
    """What all clients used of one dialect's quotas."""

    def __init__(self, dialect: Dialect, violate: Callable[[str], None]) -> None:
        self._dialect = dialect
        self._violate = violate
        self._quotas = {q.name: q for q in dialect.quotas}
        self._meters: dict[tuple[str, str], Meter] = {}

    def connect(self, client: str, now_ms: int) -> Reply | None:
        """Count a handshake; its refusal if that is too many."""
        refusal = self._meter(client, "", self._dialect.connects).charge(now_ms, 1)
        if refusal is not None:
            self._violate("connects")
        return refusal

    def ask(self, client: str, path: str, query: Query, now_ms: int) -> Reply | None:
        """Take the route's weight from its quotas; the refusal of the first that is used up."""
        route = self._dialect.routes.get(path)
        if route is None:
            return None
        units = route.weight if isinstance(route.weight, int) else route.weight(query)
        for name in route.quotas:
            refusal = self._meter(client, path, self._quotas[name]).charge(now_ms, units)
            if refusal is not None:
                self._violate(f"REST {name}")
                return refusal
        return None

    def headers(self, client: str, path: str, now_ms: int) -> dict[str, str]:
        """What the quotas of this path tell about themselves."""
        route = self._dialect.routes.get(path)
        quotas = [self._quotas[name] for name in route.quotas] if route else []
        return {q.header: str(self._meter(client, path, q).used(now_ms)) for q in quotas if q.header}

    def _meter(self, client: str, path: str, quota: Quota) -> Meter:
        """A quota whose name ends in * is one per path."""
        key = (client, quota.name + (path if quota.name.endswith("*") else ""))
        if key not in self._meters:
            self._meters[key] = Meter(quota)
        return self._meters[key]
