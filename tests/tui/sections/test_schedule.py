from frmon.board import Row
from frmon.fundingnews import Settled
from frmon.tui.sections.glance import Glance, glance
from frmon.tui.sections.schedule import schedule_lines, schedule_title
from tests.tui.fake import FakeEngine
from tests.tui.sections.coin import PERP, SPOT, look, quoted, told

MINUTE_MS = 60_000


def funded(*legs: tuple[str, float, float, int]) -> tuple[FakeEngine, Row]:
    """Perpetuals: venue, rate, hours, minutes to the next settlement; the later ones cost more."""
    engine, row = quoted(*((venue, PERP, 100.0 + n, 100.0 + n) for n, (venue, *_) in enumerate(legs)))
    for cell, (_, rate, hours, minutes) in zip(row.cells, legs, strict=True):
        cell.funding_rate, cell.funding_interval_h = rate, hours
        cell.next_funding_ms = engine.clock.now_ms() + minutes * MINUTE_MS
        cell.funding.state(engine.carriers[cell.key.venue, PERP], engine.clock.mono())
    engine.settle()
    return engine, row


def test_every_perpetual_tells_its_rate_interval_countdown_and_what_it_paid() -> None:
    engine, row = funded(("alpha", 0.0001, 8.0, 90), ("beta", -0.0002, 4.0, 30))
    row.cells[0].settled_rate = 0.00005
    lines = told(schedule_lines(Glance(row), look(engine), 57))
    assert lines[0] == "AL P   +0.0100% each  8h  in 1h30m  paid last +0.0050%"
    assert lines[1] == "BE P   -0.0200% each  4h  in 30:00  paid last -  0s old"


def test_carry_goes_by_the_true_schedule() -> None:
    engine, row = funded(("alpha", 0.0001, 8.0, 90), ("beta", 0.0003, 1.0, 30))
    assert schedule_title(Glance(row), look(engine)).endswith("carry of AL P→BE P")
    carry = told(schedule_lines(Glance(row), look(engine), 57))[2]
    assert carry == "carry  30:00 +0.0300%  8h +0.2300%  24h +0.6900%"


def test_break_even_by_holding_and_by_converging() -> None:
    engine, row = funded(("alpha", 0.0, 8.0, 90), ("beta", 0.0008, 8.0, 90))
    spread = row.spread
    assert spread is not None
    lines = told(schedule_lines(Glance(row), look(engine), 57))
    assert lines[3] == "break-even  hold 20h  converge now  exit now +1.000%"


def test_what_is_unknown_is_a_dash() -> None:
    engine, row = quoted(("alpha", PERP, 100.0, 100.0), ("beta", PERP, 101.0, 101.0))
    for cell in row.cells:
        cell.funding_interval_h = None
    engine.settle()
    lines = told(schedule_lines(Glance(row), look(engine), 57))
    assert lines[0].split() == ["AL", "P", "-", "each", "-", "in", "-", "paid", "last", "-"]
    assert lines[2].split() == ["carry", "next", "-", "8h", "-", "24h", "-"]


def test_without_a_perpetual_or_a_pair_it_says_so() -> None:
    engine, row = quoted(("alpha", SPOT, 100.0, 100.0))
    assert told(schedule_lines(Glance(row), look(engine), 57)) == ["no perpetual, no funding"]
    engine, row = quoted(("alpha", PERP, 100.0, 100.0))
    assert told(schedule_lines(Glance(row), look(engine), 57))[-1] == "no pair, no carry"


def test_an_old_rate_is_dim_and_tells_its_age_where_there_is_room() -> None:
    engine, row = funded(("alpha", 0.0001, 8.0, 90), ("beta", 0.0003, 8.0, 90))
    engine.clock.advance(3600)  # type: ignore[attr-defined]
    requote(engine, row)
    row.cells[1].funding.state(engine.carriers["beta", PERP], engine.clock.mono() - 3)
    lines = schedule_lines(Glance(row), look(engine), 60)
    assert told(lines)[0] == "AL P   +0.0100% each  8h  in 30:00  paid last -  1h old"
    assert told(lines)[1] == "BE P   +0.0300% each  8h  in 30:00  paid last -  3s old"
    assert [line[1][1] for line in lines[:2]] == ["stale", "up"]
    assert {line[n][1] for line, n in ((lines[2], 1), (lines[2], 3), (lines[2], 5), (lines[3], 1), (lines[3], 3))} == {
        "stale"
    }
    assert told(schedule_lines(Glance(row), look(engine), 50))[0].endswith("paid last -")


def requote(engine: FakeEngine, row: Row) -> None:
    """The same quotes once more, without a word on funding."""
    for cell in row.cells:
        cell.quote.state(engine.carriers[cell.key.venue, PERP], engine.clock.mono())
    engine.settle()


def test_what_was_paid_last_may_have_been_seen_and_not_stated() -> None:
    engine, row = funded(("alpha", 0.0001, 8.0, 90), ("beta", 0.0003, 8.0, 90), ("gamma", 0.0, 8.0, 90))
    alpha, beta, gamma = row.cells
    at_ms = engine.clock.now_ms()
    engine.funding.settled = {
        alpha.key: Settled(0.0002, at_ms, False),
        beta.key: Settled(0.0004, at_ms, True),
        gamma.key: Settled(0.0005, at_ms, False),
    }
    gamma.settled_rate, gamma.settled_ms = 0.0006, at_ms + 1
    lines = told(schedule_lines(glance(engine, row, look(engine)), look(engine), 50))
    assert [line.partition("paid last ")[2] for line in lines[:3]] == ["+0.0200% seen", "+0.0400%", "+0.0600%"]
    gamma.settled_ms = at_ms - 3_600_000
    lines = told(schedule_lines(glance(engine, row, look(engine)), look(engine), 50))
    assert lines[2].endswith("+0.0500% seen"), "what the venue said was of the settlement before"
