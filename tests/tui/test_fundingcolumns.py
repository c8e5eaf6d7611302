from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Row
from frmon.model import Market, Tick
from frmon.spread import pairs
from frmon.tui.columns import row_columns
from frmon.tui.fundingcolumns import best_carry, funding_columns
from frmon.tui.grid import Look, fit
from tests.tui.fake import VENUES, FakeEngine

COLUMNS = {c.id: c for c in funding_columns(VENUES)}
PRICE_COLUMNS = {c.id: c for c in row_columns(VENUES)}
HOUR_MS = 3_600_000
PERP, SPOT = Market.PERP, Market.SPOT


def look(engine: FakeEngine, ascii_only: bool = False) -> Look:
    codes = {v.name: v.code for v in VENUES}
    return Look(engine.clock.mono(), engine.clock.now_ms(), engine.terms, codes, ascii=ascii_only)


def paying(*legs: tuple[str, float | None, float | None], spot: str = "") -> tuple[FakeEngine, Row]:
    """A coin whose perpetuals pay so much in so many hours, the next time in 90 minutes."""
    engine = FakeEngine(0)
    now_ms = engine.clock.now_ms()
    for venue, rate, hours in legs:
        engine.seat(venue, PERP, "PEPE")
        tick = Tick(
            symbol="PEPEUSDT", bid=1.0, ask=1.001, event_ms=now_ms, funding_rate=rate, funding_interval_h=hours,
            next_funding_ms=now_ms + 3 * HOUR_MS // 2,
        )  # fmt: skip
        cell = next(c for c in engine.board.cells(venue))
        cell.funding_interval_h = None
        engine.board.take(engine.carriers[venue, PERP], [tick], engine.clock.mono(), now_ms)
    if spot:
        engine.seat(spot, SPOT, "PEPE")
        tick = Tick(symbol="PEPE-USDT", bid=1.0, ask=1.001, event_ms=now_ms)
        engine.board.take(engine.carriers[spot, SPOT], [tick], engine.clock.mono(), now_ms)
    engine.settle()
    return engine, engine.board.rows["PEPE"]


def words(engine: FakeEngine, row: Row, column: str, width: int | None = None) -> str:
    chosen, here = COLUMNS[column], look(engine)
    return "".join(t for t, _ in chosen.text(chosen.figure(row, here), width or chosen.width, here)).strip()


def test_rates_are_shown_as_stated_and_compared_per_eight_hours() -> None:
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0001, 1.0))
    assert words(engine, row, "alpha rate") == "+0.0100 8h"
    assert words(engine, row, "beta rate") == "+0.0100 1h"
    assert words(engine, row, "alpha rate", 16) == "+0.0100 8h 1h30m"
    keys = [COLUMNS[f"{v} rate"].key(COLUMNS[f"{v} rate"].figure(row, look(engine))) for v in ("alpha", "beta")]
    assert keys == [0.01, 0.08]


def test_the_difference_names_where_to_be_long_and_where_short() -> None:
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0001, 1.0), ("gamma", 0.0001, 4.0))
    assert words(engine, row, "diff").split() == ["AL→BE", "+0.070"]
    assert words(engine, row, "diff", 13).split() == ["AL→BE", "+0.0700"]
    column, here = COLUMNS["diff"], look(engine, ascii_only=True)
    assert column.figure(row, here).label == "AL>BE"


def test_the_best_carry_may_be_long_spot() -> None:
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0002, 8.0), spot="gamma")
    assert words(engine, row, "pair") == "GA S→BE P"
    assert words(engine, row, "carry", 7) == "+21.9"
    engine, row = paying(("alpha", -0.0001, 8.0), ("beta", 0.0003, 8.0), spot="gamma")
    assert words(engine, row, "pair") == "AL P→BE P"


@given(st.lists(st.sampled_from([-0.0002, 0.0, 0.0001, 0.0003]), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_no_pair_carries_more_than_the_best(rates: list[float], spot: bool, borrow: bool) -> None:
    legs = [(venue.name, rate, 8.0) for venue, rate in zip(VENUES, rates, strict=False)]
    engine, row = paying(*legs, spot="beta" if spot else "")
    here = look(engine)._replace(terms=type(engine.terms)(fees=engine.terms.fees, allow_borrow=borrow))
    carries = {
        (a.key, b.key): (b.funding_rate or 0.0) - (a.funding_rate or 0.0)
        for a in row.cells
        for b in row.cells
        if a is not b and (borrow or b.key.market is PERP)
    }
    found = best_carry(row, here)
    if found is None:
        assert not carries
    else:
        most = max(carries.values())
        assert (found.buy, found.sell) == min(legs for legs, carry in carries.items() if carry == most)


def test_spot_is_sold_only_where_a_borrow_is_allowed() -> None:
    engine, row = paying(("alpha", -0.0005, 8.0), ("beta", -0.0001, 8.0), spot="gamma")
    assert words(engine, row, "pair") == "AL P→BE P"
    terms = type(engine.terms)(fees=engine.terms.fees, allow_borrow=True)
    found = best_carry(row, look(engine)._replace(terms=terms))
    assert found is not None
    assert found.sell.market is SPOT


def test_an_unknown_interval_stays_unknown() -> None:
    engine, row = paying(("alpha", 0.0001, None), ("beta", 0.0003, 8.0))
    assert words(engine, row, "alpha rate") == "+0.0100  -"
    for column in ("diff", "carry", "pair", "even"):
        assert words(engine, row, column) == "-", column
    figure = COLUMNS["alpha rate"].figure(row, look(engine))
    assert COLUMNS["alpha rate"].key(figure) is None


def test_what_is_stale_is_dim_and_does_not_sort() -> None:
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0003, 8.0))
    engine.clock.advance(6)  # type: ignore[attr-defined]
    here = look(engine)
    for name in ("diff", "alpha rate"):
        column = COLUMNS[name]
        figure = column.figure(row, here)
        assert column.key(figure) is None
        assert {style for _, style in column.text(figure, 16, here)} == {"stale"}, name
    assert words(engine, row, "carry") == "-"


def test_an_old_rate_with_a_fresh_quote_is_dim_and_enters_nothing() -> None:
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0003, 8.0), ("gamma", 0.0009, 8.0))
    engine.clock.advance(7 * 86_400)  # type: ignore[attr-defined]
    for cell in row.cells:
        cell.quote.state(engine.carriers[cell.key.venue, PERP], engine.clock.mono())
        if cell.key.venue != "gamma":
            cell.funding.state(engine.carriers[cell.key.venue, PERP], engine.clock.mono())
    engine.settle()
    here = look(engine)
    assert words(engine, row, "diff").split() == ["AL→BE", "+0.020"], "gamma pays most, but nobody said so for a week"
    assert words(engine, row, "pair") == "AL P→BE P"
    column = COLUMNS["gamma rate"]
    figure = column.figure(row, here)
    assert column.key(figure) is None
    assert {style for _, style in column.text(figure, 16, here)} == {"stale"}
    row.spread = next(s for s in pairs(row, here.terms, here.now, here.now_ms) if s.sell.venue == "gamma")
    for name in ("fund", "apr"):
        assert not PRICE_COLUMNS[name].figure(row, here).fresh
    assert PRICE_COLUMNS["gross"].figure(row, here).fresh


def test_quarantined_legs_earn_nothing() -> None:
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0003, 8.0))
    engine.seat("beta", PERP, "PEPE", quarantine="another coin")
    assert words(engine, row, "diff") == words(engine, row, "carry") == "-"


def test_the_next_settlement_is_the_soonest_and_never_passed() -> None:
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0003, 2.0))
    assert words(engine, row, "soonest") == "1h30m"
    row.cells[1].next_funding_ms = engine.clock.now_ms() - 3_700_000
    assert words(engine, row, "soonest") == "58:20"


def test_break_even_is_now_never_or_a_time() -> None:
    engine, row = paying(("alpha", 0.0, 8.0), ("beta", 0.0008, 8.0))
    assert words(engine, row, "even") == "40h", "0.2 % fees and twice 0.1 % of the books at 0.01 % an hour"
    engine, row = paying(("alpha", 0.0001, 8.0), ("beta", 0.0001, 8.0))
    assert words(engine, row, "even") == "never"


def test_eighty_cells_hold_every_venue() -> None:
    ids = [slot.column.id for slot in fit(tuple(COLUMNS.values()), 79)]
    assert ids == ["coin", "diff", "carry", "soonest", *(f"{v.name} rate" for v in VENUES)]
    assert {slot.column.id for slot in fit(tuple(COLUMNS.values()), 199)} == set(COLUMNS)
