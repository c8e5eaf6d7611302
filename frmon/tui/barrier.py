"""The last thing between the screen and the terminal: no widget of anybody gets a control character past it, and where the
terminal knows only ASCII it gets only ASCII, in as many cells."""

import os
from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_TWINS = {
    "─━╌": "-",
    "│┃╎▏▎▍▌▐": "|",
    "┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛": "+",
    "▁▂▃▄▅▆▇█▉▊▋": "#",
    "●": "*",
    "○◦": "o",
    "▲↑": "^",
    "▼↓": "v",
    "■": "!",
    "→": ">",
    "←": "<",
    "≥": ">",
    "≤": "<",
    "…·": ".",
    "⏸": "=",
    "×": "x",
    "“”": '"',
    "–—": "-",
}
LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
TWINS = str.maketrans({char: twin for chars, twin in _TWINS.items() for char in chars})


def wants_ascii(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the locale is one that knows no UTF-8. A locale that is not set at all says nothing of the terminal. In the
    C locale Python sets LC_CTYPE by itself, before anybody can see what the user wanted."""
    names = ("LC_ALL", "LANG") if environ.get("LC_CTYPE") in {"C.UTF-8", "C.utf8", "UTF-8"} else LOCALE
    named = next((environ[name] for name in names if environ.get(name)), "UTF-8")
    return "UTF8" not in named.upper().replace("-", "")


class Barrier(LineFilter):
    """Replaces what may not pass."""

    def __init__(self, ascii_only: bool) -> None:
        super().__init__()
        self._ascii = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if self._passes(segment.text) else Segment(self._made_safe(segment.text), segment.style)
            for segment in segments
            if not segment.control
        ]

    def _passes(self, text: str) -> bool:
        return text.isascii() and text.isprintable() if self._ascii else text.isprintable()

    def _made_safe(self, text: str) -> str:
        text = text.translate(TWINS) if self._ascii else text
        return "".join(c if self._passes(c) else "?" * cell_len(c) for c in text)
