"""Order books of all venues: how they are asked for, and what their replies say."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from frmon.errors import DecodeError
from frmon.feeds.contract import Depth, Venue
from frmon.feeds.venues import all_venues, binance, bitget, bybit, okx
from frmon.model import Book, Market
from tests.feeds.venues.given import HOSTILE_VALUES, MALFORMED, ODD, leaves, own, real, with_value, without

DEPTHS = [(v, d) for v in all_venues() for d in v.depths]
each_depth = pytest.mark.parametrize(("venue", "depth"), DEPTHS, ids=[f"{v.name} {d.market}" for v, d in DEPTHS])

SAMPLES = {
    ("binance", Market.SPOT): "rest_depth_spot",
    ("binance", Market.PERP): "rest_depth_perp",
    ("okx", Market.SPOT): "rest_books_swap",
    ("okx", Market.PERP): "rest_books_swap",
    ("bybit", Market.SPOT): "rest_orderbook_linear",
    ("bybit", Market.PERP): "rest_orderbook_linear",
    ("bitget", Market.SPOT): "rest_orderbook_spot",
    ("bitget", Market.PERP): "rest_merge_depth",
}


def sample(venue: Venue, depth: Depth) -> bytes:
    return own(venue.name, SAMPLES[venue.name, depth.market])


def depth_of(venue: Venue, market: Market) -> Depth:
    return next(d for d in venue.depths if d.market is market)


def is_sane(book: Book) -> bool:
    """Best first, all above zero."""
    bids, asks = [p for p, _ in book.bids], [p for p, _ in book.asks]
    sizes = [size for _, size in (*book.bids, *book.asks)]
    ordered = bids == sorted(bids, reverse=True) and asks == sorted(asks)
    return ordered and all(0 < x < 1e18 for x in (*bids, *asks, *sizes))


def test_every_venue_tells_the_books_of_both_markets() -> None:
    for venue in all_venues():
        assert [d.market for d in venue.depths] == [Market.SPOT, Market.PERP]


@each_depth
def test_a_request_names_the_symbol_and_fits_the_budgets(venue: Venue, depth: Depth) -> None:
    request = depth.request("币安人生&a=USDT")
    assert request.query.isascii()
    assert ["币安人生&a=USDT"] in parse_qs(request.query).values()
    assert request.endpoint in venue.endpoints
    limits = {rule.name: rule.limit for rule in venue.rules}
    assert request.costs
    assert all(0 < units * 4 <= limits[name] for name, units in request.costs), "four in a row at least"


@pytest.mark.parametrize(
    ("venue", "market", "path", "query", "costs", "levels"),
    [
        (binance, Market.SPOT, "/api/v3/depth", "symbol=AUSDT&limit=500", (("spot weight", 25),), 500),
        (binance, Market.PERP, "/fapi/v1/depth", "symbol=AUSDT&limit=500", (("perp weight", 10),), 500),
        (okx, Market.PERP, "/api/v5/market/books", "instId=AUSDT&sz=400", (("books", 1),), 400),
        (bybit, Market.SPOT, "/v5/market/orderbook", "category=spot&symbol=AUSDT&limit=200", (("http", 1),), 200),
        (bybit, Market.PERP, "/v5/market/orderbook", "category=linear&symbol=AUSDT&limit=200", (("http", 1),), 200),
    ],
)
def test_what_is_asked_costs_what_the_venue_says(
    venue: Any, market: Market, path: str, query: str, costs: tuple[tuple[str, int], ...], levels: int
) -> None:
    depth = depth_of(venue.VENUE, market)
    request = depth.request("AUSDT")
    assert (request.path, request.query, request.costs, depth.levels) == (path, query, costs, levels)


def test_futures_and_spot_of_one_venue_are_two_endpoints_with_a_budget_each() -> None:
    spot, perp = (d.request("AUSDT") for d in bitget.VENUE.depths)
    assert (spot.path, spot.query) == ("/api/v2/spot/market/orderbook", "symbol=AUSDT&type=step0&limit=150")
    assert perp.path == "/api/v2/mix/market/merge-depth"
    assert perp.query == "symbol=AUSDT&productType=USDT-FUTURES&precision=scale0&limit=max"
    assert (spot.costs, perp.costs) == (((spot.path, 1), ("all", 1)), ((perp.path, 1), ("all", 1)))


@pytest.mark.parametrize(
    ("venue", "market", "book"),
    [
        (
            binance,
            Market.SPOT,
            Book(((0.9811, 512.3), (0.981, 2040.0)), ((0.9812, 75.9), (0.9814, 880.1), (0.9815, 3.0)), None),
        ),
        (
            binance,
            Market.PERP,
            Book(((0.010412, 150310.0), (0.010411, 98000.0)), ((0.010413, 42011.0), (0.010415, 7.0)), 1795325579901),
        ),
        (
            okx,
            Market.PERP,
            Book(((24.06, 0.5), (24.05, 77.0), (24.01, 1200.0)), ((24.07, 118.2), (24.08, 3.0)), 1795325579840),
        ),
        (bybit, Market.PERP, Book(((141.22, 10.5), (141.21, 300.0)), ((141.23, 4.1), (141.25, 90.2)), 1795325579866)),
        (bitget, Market.SPOT, Book(((141.3, 0.9), (141.28, 44.0)), ((141.31, 2.5), (141.34, 18.07)), 1795325579893)),
        (bitget, Market.PERP, Book(((141.23, 3.2), (141.2, 95.5)), ((141.24, 7.5), (141.26, 110.0)), 1795325579888)),
    ],
)
def test_our_samples_say_what_they_say(venue: Any, market: Market, book: Book) -> None:
    depth = depth_of(venue.VENUE, market)
    assert depth.parse(sample(venue.VENUE, depth)) == book


def test_real_levels_of_streams_are_read_in_the_envelope_of_a_reply() -> None:
    row = json.loads(real("protocols/okx/frames/ws_frames_2026-09-25.json"))["books_snapshot"]["data"][0]
    found = depth_of(okx.VENUE, Market.PERP).parse(json.dumps({"code": "0", "msg": "", "data": [row]}).encode())
    assert found == Book(((83725.8, 7.69), (83725.4, 0.02)), ((83725.9, 1712.41), (83726.0, 1.43)), 1791369351001)

    data = json.loads(real("protocols/bybit/frames/ws_linear_orderbook50_snapshot.json"))["data"]
    found = depth_of(bybit.VENUE, Market.PERP).parse(
        json.dumps({"retCode": 0, "retMsg": "OK", "result": data}).encode()
    )
    assert found.bids == ((86723.4, 0.194), (86723.3, 0.002), (86722.3, 0.001))

    data = json.loads(real("protocols/bitget/frames/ws_v2_futures_books_snapshot.json"))["data"][0]
    found = depth_of(bitget.VENUE, Market.PERP).parse(json.dumps({"code": "00000", "data": data}).encode())
    assert found.asks == ((0.01039, 4499.23), (0.0104, 116536.86))
    assert found.event_ms == 1789456510736


@each_depth
def test_levels_come_out_best_first_and_without_empty_ones(venue: Venue, depth: Depth) -> None:
    told = json.loads(sample(venue, depth))
    for path in side_paths(sample(venue, depth)):
        place = told
        for key in path:
            place = place[key]
        place.reverse()
        place.append([place[0][0], "0", "0", "0"])
    found = depth.parse(json.dumps(told).encode())
    assert found == depth.parse(sample(venue, depth))
    assert is_sane(found)


@each_depth
def test_an_empty_side_is_an_answer_and_a_missing_one_is_not(venue: Venue, depth: Depth) -> None:
    raw = sample(venue, depth)
    for path in side_paths(raw):
        emptied = depth.parse(with_value(raw, path, "[]"))
        assert sorted((len(emptied.bids) > 0, len(emptied.asks) > 0)) == [False, True]
        for broken in (without(raw, path), with_value(raw, path, "null"), with_value(raw, path, "{}")):
            with pytest.raises(DecodeError):
                depth.parse(broken)


def side_paths(raw: bytes) -> list[tuple[Any, ...]]:
    """Where the two sides of a reply are."""
    paths = leaves(json.loads(raw))
    return sorted({p[:-2] for p in paths if len(p) > 2 and isinstance(p[-1], int) and isinstance(p[-2], int)}, key=str)


@each_depth
@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=lambda value: ascii(value[:16]))
def test_no_value_in_a_book_does_harm(venue: Venue, depth: Depth, value: str) -> None:
    raw = sample(venue, depth)
    for path in leaves(json.loads(raw)):
        try:
            assert is_sane(depth.parse(with_value(raw, path, value)))
        except DecodeError as error:
            assert str(error).isprintable()  # noqa: PT017  both are right


@each_depth
@pytest.mark.parametrize("raw", [*MALFORMED, *ODD], ids=lambda raw: ascii(raw[:16]))
def test_what_is_no_book_is_a_decode_error(venue: Venue, depth: Depth, raw: bytes) -> None:
    with pytest.raises(DecodeError):
        depth.parse(raw)


@pytest.mark.parametrize(
    ("venue", "raw", "why"),
    [
        (binance, b'{"code":-1121,"msg":"Invalid symbol."}', "-1121 Invalid symbol."),
        (
            okx,
            b'{"code":"51001","data":[],"msg":"Instrument ID doesn\'t exist."}',
            "51001 Instrument ID doesn't exist.",
        ),
        (okx, b'{"code":"0","data":[],"msg":""}', "no order book"),
        (bybit, b'{"retCode":10001,"retMsg":"params error","result":{},"time":1}', "retCode 10001 params error"),
        (
            bitget,
            b'{"code":"40034","msg":"Parameter A does not exist","data":null}',
            "code 40034 Parameter A does not exist",
        ),
    ],
)
def test_a_refusal_is_told_in_the_venues_words(venue: Any, raw: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=f"^{why}$"):
        depth_of(venue.VENUE, Market.PERP).parse(raw)


@each_depth
def test_a_bad_level_makes_no_hole(venue: Venue, depth: Depth) -> None:
    raw = sample(venue, depth)
    path = next(p for p in leaves(json.loads(raw)) if len(p) > 2 and p[-1] == 1)
    with pytest.raises(DecodeError):
        depth.parse(with_value(raw, path, '"-5"'))
