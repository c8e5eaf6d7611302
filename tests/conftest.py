"""What many tests need."""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.command import Ended, Frmon

for _size in (
    "COLUMNS",
    "LINES",
):  # of nobody's terminal, set for workers: a screen believes them more than its terminal
    os.environ.pop(_size, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged may hold half a character, which no report of a worker can carry."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FRMON_", "XDG_"))}
    names = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    return {**kept, **{name: str(tmp_path / name) for name in names}, "COLUMNS": "100", "LC_ALL": "C.UTF-8"}


@pytest.fixture
def root_log() -> Iterator[None]:
    """The root logger as it was."""
    root = logging.getLogger()
    level, handlers, raising = root.level, list(root.handlers), logging.raiseExceptions
    yield
    for handler in [h for h in root.handlers if h not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.raiseExceptions = raising
    logging.captureWarnings(False)


@pytest.fixture
def frmon(
    env: dict[str, str], root_log: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Frmon:
    """Runs a command line in this process."""
    for name in set(os.environ) - set(env):
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    def start(*arguments: str, **more: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in more.items():
                patch.setenv(name, value)
            from frmon.cli import run

            code = run(arguments)
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return start
