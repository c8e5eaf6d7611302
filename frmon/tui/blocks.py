"""Titled blocks of lines, side by side where there is room."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from frmon.tui.lines import Line, pad

LEAST = 58
"""Cells that a block wants."""
GAP = 2
MOST = 4


class Block(NamedTuple):
    """A title, and lines for a width."""

    title: str
    lines: Callable[[int], Sequence[Line]]


def side_by_side(blocks: Sequence[Block], width: int) -> list[Line]:
    """The blocks in as many columns as fit, each below the shortest one so far."""
    count = max(1, min(MOST, len(blocks), (width + GAP) // (LEAST + GAP)))
    room = max(1, (width - GAP * (count - 1)) // count)
    columns: list[list[Line]] = [[] for _ in range(count)]
    for block in blocks:
        shortest = min(columns, key=len)
        shortest += [pad([(block.title, "head")], room, left=True), *block.lines(room), ()]
    if count == 1:
        return columns[0]
    deepest = max(map(len, columns))
    filled = [column + [()] * (deepest - len(column)) for column in columns]
    return [_joined(row, room) for row in zip(*filled, strict=True)]


def _joined(row: Sequence[Line], room: int) -> Line:
    line: list[tuple[str, str]] = []
    for part in row:
        line += [*pad(part, room, left=True), (" " * GAP, "text")]
    return tuple(line[:-1])
