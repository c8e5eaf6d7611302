"""The screen."""

import os
from pathlib import Path

from frmon.tui.source import Source

ENVIRONMENT = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}
"""What Textual reads when it is imported, which only modules in here do; the user's own values win."""

for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)


def run_screen(engine: Source, state: Path | None = None) -> int:
    """Show the screen of an engine, which it starts and stops; returns the exit code. `state`: the file that remembers
    the user's ways, by default in `$XDG_STATE_HOME`. Without a terminal: one line on stderr and 2."""
    from frmon.tui.app import run

    return run(engine, state)
