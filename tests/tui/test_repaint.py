"""What partial repaints leave on a terminal is what a whole repaint would draw."""

import random
from pathlib import Path
from typing import Any

import pyte
import pytest
from rich.console import Console
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from frmon.tui.app import Frmon
from tests.tui.fake import FakeEngine
from tests.tui.screen import Seen, settle

KEYS = (
    "j", "k", "down", "up", "pagedown", "pageup", "G", "g", "ctrl+d", "ctrl+u", "space", "F", "enter", "S", "p", "r",
    "<", ">", "escape", "tab", "T", "slash", "o", "backspace", "1", "2", "e", "e",
)  # fmt: skip
SIZES = ((80, 24), (120, 40), (200, 50), (60, 16), (100, 36))


class Recorded(Frmon):
    """The app with a terminal in memory that gets every update the compositor makes."""

    terminal = pyte.Screen(80, 24)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, CompositorUpdate):
            feed(self.terminal, renderable)

    def begin(self, size: tuple[int, int]) -> None:
        self.terminal = pyte.Screen(*size)
        self.screen.refresh(layout=True)


def feed(terminal: pyte.Screen, update: CompositorUpdate) -> None:
    console = Console(force_terminal=True, color_system="truecolor", width=terminal.columns)
    terminal.reset_mode(pyte.modes.DECAWM)
    pyte.Stream(terminal).feed(update.render_segments(console).replace("\n", "\r\n"))


def pixels(terminal: pyte.Screen) -> list[list[tuple[Any, ...]]]:
    """Every cell as the eye sees it: character, colours, weight; of a blank only the ground."""
    return [[_pixel(terminal.buffer[y][x]) for x in range(terminal.columns)] for y in range(terminal.lines)]


def _pixel(cell: Any) -> tuple[Any, ...]:
    if cell.data == " " and not cell.reverse and not cell.underscore:
        return (" ", cell.bg)
    return (cell.data, cell.fg, cell.bg, cell.bold, cell.reverse, cell.underscore)


async def drawn_anew(app: Recorded) -> pyte.Screen:
    """A terminal of the same size on which everything was drawn at once, from nothing remembered."""
    app.desk.table.repaint()
    for widget in app.screen.walk_children():
        widget.refresh()
    whole = pyte.Screen(app.terminal.columns, app.terminal.lines)
    update = app.screen._compositor.render_full_update()
    feed(whole, update)
    return whole


def different(partial: list[list[tuple[Any, ...]]], whole: list[list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """The cells that differ: (x, y, what partial repaints left, what a whole one draws)."""
    return [
        (x, y, left, right)
        for y, (a, b) in enumerate(zip(partial, whole, strict=True))
        for x, (left, right) in enumerate(zip(a, b, strict=True))
        if left != right
    ]


def study(app: Recorded, engine: FakeEngine, draw: random.Random) -> None:
    """Episodes open and close, a minute is remembered, the order books of the detail's coin come."""
    what, coin = draw.random(), app.desk.frame.detail.coin
    if what < 0.3:
        engine.episode(draw.choice(("BTC", "PEPE", "币安人生")), draw.uniform(0.5, 2), draw.choice(("spread", "basis")))
    engine.follow({coin: draw.uniform(0.3, 2) for coin in ("BTC", "PEPE") if draw.random() < 0.8})
    for _ in range(draw.choice((0, 0, 40))):
        engine.clock.advance(2.0)  # type: ignore[attr-defined]
        engine.stir(0.5)
        engine.remember()
    if coin in engine.board.rows and draw.random() < 0.7:
        engine.read_books(coin)


async def stir(app: Recorded, pilot: Seen, engine: FakeEngine, draw: random.Random) -> None:
    """One thing that happens."""
    what = draw.random()
    if what < 0.4:
        engine.clock.advance(draw.choice((0.0, 0.25, 2.0, 6.0)))  # type: ignore[attr-defined]
        engine.stir(draw.choice((0.0, 0.02, 0.5)))
        if draw.random() < 0.2:
            engine.list_coin(f"NEW{draw.randrange(1000)}")
            engine.signal("PEPE")
        study(app, engine, draw)
        app.desk.tick()
    elif what < 0.95:
        await pilot.press(draw.choice(KEYS))
    else:
        size = draw.choice(SIZES)
        await pilot.resize_terminal(*size)
        await settle(pilot)
        app.begin(size)
    await settle(pilot)


@pytest.mark.parametrize("seed", range(3))
async def test_partial_repaints_equal_a_whole_repaint(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    engine = FakeEngine(150, seed=seed, simulated="SIMULATED")
    engine.settings.screen.updates_per_s = 1.0
    engine.stir()
    app = Recorded(engine, tmp_path / "state.json")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.begin((120, 40))
        await settle(pilot)
        for step in range(40):
            await stir(app, pilot, engine, draw)
            if step % 5 == 4:
                partial, whole = pixels(app.terminal), pixels(await drawn_anew(app))
                assert different(partial, whole) == [], f"step {step}"
                await settle(pilot)


async def test_a_tick_without_news_builds_and_sends_nothing(tmp_path: Path) -> None:
    engine = FakeEngine(100)
    engine.stir()
    app = Recorded(engine, tmp_path / "state.json")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        built = app.desk.table.strips_built
        for _ in range(20):
            app.desk.table.tick()
        assert app.desk.table.strips_built == built


async def test_one_changed_quote_builds_one_strip(tmp_path: Path) -> None:
    engine = FakeEngine(100)
    engine.stir()
    app = Recorded(engine, tmp_path / "state.json")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        built = app.desk.table.strips_built
        spread = app.desk.table.in_sight()[3].spread
        assert spread is not None
        engine.quote(spread.buy)
        engine.settle()
        app.desk.table.tick()
        assert app.desk.table.strips_built == built + 1
