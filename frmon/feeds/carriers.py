"""The carriers of one line, and the number of its connection: what an old connection still says is told by it."""

from frmon.errors import Unreachable
from frmon.feeds.contract import Stream
from frmon.model import Carrier


class Carriers(dict[str, Carrier]):
    """By kind."""

    def __init__(self, venue: str, stream: Stream) -> None:
        super().__init__(
            (c.kind, Carrier(venue, stream.market, c.kind, pushes_changes=c.pushes_changes)) for c in stream.channels
        )
        self.connection = 0  # +1 when one begins and when it is given up

    def begin(self) -> None:
        """A new connection, before its first frame can come."""
        self.connection += 1
        for carrier in self.values():
            carrier.generation += 1

    def rise(self, carrier: Carrier, at: float) -> None:
        """It speaks, from `at` on. Raises `Unreachable` where it does so for the second time on one connection and pushes
        changes only: what it left out while it was silent, or repeated itself, nobody tells any more."""
        if carrier.pushes_changes and carrier.up_at < float("inf"):
            raise Unreachable("STALE", f"{carrier.kind} goes on, dialling again for what it left out", 0.0)
        carrier.live = True
        carrier.up_at = at

    def drop(self) -> None:
        """It counts no more, whatever still comes on it."""
        self.connection += 1
        for carrier in self.values():
            carrier.live = False
            carrier.up_at = float("inf")
