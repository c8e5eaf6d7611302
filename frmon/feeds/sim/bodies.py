"""Spoils REST answers on purpose: pure functions of replies."""

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from frmon.feeds.sim.dialects import Reply, dumps

BOMB_BYTES = 208 << 20  # decompressed
HUGE_BYTES = 50 << 20
_HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def spoilt(said: Reply, how: str) -> Reply:
    """The reply as `how` says (see `faults.Body`); "drip" is a matter of sending and leaves it alone."""
    spoil = _WAYS.get(how)
    return spoil(said) if spoil else said


def _with_rows(change: Callable[[list[Any]], list[Any]]) -> Callable[[Reply], Reply]:
    """Another list of rows: the longest list of the answer."""

    def spoil(said: Reply) -> Reply:
        value = msgspec.json.decode(said.body)
        return Reply(said.status, dumps(_changed(value, _longest(value), change)), said.headers)

    return spoil


def _longest(value: Any) -> list[Any] | None:
    """The longest list that is not within another one."""
    if isinstance(value, list):
        return value
    lists = [_longest(one) for one in value.values()] if isinstance(value, dict) else []
    return max((one for one in lists if one is not None), key=len, default=None)


def _changed(value: Any, rows: list[Any] | None, change: Callable[[list[Any]], list[Any]]) -> Any:
    if rows is not None and value is rows:
        return change(rows)
    if isinstance(value, dict):
        return {key: _changed(one, rows, change) for key, one in value.items()}
    return value


def _one_malformed(rows: list[Any]) -> list[Any]:
    """The middle row has all its keys and no value that could be read."""
    middle = len(rows) // 2
    return [
        ({key: [None] for key in row} if isinstance(row, dict) else None) if n == middle else row
        for n, row in enumerate(rows)
    ]


def _typed(body: bytes, said: Reply, kind: str, status: int = 200) -> Reply:
    return Reply(status, body, {**said.headers, "Content-Type": kind})


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    """Blanks and an empty list: a chunk that was compressed once, again and again."""
    block, count = b" " * (1 << 20), BOMB_BYTES >> 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    chunk = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(count):
        check = zlib.crc32(block, check)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = packer.compress(b"[]") + packer.flush()
    size = (BOMB_BYTES + 2).to_bytes(4, "little")
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return head + chunk * count + end + zlib.crc32(b"[]", check).to_bytes(4, "little") + size


@lru_cache(maxsize=1)
def _huge() -> bytes:
    row = b'{"symbol":"BTCUSDT","price":"61234.50","size":"0.004"},'
    return b'{"code":"0","msg":"","data":[' + row * (HUGE_BYTES // len(row)) + row[:-1] + b"]}"


_WAYS: dict[str, Callable[[Reply], Reply]] = {
    "html": lambda said: _typed(_HTML, said, "text/html"),
    "empty": lambda said: Reply(204, b"", said.headers),
    "truncated": lambda said: Reply(said.status, said.body[: len(said.body) // 2], said.headers),
    "bomb": lambda said: Reply(200, _bomb(), {**said.headers, "Content-Encoding": "gzip"}),
    "huge": lambda said: Reply(200, _huge(), {**said.headers, "Content-Encoding": "identity"}),
    "none": _with_rows(lambda rows: []),
    "half": _with_rows(lambda rows: rows[: len(rows) // 2]),
    "malformed": _with_rows(_one_malformed),
    "mime": lambda said: _typed(said.body, said, "text/html", said.status),
}
