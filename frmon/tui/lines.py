"""From pieces of text to strips of cells, and the widget that repaints only the lines that changed."""

from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from frmon.tui.grid import Piece

Line = tuple[Piece, ...]
Palette = Mapping[str, Mapping[str, Style]]
"""What lies under a line -> meaning -> style; see `frmon.tui.theme.palette`."""
BLANK: Line = ()
_SELECTORS = str.maketrans("", "", "\ufe0e\ufe0f")


def safe(text: str) -> str:
    """Text that moves no cursor and starts no escape sequence: whatever does not print becomes `?`. Selectors that make
    terminals disagree about the width of a character are left out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text.translate(_SELECTORS))


def width_of(line: Iterable[Piece]) -> int:
    """How many cells the pieces fill."""
    return sum([len(t) if t.isascii() else cell_len(t) for t, _ in line])


def pad(pieces: Iterable[Piece], width: int, left: bool) -> Line:
    """Exactly `width` cells: filled with blanks on the free side, cut with `…` on the right where too long."""
    line = tuple([(safe(text), style) for text, style in pieces])
    used = width_of(line)
    if used < width:
        blank = (" " * (width - used), line[-1][1] if line and left else "text")
        return (*line, blank) if left else (blank, *line)
    return line if used == width else cut(line, width)


def cut(line: Iterable[Piece], width: int) -> Line:
    """At most `width` cells, the last of them `…` where something was cut off."""
    found: list[Piece] = []
    left = width
    for text, style in line:
        need = width_of([(text, style)])
        if need > left:
            found.append((set_cell_size(text, left - 1) + "…" if left > 0 else "", style))
            break
        found.append((text, style))
        left -= need
    return tuple(found)


def to_strip(line: Iterable[Piece], palette: Palette, width: int, under: str = "base") -> Strip:
    """A line of exactly `width` cells; neighbours of equal style become one segment. `under`: a style that lies under
    all of it."""
    styles = palette[under]
    runs: list[tuple[str, Style]] = []
    before: Style | None = None
    for text, name in line:
        style = styles[name]
        if before is not None and (style is before or _joins(text, style, before)):
            runs[-1] = (runs[-1][0] + text, before)
        elif text:
            runs.append((text, style))
            before = style
    strip = Strip([Segment(text, style) for text, style in runs])
    return strip.adjust_cell_length(width, styles["text"])


def _joins(text: str, style: Style, before: Style) -> bool:
    """Whether these are blanks that look the same in the style before them."""
    if text.strip(" "):
        return False
    shows = style.reverse or style.underline or before.reverse or before.underline
    return style.bgcolor == before.bgcolor and not shows


class Pane(Widget):
    """Lines of pieces. `show` repaints only those that changed."""

    def __init__(self, palette: Palette, id: str | None = None, under: str = "base") -> None:  # noqa: A002  as in Widget
        super().__init__(id=id)
        self.palette = palette
        self.under = under
        self._lines: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """From now on these lines are shown."""
        old, self._lines = self._lines, tuple(lines)
        count = max(len(old), len(self._lines))
        changed = [
            Region(0, y, self.size.width, 1)
            for y in range(min(count, self.size.height))
            if _at(old, y) != _at(self._lines, y)
        ]
        if changed:
            self.refresh(*changed)

    def recolour(self, palette: Palette) -> None:
        """Paint everything in other colours."""
        self.palette = palette
        self.refresh()

    def render_line(self, y: int) -> Strip:
        line = _at(self._lines, y)
        return to_strip(
            cut(((safe(t), s) for t, s in line), self.size.width), self.palette, self.size.width, self.under
        )


def _at(lines: Sequence[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else BLANK
