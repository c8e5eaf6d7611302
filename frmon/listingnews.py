"""What happens to instruments while the engine runs, in words: listed, delisted, halted, about to leave. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from frmon.model import Leg, LegKey

NAMED = 3  # of more than so many of one kind at once only the number is told


def news(before: Mapping[LegKey, Leg], after: Mapping[LegKey, Leg]) -> list[str]:
    """What changed between two lists of one market of a venue: one line per leg and kind of change, or one per kind where
    many changed at once."""
    found: dict[str, list[tuple[Leg, str]]] = {}
    for key in sorted(before.keys() | after.keys()):
        for leg, kind, words in _changes(before.get(key), after.get(key)):
            found.setdefault(kind, []).append((leg, words))
    return [line for kind, legs in found.items() for line in _lines(kind, legs)]


def _changes(old: Leg | None, new: Leg | None) -> Iterable[tuple[Leg, str, str]]:
    """(leg, kind of change, words) of one instrument."""
    if new is None:
        assert old is not None
        yield old, "delisted", "delisted"
    elif old is None:
        yield new, "listed", "listed (NEW)"
    else:
        if old.halted is not new.halted:
            yield new, "halted" if new.halted else "trading again", "halted" if new.halted else "trades again"
        if new.off_ms is not None and new.off_ms != old.off_ms:
            yield new, "about to be delisted", f"will be delisted at {_minute(new.off_ms)} UTC"
        if (old.coin, old.multiplier) != (new.coin, new.multiplier):
            yield new, "named anew", f"means {new.multiplier} {new.coin} now, before {old.multiplier} {old.coin}"


def _lines(kind: str, legs: list[tuple[Leg, str]]) -> list[str]:
    if len(legs) > NAMED:
        leg = legs[0][0]
        return [f"{leg.venue} {leg.market}: {len(legs)} instruments {kind}"]
    return [f"{leg.coin}: {leg.venue} {leg.market} {leg.symbol} {words}" for leg, words in legs]


def _minute(ms: int) -> str:
    """A time of the calendar as far as there is one."""
    try:
        return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return "an unreadable time"
