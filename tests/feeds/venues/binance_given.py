"""Binance: samples and short ways to read them."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Ask, Heard, Page
from frmon.feeds.venues.binance import VENUE
from frmon.model import Listing, Market, Tick
from tests.feeds.venues.given import own, real

SPOT, MARKET, PUBLIC = VENUE.streams
FRAMES = "protocols/binance/frames"
SNAPSHOTS = {(s.market, s.kind): s for s in VENUE.snapshots}
STREAMS: dict[str, Any] = json.loads(own("binance", "streams"))
REPLIES: dict[str, Any] = json.loads(own("binance", "replies"))
DATA_FRAMES = [name for name, frame in STREAMS.items() if "data" in frame]


def frame(name: str) -> bytes:
    return json.dumps(STREAMS[name], ensure_ascii=False).encode()


def reply(name: str) -> bytes:
    return json.dumps(REPLIES[name], ensure_ascii=False).encode()


def hear(name: str) -> Heard:
    kind, ticks = SPOT.parse(frame(name))
    return kind, list(ticks)


def harmless(raw: bytes) -> list[Tick]:
    """The ticks of a frame that may also be refused as unreadable, or read as a notice or refusal."""
    try:
        return list(MARKET.parse(raw)[1])
    except (DecodeError, Notice, Refused):
        return []


def page(market: Market, raw: bytes) -> Page:
    (directory,) = [d for d in VENUE.directories if d.market is market]
    return directory.parse(raw)


def listed(found: Page) -> dict[str, Listing]:
    return {listing.symbol: listing for listing in found.listings}


def snapshot(market: Market, kind: str, name: str) -> list[Tick]:
    return list(SNAPSHOTS[market, kind].parse(reply(name)))


def names(ask: Ask) -> list[str]:
    told = json.loads(ask.frame)
    assert told["method"] == "SUBSCRIBE"
    assert str(told["id"]) == ask.request
    return list(told["params"])


def recorded(path: str) -> bytes:
    raw = real(path)
    return gzip.decompress(raw) if path.endswith(".gz") else raw


def payloads(raw: bytes) -> Iterator[bytes]:
    """The JSON of each recorded line `<time>: {...}` or `<time> {...}`; connects are left out."""
    for line in raw.splitlines():
        _, found, rest = line.partition(b" {")
        if found and not line.startswith(b"wss"):
            yield b"{" + rest
