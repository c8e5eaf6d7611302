"""What happens to instruments, in words."""

from msgspec.structs import replace

from frmon.listingnews import news
from frmon.model import Leg
from tests.given import leg


def told(before: list[Leg], after: list[Leg]) -> list[str]:
    return news({x.key: x for x in before}, {x.key: x for x in after})


A = leg("okx", "AAA")
NAME = f"AAA: okx perp {A.symbol}"


def test_what_comes_and_goes_is_told() -> None:
    assert told([], [A]) == [f"{NAME} listed (NEW)"]
    assert told([A], []) == [f"{NAME} delisted"]
    assert told([A], [A]) == []


def test_a_halt_its_end_and_an_announced_delisting_are_told_once() -> None:
    halted, ending = replace(A, halted=True), replace(A, off_ms=1_800_000_000_000)
    assert told([A], [halted]) == [f"{NAME} halted"]
    assert told([halted], [A]) == [f"{NAME} trades again"]
    assert told([A], [ending]) == [f"{NAME} will be delisted at 2027-01-15 08:00 UTC"]
    assert told([ending], [ending]) == []
    assert told([A], [replace(A, off_ms=10**18)]) == [f"{NAME} will be delisted at an unreadable time UTC"]


def test_a_changed_unit_is_told() -> None:
    assert told([A], [replace(A, multiplier=1000)]) == [f"{NAME} means 1000 AAA now, before 1 AAA"]


def test_many_at_once_are_one_line() -> None:
    many = [leg("okx", f"C{n}") for n in range(40)]
    assert told(many, [replace(x, halted=True) for x in many]) == ["okx perp: 40 instruments halted"]
