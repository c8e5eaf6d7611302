"""Two programs never write to one file."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from frmon.storage.unusable import Unusable


class Lock:
    """Held as long as a program writes to a file; the system drops it when the program dies. It is a file of its own beside
    the one it is about, and stays there."""

    def __init__(self, path: Path) -> None:
        self._of = path
        self.path = path.with_name(path.name + ".lock")
        self._descriptor = -1

    @property
    def is_held(self) -> bool:
        """Whether this program holds it. From any thread."""
        return self._descriptor >= 0

    def take(self) -> None:
        """Raises `Unusable`: TAKEN while another program holds it; `OSError` when it can't be made."""
        if self._descriptor >= 0:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._hold(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def drop(self) -> None:
        """Let others have it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _hold(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            who = f" (process {holder})" if holder.isdigit() else ""
            raise Unusable("TAKEN", f"another frmon{who} writes to {self._of}") from None
        with suppress(OSError):  # the number is for people; on a full disk there is none
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
