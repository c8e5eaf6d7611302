"""How commands without a screen leave when they are told to."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from frmon.feeds.sim.child import Child, start_child
from frmon.feeds.sim.options import SimOptions
from tests.command import PROGRAM
from tests.feeds.toy import Stage

REAL_TIME = "the program runs in a process of its own"


@pytest.fixture(scope="module")
def market() -> Iterator[Child]:
    with start_child(SimOptions(coins=30)) as child:
        yield child


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [("watch", signal.SIGTERM, 143), ("snapshot --wait 60", signal.SIGTERM, 143), ("watch", signal.SIGINT, 130)],
)
async def test_a_signal_closes_every_line_with_a_close_frame(
    market: Child, env: dict[str, str], tmp_path: Path, command: str, number: int, code: int
) -> None:
    async with Stage() as stage:
        config = tmp_path / "c.toml"
        urls = {venue: dict(endpoints) for venue, endpoints in market.endpoints.items()}
        urls["okx"]["ws"] = stage.url  # dialled by the program, held by the test
        config.write_text(
            "\n".join(
                f"[venues.{venue}.endpoints]\n" + "\n".join(f'{key} = "{url}"' for key, url in found.items())
                for venue, found in urls.items()
            )
        )
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *command.split(),
            "--config",
            str(config),
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        reading = asyncio.create_task(process.communicate())
        peer = await stage.peer()
        process.send_signal(number)
        _, words = await asyncio.wait_for(reading, 30)
        await asyncio.wait_for(peer.connection.wait_closed(), 20)
        assert (process.returncode, words) == (code, b"")
        assert peer.connection.close_code in {1000, 1001}
