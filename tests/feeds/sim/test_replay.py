import asyncio
import json
from pathlib import Path

import aiohttp

from frmon.clock import ManualClock, SystemClock
from frmon.feeds.sim.replay import TapeClock, TapeServer
from frmon.feeds.sim.tape import Recorder
from tests.feeds.sim.test_tape import BOOK, SOCKET, record


async def test_replies_and_frames_come_at_their_time(tmp_path: Path) -> None:
    record(tmp_path / "t")
    clock = ManualClock()
    async with TapeServer(tmp_path / "t", speed=2.0, clock=clock) as server, aiohttp.ClientSession() as http:
        urls = server.endpoints["okx"]

        async def reply() -> int:
            async with http.get(urls["rest"] + BOOK) as said:
                return int(json.loads(await said.read())["n"])

        async with http.ws_connect(urls["ws"] + SOCKET) as socket:
            assert await reply() == 1
            clock.advance(0.6)
            assert (await asyncio.wait_for(socket.receive(), 10)).data == "first"
            assert await reply() == 1
            clock.advance(1.0)
            assert (await asyncio.wait_for(socket.receive(), 10)).data == "second"
            assert await reply() == 2
        async with http.get(urls["rest"] + "/nothing") as said:
            assert said.status == 404
        async with http.get(urls["rest"] + BOOK.replace("SPOT", "SWAP")) as said:
            assert said.status == 404, "another question has another answer"


async def test_the_tape_waits_for_the_first_request(tmp_path: Path) -> None:
    record(tmp_path / "t")
    clock = ManualClock()
    async with TapeServer(tmp_path / "t", clock=clock) as server, aiohttp.ClientSession() as http:
        clock.advance(30.0)
        assert server.position_ms == 0.0
        async with http.get(server.endpoints["okx"]["rest"] + BOOK) as said:
            assert json.loads(await said.read()) == {"n": 1}
        clock.advance(1.0)
        assert server.position_ms == 1_000.0


async def test_who_dials_a_little_late_hears_what_it_missed_and_who_comes_later_does_not(tmp_path: Path) -> None:
    clock = ManualClock()
    recorder = Recorder(tmp_path / "t", clock)
    for second in range(100):
        recorder.observe("okx", "ws", SOCKET, str(second).encode(), 1_000.0 + second)
    recorder.close()
    async with TapeServer(tmp_path / "t", clock=clock) as server, aiohttp.ClientSession() as http:
        url = server.endpoints["okx"]["ws"] + SOCKET
        async with http.ws_connect(url) as one:
            clock.advance(3.5)
            async with http.ws_connect(url) as other:
                for socket in (one, other):
                    heard = [(await asyncio.wait_for(socket.receive(), 10)).data for _ in range(4)]
                    assert heard == ["0", "1", "2", "3"]
            clock.advance(86.0)
            async with http.ws_connect(url) as late:
                clock.advance(1.0)
                assert (await asyncio.wait_for(late.receive(), 10)).data == "90"


def test_the_clock_of_a_replay_shows_the_time_of_the_tape() -> None:
    clock, started_ms = TapeClock(1_000_000), 1_000_000
    mono = clock.mono()
    assert started_ms <= clock.now_ms() <= started_ms + 60_000
    assert abs(mono - SystemClock().mono()) < 60
