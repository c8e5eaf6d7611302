from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from frmon.tui.lines import cut, pad, safe, to_strip, width_of
from frmon.tui.theme import THEMES, palette

PALETTE = palette(THEMES[0])
HOSTILE = st.text(st.characters(codec="utf-8"), max_size=30)


@given(HOSTILE)
def test_no_text_can_steer_the_terminal(text: str) -> None:
    shown = safe(text)
    assert all(c.isprintable() for c in shown)
    assert not set(shown) & {"\x1b", "\x9b", "\n", "\r", "\u202e", "\ufe0f", "\u200d"}


@given(HOSTILE, st.integers(1, 40), st.booleans())
def test_padded_pieces_fill_exactly_their_column(text: str, width: int, left: bool) -> None:
    line = pad([(" ", "pin"), (text, "coin")], width, left)
    assert cell_len("".join(t for t, _ in line)) == width_of(line)
    assert width_of(line) <= width
    assert to_strip(line, PALETTE, width).cell_length == width


def test_wide_names_align() -> None:
    for name in ("币安人生", "PEPE", "1000币安", "ÄÖÜ", "🚀MOON"):
        line = pad([(name, "coin")], 10, left=True)
        assert cell_len("".join(t for t, _ in line)) == 10, name


def test_what_is_too_long_is_cut_with_a_mark() -> None:
    assert "".join(t for t, _ in cut([("BROCCOLI", "coin"), ("714", "coin")], 9)) == "BROCCOLI…"
    assert cell_len("".join(t for t, _ in cut([("币安人生币安人生", "coin")], 8))) <= 8


def test_neighbours_of_one_style_become_one_segment() -> None:
    strip = to_strip([("AB", "text"), (" ", "stale"), ("CD", "text"), ("EF", "good")], PALETTE, 7)
    assert [s.text for s in strip] == ["AB CD", "EF"]


def test_every_theme_knows_every_meaning() -> None:
    names = {frozenset(inks) for theme in THEMES for inks in palette(theme).values()}
    assert len(names) == 1
