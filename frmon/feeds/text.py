"""The one cleaner of foreign text and the one reader of foreign numbers. Whatever a venue sends is hostile until it
has passed here."""

import math
import unicodedata

_BIDI = frozenset("\u200e\u200f\u061c\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_ASCII_NUMBER = frozenset("0123456789+-.eE")
LARGE = 2**19  # bytes
PARTS_AT_MOST = 250_000  # of one frame or answer; the largest real ones have some ten thousand


def clean(text: object, limit: int = 40) -> str:
    """Foreign text without control characters (C0, DEL, C1), line and bidi controls, zero-width and other format
    characters, private or unassigned code points and lone surrogates; composed (NFC), at most `limit` characters."""
    raw = text if isinstance(text, str) else str(text)
    kept = "".join(c for c in raw[: limit * 8] if c not in _BIDI and unicodedata.category(c) not in _DROPPED)
    return unicodedata.normalize("NFC", kept)[:limit].strip()


_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def is_crowded(raw: bytes) -> bool:
    """Whether it is made of so many parts that reading them would hold up everything else, or fill the memory."""
    return len(raw) > LARGE and raw.count(b",") > PARTS_AT_MOST


def is_symbol(text: str) -> bool:
    """Whether a venue's name of an instrument is one we can show and ask for: 1 to 40 letters or digits of any script,
    `-`, `_`, `$`, `.` between them, and no character that `clean` would drop."""
    return 0 < len(text) <= 40 and all(c.isalnum() or c in "-_$." for c in text) and clean(text) == text


def number(value: object) -> float | None:
    """A foreign number: float, int or decimal text. None for absent, empty, bool, non-finite, non-ASCII digits,
    underscores and whatever else is no plain decimal number."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is str:
        return _from_text(value)
    if type(value) is int and abs(value) < 1e300:
        return float(value)
    return None


def _from_text(text: str) -> float | None:
    if not text or len(text) > 64 or not _ASCII_NUMBER.issuperset(text):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def positive(value: object) -> float | None:
    """A number above zero: prices, sizes, volumes. None for everything else."""
    found = number(value)
    return found if found is not None and found > 0 else None


def moment(value: object) -> int | None:
    """A time in Unix milliseconds between 2015 and 2100; None for everything else (0, "", microseconds, seconds)."""
    found = number(value)
    return int(found) if found is not None and 1_420_000_000_000 < found < 4_102_444_800_000 else None
