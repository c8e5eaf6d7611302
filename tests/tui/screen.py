"""What the screen tests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from frmon.tui.app import Frmon
from tests.tui.fake import FakeEngine

Seen = Pilot[int]


@asynccontextmanager
async def shown(engine: FakeEngine, path: Path, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[Frmon, Seen]]:
    """The screen over an engine, painted once."""
    app = Frmon(engine, path / "state.json")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield app, pilot


async def settle(pilot: Pilot[Any]) -> None:
    """Until nothing is left to paint."""
    await pilot.pause()
    await pilot.pause()


def lines(app: Frmon) -> list[str]:
    """The whole screen as text, as the compositor has it."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text(app: Frmon) -> str:
    return "\n".join(lines(app))
