"""The two files beside the file: one of them is always whole, and whatever else lies there harms nobody."""

import os
from pathlib import Path

import pytest

from frmon.storage.beside import ENDINGS, Beside
from frmon.storage.running import MOST_BYTES, Frame, LegLine, Running, part_of, seal

MINUTE = 29_000_000


def frame(updates: int, market: str = "real", legs: int = 1) -> Frame:
    lines = [LegLine(("okx", "perp", f"C{n}", f"C{n}", 1), *(6 * (1.0,)), updates=updates) for n in range(legs)]
    return Frame(market, "run 1", [part_of(Running(MINUTE, lines, [])).raw])


def updates(path: Path) -> list[int]:
    """What a program that begins finds; nothing may be wrong."""
    left = Beside(path, "real").read()
    assert not left.wrong
    return [record.bar.updates for seen in left.minutes.values() for record in seen if hasattr(record, "bar")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frmon.db"


def slots(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ENDINGS]


def test_the_last_frame_is_found_however_many_were_written_by_however_many_programs(path: Path) -> None:
    assert updates(path) == []
    count = 0
    for times in (1, 2, 3, 1, 1):
        beside = Beside(path, "real")
        beside.read()
        for _ in range(times):
            count += 1
            beside.write(frame(count))
            assert updates(path) == [count]
    assert sorted(p.name for p in path.parent.iterdir()) == [slot.name for slot in slots(path)]
    assert [slot.stat().st_mode & 0o777 for slot in slots(path)] == [0o600] * 2


def test_wherever_a_program_is_killed_while_it_writes_the_frame_before_is_found(path: Path) -> None:
    beside = Beside(path, "real")
    for count in (1, 2):
        beside.write(frame(count, legs=3))
    before = [slot.read_bytes() for slot in slots(path)]
    beside.write(frame(3, legs=5))
    [at] = [n for n in range(2) if slots(path)[n].read_bytes() != before[n]]
    whole = slots(path)[at].read_bytes()
    for cut in range(len(whole)):
        slots(path)[at].write_bytes(whole[:cut] + before[at][cut:])
        assert updates(path) == ([2] * 3 if cut < len(whole) else [3] * 5)
    slots(path)[at].write_bytes(whole)
    assert updates(path) == [3] * 5


def put_garbage(slot: Path) -> None:
    slot.write_bytes(b"no minute at all" * 400)


def put_newer(slot: Path) -> None:
    slot.write_bytes(seal(9, frame(9))[:7] + b"\x02" + bytes(5_000))


def put_large(slot: Path) -> None:
    with slot.open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)


def put_pipe(slot: Path) -> None:
    os.mkfifo(slot)


def put_folder(slot: Path) -> None:
    slot.mkdir()


GARBAGE = [put_garbage, put_newer, put_large, put_pipe, put_folder]


@pytest.mark.parametrize("put", GARBAGE)
def test_whatever_lies_there_is_named_and_left_out(path: Path, put: object) -> None:
    assert callable(put)
    for slot in slots(path):
        put(slot)
    left = Beside(path, "real").read()
    assert not left.minutes
    assert all(slot.name in left.wrong for slot in slots(path)[-1:])


@pytest.mark.parametrize("put", GARBAGE)
def test_beside_something_else_the_sound_frame_counts(path: Path, put: object) -> None:
    assert callable(put)
    Beside(path, "real").write(frame(1))
    [empty] = [slot for slot in slots(path) if not slot.exists()]
    put(empty)
    left = Beside(path, "real").read()
    assert list(left.minutes) == [MINUTE]
    assert empty.name in left.wrong


def test_simulated_minutes_are_never_taken_for_real_ones(path: Path) -> None:
    Beside(path, "simulated").write(frame(1, "simulated"))
    left = Beside(path, "real").read()
    assert not left.minutes
    assert "simulated prices, these are real" in left.wrong
    assert Beside(path, "simulated").read().minutes


def test_a_frame_that_cannot_be_written_leaves_the_last_one(path: Path) -> None:
    beside = Beside(path, "real")
    beside.write(frame(1))
    [empty] = [slot for slot in slots(path) if not slot.exists()]
    empty.mkdir()
    with pytest.raises(OSError, match="directory"):
        beside.write(frame(2))
    empty.rmdir()
    assert updates(path) == [1]
    beside.write(frame(3))
    assert updates(path) == [3]


def test_what_a_link_leads_to_is_not_written_to(path: Path) -> None:
    precious = path.with_name("precious")
    precious.write_text("mine")
    for slot in slots(path):
        slot.symlink_to(precious)
    with pytest.raises(OSError, match="links"):
        Beside(path, "real").write(frame(1))
    assert precious.read_text() == "mine"
