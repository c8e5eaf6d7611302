"""Lists that may be half of what they were."""

import pytest

from frmon.feeds.shrinking import SHRUNK_LISTS, Exceptions

NAMED = {f"S{n}" for n in range(40)}
WANTED = NAMED | {"PLAIN"}


def test_whom_a_list_of_exceptions_leaves_out_is_no_exception() -> None:
    one = Exceptions()
    assert one.unnamed(WANTED, NAMED, is_whole=True) == {"PLAIN"}
    assert one.unnamed(WANTED, NAMED - {"S7"}, is_whole=True) == {"PLAIN", "S7"}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("named", "is_whole"), [(set(), True), (NAMED - {"S7"}, False)])
def test_an_empty_list_or_one_with_an_unreadable_row_says_nothing_of_anybody(
    before: bool, named: set[str], is_whole: bool
) -> None:
    one = Exceptions()
    if before:
        one.unnamed(WANTED, NAMED, is_whole=True)
    assert one.unnamed(WANTED, named, is_whole=is_whole) == set()


def test_half_a_list_says_nothing_of_whom_it_named_before_until_it_insists() -> None:
    one = Exceptions()
    one.unnamed(WANTED, NAMED, is_whole=True)
    half = {f"S{n}" for n in range(20)}
    for _ in range(SHRUNK_LISTS - 1):
        assert one.unnamed(WANTED, half, is_whole=True) == {"PLAIN"}
    assert one.unnamed(WANTED, half, is_whole=True) == WANTED - half
    assert one.unnamed(WANTED, half, is_whole=True) == WANTED - half
    assert one.unnamed(WANTED, NAMED, is_whole=True) == {"PLAIN"}
