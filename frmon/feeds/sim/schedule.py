"""A plan of faults and turns: JSON lines, each {"at_s": 12.5, "fault": {...}} or {"at_s": 12.5, "turn": {...}}."""

from pathlib import Path

import msgspec

from frmon.errors import ConfigError
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.turns import Turn


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order. `at_s`: seconds of the simulator's clock after its start."""

    at_s: float
    fault: Fault | None = None
    turn: Turn | None = None

    def __post_init__(self) -> None:
        """Refuse what is no order."""
        if (self.fault is None) == (self.turn is None):
            raise ValueError("either a fault or a turn")
        if self.at_s < 0:
            raise ValueError("at_s is negative")
        refusal = self.turn.refusal() if self.turn else ""
        if refusal:
            raise ValueError(refusal)


def read_schedule(path: Path) -> list[Entry]:
    """The plan in that file, by time. Raises ConfigError that names the line."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entries.append(msgspec.json.decode(line, type=Entry))
        except msgspec.DecodeError as error:
            raise ConfigError(f"{path}, line {number}: {error}") from error
    return sorted(entries, key=lambda entry: entry.at_s)
