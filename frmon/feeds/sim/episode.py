"""Spread episodes of the simulated market."""

from frmon.feeds.sim.instrument import Instrument


class Episode:
    """One leg's departure: up in 2 s, held, back in 3 s."""

    __slots__ = ("end_ms", "instrument", "next_ms", "peak", "start_ms")

    def __init__(self, instrument: Instrument, peak: float, start_ms: int, length_ms: int) -> None:
        self.instrument = instrument
        self.peak = peak
        self.start_ms = self.next_ms = start_ms
        self.end_ms = start_ms + length_ms

    def size_at(self, now_ms: int) -> float:
        """Deviation at `now_ms`, fraction of the price."""
        up = min(1.0, (now_ms - self.start_ms) / 2_000)
        down = min(1.0, max(0.0, (self.end_ms - now_ms) / 3_000))
        return self.peak * min(up, down)
