"""Whether the words agree with the numbers: what a venue's status says of what it shows."""

from collections import Counter
from collections.abc import Iterator, Sequence

from frmon.model import Status, VenueState

WELL = {Status.LIVE, Status.LAG}
PLAIN = {Status.LIVE, Status.CONNECTING, Status.OFF}


class Words:
    """`doubt` once a second; `patience`: looks for which words may be behind the numbers."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._looks: Counter[str] = Counter()

    def doubt(self, states: Sequence[VenueState]) -> Iterator[str]:
        """What is wrong, once it has been for too long."""
        for state in states:
            wrong = _wrong(state)
            self._looks[state.name] = self._looks[state.name] + 1 if wrong else 0
            if self._looks[state.name] == self._patience + 1:
                yield f"{state.name} is called {state.status.value} ({state.detail}): {wrong}"


def _wrong(state: VenueState) -> str:
    if state.status in WELL and 2 * state.fresh_legs < state.legs:
        return f"{state.fresh_legs} of {state.legs} legs are fresh"
    if state.status not in PLAIN and not state.detail:
        return "no reason is given"
    for line in state.lines:
        if line.status not in PLAIN and not line.detail:
            return f"{line.name} is {line.status.value} without a reason"
    return ""
