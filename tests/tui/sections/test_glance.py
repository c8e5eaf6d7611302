from frmon.model import LegKey
from frmon.tui.sections.glance import glance, question_of
from tests.tui.fake import FakeEngine
from tests.tui.sections.coin import PERP, SPOT, look, quoted


def test_a_glance_judges_the_pair_that_is_nearest_to_a_signal() -> None:
    engine, row = quoted(("alpha", SPOT, 90.0, 91.0), ("beta", PERP, 100.0, 101.0), ("gamma", PERP, 103.0, 104.0))
    seen = glance(engine, row, look(engine))
    assert row.spread is not None
    assert row.spread.buy.market is SPOT, "the best pair is not of the kind that the rule looks at"
    assert seen.pair == (LegKey("beta", PERP, "PEPEUSDT"), LegKey("gamma", PERP, "PEPEUSDT"))
    assert [gate.name for gate in seen.gates if not gate.passed] == ["samples"]
    assert seen.legs() == (row.cells[0], row.cells[2])


def test_a_glance_takes_no_books_of_another_coin() -> None:
    engine, row = quoted(("alpha", PERP, 99.0, 100.0), ("beta", PERP, 102.0, 103.0))
    engine.read_books("PEPE")
    assert glance(engine, row, look(engine)).depth is engine.depth
    engine.list_coin("BTC")
    assert glance(engine, engine.board.rows["BTC"], look(engine)).depth is None


def test_the_question_is_that_of_the_settings() -> None:
    engine = FakeEngine(0)
    engine.settings.signals.markets = ["spot", "perp"]
    engine.settings.coins.classes = ["crypto", "stock"]
    question = question_of(engine.settings, look(engine))
    assert question.markets == ("spot", "perp")
    assert question.classes == ("crypto", "stock")
    assert not question.same_venue
