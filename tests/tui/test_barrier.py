"""What passes to the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from frmon.tui.barrier import Barrier, wants_ascii


def through(text: str, ascii_only: bool) -> str:
    return "".join(s.text for s in Barrier(ascii_only).apply([Segment(text)], Color(0, 0, 0)))


@given(st.text(), st.booleans())
def test_nothing_that_does_not_print_passes(text: str, ascii_only: bool) -> None:
    shown = through(text, ascii_only)
    assert shown.isprintable()
    assert shown.isascii() or not ascii_only


@given(st.text(st.characters(blacklist_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Mc", "Me", "Zl", "Zp"))))
def test_ascii_takes_as_many_cells(text: str) -> None:
    assert len(through(text, ascii_only=True)) == sum(map(cell_len, text))


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "de_DE.utf8"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "de_DE.UTF-8", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, True),
        ({"LANG": "", "LC_ALL": ""}, False),
    ],
)
def test_the_locale_says_whether_the_terminal_knows_more_than_ascii(environ: dict[str, str], wanted: bool) -> None:
    assert wants_ascii(environ) is wanted
