from frmon.tui.sections.past import past_lines
from tests.tui.fake import FakeEngine
from tests.tui.sections.coin import PERP, look, quote, told


def remembered(samples: int) -> FakeEngine:
    """A pair that yields 2 % and 2.1 % in turns, two seconds each."""
    engine = FakeEngine(0)
    for n in range(samples):
        quote(engine, ("alpha", PERP, 99.0, 100.0))
        quote(engine, ("beta", PERP, 102.0 if n % 2 else 102.1, 103.0))
        engine.settle()
        engine.remember()
        engine.clock.advance(2)  # type: ignore[attr-defined]
    return engine


def test_every_span_has_its_line() -> None:
    engine = remembered(61)
    lines = told(past_lines(engine.history.look("PEPE"), look(engine)))
    assert lines[0].startswith("AL P→BE P  now +2.100  z +1.0")
    assert lines[1].split() == ["mean", "std", "min", "max", "z", "pctl", "half"]
    assert lines[2].split()[:6] == ["15m", "+2.050", "0.050", "+2.000", "+2.100", "+1.0"]
    assert lines[3].split()[0] == "1h"
    assert lines[4].split()[0] == "4h"
    assert max(map(len, lines)) <= 58


def test_too_few_points_say_so() -> None:
    engine = remembered(10)
    lines = told(past_lines(engine.history.look("PEPE"), look(engine)))
    assert lines[0].endswith("z -")
    assert lines[2] == "15m   9 of the 30 points that say something"


def test_an_unknown_past_is_told_as_such() -> None:
    engine = FakeEngine(0)
    assert told(past_lines(engine.history.look("PEPE"), look(engine))) == ["nothing is remembered of this pair yet"]
