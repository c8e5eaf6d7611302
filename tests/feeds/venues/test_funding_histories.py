"""Past settlements of all venues: how they are asked for, and what their replies say."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from frmon.errors import DecodeError
from frmon.feeds.contract import FundingHistory, Past, Settled, Venue
from frmon.feeds.venues import all_venues, binance, bitget, bybit, okx
from frmon.model import Market
from fuzz.targets import samples
from tests.feeds.venues.given import HOSTILE_VALUES, MALFORMED, leaves, real, with_value, without

HISTORIES = [(v, h) for v in all_venues() for h in v.funding_histories]
each_history = pytest.mark.parametrize(("venue", "history"), HISTORIES, ids=[v.name for v, _ in HISTORIES])
SAMPLES = {
    "binance": "replies settlements",
    "okx": "replies settlements",
    "bybit": "rest_funding_history",
    "bitget": "rest_history_fund_rate",
}
SINCE, UNTIL = 1_795_000_000_000, 1_795_400_000_000


def sample(venue: Venue) -> bytes:
    return samples(venue.name)[SAMPLES[venue.name]]


def only(venue: Any) -> FundingHistory:
    found: FundingHistory = venue.VENUE.funding_histories[0]
    return found


def test_every_venue_tells_what_its_perpetuals_paid() -> None:
    assert {venue.name: [h.market for h in venue.funding_histories] for venue in all_venues()} == {
        venue.name: [Market.PERP] for venue in all_venues()
    }


@each_history
def test_a_request_names_the_symbol_and_fits_the_budgets(venue: Venue, history: FundingHistory) -> None:
    request = history.request(Past("币安人生&a=USDT", SINCE, UNTIL))
    assert request.query.isascii()
    assert ["币安人生&a=USDT"] in parse_qs(request.query).values()
    assert request.endpoint in venue.endpoints
    limits = {rule.name: rule.limit for rule in venue.rules}
    assert request.costs
    assert all(units == 1 and limits[name] >= 10 for name, units in request.costs)
    assert [str(history.rows)] in parse_qs(request.query).values()


@pytest.mark.parametrize(
    ("venue", "path", "query", "costs"),
    [
        (binance, "/fapi/v1/fundingRate", "symbol=A&startTime=5&endTime=8&limit=1000", (("funding info", 1),)),
        (okx, "/api/v5/public/funding-rate-history", "instId=A&after=9&limit=100", (("funding history", 1),)),
        (
            bybit,
            "/v5/market/funding/history",
            "category=linear&symbol=A&startTime=5&endTime=8&limit=200",
            (("http", 1),),
        ),
        (
            bitget,
            "/api/v2/mix/market/history-fund-rate",
            "symbol=A&productType=USDT-FUTURES&pageSize=100&pageNo=3",
            (("/api/v2/mix/market/history-fund-rate", 1), ("all", 1)),
        ),
    ],
)
def test_what_is_asked_is_what_the_venue_documents(
    venue: Any, path: str, query: str, costs: tuple[tuple[str, int], ...]
) -> None:
    request = only(venue).request(Past("A", 5, 9, 2))
    assert (request.path, request.query, request.costs) == (path, query, costs)


@pytest.mark.parametrize(
    ("venue", "rows"),
    [
        (
            binance,
            [
                Settled("NOTUSDT", 1795276800000, 0.0001),
                Settled("NOTUSDT", 1795291200002, -0.00004127),
                Settled("NOTUSDT", 1795305600003, 0.0),
            ],
        ),
        (
            okx,
            [Settled("WIF-USDT-SWAP", 1795305600000, 0.0000698877), Settled("WIF-USDT-SWAP", 1795291200000, -0.000134)],
        ),
        (bybit, [Settled("SOLUSDT", 1795305600000, 0.0001), Settled("SOLUSDT", 1795276800000, -0.00002731)]),
        (bitget, [Settled("SOLUSDT", 1795305600000, 0.000078), Settled("SOLUSDT", 1795276800000, -0.00012)]),
    ],
)
def test_our_samples_say_what_they_say(venue: Any, rows: list[Settled]) -> None:
    assert only(venue).parse(sample(venue.VENUE)) == rows


@pytest.mark.shared
@pytest.mark.parametrize(
    ("venue", "path", "count", "first"),
    [
        (binance, "binance/frames/um_rest_fundingRate.json", 3, Settled("BTCUSDT", 1791302400000, 0.00002245)),
        (bybit, "bybit/frames/rest_funding_history.json", 1, Settled("ETHUSDT", 1789459200000, -0.00006352)),
        (bitget, "bitget/frames/rest_v2_mix_history_fund_rate.json", 5, Settled("BTCUSDT", 1790352000000, 0.000078)),
    ],
)
def test_real_replies_are_read(venue: Any, path: str, count: int, first: Settled) -> None:
    found = only(venue).parse(real(f"protocols/{path}"))
    assert len(found) == count
    assert found[0] == first


@each_history
@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=lambda value: ascii(value[:16]))
def test_a_bad_value_costs_its_row_at_most(venue: Venue, history: FundingHistory, value: str) -> None:
    raw = sample(venue)
    whole = list(history.parse(raw))
    for path in leaves(json.loads(raw)):
        for spoilt in (with_value(raw, path, value), without(raw, path)):
            try:
                found = history.parse(spoilt)
            except DecodeError as error:
                assert str(error).isprintable()  # noqa: PT017  both are right
                continue
            if any(isinstance(key, int) for key in path):
                assert len([row for row in whole if row in found]) >= len(whole) - 1


@each_history
@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: ascii(raw[:16]))
def test_what_is_no_reply_is_a_decode_error(venue: Venue, history: FundingHistory, raw: bytes) -> None:
    with pytest.raises(DecodeError):
        history.parse(raw)


@pytest.mark.parametrize(
    ("venue", "raw", "why"),
    [
        (binance, b'{"code":-1121,"msg":"Invalid symbol."}', "-1121 Invalid symbol."),
        (
            okx,
            b'{"code":"51001","data":[],"msg":"Instrument ID doesn\'t exist."}',
            "51001 Instrument ID doesn't exist.",
        ),
        (bybit, b'{"retCode":10001,"retMsg":"params error","result":{},"time":1}', "retCode 10001 params error"),
        (bitget, b'{"code":"40034","msg":"No A","data":null}', "code 40034 No A"),
    ],
)
def test_a_refusal_is_told_in_the_venues_words(venue: Any, raw: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=f"^{why}$"):
        only(venue).parse(raw)


@each_history
def test_no_row_is_no_error(venue: Venue, history: FundingHistory) -> None:
    told = json.loads(sample(venue))
    place = told if isinstance(told, list) else told["result"]["list"] if "result" in told else told["data"]
    place.clear()
    assert list(history.parse(json.dumps(told).encode())) == []


@pytest.mark.parametrize("kind", ['"Special"', "null", "5", '"regular"'])
def test_what_may_be_a_dividend_is_no_settlement_of_the_rate(kind: str) -> None:
    raw = with_value(sample(binance.VENUE), (0, "rateType"), kind)
    assert [row.at_ms for row in only(binance).parse(raw)] == [1795291200002, 1795305600003]
