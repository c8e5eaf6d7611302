"""Why the coin does or does not signal, gate by gate. Pure."""

from collections.abc import Sequence
from textwrap import wrap

from frmon.gates import Gate
from frmon.tui import figures
from frmon.tui.columns import leg_name
from frmon.tui.grid import Look
from frmon.tui.legs import Line
from frmon.tui.sections.glance import Glance

NAME, VALUE, LIMIT = 10, 9, 9
UNITS = {
    "fresh": " s",
    "outlier": " %",
    "spread": " %",
    "samples": " samples",
    "cooldown": " s",
    "liquidity": " USD",
    "volume": " USD",
}
"""What a gate measures in."""

LEFT = 2 + NAME + VALUE + 1 + LIMIT + 2
"""Cells before the words."""


def gate_title(seen: Glance, look: Look) -> str:
    """The pair that is judged, and which gates it fails."""
    pair = "" if seen.pair is None else f"  buy {leg_name(seen.pair[0], look)}, sell {leg_name(seen.pair[1], look)}"
    failed = [gate.name for gate in seen.gates if not gate.passed]
    return f"WHY NOT?{pair}: {', '.join(failed) if failed else 'every gate passes'}"


def gate_lines(gates: Sequence[Gate], look: Look, width: int) -> list[Line]:
    """A line per gate: mark, name, value, limit, words. Where the words of one that fails do not fit, they go on below."""
    lines: list[Line] = []
    for gate in gates:
        mark, style = _mark(gate, look)
        told, *more = _told(gate, width - LEFT)
        unit = UNITS.get(gate.name, "")
        numbers = f"{_figure(gate.value, VALUE, unit):>{VALUE}} {_figure(gate.limit, LIMIT, unit):>{LIMIT}}  "
        lines.append(((f"{mark} ", style), (f"{gate.name:<{NAME}}", "text"), (numbers, "text"), (told, "dim")))
        lines += [(((" " * LEFT) + words, "dim"),) for words in more]
    return lines


def _told(gate: Gate, room: int) -> list[str]:
    if gate.passed or room < 12:
        return [gate.words]
    return wrap(gate.words, room, max_lines=4) or [""]


def _mark(gate: Gate, look: Look) -> tuple[str, str]:
    if gate.passed:
        return ("+" if look.ascii else "✓"), "good"
    return ("x" if look.ascii else "✗"), "error"


def _figure(value: str | float | None, width: int, unit: str) -> str:
    """A number with its unit where that still fits."""
    if value is None:
        return figures.UNKNOWN
    if isinstance(value, float):
        told = figures.compact(value) if value >= 10_000 else f"{round(value, 3):g}"
        return told + unit if len(told + unit) <= width else told
    plain = value.isascii() and value.isprintable()
    return (value if len(value) <= width else value[: width - 1] + "~") if plain else "*"
