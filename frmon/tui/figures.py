"""Numbers as text, in as many cells as there are. Unknown is `UNKNOWN`, never 0. Pure."""

from math import floor, isfinite, log10

UNKNOWN = "-"
_LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def decimals(value: float, digits: int) -> int:
    """How many decimals show `digits` significant digits of a price; at least 2 from 1 USDT up."""
    places = digits - 1 - floor(log10(value))
    return max(2, places) if value >= 1 else places


def price(value: float | None, width: int, plain: bool = False, most: int = 5) -> str:
    """A price in fixed notation: `most` significant digits, fewer if they do not fit. Where not even four fit, the run
    of zeros is counted: 0.0₈1234 is 0.000000001234. `plain`: ASCII only."""
    if value is None or not isfinite(value) or value <= 0:
        return UNKNOWN
    for digits in range(most, 3, -1):
        text = f"{value:.{decimals(value, digits)}f}"
        if len(text) <= width:
            return text
    if value >= 1:
        text = f"{value:.0f}"
        return text if len(text) <= width else compact(value)
    return _counted(value, plain)


def _counted(value: float, plain: bool) -> str:
    mantissa, exponent = f"{value:.3e}".split("e")
    zeros = str(-int(exponent) - 1)
    mark = f"({zeros})" if plain else zeros.translate(_LOW)
    return f"0.0{mark}{mantissa.replace('.', '')}"


def exact(value: float | None) -> str:
    """A price in fixed notation with all its digits (15 at most)."""
    if value is None or not isfinite(value):
        return UNKNOWN
    text = f"{value:.15g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    places = len(mantissa.partition(".")[2]) - int(exponent)
    return f"{value:.{max(0, places)}f}"


def signed(value: float | None, places: int, width: int) -> str:
    """A number with its sign, with fewer decimals if it is long."""
    if value is None or not isfinite(value):
        return UNKNOWN
    for count in range(places, -1, -1):
        text = f"{value:+.{count}f}"
        if len(text) <= width:
            return text
    return ">" + "9" * (width - 1) if value > 0 else "<-" + "9" * (width - 2)


def compact(value: float | None) -> str:
    """A large number in three digits: 812, 1.23k, 12.3M, 4.56B."""
    if value is None or not isfinite(value) or value < 0:
        return UNKNOWN
    for unit in ("", "k", "M", "B", "T"):
        if value < 999.5 or unit == "T":
            places = 0 if not unit or value >= 99.95 else 1 if value >= 9.995 else 2
            return f"{value:.{places}f}{unit}" if value < 999.5 else f">999{unit}"
        value /= 1000
    return UNKNOWN


def age(seconds: float | None, tenths: bool = False) -> str:
    """An age in at most four cells: 3s, 12s, 3m, 5h, 2d; with `tenths` 0.2s. Whole seconds keep a live table calm."""
    if seconds is None or not isfinite(seconds):
        return UNKNOWN
    if tenths and seconds < 9.95:
        return f"{max(0.0, seconds):.1f}s"
    for unit, size, limit in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 86_400)):
        if seconds < limit:
            return f"{max(0, int(seconds / size))}{unit}"
    return f"{min(999, int(seconds / 86_400))}d"


def countdown(left_ms: float | None) -> str:
    """Time that is left in five cells, never below zero: 59:12 are minutes and seconds, 7h59m hours and minutes."""
    if left_ms is None:
        return UNKNOWN
    seconds = max(0, int(left_ms // 1000))
    if seconds < 3600:
        return f"{seconds // 60:02d}:{seconds % 60:02d}"
    hours = seconds // 3600
    return f"{hours}h{seconds // 60 % 60:02d}" + ("m" if hours < 10 else "") if hours < 100 else f"{hours // 24}d"


def hours(value: float | None) -> str:
    """A time to wait in at most five cells: now, 0.4h, 37h, 12d, never. Infinite is never."""
    if value is None or value != value:  # noqa: PLR0124  only nan differs from itself
        return UNKNOWN
    if value <= 0:
        return "now"
    if value < 99.5:
        return f"{value:.1f}h" if value < 9.95 else f"{value:.0f}h"
    return f"{value / 24:.0f}d" if value < 24_000 else "never"


def clock(now_ms: int) -> str:
    """The time of day in UTC."""
    seconds = now_ms // 1000 % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def duration(seconds: float) -> str:
    """A short stretch of time as m:ss."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"
