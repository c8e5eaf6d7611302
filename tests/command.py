"""A command line of the program, and what it left behind."""

import sys
from typing import Protocol

PROGRAM = [sys.executable, "-m", "frmon"]


class Ended:
    """What a run left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def failed(self, code: int) -> str:
        """The one line on stderr of a run that must have failed like this, without printing any data."""
        assert (self.code, self.out) == (code, ""), self.err
        assert self.err.startswith("frmon: ")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err.removeprefix("frmon: ").rstrip("\n")


class Frmon(Protocol):
    """Runs a command line in this process; `more`: environment variables."""

    def __call__(self, *arguments: str, **more: str) -> Ended: ...
