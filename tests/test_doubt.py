"""A quote that REST refuted: repeating it confirms nothing, stating another one ends the doubt."""

from frmon.board import Board, Freshness
from frmon.model import Carrier, Leg, LegKey, Market, Tick

TERMS = Freshness()
LEG = Leg(venue="okx", market=Market.PERP, symbol="A-USDT-SWAP", coin="A")
HALTED = Leg(venue="okx", market=Market.PERP, symbol="H-USDT-SWAP", coin="H", halted=True)


class Told:
    """A board with one leg, on a stream that lives."""

    def __init__(self) -> None:
        self.board = Board()
        self.board.seat(LEG)
        self.stream = Carrier("okx", Market.PERP, "ticker", pushes_changes=True)
        self.stream.live = True
        self.rest = Carrier("okx", Market.PERP, "ticker", source="rest")
        self.at = 1_000.0
        self.board.carry(self.stream, [LEG.symbol], 0.0)

    @property
    def quote(self) -> tuple[float | None, float | None, str | None, bool]:
        cell = self.board.cell(LegKey("okx", Market.PERP, LEG.symbol))
        assert cell is not None
        return cell.bid, cell.ask, cell.source, cell.is_fresh(self.at, TERMS)

    def push(self, bid: float, ask: float, ms: int) -> None:
        self.at += 1
        self.stream.heard_at = self.at
        self.board.take(self.stream, [Tick(symbol=LEG.symbol, bid=bid, ask=ask, event_ms=ms)], self.at, ms)

    def reply(self, bid: float, ask: float, ms: int) -> None:
        self.at += 1
        self.board.take(self.rest, [Tick(symbol=LEG.symbol, bid=bid, ask=ask, event_ms=ms)], self.at, ms, self.at - 0.1)

    def looks_odd(self, bid: float, ask: float) -> bool:
        return bool(self.board.look(self.rest, [Tick(symbol=LEG.symbol, bid=bid, ask=ask)]).differing)


def doubted() -> Told:
    told = Told()
    told.push(1.0, 1.1, 10_000)
    assert told.looks_odd(2.0, 2.1)
    told.rest.heard_at = told.at + 0.5
    told.board.doubt(told.rest, [LEG.symbol, "NOBODY"])
    return told


def test_a_doubted_quote_is_stale_at_once_and_stays_so_while_its_stream_repeats_it() -> None:
    told = doubted()
    assert told.quote == (1.0, 1.1, "ws", False)
    told.push(1.0, 1.1, 20_000)
    assert told.quote == (1.0, 1.1, "ws", False)
    assert told.stream.contradicted_at == 1_001.5


def test_rest_speaks_instead_also_with_an_older_time_and_rides_on_no_doubted_stream() -> None:
    told = doubted()
    told.reply(2.0, 2.1, 9_000)
    told.push(1.0, 1.1, 30_000)
    assert told.quote == (2.0, 2.1, "rest", True)
    told.board.carry(told.stream, [LEG.symbol], 0.0)
    told.reply(2.0, 2.1, 9_500)
    told.at += 6
    told.stream.heard_at = told.at
    assert told.quote == (2.0, 2.1, "rest", False), "that stream confirms nothing"
    assert told.board.look(told.rest, [Tick(symbol=LEG.symbol, bid=2.2, ask=2.3)]).doubted == {LEG.symbol}


def test_another_word_of_the_stream_ends_the_doubt() -> None:
    told = doubted()
    told.reply(2.0, 2.1, 9_000)
    told.push(2.2, 2.3, 30_000)
    assert told.quote == (2.2, 2.3, "ws", True)
    told.push(1.0, 1.1, 31_000)
    assert told.quote == (1.0, 1.1, "ws", True)


def test_rest_that_comes_to_agree_ends_the_doubt() -> None:
    told = doubted()
    assert not told.looks_odd(1.0, 1.1)
    told.push(1.0, 1.1, 30_000)
    assert told.quote == (1.0, 1.1, "ws", True)


def test_what_rides_on_no_stream_and_what_agrees_or_says_nothing_is_not_odd() -> None:
    told = Told()
    told.reply(1.0, 1.1, 10_000)
    told.stream.live = False
    assert not told.looks_odd(2.0, 2.1)
    told.stream.live = True
    told.push(1.0, 1.1, 11_000)
    assert not told.looks_odd(1.0, 1.1)
    assert not told.board.look(told.rest, [Tick(symbol=LEG.symbol, last=5.0)]).differing


def test_only_what_moves_by_more_than_markets_do_is_far() -> None:
    told = Told()
    told.push(1.0, 1.1, 10_000)
    for bid, far in ((1.02, False), (1.06, True)):
        found = told.board.look(told.rest, [Tick(symbol=LEG.symbol, bid=bid, ask=1.1)]).differing
        assert found[LEG.symbol].far is far


def test_missing_is_what_trades_and_neither_stream_nor_reply_states() -> None:
    told = Told()
    told.board.seat(HALTED)
    assert told.board.look(told.rest, []).missing == {LEG.symbol}
    told.push(1.0, 1.1, 10_000)
    assert told.board.look(told.rest, []).missing == set()


def test_what_a_stream_told_last_is_compared_though_a_newer_reply_took_its_place() -> None:
    told = Told()
    told.push(1.0, 1.1, 10_000)
    told.reply(2.0, 2.1, 10_500)
    assert told.quote == (2.0, 2.1, "rest", True)
    assert told.looks_odd(2.0, 2.1), "the stream would go back to its own"
    told.board.doubt(told.rest, [LEG.symbol])
    assert told.quote == (2.0, 2.1, "rest", True), "what the reply said is not what is doubted"
    told.push(1.0, 1.1, 20_000)
    assert told.quote == (2.0, 2.1, "rest", True)
    assert told.looks_odd(2.2, 2.3), "until it says something else"
    told.push(2.2, 2.3, 21_000)
    assert told.quote == (2.2, 2.3, "ws", True)
    assert not told.looks_odd(2.2, 2.3)


def test_what_was_told_on_a_line_that_ended_or_that_tells_no_changes_is_not_compared() -> None:
    told = Told()
    told.push(1.0, 1.1, 10_000)
    told.reply(2.0, 2.1, 10_500)
    told.stream.pushes_changes = False
    assert not told.looks_odd(2.0, 2.1)
    told.stream.pushes_changes = True
    told.stream.generation += 1
    assert not told.looks_odd(2.0, 2.1)
