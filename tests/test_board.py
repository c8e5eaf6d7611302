"""The board: merging statements in any order, generations of a connection, seats."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Board
from frmon.model import EMPTY, Carrier, LegKey, Market, Tick
from tests.given import WALL, leg, line

QUOTE = ("bid", "ask")
OTHERS = ("last", "mark", "index", "volume_usd", "funding_rate", "funding_interval_h", "settled_rate")
FIELDS = QUOTE + OTHERS
PEPE = leg("bybit")
KEY = PEPE.key


def board_with(*legs: Any) -> Board:
    board = Board()
    for one in legs or (PEPE,):
        board.seat(one)
    return board


@st.composite
def statements(draw: st.DrawFn) -> list[Tick]:
    """Sparse statements with distinct (event_ms, seq). Of one millisecond only quotes differ: seq orders nothing else."""
    times = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), min_size=1, max_size=15, unique=True))
    told = []
    for number, (ms, seq) in enumerate(times):
        named = draw(st.sets(st.sampled_from(FIELDS)))
        values: dict[str, Any] = {f: float(1 + (number if f in QUOTE else ms)) for f in named}
        told.append(Tick(symbol=PEPE.symbol, event_ms=WALL + ms, seq=seq, **values))
    return told


def test_a_delta_is_never_lost_to_a_doubted_time_but_to_a_later_number() -> None:
    board, stream = board_with(), line("bybit")
    for tick in (
        Tick(symbol=PEPE.symbol, event_ms=WALL + 5_000, seq=7, bid=2.0, ask=2.1),
        Tick(symbol=PEPE.symbol, event_ms=WALL, seq=9, bid=2.5, delta=True),
        Tick(symbol=PEPE.symbol, event_ms=WALL, seq=8, bid=1.5, delta=True),
    ):
        board.take(stream, [tick], 10.0, WALL)
    cell = board.cell(KEY)
    assert cell is not None
    assert (cell.bid, cell.ask) == (2.5, 2.1)


@given(st.data())
def test_whatever_the_order_the_newest_statement_of_every_field_stands(data: st.DataObject) -> None:
    told = data.draw(statements())
    twice = data.draw(st.lists(st.sampled_from(told)))
    arriving = data.draw(st.permutations([*told, *twice]))
    stream, reply = line("bybit"), Carrier("bybit", Market.PERP, "ticker", source="rest")
    board = board_with()
    for n, tick in enumerate(arriving):
        board.take(data.draw(st.sampled_from([stream, reply])), [tick], 10.0 + n, WALL)
    cell = board.cell(KEY)
    for field in FIELDS:
        naming = QUOTE if field in QUOTE else (field,)  # a whole statement of one side says that the other is not there
        known = [t for t in told if any(getattr(t, name) is not None for name in naming)]
        newest = max(known, key=lambda t: (t.event_ms or 0, t.seq or 0), default=None)
        assert getattr(cell, field) == (None if newest is None else getattr(newest, field)), field


Spoken = tuple[str, int | None, int | None]  # "up", "whole" or "delta"; bid; ask


@given(st.lists(st.tuples(st.sampled_from(["up", "whole", "delta", "delta"]), *[st.none() | st.integers(1, 9)] * 2)))
def test_deltas_mean_nothing_before_the_snapshot_of_their_own_connection(spoken: list[Spoken]) -> None:
    board, stream = board_with(), line("bybit", pushes_changes=True)
    bid: int | None = None
    ask: int | None = None
    is_whole, dropped = False, 0
    for n, (what, new_bid, new_ask) in enumerate(spoken):
        if what == "up":
            stream.generation += 1
            is_whole = False
            continue
        tick = Tick(symbol=PEPE.symbol, event_ms=WALL + n, delta=what == "delta", bid=new_bid, ask=new_ask)
        board.take(stream, [tick], 10.0 + n, WALL + n)
        is_whole = is_whole or what == "whole"
        dropped += not is_whole
        if what == "whole" and (new_bid or new_ask):
            bid, ask = new_bid, new_ask
        elif is_whole:
            bid, ask = new_bid or bid, new_ask or ask
    cell = board.cell(KEY)
    assert cell is not None
    assert (cell.bid, cell.ask, board.dropped_deltas) == (bid, ask, dropped)


def test_a_delta_is_merged_only_on_the_connection_that_gave_the_snapshot() -> None:
    board, first, second = board_with(), line("bybit"), line("bybit")
    board.take(first, [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0)], 10.0, WALL)
    board.take(second, [Tick(symbol=PEPE.symbol, event_ms=WALL + 1, bid=5.0, delta=True)], 11.0, WALL)
    cell = board.cell(KEY)
    assert cell is not None
    assert (cell.bid, board.dropped_deltas) == (1.0, 1)


def test_a_delta_of_one_side_keeps_the_other_and_never_makes_a_zero() -> None:
    board, stream = board_with(), line("bybit")
    board.take(stream, [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0, last=1.5, mark=1.6)], 10.0, WALL)
    board.take(stream, [Tick(symbol=PEPE.symbol, event_ms=WALL + 1, ask=2.5, delta=True)], 11.0, WALL)
    cell = board.cell(KEY)
    assert cell is not None
    assert (cell.bid, cell.ask, cell.last, cell.mark) == (1.0, 2.5, 1.5, 1.6)


def test_an_emptied_side_is_unknown_until_it_is_quoted_again() -> None:
    board, stream = board_with(), line("bybit")
    cell = board.cell(KEY)
    assert cell is not None
    for n, (ask, held) in enumerate([(2.0, 2.0), (EMPTY, None), (2.1, 2.1)]):
        board.take(stream, [Tick(symbol=PEPE.symbol, event_ms=WALL + n, bid=1.0, ask=ask)], 10.0 + n, WALL)
        assert (cell.bid, cell.ask) == (1.0, held)


def test_an_unreadable_side_of_a_whole_statement_never_leaves_an_old_one_beside_the_new() -> None:
    board, stream, reply = board_with(), line("bybit"), Carrier("bybit", Market.PERP, "ticker", source="rest")
    cell = board.cell(KEY)
    assert cell is not None
    for carrier in (stream, reply):
        board.take(carrier, [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0)], 10.0, WALL)
        board.take(carrier, [Tick(symbol=PEPE.symbol, event_ms=WALL + 1, ask=2.5)], 11.0, WALL)
        assert (cell.bid, cell.ask) == (None, 2.5)


def test_statements_without_a_seat_are_counted_out() -> None:
    board = board_with()
    told = [Tick(symbol=s, event_ms=WALL, bid=1.0, ask=2.0) for s in ("NOBODY", PEPE.symbol, "SOMEBODY")]
    assert board.take(line("bybit"), told, 10.0, WALL) == 1
    assert board.take(line("okx"), told, 10.0, WALL) == 0
    assert board.take(line("bybit", Market.SPOT), told, 10.0, WALL) == 0
    assert list(board.rows) == ["PEPE"]


@given(st.permutations([leg(v, market=m) for v in ("okx", "binance", "bybit") for m in Market]))
def test_a_row_holds_its_legs_in_the_order_of_their_names(legs: list[Any]) -> None:
    board = board_with(*legs)
    assert [c.key for c in board.rows["PEPE"].cells] == sorted(one.key for one in legs)


def test_seating_again_keeps_the_values_and_the_row() -> None:
    board, stream = board_with(), line("bybit")
    board.take(stream, [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0)], 10.0, WALL)
    before, layout = board.cell(KEY), board.layout
    board.seat(leg("bybit"))
    board.seat(leg("bybit", halted=True))
    cell = board.cell(KEY)
    assert cell is before is board.rows["PEPE"].cells[0]
    assert cell is not None
    assert (cell.bid, cell.leg.halted, board.layout) == (1.0, True, layout)


def test_seating_under_another_coin_moves_the_leg_with_its_values() -> None:
    board = board_with(PEPE, leg("okx"))
    board.take(line("bybit"), [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0)], 10.0, WALL)
    board.seat(leg("bybit", coin="NEIRO", symbol=PEPE.symbol))
    assert {coin: [c.key.venue for c in row.cells] for coin, row in board.rows.items()} == {
        "PEPE": ["okx"],
        "NEIRO": ["bybit"],
    }
    cell = board.rows["NEIRO"].cells[0]
    assert cell.row is board.rows["NEIRO"]
    assert cell.bid == 1.0


def test_seating_with_another_multiplier_forgets_the_values() -> None:
    board = board_with()
    board.take(line("bybit"), [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0)], 10.0, WALL)
    board.seat(leg("bybit", multiplier=1000))
    cell = board.cell(KEY)
    assert cell is not None
    assert (cell.bid, cell.quote.at) == (None, float("-inf"))
    board.take(line("bybit"), [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0)], 11.0, WALL)
    assert (cell.bid, cell.ask) == (0.001, 0.002)


def test_a_changed_multiplier_does_not_deafen_a_stream_of_deltas() -> None:
    board, stream = board_with(), line("bybit")
    board.take(stream, [Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=2.0)], 10.0, WALL)
    board.seat(leg("bybit", multiplier=1000))
    board.take(stream, [Tick(symbol=PEPE.symbol, event_ms=WALL + 1, bid=3.0, delta=True)], 11.0, WALL)
    cell = board.cell(KEY)
    assert cell is not None
    assert (cell.bid, cell.ask, board.dropped_deltas) == (0.003, None, 0)


def test_a_listed_interval_stands_until_the_venue_states_one() -> None:
    board = board_with(leg("bybit", funding_h=8.0))
    cell = board.cell(KEY)
    assert cell is not None
    board.seat(leg("bybit", funding_h=4.0))
    assert cell.funding_interval_h == 4.0
    board.take(line("bybit"), [Tick(symbol=PEPE.symbol, event_ms=WALL, funding_interval_h=1.0)], 10.0, WALL)
    board.seat(leg("bybit", funding_h=8.0))
    assert cell.funding_interval_h == 1.0


def test_unseating_the_last_leg_takes_the_row_away_and_unknown_legs_are_fine() -> None:
    board = board_with(PEPE, leg("okx"))
    board.unseat(KEY)
    assert board.cell(KEY) is None
    assert [c.key.venue for c in board.rows["PEPE"].cells] == ["okx"]
    board.unseat(leg("okx").key)
    board.unseat(LegKey("nobody", Market.SPOT, "X"))
    assert not board.rows
    assert list(board.cells()) == []


def test_every_come_move_and_leave_is_told_by_the_layout_number() -> None:
    board = Board()
    seen = [board.layout]
    for one in (PEPE, leg("okx"), leg("okx", coin="NEIRO", symbol=PEPE.symbol)):
        board.seat(one)
        seen.append(board.layout)
    board.unseat(KEY)
    seen.append(board.layout)
    assert seen == sorted(set(seen))


def test_every_merge_is_told_by_the_version_of_cell_and_row() -> None:
    board, stream = board_with(), line("bybit")
    cell = board.cell(KEY)
    assert cell is not None
    told: list[dict[str, Any]] = [{"bid": 1.0}, {"last": 2.0}, {"funding_rate": 0.1}]
    for n, said in enumerate(told):
        before = cell.version, cell.row.version
        board.take(stream, [Tick(symbol=PEPE.symbol, event_ms=WALL + n, **said)], 10.0, WALL)
        assert cell.version > before[0]
        assert cell.row.version > before[1]


def test_cells_and_symbols_are_found_by_venue_and_market() -> None:
    spot = leg("okx", market=Market.SPOT, symbol="PEPE-USDT")
    board = board_with(PEPE, leg("okx"), spot)
    assert {c.key for c in board.cells()} == {KEY, leg("okx").key, spot.key}
    assert {c.key for c in board.cells("okx")} == {leg("okx").key, spot.key}
    assert board.symbols("okx", Market.SPOT) == {"PEPE-USDT"}
    assert board.symbols("nobody", Market.SPOT) == set()


def test_a_carrier_is_expected_only_for_seated_symbols() -> None:
    board, stream = board_with(), line("bybit")
    board.carry(stream, [PEPE.symbol, "NOBODY"], 1.0)
    board.carry(line("okx"), [PEPE.symbol], 2.0)
    cell = board.cell(KEY)
    assert cell is not None
    assert cell.carried.by is stream


def test_replies_to_what_was_asked_before_a_standstill_say_nothing() -> None:
    reply = Carrier("bybit", Market.PERP, "ticker", source="rest")
    board = board_with()
    board.since = 100.0
    tick = Tick(symbol=PEPE.symbol, event_ms=WALL, bid=1.0, ask=1.1)
    assert board.take(reply, [tick], 101.0, WALL, asked_at=99.0) == 0
    cell = board.cell(KEY)
    assert cell is not None
    assert (cell.bid, cell.quote.at) == (None, float("-inf"))
    assert board.take(reply, [tick], 102.0, WALL, asked_at=101.0) == 1
