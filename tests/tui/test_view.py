import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Row
from frmon.tui.columns import row_columns
from frmon.tui.grid import Figure, Look
from frmon.tui.memory import make_view, state_of
from frmon.tui.state import State
from frmon.tui.view import RESORT_S, STEADY_S, View, arrange, parse_filter
from tests.tui.fake import VENUES, FakeEngine

CODES = {v.name: v.code for v in VENUES}
NET = next(c for c in row_columns(VENUES) if c.id == "net")


def look(engine: FakeEngine, pins: frozenset[str] = frozenset()) -> Look:
    return Look(engine.clock.mono(), engine.clock.now_ms(), engine.terms, CODES, pins)


def made(coins: int = 40) -> tuple[FakeEngine, View]:
    engine = FakeEngine(coins)
    engine.stir()
    view = make_view(VENUES, CODES, State())
    renew(engine, view)
    return engine, view


def renew(engine: FakeEngine, view: View) -> None:
    view.rearrange(list(engine.board.rows.values()), look(engine), engine.board.layout)


def coins(view: View) -> list[str]:
    return [row.coin for row in view.order]


@given(st.lists(st.one_of(st.none(), st.floats(-5, 5)), max_size=30), st.booleans())
def test_missing_values_come_last_in_either_direction(values: list[float | None], reverse: bool) -> None:
    items = [(Row(f"C{n}"), Figure(value)) for n, value in enumerate(values)]
    of = {row.coin: figure.value for row, figure in items}
    found = [of[row.coin] for row in arrange(items, NET, reverse)]
    known = [v for v in found if v is not None]
    assert found == known + [None] * (len(found) - len(known))
    assert known == sorted(known, reverse=not reverse)


def test_ties_stand_in_the_order_of_their_names() -> None:
    items = [(Row(name), Figure(1.0)) for name in "CAB"]
    assert [r.coin for r in arrange(items, NET, False)] == ["A", "B", "C"]
    assert [r.coin for r in arrange(items, NET, True)] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("sheet", "column"),
    [
        (sheet.name, c)
        for sheet in make_view(VENUES, CODES, State()).sheets.values()
        for c, column in sheet.columns.items()
        if column.sorts
    ],
)
def test_every_column_sorts_both_ways(sheet: str, column: str) -> None:
    engine, view = made()
    view.show(sheet)
    everything = set(coins(view))
    view.sort, view.reverse = column, False
    renew(engine, view)
    assert set(coins(view)) == everything
    first = coins(view)
    view.sort_by(column)
    renew(engine, view)
    assert view.reverse
    keys = {view.columns[column].key(view.columns[column].figure(r, look(engine))) for r in view.order}
    assert coins(view) != first or len(keys - {None}) < 2


@pytest.mark.parametrize(
    ("text", "passing"),
    [
        ("pe", {"PEPE"}),
        ("PE", {"PEPE"}),
        ("!pe", {"BTC", "币安人生"}),
        ("人生", {"币安人生"}),
        ("b !t", set()),
        ("", None),
    ],
)
def test_a_filter_matches_parts_of_names(text: str, passing: set[str] | None) -> None:
    engine = FakeEngine(0)
    for name in ("BTC", "PEPE", "币安人生"):
        engine.list_coin(name)
    view = make_view(VENUES, CODES, State())
    view.set_filter(text)
    renew(engine, view)
    assert set(coins(view)) == (passing if passing is not None else {"BTC", "PEPE", "币安人生"})
    assert view.total == 3


def test_a_filter_matches_venues_and_warnings() -> None:
    engine, view = made()
    here = look(engine)
    alpha = parse_filter("al:", CODES)
    assert {r.coin for r in view.order if alpha.passes(r, here)} == {
        r.coin for r in view.order if any(c.key.venue == "alpha" for c in r.cells)
    }
    assert not any(parse_filter("flag:stale", CODES).passes(r, here) for r in view.order)
    engine.clock.advance(60)  # type: ignore[attr-defined]
    assert all(parse_filter("flag:stale", CODES).passes(r, look(engine)) for r in view.order)


@given(st.text(max_size=30))
def test_no_filter_text_breaks_the_filter(text: str) -> None:
    engine = FakeEngine(5)
    chosen = parse_filter(text, CODES)
    for row in engine.board.rows.values():
        assert chosen.passes(row, look(engine)) in (True, False)


def test_pins_stand_on_top_and_can_stand_alone() -> None:
    engine, view = made()
    last = coins(view)[-1]
    view.toggle_pin(last)
    renew(engine, view)
    assert coins(view)[0] == last
    view.only_pins = True
    renew(engine, view)
    assert coins(view) == [last]
    view.toggle_pin(last)
    renew(engine, view)
    assert coins(view) == []


def test_the_order_holds_for_a_while_and_longer_while_the_user_moves() -> None:
    engine, view = made()
    clock = engine.clock
    layout = engine.board.layout
    assert not view.is_due(look(engine), layout)
    clock.advance(RESORT_S)  # type: ignore[attr-defined]
    assert view.is_due(look(engine), layout)
    view.moved(clock.mono())
    assert not view.is_due(look(engine), layout)
    assert not view.is_due(look(engine), layout + 1)
    clock.advance(STEADY_S)  # type: ignore[attr-defined]
    assert view.is_due(look(engine), layout)


def test_new_coins_are_a_reason_to_sort_at_once() -> None:
    engine, view = made()
    engine.list_coin("FRESH")
    assert view.is_due(look(engine), engine.board.layout)


def test_while_paused_no_figure_changes_whatever_the_market_does() -> None:
    engine, view = made()
    view.pause(list(engine.board.rows.values()), look(engine))
    assert view.frozen is not None
    before = {r.coin: [view.figure(r, c, view.frozen) for c in view.columns.values()] for r in view.order}
    order = coins(view)
    engine.clock.advance(30)  # type: ignore[attr-defined]
    engine.random = random.Random(99)
    engine.stir()
    engine.list_coin("LATE")
    assert not view.is_due(look(engine), engine.board.layout)
    renew(engine, view)
    assert coins(view) == order
    assert {r.coin: [view.figure(r, c, view.frozen) for c in view.columns.values()] for r in view.order} == before
    view.resume()
    assert view.is_due(look(engine), engine.board.layout)
    renew(engine, view)
    assert "LATE" in coins(view)


def test_opportunities_are_fresh_spreads_from_a_tenth_of_a_percent_on() -> None:
    engine, view = made()
    rows = {row.coin: row for row in view.order}
    at, below = coins(view)[:2]
    for coin, ask in ((at, 100.0), (below, 100.01)):
        keys = [c.key for c in rows[coin].cells][:2]
        for key, cell in zip(keys, rows[coin].cells, strict=False):
            cell.bid, cell.ask = (99.9, ask) if key == keys[0] else (100.1, 101.0)
        for cell in rows[coin].cells[2:]:
            cell.bid = cell.ask = None
    engine.settle()
    view.only_wide = True
    renew(engine, view)
    assert at in coins(view)
    assert below not in coins(view)
    engine.clock.advance(60)  # type: ignore[attr-defined]
    renew(engine, view)
    assert coins(view) == []


def test_while_paused_opportunities_are_those_of_the_picture() -> None:
    engine, view = made()
    view.only_wide = True
    renew(engine, view)
    before = coins(view)
    view.pause(list(engine.board.rows.values()), look(engine))
    engine.random = random.Random(98)
    engine.stir()
    engine.clock.advance(60)  # type: ignore[attr-defined]
    renew(engine, view)
    assert coins(view) == before


@pytest.mark.parametrize("sheet", ["prices", "funding"])
def test_every_sheet_stands_still_while_paused(sheet: str) -> None:
    engine, view = made()
    view.pause(list(engine.board.rows.values()), look(engine))
    view.show(sheet)
    renew(engine, view)
    assert view.frozen is not None
    before = {r.coin: [view.figure(r, c, view.frozen) for c in view.columns.values()] for r in view.order}
    for cell in engine.board.cells():
        cell.funding_rate = None
    engine.stir()
    assert {r.coin: [view.figure(r, c, view.frozen) for c in view.columns.values()] for r in view.order} == before


def test_sheets_share_filter_and_pins_and_keep_their_own_sort() -> None:
    engine, view = made()
    view.sort_by("gross")
    view.toggle_pin("PEPE")
    view.set_filter("p")
    view.show("funding")
    assert view.sort == "diff"
    renew(engine, view)
    assert coins(view)[0] == "PEPE"
    assert all("P" in coin for coin in coins(view))
    view.sort_by("soonest")
    view.show("prices")
    assert view.sort == "gross"


def test_what_the_user_left_comes_back_and_nonsense_does_not() -> None:
    _, view = made(3)
    view.show("funding")
    view.sort_by("carry")
    view.sort_by("carry")
    view.only_wide = True
    again = make_view(VENUES, CODES, state_of(view, []))
    assert (again.sheet.name, again.sort, again.reverse, again.only_wide) == ("funding", "carry", True, True)
    odd = make_view(VENUES, CODES, State(view="ghost", sort="ghost", funding_sort="ghost"))
    assert [(s.name, s.sort) for s in odd.sheets.values()] == [("prices", "net"), ("funding", "diff")]
    assert odd.sheet.name == "prices"
