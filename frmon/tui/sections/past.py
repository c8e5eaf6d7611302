"""How the spread of the best pair went: is it a dislocation or as ever. Pure."""

from frmon.signals.history import Past, Side
from frmon.signals.series import ENOUGH, Window
from frmon.tui import figures
from frmon.tui.columns import LETTERS
from frmon.tui.grid import Look, arrow
from frmon.tui.legs import Line

ROOM = 7


def past_lines(past: Past | None, look: Look) -> list[Line]:
    """The pair and its z-score, then a line per span."""
    if past is None:
        return [(("nothing is remembered of this pair yet", "dim"),)]
    way = f"{_side(past.buy, look)}{arrow(look)}{_side(past.sell, look)}"
    heads = "".join(f"{name:>{ROOM}}" for name in ("mean", "std", "min", "max", "z", "pctl", "half"))
    return [
        (
            (way, "bright"),
            ("  now ", "dim"), (figures.signed(past.live_pct, 3, 8), "text"),
            ("  z ", "dim"), (figures.signed(past.z, 1, 6), "bright"),
        ),
        ((f"{'':<4}{heads}", "dim"),),
        *(_window_line(window) for window in past.windows),
    ]  # fmt: skip


def _window_line(window: Window) -> Line:
    head = (f"{_span(window.span_s):<4}", "bright")
    if window.mean is None or window.std is None:
        return (head, (f"  {window.points} of the {ENOUGH} points that say something", "dim"))
    numbers = [figures.signed(window.mean, 3, ROOM - 1), f"{window.std:.3f}"]
    numbers += [figures.signed(value, 3, ROOM - 1) for value in (window.low, window.high)]
    numbers += [figures.signed(window.z, 1, ROOM - 1), _percentile(window.percentile), _half_life(window.half_life_s)]
    return (head, ("".join(f"{number:>{ROOM}}" for number in numbers), "text"))


def _side(side: Side, look: Look) -> str:
    venue, market = side
    return f"{look.codes.get(venue, venue[:2])} {LETTERS[market]}"


def _span(seconds: float) -> str:
    return f"{seconds / 3600:g}h" if seconds >= 3600 else f"{seconds / 60:g}m"


def _percentile(value: float | None) -> str:
    return figures.UNKNOWN if value is None else f"{value:.0f}"


def _half_life(seconds: float | None) -> str:
    """None: it does not come back."""
    return "none" if seconds is None else figures.age(seconds) if seconds else "<step"
