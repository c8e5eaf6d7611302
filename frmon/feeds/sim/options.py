"""What can be chosen about the simulated venues."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

HOST = "127.0.0.1"
APART = {"binance": "127.0.1.1", "bitget": "127.0.1.2", "bybit": "127.0.1.3", "okx": "127.0.1.4"}
"""One loopback address per venue."""


class SimOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`port` 0: any free ports; else the first of one port per dialect, counting up. `rate` multiplies the number of changes
    per second. `venues`: which to serve; empty = all. `start_ms`: the market's first moment; None = now. `lifetime_s`: lines
    are closed after so long, as most venues do after 24 h; 0 = never. `faults`: a file with a plan of faults (see `schedule`).
    `hosts`: venue -> address to listen on, else 127.0.0.1 (see `APART`)."""

    seed: int = 7
    coins: int = 1_200
    port: int = 0
    scene: str = "calm"
    rate: float = 1.0
    venues: tuple[str, ...] = ()
    start_ms: int | None = None
    lifetime_s: float = 0.0
    faults: Path | None = None
    hosts: Mapping[str, str] = {}

    def host_of(self, venue: str) -> str:
        """Where that venue listens."""
        return self.hosts.get(venue, HOST)
