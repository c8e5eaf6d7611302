"""One value, one byte or one shape changed: what venues, proxies and enemies could send."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

VALUES = (
    "null", '""', "0", "-1", '"0"', '"-1"', '"NaN"', "NaN", "Infinity", '"-inf"', "1e999", '"1e999"', '"1_000"', '"١٢"', "true",
    "false", "[]", "{}", "1" + "0" * 5000, '"' + "9" * 5000 + '"', '"' + "x" * 100_000 + '"', '"\\u0000"', '"\\u202e1"',
    '"\\u001b]52;c;aGk=\\u0007"', '"\\ud800"', "1.5e-400", '" 1"', '"0x10"', '"[/]"', '[["1","2"]]', '{"a":{"b":[1]}}',
    "[" * 3000 + "]" * 3000, "1795325580123000", "1795325580", '"é"', "1e18", '"+1"', "1E5", '"1e-9"', "18446744073709551616",
)  # fmt: skip
"""JSON, or nearly, that may stand where any value is expected."""

TAILS = (b"", b"\x00", b"{}", b"]", b"\xff", b" " * 70_000, b"\n{")


def leaves(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values, of objects and lists as well, but the whole."""
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from leaves(value, (*path, key))


def replaced(raw: bytes, path: tuple[Any, ...], value: str) -> bytes:
    """The JSON with this text at this path."""
    told = json.loads(raw)
    _place(told, path)[path[-1]] = "@here@"
    return json.dumps(told, ensure_ascii=False).replace('"@here@"', value).encode("utf-8", "surrogatepass")


def without(raw: bytes, path: tuple[Any, ...]) -> bytes:
    """The JSON without the value at this path."""
    told = json.loads(raw)
    del _place(told, path)[path[-1]]
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")


def doubled(raw: bytes, path: tuple[Any, ...], value: str) -> bytes:
    """The JSON with the object's key at this path said twice, the second time with this text; unchanged for lists."""
    if not isinstance(path[-1], str):
        return raw
    told = json.loads(raw)
    place = _place(told, path)
    place["@twice@"] = place.pop(path[-1])
    key = json.dumps(path[-1], ensure_ascii=False)
    text = json.dumps(told, ensure_ascii=False)
    return text.replace('"@twice@":', f"{key}: {value}, {key}:").encode("utf-8", "surrogatepass")


def spoilt(raw: bytes, random: Random) -> bytes:
    """One change of any kind."""
    if random.random() < 0.5:
        return _bytes(raw, random)
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return _bytes(raw, random)
    paths = list(leaves(told))
    if not paths:
        return _bytes(raw, random)
    path, value = random.choice(paths), random.choice(VALUES)
    kind = random.random()
    if kind < 0.7:
        return replaced(raw, path, value)
    return without(raw, path) if kind < 0.85 else doubled(raw, path, value)


def _bytes(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) + 1)
    to = min(len(raw), at + random.randrange(1, 40))
    match random.randrange(7):
        case 0:
            return raw[:at]
        case 1:
            return raw[:at] + random.randbytes(random.randrange(1, 5)) + raw[at:]
        case 2:
            return raw[:at] + raw[to:]
        case 3:
            return raw[:at] + raw[at:to] * random.randrange(2, 50) + raw[to:]
        case 4:
            return random.choice((b"\xef\xbb\xbf", b"\x00", b"[" * 100_000)) + raw
        case 5:
            return raw + random.choice(TAILS)
        case _:
            spot = bytes((raw[at] ^ (1 << random.randrange(8)),)) if at < len(raw) else b""
            return raw[:at] + spot + raw[at + 1 :]


def _place(told: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        told = told[key]
    return told
