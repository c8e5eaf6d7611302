"""Lone legs against the wording, on exact fractions and all subsets of the others."""

from fractions import Fraction
from itertools import combinations
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Cell
from frmon.model import Flag, Market
from frmon.spread import flags, is_outlier, off_pct, outliers
from tests.given import TERMS, VENUES, WALL
from tests.test_spread import NOW, Given, row_of

KEYS = [(v, m) for v in VENUES for m in Market]


def cells_at(*mids: int) -> list[Cell]:
    """A leg per mid, in their order."""
    row = row_of([Given(v, m, "A", p, p) for (v, m), p in zip(KEYS, mids, strict=False)])
    return [next(c for c in row.cells if (c.key.venue, c.key.market) == k) for k, _ in zip(KEYS, mids, strict=False)]


def crowds(others: list[int]) -> list[tuple[int, ...]]:
    """The largest subsets, of two or more, that agree within 5 %."""
    for size in range(len(others), 1, -1):
        found = [s for s in combinations(sorted(others), size) if max(s) * 100 <= min(s) * 105]
        if found:
            return found
    return []


def is_lone(mid: int, others: list[int]) -> bool:
    groups = crowds(others)
    friends = sum(1 for o in others if max(mid, o) * 100 <= min(mid, o) * 105)
    if not groups or friends + 1 >= len(groups[0]):
        return False
    return all(abs(mid - Fraction(median(g))) > Fraction(median(g)) / 5 for g in groups)


MIDS = st.lists(st.sampled_from([80, 95, 100, 100, 100, 102, 105, 106, 119, 120, 121, 126, 150, 10_000]), max_size=8)


@given(MIDS)
def test_outliers_are_those_of_the_wording(mids: list[int]) -> None:
    cells = cells_at(*mids)
    expected = [is_lone(mid, mids[:n] + mids[n + 1 :]) for n, mid in enumerate(mids)]
    assert [is_outlier(c, [o for o in cells if o is not c]) for c in cells] == expected
    assert outliers(cells) == [c for c, lone in zip(cells, expected, strict=True) if lone]


@given(MIDS.filter(bool))
def test_how_far_a_leg_is_off_is_told_in_percent_of_the_others(mids: list[int]) -> None:
    first, *others = cells_at(*mids)
    found = off_pct(first, others)
    exact = [abs(mids[0] - Fraction(median(g))) / Fraction(median(g)) * 100 for g in crowds(mids[1:])]
    assert found == (pytest.approx(float(min(exact)), rel=1e-12, abs=1e-12) if exact else None)


CASES: list[tuple[str, list[int], list[int]]] = [
    ("two legs differ, nobody knows which is right", [100, 10_000], []),
    ("the third leg is alone", [100, 101, 10_000], [2]),
    ("others that do not agree convict nobody", [100, 110, 130], []),
    ("exactly 20 % above is no outlier", [100, 100, 120], []),
    ("more than 20 % below is one", [100, 100, 79], [2]),
    ("two against two, nobody knows", [100, 100, 10_000, 10_000], []),
    ("two that went wrong together are outnumbered", [100, 101, 102, 10_000, 10_000], [3, 4]),
    ("two that went wrong apart are both alone", [100, 101, 500, 10_000], [2, 3]),
    ("all agree", [100, 101, 102, 103], []),
]


@pytest.mark.parametrize(("words", "mids", "expected"), CASES, ids=[c[0] for c in CASES])
def test_who_is_an_outlier(words: str, mids: list[int], expected: list[int]) -> None:
    cells = cells_at(*mids)
    assert [cells.index(c) for c in outliers(cells)] == expected


def row_flags(*legs: Given) -> list[Flag]:
    return flags(row_of(list(legs)), TERMS, NOW, WALL)


def test_a_row_warns_of_its_outlier() -> None:
    legs = [Given(v, Market.PERP, "A", p, p) for v, p in (("okx", 100), ("bybit", 101), ("bitget", 150))]
    assert row_flags(*legs) == [Flag.OUTLIER]
    assert row_flags(*legs[:2]) == []


@pytest.mark.parametrize("more", [{"said_at": NOW - 6}, {"quarantine": "x"}, {"halted": True}, {"off_ms": WALL}])
def test_a_leg_that_does_not_qualify_neither_is_an_outlier_nor_convicts_one(more: dict[str, Any]) -> None:
    good = [Given(v, Market.PERP, "A", 100, 100) for v in ("okx", "bybit")]
    assert Flag.OUTLIER not in row_flags(*good, Given("bitget", Market.PERP, "A", 150, 150, **more))
    alone = [good[0], Given("bybit", Market.PERP, "A", 100, 100, **more), Given("bitget", Market.PERP, "A", 150, 150)]
    assert Flag.OUTLIER not in row_flags(*alone)
