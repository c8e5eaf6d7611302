"""What waits to be written: so many of each kind; beyond that the oldest go, and are counted. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence

from frmon.storage.records import CoinGap, EpisodeRow, EventRow, LegBar, Record, SampleRow, Settlement, SignalRow

ROOM: dict[type, int] = {
    SignalRow: 20_000,
    EpisodeRow: 20_000,
    Settlement: 20_000,
    LegBar: 24_000,
    CoinGap: 6_000,
    EventRow: 5_000,
    SampleRow: 1_000,
}
"""How many of each kind may wait: of bars two minutes of 12,000 legs."""

PRECIOUS: tuple[type, ...] = (SignalRow, EpisodeRow, Settlement)
"""Written first and durably, each acknowledged."""

OTHERS = tuple(kind for kind in ROOM if kind not in PRECIOUS)


class Waiting:
    """First in, first out, by kind. What was taken counts as waiting until it is `settled` or `given_back`."""

    def __init__(self) -> None:
        self._queues: dict[type, deque[Record]] = {kind: deque() for kind in ROOM}
        self._taken = 0
        self.dropped = 0  # for want of room, or because no file would have them

    def __len__(self) -> int:
        return self._taken + sum(map(len, self._queues.values()))

    def holds(self, *kinds: type) -> bool:
        """Whether any of these may wait: what was taken may be of any kind."""
        return self._taken > 0 or any(self._queues[kind] for kind in kinds)

    def put(self, record: Record) -> None:
        """Never fails."""
        queue = self._queues.get(type(record))
        if queue is None:
            self.dropped += 1
            return
        queue.append(record)
        self._fit(type(record))

    def take(self, kinds: Iterable[type], most: int) -> list[Record]:
        """The oldest of these kinds, at most so many."""
        found: list[Record] = []
        for kind in kinds:
            queue = self._queues[kind]
            while queue and len(found) < most:
                found.append(queue.popleft())
        self._taken += len(found)
        return found

    def settled(self, taken: Sequence[Record]) -> None:
        """What was taken is dealt with."""
        self._taken -= len(taken)

    def given_back(self, taken: Sequence[Record]) -> None:
        """What was taken waits again, before what came later."""
        self._taken -= len(taken)
        for record in reversed(taken):
            self._queues[type(record)].appendleft(record)
        for kind in {type(record) for record in taken}:
            self._fit(kind)

    def _fit(self, kind: type) -> None:
        queue = self._queues[kind]
        while len(queue) > ROOM[kind]:
            queue.popleft()
            self.dropped += 1
