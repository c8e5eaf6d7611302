"""Every way on which foreign text comes in leads through the one cleaner."""

import asyncio
import json
import socket
import ssl
from typing import Any

import aiohttp
import pytest
from python_socks import ProxyConnectionError, ProxyError
from yarl import URL

from frmon.errors import DecodeError, Unreachable
from frmon.feeds.contract import Directory, Venue
from frmon.feeds.rest import Http
from frmon.feeds.text import clean, is_symbol
from frmon.feeds.venues import all_venues
from frmon.feeds.wire import Closed, Dial, refused, unreachable
from frmon.model import Listing
from fuzz.checks import check
from fuzz.mutate import leaves
from fuzz.targets import of_replies, of_streams, samples
from tests.feeds.hostile import HOSTILE

VENUES = all_venues()
each_venue = pytest.mark.parametrize("venue", VENUES, ids=lambda v: v.name)
each_text = pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))


def assert_clean(text: str, most: int = 200) -> None:
    assert len(text) <= most
    assert text.isprintable()
    assert clean(text, most) == text.strip()


def put(raw: bytes, path: tuple[Any, ...], text: str) -> bytes:
    told = json.loads(raw)
    place = told
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    return json.dumps(told).encode()


TOGETHER = ["".join(HOSTILE[n : n + 8])[:20_000] for n in range(0, 24, 8)] + ["[/]", "\ud800\x1b", "x" * 100_000]
"""The same in few."""


@each_venue
@pytest.mark.parametrize("text", TOGETHER, ids=lambda text: ascii(text[:12]))
def test_no_text_of_a_frame_or_reply_comes_through_as_it_is(venue: Venue, text: str) -> None:
    """In every place where a text stands in any sample: names, bases, announcements, error messages. `check` demands clean
    words of whatever is raised, and names that can be shown of whatever is read."""
    parsers = of_streams(venue) | of_replies(venue)
    for raw in samples(venue.name).values():
        for path in leaves(json.loads(raw)):
            if any(isinstance(key, int) and key > 1 for key in path):
                continue  # one row of each kind says as much
            spoilt = put(raw, path, text)
            for parse in parsers.values():
                check(parse, spoilt)


@each_venue
@each_text
def test_an_instrument_with_such_a_name_is_not_listed_under_it(venue: Venue, text: str) -> None:
    tried = 0
    for directory in venue.directories:
        for raw in samples(venue.name).values():
            if not listed(directory, raw):
                continue
            for path in leaves(json.loads(raw)):
                if path[-1] in {"symbol", "baseAsset", "baseCoin", "instId", "baseCcy"}:
                    names = {name for one in listed(directory, put(raw, path, text)) for name in (one.symbol, one.base)}
                    assert all(map(is_symbol, names))
                    assert is_symbol(text) or text not in names
                    tried += 1
    assert tried


def listed(directory: Directory, raw: bytes) -> list[Listing]:
    try:
        return list(directory.parse(raw).listings)
    except DecodeError:
        return []


@each_venue
@each_text
@pytest.mark.parametrize("status", [200, 301, 400, 403, 418, 429, 451, 500, 503])
def test_no_body_or_header_of_an_answer_is_shown_as_it_is(venue: Venue, text: str, status: int) -> None:
    body = text.encode("utf-8", "surrogatepass")
    said = json.dumps({"code": text, "retCode": 10006, "msg": text, "retMsg": text}).encode()
    for one in (body, said, b'{"code":"50001","msg":"' + body + b'"}'):
        found = venue.verdict(status, {"retry-after": text, "x-mbx-used-remain-limit": text}, one[:4096])
        if found is not None:
            assert_clean(found.why)
    how = Dial(url="ws://127.0.0.1:1", verdict=venue.verdict)
    assert_clean(refused(how, status, {"location": text, "retry-after": text}, body).why)


@each_text
def test_no_reason_of_a_close_is_shown_as_it_is(text: str) -> None:
    assert_clean(str(Closed(1000, text)))


def failures(text: str) -> list[BaseException]:
    """What dialling and asking may fail with, in words of the other side."""
    bad = ssl.SSLCertVerificationError(1, text)
    bad.verify_message = text
    return [
        bad,
        ssl.SSLError(1, text),
        socket.gaierror(-2, text),
        ProxyError(text),
        ProxyConnectionError(111, text),
        OSError(111, text),
        OSError(text),
        ConnectionResetError(104, text),
        TimeoutError(text),
        ValueError(text),
        EOFError(text),
        aiohttp.ClientError(text),
        aiohttp.InvalidURL(URL("http://127.0.0.1"), text),
    ]


@each_text
def test_no_error_below_a_connection_is_shown_as_it_is(text: str) -> None:
    for error in failures(text):
        found = unreachable(error)
        assert_clean(found.why)
        assert found.why


@each_text
async def test_no_error_of_a_request_is_shown_as_it_is(text: str) -> None:
    """The words of a server's status line, its headers and its redirects come in here."""
    line = text.replace("\r", "").replace("\n", "").encode("utf-8", "surrogatepass")[:4000]

    async def talk(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 3o2 " + line + b"\r\nLocation: " + line + b"\r\nX: " + line + b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    http = Http()
    async with server:
        try:
            with pytest.raises(Unreachable) as caught:
                await http.fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        finally:
            await http.close()
    assert_clean(caught.value.why)
