import gzip
from pathlib import Path

import pytest

from frmon.clock import ManualClock
from frmon.errors import ConfigError
from frmon.feeds.sim import tape as tape_module
from frmon.feeds.sim.tape import Recorder, read_tape

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
    tape = read_tape(tmp_path / name)
    assert (tape.started_ms, tape.length_ms) == (ManualClock().now_ms(), 3_000.0)
    assert tape.said == {
        ("okx", "rest", BOOK): [(0.0, b'{"n":1}'), (2_000.0, b'{"n":2}')],
        ("okx", "ws", SOCKET): [(1_000.0, b"first"), (3_000.0, b"second")],
    }


def test_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "t", ManualClock())
    recorder.observe("okx", "ws", SOCKET, b"\xff\x00", 1_000.0)
    recorder.close()
    assert read_tape(tmp_path / "t").said == {("okx", "ws", SOCKET): [(0.0, b"\xff\x00")]}


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    record(tmp_path / "t")
    whole = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(whole[:-5])
    assert len(read_tape(tmp_path / "t").said["okx", "ws", SOCKET]) == 1


def test_a_torn_end_of_a_compressed_tape_is_left_out(tmp_path: Path) -> None:
    tape = tmp_path / "t.gz"
    record(tape)
    tape.write_bytes(tape.read_bytes()[:-12])
    assert read_tape(tape).length_ms <= 3_000.0


@pytest.mark.parametrize(
    "text",
    [
        "", "hello\n", "[]\n", '{"tape":2,"started_ms":1}\n', '{"tape":1,"started_ms":1}\nhello\n',
        '{"tape":1,"started_ms":1}\n[0,3,"x"]\n', '{"tape":1,"started_ms":1}\n{"source":1}\n',
        '{"tape":1,"started_ms":1}\n7\n',
    ],
)  # fmt: skip
def test_another_file_is_no_tape(tmp_path: Path, text: str) -> None:
    (tmp_path / "t").write_text(text)
    (tmp_path / "t.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    for name in ("t", "t.gz"):
        with pytest.raises(ConfigError, match="this is no tape"):
            read_tape(tmp_path / name)


def test_text_that_only_calls_itself_compressed_is_no_tape_and_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.gz").write_text("hello\n")
    with pytest.raises(ConfigError, match="this is no tape"):
        read_tape(tmp_path / "t.gz")
    with pytest.raises(ConfigError, match="nothing: No such file"):
        read_tape(tmp_path / "nothing")


def test_a_file_that_exists_is_never_recorded_over(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("dear")
    with pytest.raises(ConfigError, match="exists already"):
        Recorder(tmp_path / "t", ManualClock())
    assert (tmp_path / "t").read_text() == "dear"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115  the recorder closes it
    monkeypatch.setattr(tape_module, "_open", lambda _path, _mode: full)
    recorder = Recorder(tmp_path / "t", ManualClock(), told.append)
    for _ in range(3):
        recorder.observe("okx", "ws", SOCKET, b"frame", 1_000.0)
    recorder.close()
    assert full.closed
    assert told == [recorder.trouble] == [f"{tmp_path / 't'}: recording ended: No space left on device"]
