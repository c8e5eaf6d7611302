"""The log file: one line per record, bounded in size and rate, without controls or secrets; its failure is told and harmless."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frmon import logfile
from frmon.logfile import LogFile, Rate, open_log, trouble

LOG = logging.getLogger("frmon.test")


@pytest.fixture
def lines(tmp_path: Path, root_log: None) -> Callable[[], list[dict[str, str]]]:
    """Logs to a file; what is in it."""
    open_log(tmp_path / "log", "debug")
    return lambda: [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


@contextmanager
def opened(path: Path) -> Iterator[LogFile]:
    file = LogFile(path)
    try:
        yield file
    finally:
        file.close()


def test_one_record_is_one_line_without_any_control(lines: Callable[[], list[dict[str, str]]], tmp_path: Path) -> None:
    hostile = "a\nb\r\x1b[2J\x9b2J\u202e\x7f\ud800\U000e0001 币安"
    LOG.warning("%s", hostile)
    try:
        raise ValueError(hostile)
    except ValueError:
        LOG.exception("met a bug")
    raw = (tmp_path / "log").read_bytes()
    assert raw.count(b"\n") == 2
    assert raw.replace(b"\n", b"").decode().isprintable()
    assert "币安" in raw.decode()
    assert "ValueError" in lines()[1]["trace"]


def test_ten_lines_a_second_of_one_kind_and_the_rest_is_counted(
    lines: Callable[[], list[dict[str, str]]],
) -> None:
    for n in range(2_000):
        LOG.error("okx perp 1: %d", n)
    LOG.error("another kind")
    for handler in logging.getLogger().handlers:
        handler.close()
    said = [line["text"] for line in lines()]
    counted = [int(text.split()[0]) for text in said if "suppressed" in text]
    assert "another kind" in said
    assert sum(counted) + len(said) - len(counted) == 2_001
    assert len(said) < 60, "ten a second, in the few seconds that this takes at most"


def test_kinds_are_told_apart_by_what_comes_before_names_and_numbers_and_are_limited_too() -> None:
    rate = Rate()
    rate.turn(1)
    assert sum(rate.admits(("a", str(n % 5_000))) for n in range(50_000)) == logfile.KEYS * 10 + 10
    assert sum(rate.turn(2).values()) == 50_000 - (logfile.KEYS * 10 + 10)
    assert rate.turn(2) == {}


def test_files_rotate_and_never_grow_beyond_their_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "SIZE", 10_000)
    with opened(tmp_path / "log") as file:
        file.setFormatter(logfile.Lines())
        for n in range(3_000):
            file.handle(logging.LogRecord(f"l{n % 60}", 30, "", 0, "x" * 500, None, None))
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 3
    assert sum(sizes) <= 30_000


def test_a_full_disk_is_told_and_floods_nothing(root_log: None, capfd: pytest.CaptureFixture[str]) -> None:
    open_log(Path("/dev/full"), "debug")
    for n in range(200):
        LOG.error("line %d", n)
    assert trouble() == "cannot be written: no space left on device"
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_it_is_well_again_when_there_is_room(root_log: None, tmp_path: Path) -> None:
    open_log(tmp_path / "log", "debug")
    [file] = [h for h in logging.getLogger().handlers if isinstance(h, LogFile)]
    file.trouble = "cannot be written: no space left on device"
    LOG.error("room")
    assert trouble() == ""


def test_secrets_never_reach_it_not_even_in_tracebacks(
    lines: Callable[[], list[dict[str, str]]], tmp_path: Path
) -> None:
    LOG.error("proxy %s refused", "http://me:canary-1@proxy:8080")
    try:
        raise OSError("cannot connect to socks5://me:canary-2@proxy:1080")
    except OSError:
        LOG.exception("failed")
    assert len(lines()) == 2
    assert "canary" not in (tmp_path / "log").read_text()
