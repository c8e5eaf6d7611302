"""What each venue's answers mean, over all venues: go on, retry, wait until, or blocked."""

from email.utils import formatdate

import pytest

from frmon.errors import Refused
from frmon.feeds.venues import all_venues

VENUES = {v.name: v for v in all_venues()}
NOW_S = 1_795_325_580
DATE = {"date": formatdate(NOW_S, usegmt=True)}
UNTIL = f'{{"code":-1003,"msg":"Way too much request weight used; IP banned until {(NOW_S + 90) * 1000}."}}'.encode()
HTML = b"<html><title>ERROR: The request could not be satisfied</title></html>"

ROWS = [
    ("binance", 200, {}, b"[]", None, None),
    ("binance", 429, {"retry-after": "17"}, b'{"code":-1003,"msg":"Too much request weight used"}', "BANNED", 17.0),
    ("binance", 429, {}, b'{"code":-1003,"msg":"Too much request weight used"}', "BANNED", 16.0),
    ("binance", 418, {"retry-after": "120"}, UNTIL, "BANNED", 120.0),
    ("binance", 418, DATE, UNTIL, "BANNED", 90.0),
    ("binance", 418, {}, b"", "BANNED", 120.0),
    ("binance", 403, {}, HTML, "BLOCKED", 1800.0),
    ("binance", 451, {}, b'{"code":0,"msg":"Service unavailable from a restricted location"}', "BLOCKED", 1800.0),
    ("binance", 404, {}, b"", "BLOCKED", 1800.0),
    ("binance", 503, {}, HTML, "RECONNECT", None),
    ("okx", 200, {}, b'{"code":"0","msg":"","data":[]}', None, None),
    ("okx", 429, {}, b'{"msg":"Too Many Requests","code":"50011"}', "BANNED", 3.0),
    ("okx", 200, {}, b'{"msg":"Too Many Requests","code":"50011","data":[]}', "BANNED", 3.0),
    ("okx", 429, {"retry-after": "9"}, b'{"msg":"Too Many Requests","code":"50011"}', "BANNED", 9.0),
    ("okx", 503, {}, b'{"code":"50001","msg":"Service temporarily unavailable"}', "MAINT", 30.0),
    ("okx", 403, {}, HTML, "BLOCKED", 600.0),
    ("okx", 451, {}, b"", "BLOCKED", 600.0),
    ("okx", 502, {}, HTML, "RECONNECT", None),
    ("bybit", 200, {}, b'{"retCode":0,"retMsg":"OK","result":{}}', None, None),
    ("bybit", 403, {}, b"403, access too frequent", "BANNED", 600.0),
    ("bybit", 403, {}, HTML, "BLOCKED", 600.0),
    ("bybit", 429, {"retry-after": "4"}, b"", "BANNED", 4.0),
    ("bybit", 200, {}, b'{"retCode":10006,"retMsg":"Too many visits!"}', "BANNED", 5.0),
    ("bybit", 200, {}, b'{"retCode":10009,"retMsg":"IP has been banned"}', "BLOCKED", 600.0),
    ("bybit", 200, {}, b'{"retCode":10016,"retMsg":"Internal server error"}', "MAINT", 5.0),
    ("bybit", 451, {}, b"", "BLOCKED", 600.0),
    ("bybit", 504, {}, HTML, "RECONNECT", None),
    ("bitget", 200, {}, b'{"code":"00000","msg":"success","data":[]}', None, None),
    ("bitget", 429, {"x-mbx-used-remain-limit": "0"}, b'{"code":"429","msg":"Too Many Requests"}', "BANNED", 2.0),
    ("bitget", 429, {}, b'{"code":"429","msg":"Too Many Requests"}', "BANNED", 300.0),
    ("bitget", 200, {}, b'{"code":"45001","msg":"Unknown error"}', "MAINT", 5.0),
    ("bitget", 400, {}, b'{"code":"40725","msg":"service return an error"}', "MAINT", 5.0),
    ("bitget", 403, {}, HTML, "BLOCKED", 600.0),
    ("bitget", 451, {}, b"", "BLOCKED", 600.0),
    ("bitget", 520, {}, HTML, "RECONNECT", None),
]  # fmt: skip


@pytest.mark.parametrize(("venue", "status", "headers", "body", "means", "wait_s"), ROWS)
def test_every_refusal_is_classified_by_one_pure_function(
    venue: str, status: int, headers: dict[str, str], body: bytes, means: str | None, wait_s: float | None
) -> None:
    found = VENUES[venue].verdict(status, headers, body)
    if means is None:
        assert found is None
        return
    assert found is not None
    assert (found.status, found.retry_s) == (means, wait_s)


@pytest.mark.parametrize("venue", sorted(VENUES))
@pytest.mark.parametrize("status", [400, 401, 418, 429, 500, 502, 503, 504, 520, 526])
def test_no_status_that_is_no_answer_is_ever_taken_for_one(venue: str, status: int) -> None:
    for body in (b"", HTML, b'{"code":"0","retCode":0}', b"\xff\xfe", b'{"code":' * 200):
        assert VENUES[venue].verdict(status, {"retry-after": "garbage"}, body) is not None


def test_a_line_that_will_be_closed_for_too_many_messages_is_told_apart_from_a_refused_symbol() -> None:
    hear = VENUES["bitget"].streams[0].parse
    with pytest.raises(Refused) as caught:
        hear(b'{"event":"error","code":30007,"msg":"request over limit,connection close"}')
    assert caught.value.closing
    with pytest.raises(Refused) as caught:
        hear(
            b'{"event":"error","arg":{"instType":"USDT-FUTURES","channel":"ticker","instId":"X"},"code":30001,"msg":"no"}'
        )
    assert not caught.value.closing
