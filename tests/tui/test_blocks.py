from hypothesis import given
from hypothesis import strategies as st

from frmon.tui.blocks import GAP, LEAST, Block, side_by_side
from frmon.tui.lines import width_of


def block(name: str, count: int) -> Block:
    return Block(name, lambda width: [((f"{name} {n} {'x' * width}", "text"),) for n in range(count)])


def texts(blocks: list[Block], width: int) -> list[str]:
    return ["".join(t for t, _ in line) for line in side_by_side(blocks, width)]


def test_where_there_is_room_for_one_they_stand_below_each_other() -> None:
    found = texts([block("A", 1), block("B", 2)], 79)
    assert [line.split(" ")[0] for line in found] == ["A", "A", "", "B", "B", "B", ""]


def test_the_next_one_stands_below_the_shortest_column() -> None:
    found = texts([block("A", 1), block("B", 4), block("C", 1)], 2 * LEAST + GAP)
    assert [line[:3].strip() for line in found] == ["A", "A 0", "", "C", "C 0", ""]
    assert [line[LEAST + GAP :][:3].strip() for line in found] == ["B", "B 0", "B 1", "B 2", "B 3", ""]


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 400))
def test_nothing_is_lost_and_several_columns_never_overflow(counts: list[int], width: int) -> None:
    blocks = [block(chr(65 + n), count) for n, count in enumerate(counts)]
    found = side_by_side(blocks, width)
    whole = "".join(t for line in found for t, _ in line)
    if width >= LEAST:
        assert all(f"{b.title} {n} " in whole for b, count in zip(blocks, counts, strict=True) for n in range(count))
    if width >= 2 * LEAST + GAP and len(blocks) > 1:
        assert all(width_of(line) <= width for line in found)
