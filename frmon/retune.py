"""Settings that change while an engine runs: which can be followed at once, and which want another start."""

from typing import NamedTuple

from frmon.config import Path, Settings, get, leaves, put
from frmon.engine import Engine
from frmon.model import Market

LIVE = {
    "signals": {"threshold_pct", "close_pct", "samples", "cooldown_s"},
    "basis": {"threshold_pct", "samples", "cooldown_s"},
    "funding": {"threshold_pct", "samples", "cooldown_s"},
    "storage": {"minutes_days", "quarters_days", "hours_days", "events_days", "samples_days"},
}
"""Table -> keys that are followed at once."""

FEES = {"taker_fee_spot": Market.SPOT, "taker_fee_perp": Market.PERP}
SECRET = {("feeds", "proxy")}


class Change(NamedTuple):
    """One key that is not as it was. `live`: it is followed at once."""

    path: Path
    before: object
    after: object
    live: bool

    def words(self) -> str:
        """As a line of the event log."""
        key = ".".join(self.path)
        shown = "changed" if self.path in SECRET else f"{self.before!r} → {self.after!r}"
        return f"CONFIG {key}: {shown}" + ("" if self.live else ", holds after another start")


def changes(before: Settings, after: Settings) -> list[Change]:
    """What differs, in the order of the keys."""
    pairs = [(path, get(before, path), get(after, path)) for path in leaves(before)]
    return [Change(path, old, new, is_live(path)) for path, old, new in pairs if old != new]


def is_live(path: Path) -> bool:
    """Whether a change of this key is followed at once."""
    return path[-1] in LIVE.get(path[-2], ()) or (path[0] == "venues" and path[-1] in FEES)


def retune(engine: Engine, found: list[Change]) -> None:
    """Follow those that can be. On the engine's thread, between two samples."""
    settings = engine.settings
    for change in found:
        if change.live:
            put(settings, change.path, change.after)
    engine.watch.rule.retune(settings.signals, settings.rules)
    fees = engine.terms.fees
    assert isinstance(fees, dict)
    for name, venue in settings.venues.items():
        fees.update({(name, market): getattr(venue, key) for key, market in FEES.items()})
    for change in found:
        engine.tell(change.words())
    if not found:
        engine.tell("CONFIG read again: nothing changed")
