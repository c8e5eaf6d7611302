"""What many tests need."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.command import Ended, Frmon
from tests.leaping import LeapingPolicy

LEAPING = {"", "api", "attach", "feeds", "scenarios", "signals"}
"""Folders whose async tests live in time that leaps, but for modules whose `REAL_TIME` says why not."""
RERUNS = 2
LONGEST = 160  # characters of a reason in the last lines

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


def is_real(item: pytest.Item) -> bool:
    """Whether a test depends on how busy the machine is."""
    module = item.getparent(pytest.Module)
    return item.get_closest_marker("real_time") is not None or bool(
        getattr(getattr(module, "obj", None), "REAL_TIME", "")
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fails in real time is run again, since a starved machine is no finding; what is deterministic never is."""
    for item in items:
        if is_real(item):
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines name every test that was run again and every one that failed, so that the end of a log is enough."""
    say = terminalreporter.write_line
    again = Counter(report.nodeid for report in terminalreporter.getreports("rerun"))
    if again:
        terminalreporter.section("run again, since they live in real time")
    for name, times in sorted(again.items()):
        say(f"RERUN {name}" + (f" ({times} times)" if times > 1 else ""))
    failed = [(kind, r) for kind in ("failed", "error") for r in terminalreporter.getreports(kind)]
    if failed:
        terminalreporter.section("all that failed")
    for kind, report in failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message.split("\n")[0][:LONGEST] if crash else ""
        say(f"{kind.upper()} {report.nodeid} - {why}")


@pytest.fixture(scope="module")
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """Of a module's async tests."""
    place = request.path.relative_to(Path(__file__).parent).parts
    leaps = (place[0] if len(place) > 1 else "") in LEAPING and not getattr(request.module, "REAL_TIME", "")
    return LeapingPolicy() if leaps else asyncio.DefaultEventLoopPolicy()


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
