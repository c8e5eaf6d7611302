import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.tui import figures


def test_prices_stand_in_fixed_notation_with_five_significant_digits() -> None:
    assert figures.price(1.0412e-5, 12) == "0.000010412"
    assert figures.price(104_233.1, 12) == "104233.10"
    assert figures.price(0.5, 12) == "0.50000"
    assert figures.price(3.14159, 12) == "3.1416"


def test_a_price_that_does_not_fit_loses_a_digit_and_then_counts_its_zeros() -> None:
    assert figures.price(1.0412e-5, 10) == "0.00001041"
    assert figures.price(4.5123e-9, 10) == "0.0₈4512"
    assert figures.price(4.5123e-9, 10, plain=True) == "0.0(8)4512"


def test_unknown_and_impossible_numbers_are_never_zero() -> None:
    for value in (None, float("nan"), float("inf"), 0.0, -1.0):
        assert figures.price(value, 11) == figures.UNKNOWN
    assert figures.signed(None, 3, 7) == figures.compact(None) == figures.age(None) == figures.UNKNOWN
    assert figures.countdown(None) == figures.exact(None) == figures.UNKNOWN


@given(st.floats(min_value=1e-18, max_value=1e15), st.integers(10, 16), st.booleans())
def test_a_price_fits_its_column_and_shows_no_exponent(value: float, width: int, plain: bool) -> None:
    text = figures.price(value, width, plain)
    assert len(text) <= width + (plain and value < 1e-9)
    assert "e" not in text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(6, 8))
def test_a_signed_number_fits_its_column(value: float, width: int) -> None:
    assert len(figures.signed(value, 4, width)) <= width


@given(st.floats(min_value=0, max_value=1e17))
def test_a_volume_takes_at_most_six_cells(value: float) -> None:
    assert len(figures.compact(value)) <= 6


def test_volumes_read_as_people_say_them() -> None:
    assert [figures.compact(v) for v in (0, 812, 1234, 12_345, 999_900, 4.56e9)] == [
        "0", "812", "1.23k", "12.3k", "1.00M", "4.56B",
    ]  # fmt: skip


def test_ages_are_whole_seconds_unless_tenths_are_asked_for() -> None:
    assert [figures.age(s) for s in (0.4, 12.7, 200, 7300, 200_000)] == ["0s", "12s", "3m", "2h", "2d"]
    assert figures.age(0.42, tenths=True) == "0.4s"


@given(st.integers(-(10**9), 10**12))
def test_a_countdown_is_never_negative_and_five_cells_at_most(left: int) -> None:
    text = figures.countdown(left)
    assert "-" not in text
    assert len(text) <= 6


def test_a_countdown_tells_minutes_from_hours() -> None:
    assert figures.countdown(3_552_000) == "59:12"
    assert figures.countdown(28_740_000) == "7h59m"
    assert figures.countdown(-5) == "00:00"


def test_exact_prices_keep_all_their_digits() -> None:
    assert figures.exact(1.0412e-05) == "0.000010412"
    assert figures.exact(104233.15) == "104233.15"


def test_the_time_of_day_and_short_durations() -> None:
    assert figures.clock(1_795_325_580_123) == "05:33:00"
    assert figures.duration(75.9) == "1:15"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (float("nan"), "-"), (-1.0, "now"), (0.0, "now"), (0.44, "0.4h"), (9.94, "9.9h"), (9.96, "10h"),
        (99.4, "99h"), (99.6, "4d"), (23_000.0, "958d"), (30_000.0, "never"), (float("inf"), "never"),
    ],
)  # fmt: skip
def test_a_time_to_wait_fits_five_cells(value: float | None, text: str) -> None:
    assert figures.hours(value) == text
    assert len(text) <= 5
