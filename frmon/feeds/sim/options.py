"""What can be chosen about the simulated venues."""

import msgspec


class SimOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`port` 0: any free ports; else the first of one port per dialect, counting up. `rate` multiplies the number of changes
    per second. `venues`: which to serve; empty = all. `start_ms`: the market's first moment; None = now. `lifetime_s`: lines
    are closed after so long, as most venues do after 24 h; 0 = never."""

    seed: int = 7
    coins: int = 1_200
    port: int = 0
    scene: str = "calm"
    rate: float = 1.0
    venues: tuple[str, ...] = ()
    start_ms: int | None = None
    lifetime_s: float = 0.0
