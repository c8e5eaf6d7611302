"""What a request asks for, read from its URL and its body. Nothing of it ever becomes a path of a file."""

import asyncio
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec
from aiohttp import web

from frmon.api.gate import MOST_BODY

BODY_S = 5.0
NAME = 60
"""Characters that a coin's name may have."""


class Wrong(Exception):
    """A request that cannot be answered. `status`: of the answer."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


class Query:
    """The parameters of a URL. Unknown ones, doubled ones and wrong values are `Wrong`."""

    def __init__(self, given: Mapping[str, str], known: tuple[str, ...]) -> None:
        self._given = given
        names = list(given.keys())
        unknown = next((name for name in names if name not in known), None)
        if unknown is not None:
            said = f"known: {', '.join(known)}" if known else "there are none"
            raise Wrong(f"unknown parameter; {said}")
        if len(names) != len(set(names)):
            raise Wrong("a parameter is given twice")

    def name(self, key: str) -> str | None:
        """The name of a coin or venue; None when it is not given."""
        found = self._given.get(key)
        return None if found is None else name_in(found, key)

    def names(self, key: str) -> list[str]:
        """Names with commas between them."""
        return [name_in(part, key) for part in self._given[key].split(",")] if key in self._given else []

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A decimal number within bounds."""
        text = self._given.get(key)
        if text is None:
            return default
        try:
            value = float(text) if len(text) < NAME else float("nan")
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise Wrong(f"{key} must be a number from {low:g} to {high:g}")
        return value

    def whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number within bounds; None when it is not given."""
        text = self._given.get(key)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            raise Wrong(f"{key} must be a whole number from {low} to {high}")
        return int(text)

    def choice(self, key: str, default: str, known: Mapping[str, object]) -> str:
        """One of some words."""
        text = self._given.get(key, default)
        if text not in known:
            raise Wrong(f"{key} must be one of {', '.join(known)}")
        return text


def name_in(text: str, key: str) -> str:
    """A name as people write it. Raises `Wrong`."""
    found = text.strip()
    if not found or len(found) > NAME or not found.isprintable():
        raise Wrong(f"{key} must be a name of 1 to {NAME} printable characters")
    return found


def parts_of(raw_path: str) -> list[str]:
    """The parts of a path, each decoded after it was cut out. Raises `Wrong` for what is no text."""
    try:
        return [unquote(part, errors="strict") for part in raw_path.partition("?")[0].split("/")[1:]]
    except UnicodeDecodeError:
        raise Wrong("the path is no UTF-8 text") from None


class Symbol(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `switch_symbol`."""

    symbol: str


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The body of what needs none: `{}` or no bytes at all."""


async def body(request: web.BaseRequest) -> bytes:
    """The body, not longer than it may be and there in time. Raises `Wrong`."""
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_any():
                found += chunk
                if len(found) > MOST_BODY:
                    raise Wrong(f"a body may have {MOST_BODY} bytes", 413)
    except TimeoutError:
        raise Wrong("the body did not come in time", 408) from None
    return bytes(found)


def decoded(raw: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """A body as JSON. Raises `Wrong`."""
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Wrong("the body is not the JSON that is wanted here") from None
