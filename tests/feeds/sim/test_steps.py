"""Order books of the simulated market."""

import pytest

from frmon.feeds.sim.dialects import all_dialects
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.steps import Step, ladder
from frmon.feeds.sim.world import World

START_MS = 1_795_325_580_000
VENUES = ("binance", "okx", "bybit", "bitget")
ROUTES = {path: route for dialect in all_dialects() for path, route in dialect.routes.items()}


def world(seed: int = 5) -> World:
    return World(seed, 120, START_MS)


def everything(one: World) -> list[Instrument]:
    return [i for venue in VENUES for market in ("spot", "perp") for i in one.instruments(venue, market).values()]


def on_grid(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-3


def test_the_first_level_is_the_quote_and_the_others_follow_on_ticks_and_lots() -> None:
    one = world()
    one.advance(START_MS + 3_000)
    for i in everything(one):
        bids, asks = ladder(i, one.seed, 40)
        assert bids[:1] == ([(i.quote.bid, i.quote.bid_size)] if i.quote.bid else [])
        assert asks[:1] == ([(i.quote.ask, i.quote.ask_size)] if i.quote.ask else [])
        assert [p for p, _ in bids] == sorted({p for p, _ in bids}, reverse=True)
        assert [p for p, _ in asks] == sorted({p for p, _ in asks})
        lot = 10.0**-i.size_decimals
        assert all(price > 0 and size >= lot * 0.999 for price, size in bids + asks)
        assert all(on_grid(price, i.tick) for price, _ in bids + asks)


def test_the_same_seed_gives_the_same_book_and_another_one_does_not() -> None:
    books = [[ladder(i, one.seed, 50) for i in everything(one)] for one in (world(5), world(5), world(6))]
    assert books[0] == books[1]
    assert books[0] != books[2]


def test_a_price_keeps_about_its_size_while_the_quote_moves() -> None:
    one = world()
    i = next(i for i in one.instruments("binance", "perp").values() if i.kind == "normal" and i.state == "trading")
    before = dict(ladder(i, one.seed, 400)[1])
    one.advance(START_MS + 1_000)
    after = dict(ladder(i, one.seed, 400)[1][1:])
    shared = [price for price in before.keys() & after.keys() if price != i.quote.ask]
    assert len(shared) > 50
    alike = [0.5 < before[price] / after[price] < 2 for price in shared]
    assert sum(alike) > 0.9 * len(alike)


def test_books_are_deep_enough_for_what_is_asked_of_them() -> None:
    """The well-known take 50,000 USDT within a few percent; the unknown do not."""
    one = world()

    def worth(side: list[Step], contract: float) -> float:
        return sum(price * size * contract for price, size in side)

    normal = [i for i in everything(one) if i.kind == "normal" and i.quote.ask]
    depths = [(i.coin.weight, worth(ladder(i, one.seed, 100)[1], i.contract)) for i in normal]
    assert all(depth > 50_000 for weight, depth in depths if weight > 0.1)
    assert min(depth for _, depth in depths) > 1_000


@pytest.mark.parametrize(
    ("path", "query", "units"),
    [
        ("/api/v3/depth", {}, 5),
        ("/api/v3/depth", {"limit": "100"}, 5),
        ("/api/v3/depth", {"limit": "500"}, 25),
        ("/api/v3/depth", {"limit": "1000"}, 50),
        ("/api/v3/depth", {"limit": "5000"}, 250),
        ("/fapi/v1/depth", {}, 10),
        ("/fapi/v1/depth", {"limit": "50"}, 2),
        ("/fapi/v1/depth", {"limit": "100"}, 5),
        ("/fapi/v1/depth", {"limit": "1000"}, 20),
        ("/api/v5/market/books", {}, 1),
        ("/v5/market/orderbook", {}, 1),
        ("/api/v2/spot/market/orderbook", {}, 1),
        ("/api/v2/mix/market/merge-depth", {}, 1),
    ],
)
def test_deeper_books_weigh_more_where_they_do(path: str, query: dict[str, str], units: int) -> None:
    weight = ROUTES[path].weight
    assert (weight if isinstance(weight, int) else weight(query)) == units


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("/api/v3/depth", {}, b'"code":-1102'),
        ("/api/v3/depth", {"symbol": "NOPE"}, b'"code":-1121'),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "many"}, b'"code":-1130'),
        ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "7"}, b'"code":-4021'),
        ("/api/v5/market/books", {"instId": "BTC-USDT", "sz": "401"}, b'"code":"51000"'),
        ("/api/v5/market/books", {"instId": "NOPE-USDT"}, b'"code":"51001"'),
        ("/v5/market/orderbook", {"category": "spot", "symbol": "BTCUSDT", "limit": "201"}, b"Limit is invalid"),
        ("/v5/market/orderbook", {"category": "linear", "symbol": "NOPE"}, b"Symbol Is Invalid"),
        ("/v5/market/orderbook", {"symbol": "BTCUSDT"}, b"Category is invalid"),
        ("/api/v2/spot/market/orderbook", {}, b'"code":"400172"'),
        ("/api/v2/spot/market/orderbook", {"symbol": "NOPE"}, b'"code":"40034"'),
        ("/api/v2/mix/market/merge-depth", {"symbol": "BTCUSDT"}, b'"code":"40019"'),
        (
            "/api/v2/mix/market/merge-depth",
            {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "limit": "7"},
            b'"code":"400172"',
        ),
    ],
)
def test_a_wrong_question_is_refused_in_the_venues_words(path: str, query: dict[str, str], said: bytes) -> None:
    assert said in ROUTES[path].answer(world(), query, START_MS).body
