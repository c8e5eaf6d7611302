from frmon.gates import Gate
from frmon.model import LegKey, Market
from frmon.tui.sections.gatelist import gate_lines, gate_title
from frmon.tui.sections.glance import Glance
from tests.tui.fake import FakeEngine
from tests.tui.sections.coin import PERP, look, quoted, told


def gate(name: str, passed: bool, words: str = "because", value: str | float | None = 1.0) -> Gate:
    return Gate(name=name, value=value, limit=0.6, passed=passed, words=words)


def test_marks_say_what_passes_and_not_colour_alone() -> None:
    engine = FakeEngine(0)
    lines = told(gate_lines([gate("fresh", True), gate("spread", False)], look(engine), 79))
    assert lines[0].split() == ["✓", "fresh", "1", "s", "0.6", "s", "because"]
    assert lines[1].split() == ["✗", "spread", "1", "%", "0.6", "%", "because"]
    plain = told(gate_lines([gate("fresh", True), gate("spread", False)], look(engine, ascii_only=True), 79))
    assert [line[0] for line in plain] == ["+", "x"]


def test_the_words_of_a_failing_gate_go_on_below() -> None:
    engine = FakeEngine(0)
    why = "the quick brown fox jumps over the lazy dog and does not come back"
    lines = told(gate_lines([gate("fresh", True, why), gate("spread", False, why)], look(engine), 60))
    assert lines[0].endswith(why), "the pane cuts it"
    assert " ".join(word for line in lines[1:] for word in line.split()[0 if line.startswith(" ") else 6 :]) == why
    assert max(map(len, lines[1:])) <= 60


def test_values_fit_their_columns_whatever_they_are() -> None:
    engine = FakeEngine(0)
    values: list[str | float | None] = [
        None,
        12_345_678.0,
        0.0050123,
        42.857,
        -0.25,
        "perp-perp",
        "a very long reason",
        "币安",
    ]
    lines = told(gate_lines([gate("x", True, "", v) for v in values], look(engine), 79))
    assert [line.split()[2] for line in lines] == ["-", "12.3M", "0.005", "42.857", "-0.25", "perp-perp", "a", "*"]
    assert len({line.rindex("0.6") for line in lines}) == 1


def test_numbers_have_units_where_they_fit() -> None:
    engine = FakeEngine(0)
    gates = [gate("samples", True, ""), gate("volume", True, "", 12_345_678.0), gate("outlier", True, "", -123.4567)]
    lines = told(gate_lines(gates, look(engine), 79))
    assert [line[12:31].split() for line in lines] == [
        ["1", "samples", "0.6"],
        ["12.3M", "USD", "0.6", "USD"],
        ["-123.457", "0.6", "%"],
    ]


def test_the_title_names_the_pair_and_what_fails() -> None:
    engine, row = quoted(("alpha", PERP, 1.0, 1.0))
    pair = (LegKey("alpha", Market.PERP, "X"), LegKey("beta", Market.SPOT, "Y"))
    seen = Glance(row, [gate("fresh", True), gate("spread", False), gate("samples", False)], pair)
    assert gate_title(seen, look(engine)) == "WHY NOT?  buy AL P, sell BE S: spread, samples"
    assert gate_title(Glance(row, [gate("fresh", True)]), look(engine)) == "WHY NOT?: every gate passes"
