"""Frames of the running minute: what is put in comes out, and nothing else is taken for one."""

import zlib
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.storage.bars import Bar, Gap, roll_bars
from frmon.storage.records import CoinGap, LegBar, LegName, PairName
from frmon.storage.running import (
    CoinLine,
    Frame,
    LegLine,
    Minute,
    Running,
    Unframed,
    joined,
    minutes_of,
    part_of,
    parts_of,
    seal,
    unseal,
)

MINUTE = 29_000_000
LEG = LegLine(("okx", "perp", "PEPE-USDT-SWAP", "PEPE", 1000), 1.0, 3.0, 0.5, 2.0, 1.9, 2.1, 2.05, None, 1e-4, 17)
COIN = CoinLine("PEPE", 0.9, 0.4, 0.2, 33, ("okx", "perp"), ("bybit", "spot"))


def frame(*parts: Running) -> Frame:
    return Frame("real", "run 1", [part_of(part).raw for part in parts])


def there_and_back(it: Frame) -> dict[int, Minute]:
    number, found = unseal(seal(7, it))
    assert (number, found.market, found.run) == (7, it.market, it.run)
    return minutes_of(parts_of(found))


def test_a_frame_says_what_was_put_into_it() -> None:
    assert there_and_back(frame(Running(MINUTE, [LEG], [COIN]), Running(MINUTE + 1, [LEG], []))) == {
        MINUTE: [
            LegBar(
                LegName("okx", "perp", "PEPE-USDT-SWAP", "PEPE", 1000),
                Bar(MINUTE, 1.0, 3.0, 0.5, 2.0, 1.9, 2.1, 2.05, None, 1e-4, 17),
            ),
            CoinGap("PEPE", PairName(("okx", "perp"), ("bybit", "spot")), Gap(MINUTE, 0.9, 0.4, 0.2, 0, 33)),
        ],
        MINUTE + 1: [
            LegBar(
                LegName("okx", "perp", "PEPE-USDT-SWAP", "PEPE", 1000),
                Bar(MINUTE + 1, 1.0, 3.0, 0.5, 2.0, 1.9, 2.1, 2.05, None, 1e-4, 17),
            )
        ],
    }
    assert there_and_back(frame()) == {}


def test_what_follows_a_frame_is_left_over_from_a_longer_one() -> None:
    assert unseal(seal(1, frame()) + b"what was longer")[0] == 1


def other(change: Callable[[bytearray], object]) -> bytes:
    data = bytearray(seal(1, frame(Running(MINUTE, [LEG], [COIN]))))
    change(data)
    return bytes(data)


def test_no_bit_of_a_frame_can_be_another_one_unnoticed() -> None:
    whole = seal(1, frame(Running(MINUTE, [LEG], [COIN])))
    for bit in range(8 * len(whole)):
        with pytest.raises(Unframed):
            unseal(other(lambda data, bit=bit: data.__setitem__(bit // 8, data[bit // 8] ^ (1 << bit % 8))))  # type: ignore[misc]


def test_a_frame_that_was_not_written_to_its_end_is_known_as_one() -> None:
    whole = seal(1, frame(Running(MINUTE, [LEG], [COIN])))
    for length in range(len(whole)):
        with pytest.raises(Unframed) as error:
            unseal(whole[:length])
        assert error.value.torn


@given(st.binary(max_size=200))
def test_garbage_is_no_frame(data: bytes) -> None:
    with pytest.raises(Unframed):
        unseal(data)
    with pytest.raises(Unframed):
        unseal(seal(1, frame())[:24] + data)


def test_a_frame_of_a_newer_frmon_is_left_alone() -> None:
    with pytest.raises(Unframed, match="another frmon") as error:
        unseal(other(lambda data: data.__setitem__(7, 2)))
    assert not error.value.torn


@pytest.mark.parametrize("body", [b"", b"\xc1", msgspec.msgpack.encode([1, 2, 3]), msgspec.msgpack.encode(["real"])])
def test_a_sound_frame_of_something_else_is_none(body: bytes) -> None:
    head = seal(1, frame())[:16] + len(body).to_bytes(8, "little")
    with pytest.raises(Unframed):
        unseal(head + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little") + body)


@pytest.mark.parametrize("part", [[], ["a", [], []], [MINUTE, [[1]], []], [MINUTE, [], [["PEPE"]]]])
def test_a_part_of_something_else_is_none(part: list[object]) -> None:
    with pytest.raises(Unframed):
        minutes_of(parts_of(Frame("real", "1", [msgspec.Raw(msgspec.msgpack.encode(part))])))


PRICES = st.floats(0.001, 1e6)
BARS = st.builds(
    lambda prices, bid, ask, mark, updates: Bar(
        MINUTE, prices[0], max(prices), min(prices), prices[-1], bid, ask, mark, None, None, updates
    ),
    st.lists(PRICES, min_size=1, max_size=4), PRICES, PRICES, st.none() | PRICES, st.integers(0, 500),
)  # fmt: skip


@given(st.lists(BARS, min_size=1, max_size=5))
def test_parts_of_one_minute_join_as_minutes_roll_up(bars: list[Bar]) -> None:
    leg = LegName("okx", "perp", "X", "X")
    assert joined([[LegBar(leg, bar)] for bar in bars]) == [LegBar(leg, bar) for bar in roll_bars(bars, 1)]


def test_what_only_one_part_has_seen_is_in_the_whole() -> None:
    one, two = LegName("okx", "perp", "X", "X"), LegName("okx", "perp", "Y", "Y")
    bar = Bar(MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, None, None, None, 1)
    pair = PairName(("a", "perp"), ("b", "perp"))
    first: Minute = [LegBar(one, bar), CoinGap("X", pair, Gap(MINUTE, 2.0, 1.0, 0.5, 0, 10))]
    then: Minute = [
        LegBar(two, bar),
        CoinGap("X", PairName(("b", "perp"), ("a", "perp")), Gap(MINUTE, 1.0, 0.4, 0.3, 0, 30)),
    ]
    assert joined([first, [], then]) == [
        LegBar(one, bar),
        LegBar(two, bar),
        CoinGap("X", PairName(("b", "perp"), ("a", "perp")), Gap(MINUTE, 2.0, 0.55, 0.3, 0, 40)),
    ]
    assert joined([]) == joined([[], []]) == []
