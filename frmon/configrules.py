"""What a setting may be: type, range, spelling. Pure; every complaint is a `ValueError` with a short text."""

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

from frmon.config import Path

CLASSES = ("crypto", "stock", "commodity", "forex", "index", "premarket", "other")
"""Asset classes that `coins.classes` may name."""

_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list[str]: "a list of texts",
    dict[str, str]: "a table of texts",
}


def judge(path: Path, value: object, kind: Any, default: object, venues: Collection[str]) -> object:
    """The value as it will be used (whole numbers become floats where floats are meant). `default`: the key's default,
    which says what scheme an endpoint has. `venues`: names that an alias may use. Raises `ValueError`."""
    if path == ("coins", "aliases") and isinstance(value, dict):
        return _aliases(value, venues)
    found = _typed(value, kind)
    if path[0] == "venues" and path[2] == "endpoints":
        return _endpoint(str(found), str(default))
    rule = RULES.get(".".join(path)) or RULES.get(path[-1])
    if rule is not None:
        rule(found)
    return found


def printable(text: str, limit: int = 120) -> str:
    """Text from outside on one line: whatever does not print is escaped, the rest is cut."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def hint(word: str, known: Collection[str]) -> str:
    """What to say after "unknown": the nearest known word, else all of them."""
    near = get_close_matches(word.lower(), {k.lower(): k for k in known}, n=1, cutoff=0.55)
    if near:
        return f'did you mean "{next(k for k in known if k.lower() == near[0])}"?'
    return f"valid: {', '.join(known)}" if known else "no key is valid here"


def _typed(value: object, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        return _chosen(value, get_args(kind))
    if get_origin(kind) is list and get_origin(get_args(kind)[0]) is Literal:
        return [_chosen(item, get_args(get_args(kind)[0])) for item in _typed(value, list[str])]
    try:
        found = msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        raise ValueError(f"must be {_WORDS[kind]}, not {_named(value)}") from None
    if isinstance(found, float) and not isfinite(found):
        raise ValueError("must be a finite number")
    return found


def _chosen(value: object, choices: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in choices:
        return value
    listed = " or ".join(f'"{c}"' for c in choices)
    near = f"; {hint(value, choices)}" if isinstance(value, str) and len(choices) > 1 else ""
    raise ValueError(f"must be {listed}, not {_named(value)}{near}")


def _named(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{printable(value, 60)}"'
    if isinstance(value, int | float):
        return printable(repr(value), 30)
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else "a date or time"


def _above_zero(value: float) -> None:
    if value <= 0:
        raise ValueError(f"must be above 0, not {value!r}")


def _not_below_zero(value: float) -> None:
    if value < 0:
        raise ValueError(f"must be at least 0, not {value!r}")


def _within(low: float, high: float, *, below: bool = False) -> Callable[[Any], None]:
    def rule(value: float) -> None:
        if not low <= value <= high or (below and value == high):
            last = f"below {high!r}" if below else f"at most {high!r}"
            raise ValueError(f"must be at least {low!r} and {last}, not {value!r}")

    return rule


def _scale(value: float) -> None:
    if not 0 < value <= 100:
        raise ValueError(f"must be above 0 and at most 100, not {value!r}")


def _some_markets(value: list[str]) -> None:
    if not value:
        raise ValueError("must name at least one market")
    if len(set(value)) < len(value):
        raise ValueError("names a market twice")


def _classes(value: list[str]) -> None:
    for name in value:
        _chosen(name, CLASSES)
    if not value:
        raise ValueError("must name at least one asset class")


def _names(value: list[str]) -> None:
    for name in value:
        _name(name)


def _name(value: str) -> None:
    if not value.strip() or not value.isprintable() or len(value) > 40:
        raise ValueError(f"{_named(value)} is no name (1 to 40 printable characters)")


def _listen(value: str) -> None:
    if not value or len(value) > 255 or not value.isascii() or not value.isprintable() or set(value) & set(" /@[]"):
        raise ValueError(f"{_named(value)} is no host name or address")


def _file(value: str) -> None:
    if not value.isprintable() or len(value) > 4096:
        raise ValueError("is no path of a file")


def _proxy(value: str) -> None:
    if value:
        _host(value, ("http", "https", "socks5"), secret=True)


def _endpoint(value: str, default: str) -> str:
    """A base URL of the kind that the default is. A lone slash at the end is dropped."""
    schemes = ("ws", "wss") if default.startswith("ws") else ("http", "https")
    parts = _host(value, schemes)
    if parts[2] not in {"", "/"} or "?" in value or "#" in value:
        raise ValueError(f"{_named(value)} must end after host and port; paths are added by the program")
    if "@" in parts[1]:
        raise ValueError("must not carry a user name")
    return value.removesuffix("/")


def _host(value: str, schemes: tuple[str, ...], *, secret: bool = False) -> tuple[str, str, str]:
    """(scheme, host and port, path) of a URL that has one of the schemes, a host and, if any, a valid port."""
    shown = "the value" if secret else _named(value)
    wanted = " or ".join(f"{s}://" for s in schemes)
    if not value.isprintable() or " " in value or "\\" in value:
        raise ValueError(f"{shown} is no URL")
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValueError(f"{shown} has no valid host and port") from None
    if parts.scheme not in schemes:
        raise ValueError(f"{shown} must begin with {wanted}")
    if not host or port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{shown} has no valid host and port")
    return parts.scheme, parts.netloc, parts.path


def _aliases(value: dict[str, Any], venues: Collection[str]) -> dict[str, str]:
    for leg, coin in value.items():
        try:
            _alias(leg, _typed(coin, str), venues)
        except ValueError as error:
            raise AliasError(leg, str(error)) from None
    return value


class AliasError(ValueError):
    """One entry of `coins.aliases` is wrong. `leg`: its key."""

    def __init__(self, leg: str, text: str) -> None:
        super().__init__(text)
        self.leg = leg


def _alias(leg: str, coin: str, venues: Collection[str]) -> None:
    parts = leg.split(":")
    if len(parts) != 3:
        raise ValueError('must look like "venue:market:SYMBOL"')
    venue, market, symbol = parts
    if venue not in venues:
        raise ValueError(f"no such venue: {_named(venue)}; {hint(venue, venues)}")
    if market not in {"spot", "perp"}:
        raise ValueError(f"no such market: {_named(market)}; {hint(market, ('spot', 'perp'))}")
    _name(symbol)
    _name(coin)


RULES: Mapping[str, Callable[[Any], None]] = {
    "taker_fee_spot": _within(0, 0.1, below=True),
    "taker_fee_perp": _within(0, 0.1, below=True),
    "rules.interval.threshold_pct": _not_below_zero,
    "threshold_pct": _above_zero,
    "close_pct": _not_below_zero,
    "samples": _within(1, 10_000),
    "sample_every_s": _above_zero,
    "max_gap_s": _above_zero,
    "cooldown_s": _above_zero,
    "max_age_s": _above_zero,
    "max_quiet_s": _above_zero,
    "markets": _some_markets,
    "time_scale": _scale,
    "proxy": _proxy,
    "exclude": _names,
    "classes": _classes,
    "theme": _name,
    "updates_per_s": _within(1, 10),
    "columns": _names,
    "minutes_days": _within(1, 36_500),
    "quarters_days": _within(1, 36_500),
    "hours_days": _within(1, 36_500),
    "events_days": _within(1, 36_500),
    "samples_days": _within(1, 36_500),
    "backfill_top": _within(0, 10_000),
    "serve.host": _listen,
    "serve.port": _within(0, 65_535),
    "serve.token_file": _file,
}
"""Whole key, or else its last part -> what its value must satisfy beyond its type."""
