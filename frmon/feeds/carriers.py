"""The carriers of one line, and the number of its connection: what an old connection still says is told by it."""

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

    def drop(self) -> None:
        """It counts no more, whatever still comes on it."""
        self.connection += 1
        for carrier in self.values():
            carrier.live = False
            carrier.up_at = float("inf")
