"""The chart of the coin on the screen: keys, gaps, storage that is closed, sizes, nothing that waits."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from frmon.storage.bars import Bar, Gap
from frmon.storage.history import GapSeries, LegSeries, Unreadable
from frmon.storage.records import LegName
from frmon.storage.state import JournalState
from frmon.tui.app import Frmon
from frmon.tui.drawing import Drawing
from frmon.tui.painter import Painter
from frmon.tui.sections.charts import Kind, Wish
from frmon.tui.state import load
from tests.tui.fake import FakeEngine
from tests.tui.screen import Seen, lines, settle, shown, text

COIN = "BTC"


class Kept:
    """A file in which every minute is known but those of half an hour an hour ago."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine, self.path, self.asked = engine, Path("kept"), 0
        self.fails = ""
        self.held = threading.Event()
        self.held.set()

    def minutes(self, since_ms: int, until_ms: int, step: int) -> list[int]:
        self.asked += 1
        self.held.wait(5)
        if self.fails:
            raise Unreadable(f"kept: {self.fails}")
        now = self.engine.clock.now_ms() // 60_000
        return [m for m in range(since_ms // 60_000 // step * step, until_ms // 60_000, step) if not 60 <= now - m < 90]

    def gaps(self, coin: str, since_ms: int, until_ms: int, step: int) -> GapSeries:
        found = [Gap(m, 0.5, 0.3, 0.3, 1, 60) for m in self.minutes(since_ms, until_ms, step)]
        return GapSeries(coin, step, found, [step] * len(found), {})

    def bars(self, coin: str, since_ms: int, until_ms: int, step: int) -> list[LegSeries]:
        minutes, mid = self.minutes(since_ms, until_ms, step), self.engine.mids[coin]
        bars = [Bar(m, mid, mid, mid, mid, mid, mid, None, None, 1e-4, 9) for m in minutes]
        legs = [c.key for c in self.engine.board.rows[coin].cells]
        return [
            LegSeries(LegName(k.venue, k.market.value, k.symbol, coin), step, bars, [step] * len(bars)) for k in legs
        ]


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine(60, simulated="SIMULATED")
    for _ in range(90):
        made.stir(0.3)
        made.clock.advance(2)  # type: ignore[attr-defined]
        made.remember()
    made.stir()
    made.store, made.storage = Path("kept"), JournalState(status="OK")
    return made


@pytest.fixture
def kept(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Kept:
    file = Kept(engine)
    monkeypatch.setattr(Drawing.__init__, "__defaults__", (lambda _path: file,))
    return file


async def until(pilot: Seen, app: Frmon, true: Callable[[], bool]) -> None:
    for _ in range(100):
        await settle(pilot)
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(text(app))


async def drawn(pilot: Seen, app: Frmon) -> None:
    """Until the last picture that was asked for is on the screen."""
    charts = app.desk.frame.charts
    await until(pilot, app, lambda: charts.painter.latest is not None and charts.painter.latest[0] is charts._asked)
    app.desk.paint(whole=True)
    await settle(pilot)


def canvas(app: Frmon) -> list[str]:
    """The lines from the chart's head to its axis of time."""
    seen = lines(app)
    first = next(y for y, line in enumerate(seen) if "SPREAD PRICE FUNDING" in line)
    return seen[first : next(y for y, line in enumerate(seen) if y > first and "UTC" in line) + 1]


async def test_c_goes_through_the_charts_and_brackets_through_the_spans(
    engine: FakeEngine, kept: Kept, tmp_path: Path
) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        for unit in ("best pair's gross %", "mid, USDT", "% per 8 h"):
            await pilot.press("c")
            await drawn(pilot, app)
            assert app.desk.frame.detail.coin == COIN
            assert unit in canvas(app)[0]
            assert any("\u2800" < mark <= "\u28ff" for line in canvas(app) for mark in line)
        for key, names in (("]", ":00"), ("]", " Nov "), ("]", " Nov "), ("[", ":00")):
            await pilot.press(key)
            await drawn(pilot, app)
            assert names in canvas(app)[-1], key
        await pilot.press("c")
        await settle(pilot)
        assert "SPREAD PRICE" not in text(app)
        assert app.desk.frame.detail.coin == COIN


async def test_which_chart_over_how_long_is_remembered(engine: FakeEngine, kept: Kept, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c", "c", "]")
    saved = load(tmp_path / "state.json")
    assert (saved.chart, saved.chart_span) == ("PRICE", "24h")
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("enter")
        await drawn(pilot, app)
        assert "mid, USDT" in canvas(app)[0]
        await pilot.press("c", "c")
    assert load(tmp_path / "state.json").chart == ""


@pytest.mark.parametrize(
    ("saved", "wish"),
    [
        (("", ""), Wish()),
        (("FUNDING", "7d"), Wish(Kind.FUNDING, 3)),
        (("GHOST", "2y"), Wish()),
        (("SPREAD", ""), Wish(Kind.SPREAD)),
    ],
)
def test_a_saved_chart_that_is_gone_is_forgotten(saved: tuple[str, str], wish: Wish) -> None:
    assert Wish.named(*saved) == wish
    assert Wish.named(*wish.names()) == wish


@pytest.mark.parametrize("presses", [("c",), ("c", "c"), ("c", "c", "c")])
async def test_what_was_not_seen_is_a_gap_on_the_screen(
    engine: FakeEngine, kept: Kept, tmp_path: Path, presses: tuple[str, ...]
) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press(*presses, "]")
        await drawn(pilot, app)
        body = canvas(app)[1:-1]
        left = max(line.index(mark) for line in body for mark in "│┤" if mark in line[:14]) + 1
        right = max(x for line in body for x, mark in enumerate(line) if "\u2800" < mark <= "\u28ff") + 1
        empty = [x for x in range(left, right) if not any("\u2800" < line[x] <= "\u28ff" for line in body)]
        share = len(empty) / (right - left)
        assert 0.005 < share < 0.06  # half an hour of 24
        assert empty[-1] - empty[0] + 1 == len(empty) or share < 0.04


@pytest.mark.parametrize(("status", "words"), [("OFF", "storage is off"), ("TAKEN", "another frmon keeps the file")])
async def test_a_closed_file_is_told_and_memory_is_shown(
    engine: FakeEngine, kept: Kept, tmp_path: Path, status: str, words: str
) -> None:
    engine.storage = JournalState(status=status)
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c", "[")
        await drawn(pilot, app)
        assert words in canvas(app)[0]
        assert any("\u2800" < mark <= "\u28ff" for line in canvas(app) for mark in line)
        assert kept.asked == 0


async def test_a_file_that_cannot_be_read_is_told(engine: FakeEngine, kept: Kept, tmp_path: Path) -> None:
    kept.fails = "is damaged"
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c")
        await drawn(pilot, app)
        assert "memory only: is damaged" in canvas(app)[0]


async def test_a_file_that_does_not_answer_stops_no_key(engine: FakeEngine, kept: Kept, tmp_path: Path) -> None:
    kept.held.clear()
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c")
        await settle(pilot)
        assert "SPREAD PRICE FUNDING" in text(app)
        before = app.desk.table.cursor
        await pilot.press("j")
        await settle(pilot)
        assert app.desk.table.cursor != before
        kept.held.set()
        await drawn(pilot, app)


async def test_the_file_is_read_at_most_every_few_seconds(engine: FakeEngine, kept: Kept, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c")
        await drawn(pilot, app)
        for _ in range(20):
            engine.clock.advance(0.25)  # type: ignore[attr-defined]
            app.desk.paint(whole=True)
            await settle(pilot)
        await drawn(pilot, app)
        assert kept.asked <= 2


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_charts_fit_at_every_size(
    engine: FakeEngine, kept: Kept, tmp_path: Path, size: tuple[int, int], ascii_only: bool
) -> None:
    engine.settings.screen.ascii = ascii_only
    async with shown(engine, tmp_path, size) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c", "c")
        await drawn(pilot, app)
        seen = canvas(app)
        assert len(seen) >= 8
        assert "…" not in seen[0]
        assert all(line.isascii() for line in seen) or not ascii_only
        await pilot.press("e")
        await drawn(pilot, app)
        assert len(canvas(app)) > len(seen) or size[1] > 24


async def test_no_room_is_said_in_words(engine: FakeEngine, kept: Kept, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (46, 20)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c")
        await settle(pilot)
        assert "no room for a chart here" in text(app)


async def test_without_colours_every_venue_has_a_mark_of_its_own(
    engine: FakeEngine, kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.cursor = COIN
        await pilot.press("c", "c")
        await drawn(pilot, app)
        names = [line.split("  ")[-1].strip() for line in canvas(app) if " P " in line[90:] or " S " in line[90:]]
        assert len({name[0] for name in names}) == len(names) > 1


def test_a_bug_costs_one_picture() -> None:
    seen = threading.Event()

    def paint(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        return number

    painter: Painter[int, int] = Painter(paint, seen.set)
    painter.ask(1)
    for _ in range(200):
        if painter.trouble:
            break
        threading.Event().wait(0.01)
    assert painter.trouble == "ValueError: one"
    painter.ask(2)
    assert seen.wait(5)
    assert painter.latest == (2, 2)
