import gzip
import json
from random import Random

import msgspec
import pytest

from frmon.feeds.sim.bodies import BOMB_BYTES, HUGE_BYTES, spoilt
from frmon.feeds.sim.dialects import Reply, reply
from frmon.feeds.sim.faults import Fault, Faults, Place
from frmon.feeds.sim.frames import Raw, blown_up, fragmented
from frmon.feeds.sim.spoil import HOSTILE, garbled, hostile, shape, shifted

FRAME = b'{"topic":"tickers.1000PEPEUSDT","ts":1790000000123,"data":{"bid1Price":"0.0123","n":[7,-1.5e-3]}}'
NOW = 1_790_000_000_500


def spoil(how: str, **more: object) -> list[bytes]:
    return garbled(FRAME, msgspec.convert({"kind": "garble", "how": how, **more}, Fault), Random(1))


def test_frames_are_cut_lengthened_doubled_or_no_text_any_more() -> None:
    assert spoil("truncate") == [FRAME[: len(FRAME) // 2]]
    assert spoil("duplicate") == [FRAME, FRAME]
    assert spoil("bom") == ["\ufeff".encode() + FRAME]
    assert spoil("shuffle") == [FRAME]
    (junk,) = spoil("junk")
    assert junk.startswith(FRAME)
    with pytest.raises(json.JSONDecodeError):
        json.loads(junk)
    with pytest.raises(UnicodeDecodeError):
        spoil("utf8")[0].decode()
    (binary,) = spoil("binary")
    assert isinstance(binary, Raw)
    assert (binary[0], binary[2:]) == (0x82, FRAME)


@pytest.mark.parametrize("value", HOSTILE)
def test_numbers_become_hostile_and_nothing_else_does(value: bytes) -> None:
    said = hostile(FRAME, value, Random(3))
    assert value in said
    assert b'"topic":"tickers.1000PEPEUSDT"' in said
    assert said != FRAME
    if value not in (b"Infinity", b"1e999"):
        assert json.loads(said)["topic"] == "tickers.1000PEPEUSDT"


def test_every_number_has_its_turn_and_a_payload_is_the_value() -> None:
    said = {spoil_one for seed in range(40) for spoil_one in [hostile(FRAME, b"true", Random(seed))]}
    for field in ("ts", "data"):
        assert any(json.loads(one)[field] is True or json.loads(one)[field] != json.loads(FRAME)[field] for one in said)
    assert b'"\xd9\xa1"' in spoil("numbers", payload='"١"')[0]


def test_event_times_move_and_settlements_prices_and_names_stay() -> None:
    frame = b'{"E":1790000000123,"t":1789999999,"us":1790000000123456,"T":1790002800000,"p":"1790000000123.5","s":"1790000000123X","h":1789999200000}'
    assert shifted(frame, NOW, -300_000) == (
        b'{"E":1789999700123,"t":1789999699,"us":1789999700123456,"T":1790002800000,"p":"1790000000123.5","s":"1790000000123X","h":1789999200000}'
    )
    assert b'"E":1790000000123000' in shifted(frame, NOW, 0, "us")
    assert b'"E":0' in shifted(frame, NOW, 0, "zero")


def test_frames_of_one_symbol_have_one_shape() -> None:
    other = FRAME.replace(b"0.0123", b"0.0199").replace(b"1790000000123", b"1790000009123")
    assert shape(other) == shape(FRAME)
    assert shape(FRAME.replace(b"1000PEPE", b"SHIB1000")) != shape(FRAME)


@pytest.mark.parametrize("payload", [b"", b"hello", b"{}", b'{"a":1}', b"[]", b"[1]"])
def test_payloads_are_blown_up_to_valid_json(payload: bytes) -> None:
    said = blown_up(payload, 5_000)
    assert len(said) == 5_000
    json.loads(said)


def test_messages_are_cut_into_frames_that_are_one_message() -> None:
    assert fragmented(b"abcdef", 1, 3) == b"\x01\x02ab\x00\x02cd\x80\x02ef"
    assert fragmented(b"a", 2, 3) == b"\x02\x01a\x00\x00\x80\x00"
    assert fragmented(b"a", 1, 1) == b"\x81\x01a"


# bodies

ROWS = {
    "retCode": 0,
    "retExtInfo": {},
    "result": {"category": "linear", "list": [{"s": n, "p": "1"} for n in range(6)]},
}


def rows(how: str, value: object = ROWS) -> object:
    said = json.loads(spoilt(reply(value), how).body)
    return said["result"]["list"] if isinstance(said, dict) else said


def test_lists_are_emptied_halved_or_have_one_malformed_row_wherever_they_are() -> None:
    assert rows("none") == []
    assert rows("none", [1, 2]) == []
    assert rows("half") == ROWS["result"]["list"][:3]  # type: ignore[index]
    malformed = rows("malformed")
    assert isinstance(malformed, list)
    assert [n for n, row in enumerate(malformed) if row == {"s": [None], "p": [None]}] == [3]
    assert len(malformed) == 6
    assert spoilt(reply({"a": 1}), "none").body == b'{"a":1}'


def test_bodies_are_html_nothing_half_or_of_another_type() -> None:
    said = reply(ROWS)
    html = spoilt(said, "html")
    assert (html.status, html.headers["Content-Type"], html.body[:9]) == (200, "text/html", b"<!DOCTYPE")
    assert (spoilt(said, "empty").status, spoilt(said, "empty").body) == (204, b"")
    assert said.body.startswith(spoilt(said, "truncated").body)
    assert len(spoilt(said, "truncated").body) == len(said.body) // 2
    assert spoilt(said, "mime") == Reply(200, said.body, {"Content-Type": "text/html"})
    assert spoilt(said, "drip") == said


def test_the_bomb_is_small_and_becomes_more_than_200_mib_of_json() -> None:
    said = spoilt(reply([]), "bomb")
    assert len(said.body) < 1 << 20
    opened = gzip.decompress(said.body)
    assert len(opened) == BOMB_BYTES + 2 > 200 << 20
    assert opened[-2:] == b"[]"


def test_the_huge_body_is_valid_json_of_50_megabytes() -> None:
    body = spoilt(reply([]), "huge").body
    assert HUGE_BYTES <= len(body) < HUGE_BYTES + 200
    assert msgspec.json.decode(body)["code"] == "0"


# where faults are


def test_faults_are_found_by_venue_market_line_and_match() -> None:
    faults = Faults()
    faults.add(Fault(kind="mute", venue="okx", market="perp", line="/public", match="BTC", for_s=10), 1_000)
    place = Place("okx", "perp", "/ws/v5/public")
    assert faults.here(place, 1_000)
    for other in (
        Place("bybit", "perp", "/public"),
        Place("okx", "spot", "/public"),
        Place("okx", "", "/public"),
        Place("okx", "perp"),
    ):
        assert not faults.here(other, 1_000)
    assert faults.find("mute", "okx", 1_000, "BTC-USDT")
    assert faults.find("mute", place, 1_000)
    assert not faults.find("mute", "okx", 1_000, "ETH-USDT")
    assert not faults.find("lose", "okx", 1_000)
    assert not faults.find("mute", "okx", 11_000)
    assert faults.any(10_999)
    assert not faults.any(11_000)


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "garble", "how": "gently"},
        {"kind": "rest_body", "how": ""},
        {"kind": "inject", "payload": "xy", "hex": True},
    ],
)
def test_orders_that_mean_nothing_are_refused(order: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(order, Fault)
