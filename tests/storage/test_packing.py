"""What is packed reads back."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.storage.bars import Bar, Gap
from frmon.storage.packing import Unpackable, pack_bars, pack_gaps, unpack_bars, unpack_gaps


@st.composite
def bars(draw: st.DrawFn) -> list[Bar]:
    decimals = draw(st.integers(0, 12))
    step = 10**decimals
    price = draw(st.integers(1, 10 ** min(13, 15 - decimals // 2)))
    start = draw(st.integers(24_000_000, 60_000_000))
    found = []
    for n in range(draw(st.integers(1, 30))):
        start += draw(st.sampled_from((1, 1, 1, 2, 700))) if n else 0
        bid = max(1, price + draw(st.integers(-50, 50)))
        ask = bid + draw(st.integers(0, 30))
        mids = sorted((2 * bid + draw(st.integers(0, 40))) * 5 for _ in range(4))
        low, a, b, high = (m / (step * 10) for m in mids)
        mark = draw(st.one_of(st.none(), st.integers(1, 10**6))) if decimals else None
        rate = draw(st.one_of(st.none(), st.integers(-(10**6), 10**6)))
        found.append(
            Bar(
                start, a, high, low, b, bid / step, ask / step,
                None if mark is None else mark / (step * 10),
                None if mark is None else (mark + 7) / (step * 10),
                None if rate is None else rate / 10**8,
                draw(st.integers(0, 100_000)),
            )
        )  # fmt: skip
    return found


@settings(max_examples=150)
@given(bars())
def test_bars_read_back_equal(given_bars: list[Bar]) -> None:
    assert unpack_bars(pack_bars(given_bars)) == given_bars


def test_finer_marks_are_kept_to_a_tenth_of_a_price_step() -> None:
    bar = Bar(1, 100.05, 100.05, 100.05, 100.05, 100.0, 100.1, 100.123456, 99.987654, 0.0001, 3)
    (found,) = unpack_bars(pack_bars([bar]))
    assert found == bar._replace(mark_price=100.12, index_price=99.99)


@pytest.mark.parametrize("price", [1.1e-9, 1.485e-05, 0.104, 84_000.1, 1e7, 123_456_789_012.0])
def test_prices_of_any_size_read_back_exactly(price: float) -> None:
    bar = Bar(29_000_000, price, price, price, price, price, price, None, None, None, 0)
    assert unpack_bars(pack_bars([bar])) == [bar]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(-99_999, 10**6), st.integers(0, 10**5), st.integers(0, 60)),
        max_size=80,
    )
)
def test_spreads_read_back_equal(parts: list[tuple[int, int, int, int]]) -> None:
    gaps = [
        Gap(29_000_000 + n + skip, (last + more) / 1e4, (last + more // 2) / 1e4, last / 1e4, skip * 7, seconds)
        for n, (skip, last, more, seconds) in enumerate(parts)
    ]
    assert unpack_gaps(pack_gaps(gaps)) == gaps


@given(st.binary(max_size=200))
def test_garbage_is_told_from_a_pack(data: bytes) -> None:
    with pytest.raises(Unpackable):
        unpack_bars(data)


def test_a_pack_cut_short_or_changed_is_no_pack() -> None:
    whole = pack_bars([Bar(n, 1.5, 1.5, 1.5, 1.5, 1.0, 2.0, 1.2, 1.3, 0.0001, 9) for n in range(60)])
    for cut in range(0, len(whole) - 1, 7):
        with pytest.raises(Unpackable):
            unpack_bars(whole[:cut])


def test_an_hour_of_a_lively_leg_takes_less_than_fourteen_bytes_a_bar() -> None:
    rng, price, found = random.Random(5), 840_000, []
    for n in range(60):
        mids = [price := price + rng.randint(-900, 900) for _ in range(20)]
        bid, ask = (price - 5) / 10, (price + 5) / 10
        ends = (mids[0] / 10, max(mids) / 10, min(mids) / 10, price / 10)
        found.append(
            Bar(29_000_000 + n, *ends, bid, ask, price / 10 + 17.3, price / 10 - 4.1, 0.0001, rng.randint(1, 60))
        )
    assert len(pack_bars(found)) < 14 * 60
