"""Lists that come back much shorter than they were: not believed until they insist. Pure."""

from collections.abc import Iterable, Set

from frmon.model import LegKey, Market

SHRINK = 0.10  # a list that misses more than this share of its legs (and more than one) is not believed at once
SHRUNK_LISTS = 3  # ... but when so many in a row miss the same


def is_shrunk(lost: int, known: int) -> bool:
    """Whether a list that misses `lost` of `known` legs looks like half a list."""
    return lost > max(1, SHRINK * known)


class Missing:
    """What was missing in the last lists of each market, where that was too much to be believed."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, Market], dict[LegKey, int]] = {}  # leg -> in how many lists in a row

    def hold(self, place: tuple[str, Market], lost: Iterable[LegKey], known: int) -> set[LegKey]:
        """Which of the lost legs are kept for now."""
        gone, before = set(lost), self._lists.pop(place, {})
        if not is_shrunk(len(gone), known):
            return set()
        times = {key: before.get(key, 0) + 1 for key in gone}
        held = {key: n for key, n in times.items() if n < SHRUNK_LISTS}
        self._lists[place] = held
        return set(held)


class Exceptions:
    """A list that names only those of whom something else is true than of all others."""

    def __init__(self) -> None:
        self._named: Set[str] = frozenset()  # by the last list that was believed
        self._doubts = 0  # lists in a row that were not

    def unnamed(self, wanted: Set[str], named: Set[str], *, is_whole: bool) -> set[str]:
        """The wanted ones that a list says nothing of, as far as it may be believed: nothing while it is empty or a row of it
        could not be read, and nothing of those whom it named before where too many of these are missing at once."""
        if not named or not is_whole:
            return set()
        if is_shrunk(len(self._named - named), len(self._named)) and self._doubts < SHRUNK_LISTS - 1:
            self._doubts += 1
            return set(wanted - named - self._named)
        self._named, self._doubts = named, 0
        return set(wanted - named)
