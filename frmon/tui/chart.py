"""A chart as lines of text: plotext draws the canvas, everything around it stands here. A gap stays a gap."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from frmon.tui.grid import Piece
from frmon.tui.lines import Line, width_of
from frmon.tui.scale import moment, places, steps, times
from frmon.tui.tracks import Track, Window, runs

FINE = "braille"
"""Two by four dots a cell."""
COARSE = ("*", "+", "x", "o", "@", "#")
"""One mark a cell, another one for each line: where there are no colours, or no characters of that kind."""

NARROWEST, LOWEST = 24, 3
"""Cells of a canvas that still says something."""

UTC = "UTC"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
FAINT = "stale"
BLANK: Piece = (" ", "text")
DOTS, ALL_DOTS = "\u2800", "\u28ff"
Range = tuple[float, float]


class Canvas(NamedTuple):
    """How large the drawing is and what it is made of."""

    width: int
    height: int
    fine: bool  # dots; else marks
    ascii: bool

    @property
    def dots(self) -> tuple[int, int]:
        """How many points there are, across and up."""
        return (self.width * 2, self.height * 4) if self.fine else (self.width, self.height)

    def row(self, value: float, span: Range) -> int | None:
        """The line from the top on which a value lies; None outside."""
        low, high = span
        up = self.dots[1]
        dot = round((value - low) / (high - low) * (up - 1))
        return self.height - 1 - dot * self.height // up if 0 <= dot < up else None


class Plan(NamedTuple):
    """What is drawn. `mark`: a level with a name, dashed; `tell`: a value as text beside a line."""

    tracks: Sequence[Track]
    window: Window
    tell: Callable[[float], str]
    mark: float | None = None
    mark_label: str = ""
    empty: str = ""  # said where nothing is known
    least: float = 0.0  # the range is never smaller


def chart_lines(plan: Plan, width: int, height: int, *, fine: bool, plain: bool) -> list[Line]:
    """`height` lines of `width` cells: the canvas with its axes; the lines' names and latest values at the right."""
    span = _range(plan)
    ticks = steps(*span, max(1, min(6, (height - 1) // 2))) if plan.tracks else []
    names = _axis_texts(ticks)
    left = max(map(len, names.values()), default=0)
    sides = _side_texts(plan, fine)
    right = max((width_of(side) for _, side in sides), default=0)
    canvas = Canvas(width - left - max(right, len(UTC)) - 2, height - 1, fine, plain)
    body = drawing(plan, canvas, span) if plan.tracks else _said(plan.empty, canvas)
    at_tick = {row: name for tick, name in names.items() if (row := canvas.row(tick, span)) is not None}
    marked = None if plan.mark is None or not plan.tracks else canvas.row(plan.mark, span)
    beside = _spread_out([(canvas.row(v, span) or 0, side) for v, side in sides], canvas.height)
    lines = [
        (
            (f"{at_tick.get(y, ''):>{left}}", "dim"),
            (_axis(y in at_tick, plain), "stale"),
            *(_dashed(line, plain) if y == marked else line),
            (" ", "text"),
            *beside.get(y, ()),
        )
        for y, line in enumerate(body)
    ]
    return [*lines, _time_axis(plan.window, left, canvas, plain)]


def room_for(width: int, height: int) -> bool:
    """Whether a chart of this size says anything."""
    return width >= NARROWEST + 24 and height > LOWEST


def drawing(plan: Plan, canvas: Canvas, span: Range) -> list[Line]:
    """The lines alone. Where two meet in a cell the later one gives it its colour, and the dots of both are seen: only what
    is not known looks like a gap. Faint ones give way."""
    cells = [[BLANK] * canvas.width for _ in range(canvas.height)]
    for n, track in enumerate(plan.tracks):
        marker = FINE if canvas.fine else COARSE[n % len(COARSE)]
        for row, drawn in zip(cells, _drawn(track, plan.window, canvas, (span, marker)), strict=False):
            for x, mark in enumerate(drawn[: canvas.width]):
                if mark != " ":
                    row[x] = (_joined(row[x], mark), track.ink)
    return [
        tuple(("".join(mark for mark, _ in run), ink) for ink, run in groupby(row, key=lambda cell: cell[1]))
        for row in cells
    ]


def _drawn(track: Track, window: Window, canvas: Canvas, how: tuple[Range, str]) -> list[str]:
    """One line by itself, each stretch between two gaps on its own."""
    from textual_plotext.plot import Plot  # takes a third of a second: not before a chart is wanted

    plot = Plot()
    plot.plotsize(canvas.width, canvas.height)
    plot._set_size(canvas.width, canvas.height)  # the call above keeps to the terminal's size of the start
    plot.theme("clear")
    plot.xaxes(False, False)
    plot.yaxes(False, False)
    plot.xfrequency(0)
    plot.yfrequency(0)
    plot.xlim(0, window.columns - 1)
    plot.ylim(*how[0])
    stretches = runs(track.values)
    for first, values in stretches:
        plot.plot(list(range(first, first + len(values))), values, marker=how[1])
    return _ANSI.sub("", plot.build()).splitlines() if stretches else []


def _joined(below: Piece, mark: str) -> str:
    """A mark over another one: of dots all of both."""
    known, ink = below
    both = ink != FAINT and DOTS <= known <= ALL_DOTS and DOTS <= mark <= ALL_DOTS
    return chr(ord(known) | ord(mark)) if both else mark


def _range(plan: Plan) -> Range:
    """From the lowest to the highest, with some air; the mark belongs to it unless it lies far away."""
    known = [v for track in plan.tracks for v in (*track.values, track.last) if v is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if plan.mark is not None and _is_near(plan.mark, low, high, plan.least):
        low, high = min(low, plan.mark), max(high, plan.mark)
    air = max((high - low) * 0.06, (plan.least - (high - low)) / 2, abs(high) * 1e-9, 1e-15)
    return low - air, high + air


def _is_near(mark: float, low: float, high: float, least: float) -> bool:
    reach = 3 * max(high - low, least)
    return low - reach <= mark <= high + reach


def is_within(plan: Plan, value: float) -> bool:
    """Whether a value lies within what the chart shows."""
    low, high = _range(plan)
    return not plan.tracks or low <= value <= high


def _axis_texts(ticks: list[float]) -> dict[float, str]:
    digits = places(ticks)
    return {tick: f"{tick + 0.0:.{digits}f}" for tick in ticks}


def _side_texts(plan: Plan, fine: bool) -> list[tuple[float, Line]]:
    """The level and the words of everything that is named at the right."""
    found: list[tuple[float, Line]] = []
    for n, track in enumerate(plan.tracks):
        mark = "" if fine else f"{COARSE[n % len(COARSE)]} "
        found.append((track.last, ((f"{mark}{track.label} ", track.ink), (plan.tell(track.last), "text"))))
    if plan.mark is not None and found and is_within(plan, plan.mark):
        found.append((plan.mark, ((f"{plan.mark_label} ", "warn"), (plan.tell(plan.mark), "text"))))
    return found


def _spread_out(wanted: Iterable[tuple[int, Line]], height: int) -> dict[int, Line]:
    """Each on its line, or as near to it as the others let it; the lowest give way."""
    ordered = sorted(wanted, key=lambda one: one[0])[:height]
    rows: list[int] = []
    for row, _ in ordered:
        rows.append(max(row, rows[-1] + 1 if rows else 0))
    limit = height - 1
    for n in range(len(rows) - 1, -1, -1):
        rows[n] = min(rows[n], limit)
        limit = rows[n] - 1
    return {row: line for row, (_, line) in zip(rows, ordered, strict=True)}


def _dashed(line: Line, plain: bool) -> Line:
    """The mark, wherever nothing is drawn."""
    dash = "-" if plain else "╌"
    pieces = []
    for text, ink in line:
        for blank, part in _split_blanks(text):
            pieces.append((dash * len(part), "warn") if blank else (part, ink))
    return tuple(pieces)


def _split_blanks(text: str) -> list[tuple[bool, str]]:
    return [(part.isspace(), part) for part in re.split(r"( +)", text) if part]


def _axis(tick: bool, plain: bool) -> str:
    return ("+" if plain else "┤") if tick else ("|" if plain else "│")


def _time_axis(window: Window, left: int, canvas: Canvas, plain: bool) -> Line:
    """A line below the canvas; each moment is centred under its place."""
    dash = "-" if plain else "─"
    cells = [dash] * canvas.width
    span = window.until_ms - window.since_ms
    free = 0
    for at in times(window.since_ms, window.until_ms, max(2, canvas.width // 10)):
        name = f" {moment(at, span)} "
        begin = round((at - window.since_ms) * (canvas.width - 1) / span) - len(name) // 2
        if begin >= free and begin + len(name) <= canvas.width:
            cells[begin : begin + len(name)] = name
            free = begin + len(name) + 1
    pieces: list[tuple[str, str]] = [(" " * left, "dim"), ("+" if plain else "└", "stale")]
    for part in re.split(rf"({dash}+)", "".join(cells)):
        pieces.append((part, "stale" if part.startswith(dash) else "dim"))
    return (*pieces, (f" {UTC}", "dim"))


def _said(words: str, canvas: Canvas) -> list[Line]:
    """Words in the middle of an empty canvas."""
    told = f"{words[: canvas.width]:^{canvas.width}}"
    return [((told if y == canvas.height // 2 else " " * canvas.width, "dim"),) for y in range(canvas.height)]
