"""How the simulated Binance speaks over REST: spot and USDⓈ-M futures, as documented in 2026. Streams are in
`binance_streams`."""

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Any

from frmon.feeds.sim.dialects import Close, Dialect, Query, Quota, Reply, Route, dumps, reply
from frmon.feeds.sim.dialects.binance_rows import (
    coin8,
    perp_book,
    perp_day,
    perp_last,
    perp_symbol,
    premium,
    spot_book,
    spot_day,
    spot_symbol,
)
from frmon.feeds.sim.dialects.binance_streams import connect_perp, connect_spot
from frmon.feeds.sim.instrument import Instrument, Paid
from frmon.feeds.sim.past import settled
from frmon.feeds.sim.steps import Step, ladder
from frmon.feeds.sim.world import World

LISTED = frozenset({"normal", "tradfi", "premarket", "dated", "usdc"})  # COIN-M has its own host


def error(code: int, text: str, status: int = 400) -> Reply:
    """An error as Binance words it."""
    return reply({"code": code, "msg": text}, status)


def rows_of(world: World, market: str, kinds: frozenset[str] = LISTED) -> list[Instrument]:
    """What this host lists."""
    return [i for i in world.instruments("binance", market).values() if i.kind in kinds]


def _per_symbol(
    market: str, row: Callable[[Instrument, int], dict[str, Any]], keep: Callable[[Instrument], bool] = lambda i: True
) -> Callable[[World, Query, int], Reply]:
    """An answer of all symbols, or of the one that the query names."""

    def answer(world: World, query: Query, now_ms: int) -> Reply:
        rows: Iterable[Instrument] = rows_of(world, market)
        if "symbol" in query:
            one = world.instruments("binance", market).get(query["symbol"])
            return error(-1121, "Invalid symbol.") if one is None else reply(row(one, now_ms))
        if query.get("symbolStatus") == "TRADING":
            rows = [i for i in rows if i.state == "trading"]
        return reply([row(i, now_ms) for i in rows if keep(i)])

    return answer


# spot


def _rate_limits(weight: int, raw: int) -> list[dict[str, Any]]:
    return [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": raw},
    ]


def spot_info(world: World, query: Query, now_ms: int) -> Reply:
    """/api/v3/exchangeInfo."""
    rows = [spot_symbol(i) for i in rows_of(world, "spot")]
    if query.get("symbolStatus"):
        rows = [r for r in rows if r["status"] == query["symbolStatus"]]
    if query.get("showPermissionSets") == "false":
        for r in rows:
            del r["permissionSets"]
    limits = _rate_limits(6_000, 300_000)
    return reply(
        {"timezone": "UTC", "serverTime": now_ms, "rateLimits": limits, "exchangeFilters": [], "symbols": rows}
    )


# futures


def perp_info(world: World, query: Query, now_ms: int) -> Reply:
    """/fapi/v1/exchangeInfo."""
    return reply(
        {
            "timezone": "UTC",
            "serverTime": now_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": _rate_limits(2_400, 1_200)[:2],
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": [perp_symbol(i) for i in rows_of(world, "perp")],
        }
    )


def funding_info(world: World, query: Query, now_ms: int) -> Reply:
    """/fapi/v1/fundingInfo: COIN-M rows among the others; a symbol that is not listed has 8 h."""
    kinds = LISTED | {"coinm"}
    return reply(
        [
            {
                "symbol": i.symbol, "adjustedFundingRateCap": "0.02000000", "adjustedFundingRateFloor": "-0.02000000",
                **({"fundingIntervalHours": i.funding_h} if i.tells_interval else {}), "disclaimer": i.id % 9 == 0,
                "updateTime": None if i.id % 9 == 0 else i.on_ms,
            }
            for i in rows_of(world, "perp", kinds)
            if i.funding_h and not (i.flaw == "unlisted_interval" and i.funding_h == 8)
        ]
    )  # fmt: skip


def funding_past(world: World, query: Query, now_ms: int) -> Reply:
    """/fapi/v1/fundingRate in the order of time: of one symbol the last 200, or what is asked for; without a symbol the last
    settlement of all. Stamps are off by some milliseconds."""
    names = ("startTime", "endTime", "limit")
    if wrong := next((name for name in names if not query.get(name, "0").isdecimal()), ""):
        return error(-1102, f"Mandatory parameter '{wrong}' was not sent, was empty/null, or malformed.")
    wanted = query.get("symbol")
    if wanted is None:
        return reply([_paid_row(i, paid) for i in rows_of(world, "perp") if i.funding_h for paid in settled(i, 1)])
    i = {one.symbol: one for one in rows_of(world, "perp")}.get(wanted)
    return reply([] if i is None else [_paid_row(i, paid) for paid in _past(i, query)])


def _past(i: Instrument, query: Query) -> list[Paid]:
    """With a start the first rows since then, else the last ones."""
    limit = min(1_000, int(query.get("limit", "200"))) or 200
    until = int(query["endTime"]) if "endTime" in query else None
    if "startTime" not in query:
        return list(settled(i, limit, until))[::-1]
    since = int(query["startTime"])
    return list(takewhile(lambda paid: paid.at_ms >= since, settled(i, 100_000, until)))[::-1][:limit]


def _paid_row(i: Instrument, paid: Paid) -> dict[str, Any]:
    return {
        "symbol": i.symbol, "fundingTime": paid.at_ms + i.id % 4, "fundingRate": coin8(paid.rate),
        "markPrice": coin8(i.quote.mark), "rateType": "Regular",
    }  # fmt: skip


# order books


PERP_LIMITS = (5, 10, 20, 50, 100, 500, 1_000)


def spot_depth(world: World, query: Query, now_ms: int) -> Reply:
    """/api/v3/depth: no time in it."""
    limit = query.get("limit", "100")
    if not limit.isdecimal() or not int(limit):
        return error(-1130, "Data sent for parameter 'limit' is not valid.")
    return _depth(world, "spot", query, min(5_000, int(limit)))


def perp_depth(world: World, query: Query, now_ms: int) -> Reply:
    """/fapi/v1/depth: only some numbers of levels can be asked for."""
    limit = query.get("limit", "500")
    if limit not in map(str, PERP_LIMITS):
        return error(-4021, f"{limit} is not valid depth limit.")
    return _depth(world, "perp", query, int(limit))


def _depth(world: World, market: str, query: Query, levels: int) -> Reply:
    if "symbol" not in query:
        return error(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    i = {one.symbol: one for one in rows_of(world, market)}.get(query["symbol"])
    if i is None:
        return error(-1121, "Invalid symbol.")
    bids, asks = ladder(i, world.seed, levels)
    times = {} if market == "spot" else {"E": i.quote.changed_ms + 1, "T": i.quote.changed_ms}
    return reply({"lastUpdateId": i.quote.seq} | times | {"bids": _printed(i, bids), "asks": _printed(i, asks)})


def _printed(i: Instrument, steps: list[Step]) -> list[list[str]]:
    """Spot prints eight decimals always."""
    if i.market == "spot":
        return [[coin8(price), coin8(size)] for price, size in steps]
    return [[i.price(price), i.size(size)] for price, size in steps]


def _depth_weight(market: str) -> Callable[[Query], int]:
    """By the number of levels."""
    steps = ((100, 5), (500, 25), (1_000, 50), (5_000, 250)) if market == "spot" else ((50, 2), (100, 5), (500, 10))
    usual, most = ("100", 250) if market == "spot" else ("500", 20)

    def weight(query: Query) -> int:
        limit = query.get("limit", usual)
        levels = int(limit) if limit.isdecimal() else 0
        return next((units for upto, units in steps if levels <= upto), most)

    return weight


# limits and routes


def _weight_quota(limit: int) -> Quota:
    text = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
    return Quota(
        name="weight", limit=limit, window_s=60, clock_minute=True, header="X-MBX-USED-WEIGHT-1M",
        refuse=lambda wait_s: _later(429, text, wait_s), ban_after=3, ban_s=120,
        ban=lambda wait_s: _later(418, "Way too much request weight used; IP banned.", wait_s),
    )  # fmt: skip


def _later(status: int, text: str, wait_s: float) -> Reply:
    return Reply(status, dumps({"code": -1003, "msg": text}), {"Retry-After": str(int(wait_s) + 1)})


def _missing(path: str) -> Reply:
    return error(-5000, f"Path {path}, Method GET is invalid", 404)


def _weighs(one: int, every: int) -> Callable[[Query], int]:
    return lambda query: one if "symbol" in query else every


def _time(world: World, query: Query, now_ms: int) -> Reply:
    return reply({"serverTime": now_ms})


_CONNECTS = Quota(
    name="connects", limit=300, window_s=300, refuse=lambda wait_s: _later(429, "Too many connections.", wait_s)
)
_W = ("weight",)
_FUNDING = Quota(name="funding", limit=500, window_s=300, refuse=lambda w: _later(429, "Too many requests.", w))

SPOT = Dialect(
    venue="binance",
    name="binance spot",
    markets={"": "spot"},
    endpoints={"spot_rest": "http", "spot_ws": "ws"},
    routes={
        "/api/v3/ping": Route(answer=lambda w, q, n: reply({}), quotas=_W),
        "/api/v3/time": Route(answer=_time, quotas=_W),
        "/api/v3/exchangeInfo": Route(answer=spot_info, quotas=_W, weight=20),
        "/api/v3/depth": Route(answer=spot_depth, quotas=_W, weight=_depth_weight("spot")),
        "/api/v3/ticker/bookTicker": Route(answer=_per_symbol("spot", spot_book), quotas=_W, weight=_weighs(2, 4)),
        "/api/v3/ticker/24hr": Route(answer=_per_symbol("spot", spot_day), quotas=_W, weight=_weighs(2, 80)),
        "/api/v3/ticker/price": Route(
            answer=_per_symbol("spot", lambda i, n: {"symbol": i.symbol, "price": coin8(i.quote.last)}),
            quotas=_W,
            weight=_weighs(2, 4),
        ),
    },
    quotas=(_weight_quota(6_000),),
    missing=_missing,
    connect=connect_spot,
    connects=_CONNECTS,
    messages=5,
    messages_window_s=1.0,
    messages_close=Close(1008, "Too many requests"),
    message_bytes=1 << 20,
    bytes_close=Close(1009, "Message too big"),
)

PERP = Dialect(
    venue="binance",
    name="binance perp",
    markets={"": "perp"},
    endpoints={"perp_rest": "http", "perp_ws": "ws"},
    routes={
        "/fapi/v1/ping": Route(answer=lambda w, q, n: reply({}), quotas=_W),
        "/fapi/v1/time": Route(answer=_time, quotas=_W),
        "/fapi/v1/exchangeInfo": Route(answer=perp_info, quotas=_W),
        "/fapi/v1/depth": Route(answer=perp_depth, quotas=_W, weight=_depth_weight("perp")),
        "/fapi/v1/ticker/bookTicker": Route(answer=_per_symbol("perp", perp_book), quotas=_W, weight=_weighs(2, 5)),
        "/fapi/v1/ticker/24hr": Route(
            answer=_per_symbol("perp", perp_day, lambda i: i.state == "trading"), quotas=_W, weight=_weighs(1, 40)
        ),
        "/fapi/v2/ticker/price": Route(answer=_per_symbol("perp", perp_last), quotas=_W, weight=_weighs(1, 2)),
        "/fapi/v1/premiumIndex": Route(answer=_per_symbol("perp", premium), quotas=_W, weight=_weighs(1, 10)),
        "/fapi/v1/fundingInfo": Route(answer=funding_info, quotas=("funding",)),
        "/fapi/v1/fundingRate": Route(answer=funding_past, quotas=("funding",)),
    },
    quotas=(_weight_quota(2_400), _FUNDING),
    missing=_missing,
    connect=connect_perp,
    connects=_CONNECTS,
    messages=10,
    messages_window_s=1.0,
    messages_close=Close(1008, "Too many requests"),
    message_bytes=1 << 20,
    bytes_close=Close(1009, "Message too big"),
)

DIALECTS = (SPOT, PERP)
