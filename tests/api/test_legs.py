"""What is told of a coin whose legs changed, and how it is packed."""

import zlib
from typing import Any

import msgspec

from frmon.api.legs import CoinMark, marked
from frmon.api.packing import GZIP, Packer, takes_gzip
from frmon.parts import CoinPart, LegPart
from tests.attach.collector import leg


def coin(*legs: dict[str, Any]) -> CoinPart:
    return CoinPart(coin="BTC", flags=[], legs=[msgspec.convert(one, LegPart) for one in legs], spread=None)


def told(mark: CoinMark, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(list(mark.news(number))))
    return found


WHO = {"venue": "okx", "market": "perp", "symbol": "BTCUSDT"}
TIMES = {"event_ms": 1, "received_ms": 2, "age_s": 0.25}


def test_only_what_changed_since_then_is_told() -> None:
    first = marked(coin(leg("binance", 1, 2), leg("okx", 3, 4, last=3)), None, 1)
    second = marked(coin(leg("binance", 1, 2), leg("okx", 3.5, 4, last=3)), first, 2)
    third = marked(coin(leg("binance", 1, 2), leg("okx", 3.5, 5, last=3)), second, 3)
    assert told(third, 3) == []
    assert told(third, 2) == [{**WHO, "ask": 5.0, **TIMES}]
    assert told(third, 1) == [{**WHO, "bid": 3.5, "ask": 5.0, **TIMES}]
    assert third.whole == 1


def test_what_is_known_no_longer_is_told_as_null() -> None:
    first = marked(coin(leg("okx", 3, 4, last=3)), None, 1)
    second = marked(coin(leg("okx", None, 4, fresh=False, last=3)), first, 2)
    assert told(second, 1) == [{**WHO, "bid": None, "fresh": False, **TIMES}]


def test_another_leg_or_another_nature_is_a_whole_coin() -> None:
    first = marked(coin(leg("okx", 3, 4, last=3)), None, 1)
    for other in (
        coin(leg("okx", 3, 4), leg("bybit", 3, 4)),
        coin(),
        coin(leg("bybit", 3, 4)),
        coin(leg("okx", 3, 4, multiplier=1000)),
        coin(leg("okx", 3, 4, quarantine="too far from the others")),
        coin(leg("okx", 3, 4, halted=True)),
        coin(leg("okx", 3, 4, settled_rate=0.0001)),
        coin(leg("okx", 3, 4, funding_age_s=99.0)),
    ):
        assert marked(other, first, 2).whole == 2


def test_what_is_confirmed_and_stays_the_same_is_told_of_now_and_then() -> None:
    mark = marked(coin(leg("okx", 3, 4, received_ms=60_000)), None, 1)
    mark = marked(coin(leg("okx", 3, 4, received_ms=119_999)), mark, 2)
    assert told(mark, 1) == []
    mark = marked(coin(leg("okx", 3, 4, received_ms=120_001)), mark, 3)
    assert told(mark, 2) == [{**WHO, **TIMES, "received_ms": 120_001}]


def test_every_packed_piece_can_be_read_at_once() -> None:
    packer, reading = Packer(), zlib.decompressobj(GZIP)
    for piece in (b"event: status\n\n", b"x" * 100_000, b"event: status\n\n"):
        assert reading.decompress(packer.packed(piece)) == piece


def test_who_takes_packed_answers() -> None:
    for accepted in ("gzip", "deflate, gzip", "br, GZIP;q=0.5", "gzip; q=1"):
        assert takes_gzip(accepted), accepted
    for accepted in ("", "identity", "br, deflate", "gzip;q=0", "gzip; q=0.0", "x-gzip2"):
        assert not takes_gzip(accepted), accepted
