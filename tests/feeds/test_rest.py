"""REST against a loopback server that behaves badly."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from frmon.errors import Unreachable
from frmon.feeds import rest
from frmon.feeds.contract import Request
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Rest
from tests.feeds import toy
from tests.feeds.toy import Desk
from tests.leaping import clock_here

BOOK = Request(endpoint="rest", path="/book", query="a=%3D1", costs=(("weight", 1),))


@asynccontextmanager
async def asking(desk: Desk, proxy: str = "") -> AsyncIterator[Rest]:
    http = Http(proxy)
    clock = clock_here()
    try:
        yield Rest(http, toy.VENUE, {"rest": desk.url}, Pacer(clock, toy.VENUE.rules), clock)
    finally:
        await http.close()


async def refusal(one: Rest) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await one.get(BOOK)
    return caught.value


async def test_the_query_is_sent_as_it_stands_and_gzip_is_undone() -> None:
    async with Desk() as desk, asking(desk) as one:
        body = gzip.compress(b'{"rows":[]}', mtime=0)
        desk.answers["/book"] = lambda _: web.Response(body=body, headers={"Content-Encoding": "gzip"})
        answer, asked_at = await one.get(BOOK)
        assert answer == b'{"rows":[]}'
        assert desk.asked == ["/book?a=%3D1"]
        assert asked_at <= clock_here().mono()


async def test_the_venue_judges_the_answer() -> None:
    async with Desk() as desk, asking(desk) as one:
        desk.give("/book", {}, 451)
        found = await refusal(one)
        assert (found.status, found.why, found.retry_s) == ("BLOCKED", "HTTP 451", 60.0)


async def test_an_answer_that_nobody_judged_is_still_no_data() -> None:
    async with Desk() as desk, asking(desk) as one:
        desk.give("/book", {}, 503)
        assert (await refusal(one)).why == "HTTP 503"
        desk.answers["/book"] = lambda _: web.Response(status=301, headers={"Location": "http://127.0.0.1:1/"})
        assert (await refusal(one)).why == "HTTP 301"


async def test_nothing_is_asked_inside_a_ban() -> None:
    async with Desk() as desk, asking(desk) as one:
        desk.give("/book", {}, 429, {"Retry-After": "0.5"})
        await refusal(one)
        desk.give("/book", {})
        before = clock_here().mono()
        await one.get(BOOK)
        assert clock_here().mono() - before >= 0.4
        assert len(desk.asked) == 2


async def test_a_body_that_grows_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "MAX_BODY", 2**20)
    async with Desk() as desk, asking(desk) as one:
        bomb = gzip.compress(bytes(64 * 2**20), mtime=0)
        desk.answers["/book"] = lambda _: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
        assert "above 1 MiB" in (await refusal(one)).why


async def test_a_drip_ends_at_the_total_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "TOTAL_S", 0.5)

    async def drip(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        while True:
            await reply.write(b" ")
            await asyncio.sleep(0.05)

    async with Desk() as desk, asking(desk) as one:
        desk.answers["/book"] = drip
        assert (await refusal(one)).why == "no answer in time"


async def test_nobody_there_is_said_in_words() -> None:
    async with Desk() as desk:
        pass
    async with asking(desk) as one:
        assert (await refusal(one)).status == "RECONNECT"


async def test_loopback_never_goes_through_a_proxy() -> None:
    async with Desk() as desk, asking(desk, "http://127.0.0.1:1") as one:
        desk.give("/book", {"rows": []})
        assert (await one.get(BOOK))[0] == b'{"rows": []}'


async def test_other_hosts_go_through_the_proxy() -> None:
    async with Desk() as desk:
        http = Http(desk.url)
        try:
            status, _, _ = await http.fetch("http://venue.invalid/book")
        finally:
            await http.close()
        assert status == 404, "the proxy answered, though the host does not exist"
        assert "/book" in desk.asked[0]


async def test_who_observes_sees_every_answer_with_its_query_and_no_refusal() -> None:
    seen: list[tuple[str, str, str, bytes]] = []
    async with Desk() as desk, asking(desk) as one:
        one.observe = lambda *told: seen.append(told[:4])
        desk.give("/book", {"rows": []})
        answer, _ = await one.get(BOOK)
        desk.give("/book", {}, 451)
        await refusal(one)
    assert seen == [("toy", "rest", "/book?a=%3D1", answer)]


async def test_a_socks_proxy_that_is_down_is_said_in_words_and_loopback_needs_none() -> None:
    http = Http("socks5://127.0.0.1:1")
    try:
        with pytest.raises(Unreachable) as caught:
            await http.fetch("http://venue.invalid/book")
        assert caught.value.why.startswith("proxy: ")
        async with Desk() as desk:
            desk.give("/book", {})
            assert (await http.fetch(f"{desk.url}/book"))[0] == 200
    finally:
        await http.close()


@pytest.mark.parametrize(
    ("encoding", "body", "why"),
    [
        ("gzip", gzip.compress(b'{"rows":[]}' * 500, mtime=0)[:-20], "answer cut off"),
        ("gzip", b'{"rows":[]}', "answer packed wrongly"),
        ("gzip", gzip.compress(b'{"rows":[]}', mtime=0) + b"\0", "answer packed wrongly"),
        ("br", b"x", "answer packed as br"),
    ],
)
async def test_what_cannot_be_unpacked_is_said_in_words(encoding: str, body: bytes, why: str) -> None:
    async with Desk() as desk, asking(desk) as one:
        desk.answers["/book"] = lambda _: web.Response(body=body, headers={"Content-Encoding": encoding})
        assert (await refusal(one)).why == why


async def test_what_follows_the_end_of_what_was_packed_is_not_gathered() -> None:
    """It is no content, which is capped, and has no end."""
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"{}"))
        while sent < 2**26 and not writer.is_closing():
            writer.write(bytes(2**16))
            sent += 2**16
            await writer.drain()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    http = Http()
    async with server:
        with pytest.raises(Unreachable) as caught:
            await http.fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await http.close()
    assert caught.value.why == "answer packed wrongly"
    assert sent < 16 * 2**20, "what the sockets hold, no more"


async def test_no_host_waits_for_the_large_answers_of_another_one() -> None:
    """One drips its last bytes, in as many answers as it is asked for."""

    async def drip(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(b" " * (rest.LARGE_BODY + 2**16))
        while True:
            await reply.write(b" ")
            await asyncio.sleep(0.5)

    async with Desk() as slow, Desk() as desk:
        slow.answers["/book"] = drip
        desk.answers["/book"] = lambda _: web.Response(body=b" " * 2 * rest.LARGE_BODY)
        http = Http()
        held = [asyncio.create_task(http.fetch(f"{slow.url}/book")) for _ in range(6)]
        await asyncio.sleep(2)
        started = clock_here().mono()
        answers = await asyncio.gather(*(http.fetch(f"{desk.url}/book") for _ in range(3)))
        assert [len(body) for _, _, body in answers] == [2 * rest.LARGE_BODY] * 3
        assert clock_here().mono() - started < 1.0
        found = await asyncio.gather(*held, return_exceptions=True)
        assert {str(error) for error in found} == {"no answer in time"}
        await http.close()


async def test_cookies_are_neither_kept_nor_sent() -> None:
    cookies: list[str] = []

    def answer(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie", ""))
        return web.Response(body=b"{}", headers={"Set-Cookie": f"n{len(cookies)}={'x' * 2000}; Path=/"})

    async with Desk() as desk:
        desk.answers["/book"] = answer
        http = Http()
        for _ in range(3):
            await http.fetch(f"{desk.url.replace('127.0.0.1', 'localhost')}/book")
        await http.close()
    assert cookies == ["", "", ""]


async def test_an_error_that_is_kept_keeps_no_frame() -> None:
    async with Desk() as desk, asking(desk) as one:
        desk.give("/book", {}, 451)
        found = await refusal(one)
        assert found.__traceback__ is not None
        assert (rest.kept(found).__traceback__, rest.kept(found).why) == (None, "HTTP 451")
        assert rest.waited_out(found, 12.4).why == "HTTP 451; again in 12 s"
        assert rest.waited_out(Unreachable("BANNED", "too many"), 87.0).why == "banned, 87 s left: too many"
