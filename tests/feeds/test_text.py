"""Foreign text and numbers: whatever is sent, nothing dangerous passes."""

import math
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from frmon.feeds.text import clean, is_symbol, moment, number, positive

HOSTILE = [
    ("\x1b[2J\x1b]52;c;aGk=\x07BTC", "[2J]52;c;aGk=BTC"),
    ("\x9b31mBTC\x9c", "31mBTC"),
    ("B\x00T\r\nC\t\x7f", "BTC"),
    ("BTC\u202egpj.exe", "BTCgpj.exe"),
    ("B\u200bT\u200dC\ufeff", "BTC"),
    ("B\u2066T\u2069C\u2028X\u2029", "BTCX"),
    ("BTC\ud800\udfff", "BTC"),
    ("BTC\ue000\U000e0041", "BTC"),
    ("  BTC  ", "BTC"),
    ("e\u0301", "é"),
    ("[/]", "[/]"),
    ("币安人生USDT", "币安人生USDT"),
    ("x" * 1000, "x" * 40),
    ("\x1b" * 1000 + "late", ""),
]
ANY_TEXT = st.text(st.characters() | st.characters(categories=["Cs", "Cf", "Cc", "Co", "Zl", "Zp", "Mn"]), max_size=60)


@pytest.mark.parametrize(("sent", "kept"), HOSTILE)
def test_what_could_command_a_terminal_or_hide_is_dropped(sent: str, kept: str) -> None:
    assert clean(sent) == kept


@given(ANY_TEXT, st.integers(1, 60))
def test_clean_text_is_short_printable_and_stays_as_it_is(sent: str, limit: int) -> None:
    kept = clean(sent, limit)
    assert len(kept) <= limit
    assert not {unicodedata.category(c) for c in kept} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    kept.encode("utf-8")
    assert clean(kept, limit) == kept


@pytest.mark.parametrize(
    ("sent", "kept"), [(None, "None"), (12, "12"), ({"a": "\x1b"}, "{'a': '\\x1b'}"), (b"\x1b", "b'\\x1b'")]
)
def test_what_is_no_text_is_shown_as_python_shows_it(sent: object, kept: str) -> None:
    assert clean(sent) == kept


@pytest.mark.parametrize("name", ["BTCUSDT", "PEPE-USDT-SWAP", "币安人生USDT", "$ALT", "BTC_USDT", "A.B", "0G", "é"])
def test_names_of_instruments_may_be_of_any_script(name: str) -> None:
    assert is_symbol(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", "A B", "A\x1b", "A/B", "A%2F", "A\n", "x" * 41, "A\u200b", "A\u202eB", "[A]", "A&b=1", "e\u0301", "A?"],
)
def test_what_is_no_name_is_never_asked_for(name: str) -> None:
    assert not is_symbol(name)


@given(ANY_TEXT)
def test_a_symbol_is_clean(sent: str) -> None:
    if is_symbol(sent):
        assert clean(sent) == sent


NUMBERS: list[tuple[object, float | None]] = [
    ("0.0001", 0.0001),
    ("-0.0001", -0.0001),
    ("+1", 1.0),
    ("1e-9", 1e-9),
    ("1E5", 1e5),
    (".5", 0.5),
    ("0", 0.0),
    (7, 7.0),
    (-7, -7.0),
    (1.5, 1.5),
    ("", None),
    (None, None),
    (True, None),
    (False, None),
    ("NaN", None),
    ("nan", None),
    ("Infinity", None),
    ("-inf", None),
    ("1e999", None),
    (math.nan, None),
    (math.inf, None),
    (10**400, None),
    ("1_000", None),
    ("1,000", None),
    (" 1", None),
    ("1 ", None),
    ("１２", None),
    ("١٢", None),
    ("0x10", None),
    ("1.2.3", None),
    ("-", None),
    ("e5", None),
    ("9" * 65, None),
    ([], None),
    ({}, None),
    (b"1", None),
]


@pytest.mark.parametrize(("sent", "value"), NUMBERS, ids=[repr(s)[:20] for s, _ in NUMBERS])
def test_only_plain_finite_decimal_numbers_are_numbers(sent: object, value: float | None) -> None:
    assert number(sent) == value
    assert positive(sent) == (value if value is not None and value > 0 else None)


JUNK: Any = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers())


@given(JUNK | st.decimals().map(str) | st.text("0123456789+-.eE_", max_size=20))
@example("9" * 400)
def test_whatever_is_sent_the_answer_is_a_finite_number_or_none(sent: object) -> None:
    for value in (number(sent), positive(sent)):
        assert value is None or (type(value) is float and math.isfinite(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_the_way_through_text(value: float) -> None:
    assert number(repr(value)) == number(value) == value


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        (1_795_325_580_123, 1_795_325_580_123),
        ("1795325580123", 1_795_325_580_123),
        (1_795_325_580_123_000, None),
        (1_795_325_580, None),
        (0, None),
        ("0", None),
        ("", None),
        (None, None),
        (-1, None),
        (True, None),
        (4_102_444_800_000, None),
    ],
)
def test_only_milliseconds_between_2015_and_2100_are_moments(sent: object, value: int | None) -> None:
    assert moment(sent) == value
