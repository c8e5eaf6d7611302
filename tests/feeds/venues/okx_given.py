"""OKX: samples and short ways to read them."""

import gzip
import json
from typing import Any

import pytest

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Ask, Heard, Page
from frmon.feeds.venues.okx import VENUE
from frmon.model import Listing, Market, Tick
from tests.feeds.venues.given import own, real

SPOT, PERP, NOTICES = VENUE.streams
FRAMES = "protocols/okx/frames"
SNAPSHOTS = {(s.market, s.kind): s for s in VENUE.snapshots}
STREAMS: dict[str, Any] = json.loads(own("okx", "streams"))
REPLIES: dict[str, Any] = json.loads(own("okx", "replies"))
DATA_FRAMES = [name for name, frame in STREAMS.items() if "data" in frame]
ERRORS = ["too many", "busy", "unknown"]


def frame(name: str) -> bytes:
    return json.dumps(STREAMS[name]).encode()


def reply(name: str) -> bytes:
    return json.dumps(REPLIES[name]).encode()


def hear(name: str) -> Heard:
    kind, ticks = SPOT.parse(frame(name))
    return kind, list(ticks)


def harmless(raw: bytes) -> list[Tick]:
    """The ticks of a frame that may also be refused as unreadable, or read as a notice or refusal."""
    try:
        return list(SPOT.parse(raw)[1])
    except (DecodeError, Notice, Refused):
        return []


def page(market: Market, raw: bytes) -> Page:
    (directory,) = [d for d in VENUE.directories if d.market is market]
    return directory.parse(raw)


def listed(found: Page) -> dict[str, Listing]:
    return {listing.symbol: listing for listing in found.listings}


def snapshot(market: Market, kind: str, name: str) -> list[Tick]:
    return list(SNAPSHOTS[market, kind].parse(reply(name)))


def refused(name: str) -> Refused:
    with pytest.raises(Refused) as caught:
        SPOT.parse(frame(name))
    return caught.value


def args(ask: Ask) -> list[dict[str, str]]:
    told = json.loads(ask.frame)
    assert told["op"] == "subscribe"
    assert told["id"] == ask.request
    assert ask.request.isalnum()
    assert len(ask.request) <= 32
    return list(told["args"])


def recorded(path: str) -> bytes:
    raw = real(path)
    return gzip.decompress(raw) if path.endswith(".gz") else raw
