import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Row
from frmon.model import Market, Tick
from frmon.tui.columns import row_columns
from frmon.tui.grid import Figure, Look, choose, fit
from frmon.tui.legs import LEG_COLUMNS, columns_for
from tests.tui.fake import VENUES, FakeEngine

COLUMNS = {c.id: c for c in row_columns(VENUES)}


def look(engine: FakeEngine) -> Look:
    return Look(engine.clock.mono(), engine.clock.now_ms(), engine.terms, {v.name: v.code for v in VENUES})


def quoted(*legs: tuple[str, Market, float, float]) -> tuple[FakeEngine, Row]:
    engine = FakeEngine(0)
    for venue, market, bid, ask in legs:
        engine.seat(venue, market, "PEPE")
        symbol = "PEPEUSDT" if market is Market.PERP else "PEPE-USDT"
        tick = Tick(symbol=symbol, bid=bid, ask=ask, last=bid, volume_usd=1e6, event_ms=engine.clock.now_ms())
        engine.board.take(engine.carriers[venue, market], [tick], engine.clock.mono(), engine.clock.now_ms())
    engine.settle()
    return engine, engine.board.rows["PEPE"]


def words(engine: FakeEngine, row: Row, column: str, width: int | None = None) -> str:
    chosen = COLUMNS[column]
    figure = chosen.figure(row, look(engine))
    return "".join(t for t, _ in chosen.text(figure, width or chosen.width, look(engine))).strip()


def test_the_columns_module_imports_no_screen_library() -> None:
    code = "import sys, frmon.tui.columns, frmon.tui.view, frmon.tui.legs, frmon.tui.memory, frmon.tui.interest, frmon.tui.sections.books, frmon.tui.sections.gatelist, frmon.tui.sections.glance, frmon.tui.sections.matrix, frmon.tui.sections.past, frmon.tui.sections.schedule; print([m for m in sys.modules if m.split('.')[0] in ('textual', 'rich')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_row_shows_where_to_buy_and_sell_and_what_it_yields() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.00e-5, 1.01e-5), ("beta", Market.PERP, 1.03e-5, 1.04e-5))
    assert words(engine, row, "buy") == "AL P 0.000010100"
    assert words(engine, row, "sell") == "BE P 0.000010300"
    assert words(engine, row, "gross") == "+1.980"
    assert words(engine, row, "net") == "+1.780"
    assert words(engine, row, "volume") == "2.00M"


def test_what_is_unknown_is_a_dash_and_never_zero() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.0, 1.1))
    for column in ("buy", "sell", "gross", "net", "fund", "apr", "next", "beta"):
        assert words(engine, row, column) == "-", column


def test_unknown_funding_is_unknown_carry() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.0, 1.01), ("beta", Market.PERP, 1.02, 1.03))
    assert row.spread is not None
    assert words(engine, row, "fund") == words(engine, row, "apr") == "-"


def test_a_stale_pair_is_dim_and_sorts_as_missing() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.0, 1.01), ("beta", Market.PERP, 1.02, 1.03))
    engine.clock.advance(6)  # type: ignore[attr-defined]
    for name in ("buy", "sell", "gross", "net"):
        column = COLUMNS[name]
        figure = column.figure(row, look(engine))
        assert column.key(figure) is None
        assert "stale" in [style for _, style in column.text(figure, 16, look(engine))]
    assert COLUMNS["age"].key(COLUMNS["age"].figure(row, look(engine))) == 6.0


def test_z_and_exit_stand_beside_the_spread_and_are_missing_where_unknown() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.0, 1.01), ("beta", Market.PERP, 1.03, 1.04))
    assert words(engine, row, "z") == "-"
    assert words(engine, row, "exit") == "+4.000"
    column, here = COLUMNS["z"], look(engine)._replace(z={"PEPE": 2.34})
    assert column.text(column.figure(row, here), 5, here) == (("+2.3", "up"),)
    engine.clock.advance(6)  # type: ignore[attr-defined]
    later = here._replace(now=engine.clock.mono())
    assert column.key(column.figure(row, later)) is None


def test_a_venue_column_prefers_the_perpetual_and_then_what_is_fresh() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.0, 1.02), ("alpha", Market.SPOT, 2.0, 2.02))
    assert words(engine, row, "alpha") == "1.0100"
    engine.clock.advance(6)  # type: ignore[attr-defined]
    engine.quote(row.cells[1].key, 2.0)
    assert row.cells[1].key.market is Market.SPOT
    assert words(engine, row, "alpha").startswith(("1.99", "2.0"))


def test_after_a_settlement_that_passed_the_next_one_counts_down() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.0, 1.01), ("beta", Market.PERP, 1.02, 1.03))
    row.cells[0].next_funding_ms = engine.clock.now_ms() - 60_000
    row.cells[0].funding_interval_h = 4.0
    assert words(engine, row, "next") == "3h59m"
    row.cells[0].funding_interval_h = None
    assert words(engine, row, "next") == "-"


def test_signs_and_words_carry_meaning_without_colour() -> None:
    column = COLUMNS["fund"]
    here = look(FakeEngine(0))
    assert column.text(Figure(0.01), 7, here) == (("+0.0100", "up"),)
    assert column.text(Figure(-0.01), 7, here) == (("-0.0100", "down"),)


def test_columns_are_built_from_the_venues() -> None:
    assert [c.title for c in row_columns(VENUES)][-4:] == ["AL", "BE", "GA", "DE"]


def test_eighty_cells_hold_the_essential_columns() -> None:
    ids = [slot.column.id for slot in fit(tuple(COLUMNS.values()), 79)]
    assert ids == ["coin", "buy", "sell", "gross", "net", "fund", "next", "age"]


def test_wide_screens_show_the_price_on_every_venue() -> None:
    assert {slot.column.id for slot in fit(tuple(COLUMNS.values()), 199)} == set(COLUMNS)


@given(st.integers(0, 300))
def test_columns_never_overlap_nor_overflow(width: int) -> None:
    slots = fit(tuple(COLUMNS.values()), width)
    ends = [s.x + s.width for s in slots]
    assert all(end < slot.x for end, slot in zip(ends, slots[1:], strict=False))
    assert ends[-1] <= max(width, slots[0].column.width)


def test_chosen_columns_keep_their_order_and_unknown_names_are_left_out() -> None:
    everything = tuple(COLUMNS.values())
    assert [c.id for c in choose(everything, ["net", "nonsense", "age", "net"])] == ["coin", "net", "age"]
    assert choose(everything, ["nonsense"]) == list(everything)


def test_the_detail_shows_remarks_only_where_there_are_some() -> None:
    engine, row = quoted(("alpha", Market.PERP, 1.0, 1.01))
    assert len(columns_for(row, look(engine))) == len(LEG_COLUMNS) - 1
    engine.seat("beta", Market.PERP, "PEPE", quarantine="ten times the others")
    texts = [c.figure(row.cells[1], look(engine)).value for c in columns_for(row, look(engine))]
    assert "ten times the others" in texts
