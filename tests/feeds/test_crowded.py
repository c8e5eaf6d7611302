"""Frames and answers of so many parts that reading them would hold up everything: they are not read."""

import pytest
from aiohttp import web

from frmon.errors import Unreachable
from frmon.feeds.contract import Heard
from frmon.feeds.reader import NOTHING, Reader
from frmon.feeds.text import LARGE, PARTS_AT_MOST, is_crowded
from frmon.feeds.venues import all_venues
from fuzz.targets import samples
from tests.feeds import toy
from tests.feeds.test_rest import BOOK, asking
from tests.feeds.toy import Desk
from tests.leaping import clock_here

CROWD = b"[" + b"1," * (PARTS_AT_MOST + 1) + b"1]"


def test_only_what_no_venue_sends_is_a_crowd() -> None:
    assert is_crowded(CROWD + b" " * LARGE)
    assert not is_crowded(b'{"a":"' + b"x" * 4 * LARGE + b'"}')
    assert not is_crowded(b"1," * (PARTS_AT_MOST // 2) + b"x" * LARGE)
    assert not [name for v in all_venues() for name, raw in samples(v.name).items() if is_crowded(raw)]


async def test_an_answer_of_a_crowd_of_parts_is_not_read() -> None:
    async with Desk() as desk, asking(desk) as one:
        desk.answers["/book"] = lambda _: web.Response(body=CROWD + b" " * LARGE)
        with pytest.raises(Unreachable) as caught:
            await one.get(BOOK)
    assert (caught.value.status, caught.value.why) == ("RECONNECT", "answer of too many parts")


async def test_a_frame_of_a_crowd_of_parts_is_counted_and_not_read() -> None:
    def parse(raw: bytes) -> Heard:
        raise AssertionError(raw[:9])

    told: list[str] = []
    reader = Reader(toy.changed(toy.STREAM, parse=parse), "toy perp 1", clock_here(), told.append, 1.0)
    assert reader.read(CROWD + b" " * LARGE, ()) == NOTHING
    assert reader.unread.total == 1
    assert told == ["toy perp 1: PARSE 1: frame 1 (too many parts)"]
