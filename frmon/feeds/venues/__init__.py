"""The venues: one module each, found by being here. Modules whose name starts with `_` are shared by venues."""

from importlib import import_module
from pkgutil import iter_modules

from frmon.feeds.contract import Venue


def all_venues() -> tuple[Venue, ...]:
    """Every venue in this folder, by name."""
    names = sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(import_module(f"{__name__}.{name}").VENUE for name in names)
