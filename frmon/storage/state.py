"""How storage is doing, in a word and a line."""

from collections.abc import Callable

import msgspec


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """How storage is doing. `status`: OPENING, OK, WAIT (locked), DISK (full or failing), READ-ONLY, RESET (a corrupt file
    was put aside and a new one begun), NEWER, FOREIGN, TAKEN, OFF. Counts are of records: `dropped` for want of room or
    because no file would have them, `saved` of precious ones that were acknowledged."""

    status: str = "OPENING"
    detail: str = ""
    waiting: int = 0
    dropped: int = 0
    written: int = 0
    saved: int = 0
    written_at: float = float("-inf")  # monotonic


class Shown:
    """The state that is shown; tells when it changes."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.state = JournalState()
        self._tell = tell

    def show(self, status: str, detail: str) -> None:
        """Storage is like this now."""
        before = self.state
        self.state = msgspec.structs.replace(before, status=status, detail=detail)
        if (status, before.status) == ("OK", "OPENING") and not detail:
            return
        if status != before.status or (detail and detail != before.detail):
            self._tell(f"storage: {before.status} → {status}" + (f" ({detail})" if detail else ""))

    def wrote(self, records: int, saved: int, now: float) -> None:
        """So many more lie in the file; so many of them are acknowledged."""
        state = self.state
        self.state = msgspec.structs.replace(
            state, written=state.written + records, saved=state.saved + saved, written_at=now
        )

    def end(self) -> None:
        """Nothing is written any more; goes without saying."""
        self.state = msgspec.structs.replace(self.state, status="OFF", detail="")
