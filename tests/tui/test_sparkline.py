"""The last hour in a few cells."""

import pytest

from frmon.signals.series import Series
from frmon.tui.sparkline import PLAIN, Sparks, cells, sparkline


def hour(values: dict[int, float], seconds: int = 3600) -> Series:
    """A series that was sampled every 2 s; `values`: from this second on."""
    series = Series(2.0)
    live: float | None = None
    for at in range(0, seconds + 1, 2):
        live = values.get(at, live)
        series.take(None if live is None or live < 0 else live, float(at))
    return series


def test_low_and_high_unknown_and_gap() -> None:
    assert sparkline([0.0, None, 1.0, 0.5]) == "▁ █▅"
    assert sparkline([0.0, None, 1.0], PLAIN) == "_ #"
    assert sparkline([None, None]) == ""
    assert set(sparkline([0.50, 0.501, 0.502])) <= set("▄▅")


def test_cells_follow_time_and_leave_gaps() -> None:
    found = cells(hour({0: 0.1, 1200: -1.0, 2400: 0.9}).tiers[1], 8)
    assert len(found) == 8
    assert found[0] == pytest.approx(0.1)
    assert found[3] is None
    assert found[-1] == pytest.approx(0.9)


def test_a_line_is_made_anew_only_with_a_new_point() -> None:
    series = hour({0: 0.1, 1800: 0.4})
    sparks = Sparks(lambda coin: series if coin == "BTC" else None, ascii_only=False)
    first = sparks.of("BTC", 8)
    assert (len(first), sparks.of("BTC", 8), sparks.of("ETH", 8), sparks.drawn) == (8, first, "", 1)
    for at in range(3602, 3620, 2):
        series.take(0.4, float(at))
    sparks.of("BTC", 8)
    assert sparks.drawn == 2
    assert Sparks(lambda _: series, ascii_only=True).of("BTC", 8).isascii()
