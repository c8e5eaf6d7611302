"""What every key does."""

from pathlib import Path
from typing import Any

import pytest

from frmon.board import Row
from frmon.model import Status
from frmon.tui.app import Frmon, groups
from frmon.tui.help import Help, SortMenu
from frmon.tui.lines import Pane
from frmon.tui.state import State, load, save
from frmon.tui.table import LiveTable
from tests.tui.fake import NAMES, VENUES, FakeEngine
from tests.tui.screen import Seen, lines, settle, shown, text


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine(60, simulated="SIMULATED")
    made.stir()
    for coin in ("PEPE", "BTC", "SOL"):
        made.signal(coin)
    return made


async def press(pilot: Seen, *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


def order(app: Frmon) -> list[str]:
    return [row.coin for row in app.desk.view.order]


async def test_the_cursor_moves_by_lines_pages_and_to_the_ends(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        table, coins = app.desk.table, order(app)
        page = table.room.height - 1
        for key, place in (
            ("j", 0), ("down", 1), ("k", 0), ("j", 1), ("up", 0), ("pagedown", page), ("pageup", 0),
            ("ctrl+d", int(page * 0.5)), ("ctrl+u", 0), ("G", 59), ("home", 0), ("end", 59), ("g", 0),
        ):  # fmt: skip
            await press(pilot, key)
            assert table.cursor == coins[place], key
            assert table.cursor in [r.coin for r in table.in_sight()], key


async def test_the_cursor_follows_its_coin_through_a_new_order(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "j", "j", "j")
        coin, table = app.desk.table.cursor, app.desk.table
        await press(pilot, "r")
        assert table.cursor == coin
        assert order(app).index(str(coin)) != 2
        assert coin in [r.coin for r in table.in_sight()]


async def test_the_sort_column_moves_turns_and_is_chosen_from_a_menu(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        view = app.desk.view
        await press(pilot, "<")
        assert (view.sort, view.reverse) == ("gross", False)
        await press(pilot, ">", ">")
        assert view.sort == "fund"
        assert "FUND8h▼" in text(app)
        await press(pilot, "r")
        assert view.reverse
        assert "FUND8h▲" in text(app)
        await press(pilot, "s")
        assert isinstance(app.screen, SortMenu)
        assert "SIMULATED MARKET" in text(app)
        await press(pilot, "down", "enter")
        assert view.sort == "apr"
        await press(pilot, "s", "escape")
        assert view.sort == "apr"
        assert len(app.screen_stack) == 1


async def test_a_click_on_a_title_sorts_and_a_second_one_turns(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        slot = next(s for s in app.desk.table.slots if s.column.id == "gross")
        for reverse in (False, True):
            await pilot.click("Heading", offset=(slot.x + 2, 0))
            await settle(pilot)
            assert (app.desk.view.sort, app.desk.view.reverse) == ("gross", reverse)


async def test_a_click_chooses_a_coin_and_a_second_one_shows_its_legs(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await pilot.click("LiveTable", offset=(5, 4))
        await settle(pilot)
        assert app.desk.table.cursor == order(app)[4]
        await pilot.click("LiveTable", offset=(5, 4))
        await settle(pilot)
        assert app.desk.frame.detail.coin == order(app)[4]


async def test_a_long_remark_is_told_in_full_below_the_legs(engine: FakeEngine, tmp_path: Path) -> None:
    why = "its price per coin is ten times that of the others"
    engine.list_coin("ODD", quarantine=why)
    async with shown(engine, tmp_path, (80, 40)) as (app, pilot):
        await press(pilot, "/", *"odd", "enter", "j", "enter")
        assert why in text(app)
        assert "!ODD" in text(app)


async def test_the_filter_works_while_it_is_typed(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "/", "p", "e")
        assert order(app)
        assert all("PE" in coin for coin in order(app))
        assert f"{len(order(app))}/60" in text(app)
        await press(pilot, "enter", "j")
        assert app.desk.table.has_focus
        assert app.desk.view.filter.text == "pe"
        await press(pilot, "escape")
        assert len(order(app)) == 60
        await press(pilot, "/", "q", "q", "q")
        assert "No coin passes" in text(app)
        await press(pilot, "escape")
        assert len(order(app)) == 60


async def test_pause_freezes_the_picture_and_says_so(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "p")
        assert "PAUSED 0:00" in text(app)
        before = list(app.desk.table._painted)
        engine.clock.advance(75)  # type: ignore[attr-defined]
        engine.stir()
        app.desk.paint(whole=True)
        await settle(pilot)
        assert app.desk.table._painted == before
        assert "PAUSED 1:15" in text(app)
        await press(pilot, "p")
        assert "PAUSED" not in text(app)
        assert app.desk.table._painted != before


async def test_pins_stand_on_top_alone_and_are_remembered(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "G", "space")
        coin = order(app)[0]
        assert app.desk.table.cursor == coin
        await press(pilot, "g")
        assert f"★{coin}" in text(app)
        await press(pilot, "F")
        assert order(app) == [coin]
        await press(pilot, "escape")
        assert len(order(app)) == 60
    assert load(tmp_path / "state.json").pins == [coin]
    async with shown(engine, tmp_path) as (app, pilot):
        assert order(app)[0] == coin
        await press(pilot, "j", "space", "F")
        assert "Nothing is pinned" in text(app)


async def test_enter_docks_the_legs_of_the_coin_and_the_table_lives_on(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        await press(pilot, "j", "enter")
        coin = str(app.desk.table.cursor)
        assert app.screen is app.desk
        assert f"{coin}USDT" in text(app)
        assert "FUNDING%" in text(app)
        await press(pilot, "j")
        assert app.desk.frame.detail.coin == app.desk.table.cursor != coin
        await press(pilot, "enter")
        assert "FUNDING%" not in text(app)
        await press(pilot, "enter", "escape")
        assert app.desk.frame.detail.coin is None


async def test_the_books_of_a_coin_are_asked_for_while_its_detail_is_open(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        assert engine.studied == []
        await press(pilot, "j", "enter", "j")
        first, second = order(app)[:2]
        assert engine.studied == [first, second]
        app.desk.paint(whole=True)
        assert engine.studied == [first, second]
        await press(pilot, "enter")
        assert engine.studied == [first, second, None]
        await press(pilot, "e")
        assert engine.studied[-1] == second
        await press(pilot, "q")
    assert engine.studied == [first, second, None, second, None]


async def test_the_detail_asks_until_books_come_and_then_shows_them(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        await press(pilot, "j", "e")
        coin = str(app.desk.frame.detail.coin)
        assert "asking..." in text(app)
        engine.read_books(order(app)[5])
        app.desk.paint(whole=True)
        await settle(pilot)
        assert "asking..." in text(app), "the books of another coin"
        engine.read_books(coin)
        app.desk.paint(whole=True)
        await settle(pilot)
        assert "asking..." not in text(app)
        assert "thinner leg" in text(app)


async def test_the_detail_takes_the_tables_place_and_gives_it_back(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (80, 24)) as (app, pilot):
        await press(pilot, "j", "j", "e")
        coin, detail = app.desk.table.cursor, app.desk.frame.detail
        assert detail.coin == coin
        assert detail.has_focus
        assert "SPREADS" in text(app)
        assert "GROSS%" not in text(app)
        await press(pilot, "G")
        assert "HISTORY" in text(app)
        assert detail.top > 0
        await press(pilot, "g", "pagedown")
        assert detail.top == detail.content_size.height - 2
        await press(pilot, "escape")
        assert "GROSS%" in text(app)
        assert app.desk.table.has_focus
        assert detail.coin == coin
        await press(pilot, "e", "enter")
        assert detail.coin is None
        assert "GROSS%" in text(app)


async def test_digits_choose_the_sheet_which_keeps_its_own_sort(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (200, 60)) as (app, pilot):
        view = app.desk.view
        await press(pilot, "r", "2")
        assert "DIFF8h▼" in text(app)
        assert "GROSS%" not in text(app)
        for venue in VENUES:
            assert view.columns[f"{venue.name} rate"].title == venue.code
        await press(pilot, ">", "space", "1")
        assert (view.sort, view.reverse) == ("net", True)
        assert "GROSS%" in text(app)
        await press(pilot, "2")
        assert (view.sort, view.reverse) == ("carry", False)
        await press(pilot, "/", "p", "e", "enter", "p", "1", "2")
        assert all("PE" in coin or coin in view.pins for coin in order(app))
        assert "PAUSED" in text(app)
    async with shown(engine, tmp_path, (200, 60)) as (app, pilot):
        assert app.desk.view.sheet.name == "funding"
        assert (app.desk.view.sort, app.desk.view.sheets["prices"].reverse) == ("carry", True)


async def test_only_opportunities_are_shown_counted_and_named(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "o")
        wide = [c for c, row in engine.board.rows.items() if row.spread is not None and row.spread.gross_pct >= 0.1]
        assert 0 < len(wide) < 60
        assert set(order(app)) == set(wide)
        assert f"≥0.1%  {len(wide)}/60 coins" in text(app)
        await press(pilot, "escape")
        assert len(order(app)) == 60
        await press(pilot, "o")
        engine.clock.advance(60)  # type: ignore[attr-defined]
        app.desk.repaint()
        await settle(pilot)
        assert "No coin yields 0.1 % gross" in text(app)


async def test_n_in_the_detail_changes_what_pairs_show_also_while_paused(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        await press(pilot, "j", "e", "p")
        stopped = text(app)
        for title in ("gross %", "net % after all taker fees", "carry % per 8 h"):
            assert f"SPREADS  {title}" in text(app)
            engine.stir()
            await press(pilot, "n")
        app.desk.tick()
        await settle(pilot)
        assert text(app) == stopped


async def test_open_episodes_stand_before_the_signals_and_lead_to_their_coin(
    engine: FakeEngine, tmp_path: Path
) -> None:
    engine.episode("ETH", 0.9)
    engine.clock.advance(90)  # type: ignore[attr-defined]
    engine.episode("SOL", 1.2, kind="basis")
    engine.follow({"SOL": 0.8}, kind="basis")
    engine.follow({})
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        told = text(app)
        assert told.index("OPEN 2") < told.index("basis") < told.index("⏸ETH") < told.index("SIGNALS")
        assert "SOL    DE→BE +0.80 +1.20  0s" in told
        assert "⏸ETH    DE→BE +0.90 +0.90  1m" in told
        assert "suspended" in told
        app.desk.frame.signals.focus()
        await press(pilot, "j", "enter")
        assert app.desk.table.cursor == "ETH"
        app.desk.frame.signals.focus()
        await press(pilot, "j", "enter")
        assert app.desk.table.cursor == engine.signals[0].symbol


async def test_more_episodes_than_there_is_room_for_leave_room_for_signals(engine: FakeEngine, tmp_path: Path) -> None:
    for name in NAMES[:30]:
        engine.episode(name)
    for size in ((80, 24), (80, 40), (120, 24), (120, 40)):
        async with shown(engine, tmp_path, size) as (app, pilot):
            if not app.desk.frame.signals.display:
                await press(pilot, "S")
            assert "OPEN 30" in text(app)
            assert text(app).count("GA→AL") == min(3, 6 if size[1] > 24 or size[0] > 80 else 2), size


async def test_tab_goes_round_table_signals_and_detail(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        await press(pilot, "enter")
        seen = []
        for _ in range(3):
            seen.append(type(app.focused).__name__)
            await press(pilot, "tab")
        assert set(seen) == {"LiveTable", "Signals", "Detail"}
        assert type(app.focused).__name__ == seen[0]
        await press(pilot, "shift+tab")
        assert type(app.focused).__name__ == seen[2]


async def test_a_signal_leads_to_its_coin(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.frame.signals.focus()
        await press(pilot, "j", "j", "k", "enter")
        assert app.desk.table.cursor == "BTC"
        assert app.desk.table.has_focus


async def test_the_detail_scrolls_where_it_is_longer_than_its_place(engine: FakeEngine, tmp_path: Path) -> None:
    coin = max(engine.board.rows.values(), key=lambda r: len(r.cells))
    async with shown(engine, tmp_path, (80, 16)) as (app, pilot):
        app.desk.table.go(app.desk.view.place(coin.coin) or 0)
        await press(pilot, "enter")
        detail = app.desk.frame.detail
        detail.focus()
        await press(pilot, "j", "j", "k")
        assert detail.top == 1
        await press(pilot, *["k"] * 4)
        assert detail.top == 0


async def test_signals_stand_beside_below_or_nowhere_and_s_decides(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path, (80, 24)) as (app, pilot):
        assert "SIGNALS" not in text(app)
        await press(pilot, "S")
        assert "SIGNALS" in text(app)
        assert text(app).count("GA→AL") == 3
        await press(pilot, "S")
        assert "SIGNALS" not in text(app)
    for size in ((80, 40), (120, 40)):
        async with shown(engine, tmp_path, size) as (app, pilot):
            assert "SIGNALS" in text(app), size


async def test_at_most_five_signals_are_shown_newest_first(engine: FakeEngine, tmp_path: Path) -> None:
    for coin in NAMES[:8]:
        engine.signal(coin)
    async with shown(engine, tmp_path, (120, 40)) as (app, _):
        shown_coins = [s.symbol for s in app.desk.frame.signals.signals]
        assert shown_coins == list(reversed(NAMES[:8]))[:5]


@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_help_lists_every_binding_and_the_market_it_is(engine: FakeEngine, tmp_path: Path, key: str) -> None:
    async with shown(engine, tmp_path, (100, 30)) as (app, pilot):
        await press(pilot, key)
        assert isinstance(app.screen, Help)
        assert "SIMULATED MARKET" in text(app)
        told = "\n".join("".join(t for t, _ in line) for line in app.screen.lines)
        for _, bindings in groups():
            assert all(b.description in told for b in bindings)
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1


async def test_every_binding_has_an_id_and_a_description() -> None:
    bindings = [b for _, found in groups() for b in found]
    assert all(b.id and b.description for b in bindings)
    assert len({b.id for b in bindings}) == len(bindings)


@pytest.mark.parametrize("keys", [("q",), ("ctrl+c",), ("ctrl+q",), ("/", "a", "ctrl+c"), ("question_mark", "ctrl+c")])
async def test_quitting_stops_the_engine(engine: FakeEngine, tmp_path: Path, keys: tuple[str, ...]) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await pilot.press(*keys)
        await pilot.pause()
    assert app.return_value == 0
    assert engine.stopped
    assert app.host.join()


async def test_escape_never_quits(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "j", *["escape"] * 6)
        assert app.is_running
        assert not engine.stopped
        assert app.desk.table.cursor is None


async def test_the_theme_turns_and_is_remembered(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        first = app.desk.table.palette
        await press(pilot, "T")
        assert app.theme == "frmon-light"
        assert app.desk.table.palette != first
    assert load(tmp_path / "state.json").theme == "frmon-light"
    async with shown(engine, tmp_path) as (app, _):
        assert app.theme == "frmon-light"


async def test_no_color_means_the_terminals_own_colours(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown(engine, tmp_path) as (app, _):
        assert app.theme == "ansi-dark"


async def test_redial_asks_for_what_is_not_live(engine: FakeEngine, tmp_path: Path) -> None:
    engine.venue_states[1].status = Status.STALE
    async with shown(engine, tmp_path) as (_, pilot):
        await press(pilot, "R")
    assert engine.redialled == [VENUES[1].name]


async def test_the_engine_learns_what_is_looked_at(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "G", "enter")
        app.desk.paint(whole=True)
        assert app.desk.table.cursor in engine.asked[-1]
        count = len(engine.asked)
        app.desk.paint(whole=True)
        assert len(engine.asked) == count


async def test_an_engine_that_fails_is_shown_and_the_screen_stays(engine: FakeEngine, tmp_path: Path) -> None:
    engine.fails = ValueError("no such thing")
    async with shown(engine, tmp_path) as (app, pilot):
        app.host.join(1.0)
        app.desk.paint(whole=True)
        await settle(pilot)
        assert "ENGINE STOPPED: ValueError: no such thing" in text(app)
        assert app.is_running


async def test_a_bug_in_a_picture_is_shown_and_the_next_one_is_painted(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        whole = engine.states
        engine.states = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        for _ in range(4):
            app.desk.tick()
        await settle(pilot)
        assert "SCREEN: ZeroDivisionError" in text(app)
        engine.states = whole  # type: ignore[method-assign]
        for _ in range(4):
            app.desk.tick()
        await settle(pilot)
        assert "SCREEN" not in text(app)


@pytest.mark.parametrize("keys", [("/", "b"), ("r",), ("2",), ("F",), ("p",), ("enter",)])
async def test_a_bug_after_a_key_is_shown_and_ends_nothing(
    engine: FakeEngine, tmp_path: Path, keys: tuple[str, ...]
) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        view = app.desk.view
        whole = view.rearrange
        view.rearrange = view.pause = app.desk.frame.signals.update_from = lambda *_: 1 / 0  # type: ignore[method-assign,assignment]
        await press(pilot, *keys)
        assert app.is_running
        assert "SCREEN: ZeroDivisionError" in text(app)
        view.rearrange = whole  # type: ignore[method-assign]
        del app.desk.frame.signals.update_from
        app.desk.paint(whole=True)
        await settle(pilot)
        assert "SCREEN" not in text(app)


async def test_when_every_venue_is_down_the_banner_says_so(engine: FakeEngine, tmp_path: Path) -> None:
    for state in engine.venue_states:
        state.status, state.detail, state.fresh_legs = Status.DNS, "name not found", 0
    async with shown(engine, tmp_path, (120, 40)) as (app, _):
        assert "NO VENUE IS REACHABLE - Alpha DNS: name not found" in text(app)


async def test_before_the_first_row_the_venues_say_what_they_do(tmp_path: Path) -> None:
    async with shown(FakeEngine(0), tmp_path) as (app, _):
        for venue in VENUES:
            assert venue.title in text(app)
        assert "CONNECTING" in text(app)
        assert "listing" in text(app)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (20, 5), (40, 10), (300, 80)])
async def test_no_size_breaks_the_screen(engine: FakeEngine, tmp_path: Path, size: tuple[int, int]) -> None:
    async with shown(engine, tmp_path, size) as (app, pilot):
        await press(pilot, "j", "enter", "S", "/", "escape")
        app.desk.tick()
        assert app.desk.frame.screen_trouble == ""
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "COIN" in text(app)


async def test_a_saved_column_that_is_gone_is_forgotten(engine: FakeEngine, tmp_path: Path) -> None:
    save(tmp_path / "state.json", State(sort="nonsense", columns=["net", "ghost"]))
    async with shown(engine, tmp_path) as (app, _):
        assert app.desk.view.sort == "net"
        assert [s.column.id for s in app.desk.table.slots] == ["coin", "net"]


@pytest.mark.parametrize(
    "name", ["[red]X[/red]", "[/]", "[@click=app.quit]Y", "A\x1b]52;c;QQ==\x07B", "\u202eEVIL", "⚠️X"]
)
async def test_names_from_venues_are_text_and_nothing_else(tmp_path: Path, name: str) -> None:
    engine = FakeEngine(3)
    engine.list_coin(name, quarantine=name)
    engine.stir()
    engine.signal(name)
    engine.episode(name)
    engine.read_books(name)
    engine.venue_states[0].status, engine.venue_states[0].detail = Status.BANNED, name
    async with shown(engine, tmp_path, (120, 40)) as (app, pilot):
        app.desk.table.go(app.desk.view.place(name) or 0)
        await press(pilot, "enter", "/")
        app.desk.paint(whole=True)
        await settle(pilot)
        whole = text(app)
        assert "\x1b" not in whole
        assert "\x07" not in whole
        assert "\u202e" not in whole
        if name.startswith("["):
            assert name[:9] in whole
        await press(pilot, "escape", "e", "2")
        for _ in range(2):
            assert "\x1b" not in text(app)
            assert "\u202e" not in text(app)
            await press(pilot, "e")


async def test_every_pane_takes_the_colours_of_the_theme(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "T")
        assert {id(p.palette) for p in app.desk.query(Pane)} == {id(app.desk.palette)}


async def test_the_palette_opens_over_the_banner_and_quits_in_order(engine: FakeEngine, tmp_path: Path) -> None:
    async with shown(engine, tmp_path) as (app, pilot):
        await press(pilot, "ctrl+p")
        assert len(app.screen_stack) == 2
        assert "SIMULATED MARKET" in text(app)
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1
        await app.action_quit()
    assert engine.stopped


class Poisoned(dict[str, float]):
    """What is said of one coin cannot be read."""

    coin = ""

    def get(self, key: str, default: Any = None) -> Any:
        if key == self.coin:
            raise ZeroDivisionError
        return super().get(key, default)


@pytest.mark.parametrize("way", ["G", "enter", "T", "resize", "wheel", "click"])
async def test_s62_a_bug_in_a_row_costs_the_rest_of_that_row_wherever_it_comes_into_sight(
    engine: FakeEngine, tmp_path: Path, way: str
) -> None:
    async with shown(engine, tmp_path, (120, 30)) as (app, pilot):
        order, poisoned = app.desk.view.order, Poisoned(engine.history.z)
        engine.history.z = poisoned
        poisoned.coin = {"G": order[-1], "resize": order[40], "wheel": order[40]}.get(way, order[0]).coin
        if way == "resize":
            await pilot.resize_terminal(120, 60)
        elif way == "wheel":
            for _ in range(20):
                app.desk.table.scroll_down(animate=False)
                await settle(pilot)
        elif way == "click":
            await pilot.click(LiveTable, offset=(5, 0))
        else:
            await press(pilot, way)
        app.desk.tick()
        await settle(pilot)
        assert app.is_running
        assert app.bug is None
        assert "SCREEN: ZeroDivisionError" in text(app)
        bad, good = (
            next(x for x in lines(app) if x.startswith(f" {row.coin} ")) for row in _with_another(app, poisoned.coin)
        )
        assert len(bad.split()) < len(good.split())
        poisoned.coin = ""
        app.desk.paint(whole=True)
        app.desk.paint(whole=True)
        await settle(pilot)
        assert "SCREEN" not in text(app)


def _with_another(app: Frmon, coin: str) -> list[Row]:
    """The row of a coin and one beside it, both in sight."""
    seen = app.desk.table.in_sight()
    place = next(n for n, row in enumerate(seen) if row.coin == coin)
    return [seen[place], seen[place - 1 if place else place + 1]]
