import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from frmon.clock import ManualClock
from frmon.errors import ConfigError
from frmon.feeds.sim.tape import Recorder, TapeServer, read_tape

SOCKET, BOOK = "/ws/v5/public", "/api/v5/market/tickers?instType=SPOT"


def record(path: Path) -> None:
    """Two replies and two frames, at 0, 1, 2 and 3 s."""
    clock = ManualClock()
    recorder = Recorder(path, clock)
    for kind, source, raw in (
        ("rest", BOOK, b'{"n":1}'),
        ("ws", SOCKET, b"first"),
        ("rest", BOOK, b'{"n":2}'),
        ("ws", SOCKET, b"second"),
    ):
        recorder.observe("okx", kind, source, raw, clock.mono())
        clock.advance(1.0)
    recorder.close()


@pytest.mark.parametrize("name", ["market.tape", "market.tape.gz"])
def test_what_was_recorded_is_read_back_with_its_times(tmp_path: Path, name: str) -> None:
    record(tmp_path / name)
    assert read_tape(tmp_path / name) == {
        ("okx", "rest", BOOK): [(0.0, b'{"n":1}'), (2_000.0, b'{"n":2}')],
        ("okx", "ws", SOCKET): [(1_000.0, b"first"), (3_000.0, b"second")],
    }


def test_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "t", ManualClock())
    recorder.observe("okx", "ws", SOCKET, b"\xff\x00", 1_000.0)
    recorder.close()
    assert read_tape(tmp_path / "t") == {("okx", "ws", SOCKET): [(0.0, b"\xff\x00")]}


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    record(tmp_path / "t")
    whole = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(whole[:-5])
    assert len(read_tape(tmp_path / "t")["okx", "ws", SOCKET]) == 1


def test_another_file_is_no_tape(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("hello\n")
    with pytest.raises(ConfigError, match="this is no tape"):
        read_tape(tmp_path / "t")


async def test_replies_and_frames_come_at_their_time(tmp_path: Path) -> None:
    record(tmp_path / "t")
    clock = ManualClock()
    async with TapeServer(tmp_path / "t", speed=2.0, clock=clock) as tape, aiohttp.ClientSession() as http:
        urls = tape.endpoints["okx"]

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
