"""What changed on the simulated venues, in order, for whoever reads along."""

from frmon.feeds.sim.instrument import Instrument

_KEEP = 50_000  # changes remembered


class Journal:
    """The changes of one venue."""

    __slots__ = ("cut", "log")

    def __init__(self) -> None:
        self.log: list[Instrument] = []
        self.cut = 0  # how many were forgotten

    def add(self, i: Instrument) -> None:
        """It changed."""
        self.log.append(i)
        if len(self.log) > 2 * _KEEP:
            del self.log[:_KEEP]
            self.cut += _KEEP


class Changes:
    """What changed on one venue since it was asked last."""

    __slots__ = ("_at", "_journal")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._at = journal.cut + len(journal.log)

    def take(self) -> list[Instrument]:
        """Changed instruments, each once, in the order of their last change."""
        log, cut = self._journal.log, self._journal.cut
        fresh = log[max(0, self._at - cut) :]
        self._at = cut + len(log)
        return list(dict.fromkeys(reversed(fresh)))[::-1] if fresh else fresh
