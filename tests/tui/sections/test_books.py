from msgspec.structs import replace

from frmon.study import CoinDepth
from frmon.tui.sections.books import ASKING, book_lines
from tests.tui.fake import FakeEngine
from tests.tui.sections.coin import PERP, look, quoted, told


def studied() -> tuple[FakeEngine, CoinDepth]:
    engine, _ = quoted(("alpha", PERP, 99.0, 100.0), ("beta", PERP, 102.0, 103.0))
    engine.read_books("PEPE")
    assert engine.depth is not None
    return engine, engine.depth


def test_both_legs_the_edge_the_capacity_and_the_thinner_leg_are_told() -> None:
    engine, depth = studied()
    lines = told(book_lines(depth, look(engine), 58))
    assert lines[0].split() == ["USDT", "1.00k", "10.0k", "50.0k", "AGE"]
    assert lines[1].split()[:4] == ["buy", "AL", "P", "100.0000"]
    assert lines[2].split()[:4] == ["sell", "BE", "P", "102.0000"]
    assert lines[1].endswith("only 20.0k  0.5s"), "five levels of 4,000 USDT"
    assert lines[3].split()[2:] == ["+2.000", "+1.984", "-"]
    assert lines[4].startswith("capacity  0% >")
    assert "0.6% >" in lines[4]
    assert lines[5] == "thinner leg  BE P"
    assert max(map(len, lines)) <= 58


def test_before_the_first_book_it_says_that_it_asks() -> None:
    engine, depth = studied()
    assert told(book_lines(None, look(engine), 58)) == [ASKING]
    bare = [replace(leg, buys=(), sells=(), why="asked", age_s=None) for leg in depth.legs]
    assert depth.pair is not None
    pair = replace(depth.pair, why="alpha perp: no book yet")
    lines = told(book_lines(replace(depth, legs=tuple(bare), pair=pair), look(engine), 58))
    assert lines[1].endswith(ASKING)
    assert lines[3].split() == ["edge", "%", "-", "-", "-"]
    assert lines[4] == "capacity  alpha perp: no book yet"


def test_what_is_wrong_with_a_book_is_told_in_words() -> None:
    engine, depth = studied()
    wrong = [replace(leg, why="429: too many requests") for leg in depth.legs]
    lines = told(book_lines(replace(depth, legs=tuple(wrong)), look(engine), 79))
    assert lines[1].endswith("0.5s  429: too many requests")


def test_old_books_have_no_edge_and_no_bright_prices() -> None:
    engine, depth = studied()
    assert depth.pair is not None
    old = replace(depth, pair=replace(depth.pair, why="beta perp: the book is old"))
    lines = book_lines(old, look(engine), 58)
    assert told(lines)[3].split() == ["edge", "%", "-", "-", "-"]
    assert told(lines)[1] == told(book_lines(depth, look(engine), 58))[1], "the prices stay"
    styles = {style for line in lines[1:4] for _, style in line}
    assert "good" not in styles
    assert "text" not in styles
    assert "stale" in styles


def test_a_cut_book_is_compared_as_far_as_it_goes() -> None:
    engine, depth = studied()
    assert depth.pair is not None
    cut = replace(depth.pair, compared_usdt=20_000.0)
    line = told(book_lines(replace(depth, pair=cut), look(engine), 58))[5]
    assert line == "thinner leg  BE P  over the 20.0k that both books tell"
    line = told(book_lines(replace(depth, pair=replace(cut, thinner=None)), look(engine), 58))[5]
    assert line == "thinner leg  not known  over the 20.0k that both books tell"


def test_without_a_pair_there_is_nothing_to_fill() -> None:
    engine, depth = studied()
    assert told(book_lines(replace(depth, pair=None), look(engine), 58)) == ["no pair: fewer than two legs qualify"]
