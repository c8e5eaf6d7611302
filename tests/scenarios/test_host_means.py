"""S55: the system gives no more file descriptors and no more threads. The program says so, lives, and goes on when it can."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from frmon.feeds.sim.faults import Fault
from tests.scenarios.programs import Watching, market, order

REAL_TIME = "the program runs in a process of its own"
STACK = 1 << 46  # bytes: no thread gets as much, so none can be started

ALONE = """
import asyncio, sys
from pathlib import Path
from frmon.engine import Engine
from frmon.feeds.venues import all_venues
from frmon.launch import Wish, settings_for
from frmon.tui.status import words_line

async def main():
    engine = Engine(all_venues(), settings_for(Wish(config=Path(sys.argv[1]))))
    run = asyncio.create_task(engine.run())
    for _ in range(600):
        await asyncio.sleep(0.1)
        if "new thread" in (words := words_line(engine.states(), {}, engine.notices)):
            break
    print(words)
    engine.stop()
    await run

asyncio.new_event_loop().run_until_complete(main())  # `run` would want a thread to end with
"""


def limited(what: int, soft: int) -> Any:
    """What a child process does before it becomes the program."""
    return lambda: resource.setrlimit(what, (soft, resource.getrlimit(what)[1]))


def run(env: dict[str, str], *arguments: str, limits: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        env=env,
        preexec_fn=limits,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def details(picture: dict[str, Any]) -> str:
    """All words of a picture about venues and lines."""
    venues = picture["venues"].values()
    return "; ".join([v["detail"] for v in venues] + [line["detail"] for v in venues for line in v["lines"]])


def test_s55_sixty_four_file_descriptors_are_enough_for_all_venues(tmp_path: Path) -> None:
    venues = ("binance", "bitget", "bybit", "okx")
    with market(tmp_path, *venues, coins=20) as (_, env):
        limits = limited(resource.RLIMIT_NOFILE, 64)
        ended = run(env, "-m", "frmon", "snapshot", "--config", env["FRMON_CONFIG"], "--wait", "20", limits=limits)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_s55_without_file_descriptors_it_says_so_and_goes_on_when_there_are_some(tmp_path: Path) -> None:
    with market(tmp_path, "okx", "bybit", coins=20, time_scale=0.2) as (child, env), Watching(env) as watching:
        watching.wait(lambda: any(all_live(p) for p in watching.pictures()))
        resource.prlimit(watching.process.pid, resource.RLIMIT_NOFILE, (8, 1024))
        order(child, Fault(kind="drop"))
        watching.wait(lambda: "no file descriptors left" in details(watching.pictures()[-1]))
        resource.prlimit(watching.process.pid, resource.RLIMIT_NOFILE, (1024, 1024))
        watching.wait(lambda: all_live(watching.pictures()[-1]))
        assert watching.end() == ""


def test_s55_without_any_thread_for_the_feeds_it_ends_with_one_line(tmp_path: Path) -> None:
    with market(tmp_path, "okx", coins=20) as (_, env):
        limits = limited(resource.RLIMIT_STACK, STACK)
        ended = run(env, "-m", "frmon", "snapshot", "--config", env["FRMON_CONFIG"], limits=limits)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "frmon: the feeds need a thread of their own: can't start new thread\n"


def test_s55_names_that_no_thread_can_resolve_are_a_fault_of_the_venue_that_bears_them(tmp_path: Path) -> None:
    with market(tmp_path, "okx", coins=20, time_scale=0.2) as (_, env):
        config = Path(env["FRMON_CONFIG"])
        config.write_text(config.read_text().replace("127.0.0.1", "localhost"))
        ended = run(env, "-c", ALONE, str(config), limits=limited(resource.RLIMIT_STACK, STACK))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "okx RECONNECT: can't start new thread" in ended.stdout


def all_live(picture: dict[str, Any]) -> bool:
    on = [v for v in picture["venues"].values() if v["status"] != "OFF"]
    return all(v["status"] == "LIVE" and all(line["status"] == "LIVE" for line in v["lines"]) for v in on)
