"""How the simulated Binance speaks over REST: spot and USDⓈ-M futures, as documented in 2026. Streams are in
`binance_streams`."""

from collections.abc import Callable, Iterable
from typing import Any

from frmon.feeds.sim.dialects import Close, Dialect, Query, Quota, Reply, Route, dumps, reply
from frmon.feeds.sim.dialects.binance_streams import connect_perp, connect_spot
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.world import World

NEVER_MS = 4_133_404_800_000  # deliveryDate of a contract that is not going to be delivered
DAY_MS = 86_400_000
LISTED = frozenset({"normal", "tradfi", "premarket", "dated", "usdc"})  # COIN-M has its own host
_SPOT_STATUS = {"trading": "TRADING", "halted": "HALT", "prelaunch": "BREAK", "settling": "BREAK"}
_PERP_STATUS = {"trading": "TRADING", "halted": "PRE_SETTLE", "prelaunch": "PENDING_TRADING", "settling": "SETTLING"}
_UNDERLYING = {
    "crypto": "COIN",
    "stock": "EQUITY",
    "commodity": "COMMODITY",
    "forex": "FX",
    "premarket": "PREMARKET",
}


def coin8(value: float) -> str:
    """Eight decimals, as everything on Binance spot."""
    return f"{value:.8f}"


def error(code: int, text: str, status: int = 400) -> Reply:
    """An error as Binance words it."""
    return reply({"code": code, "msg": text}, status)


def rows_of(world: World, market: str, kinds: frozenset[str] = LISTED) -> list[Instrument]:
    """What this host lists."""
    return [i for i in world.instruments("binance", market).values() if i.kind in kinds]


def _quote_asset(i: Instrument) -> str:
    return "USDC" if i.kind == "usdc" else "USDT"


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


def spot_symbol(i: Instrument) -> dict[str, Any]:
    """A row of /api/v3/exchangeInfo."""
    tick, step = coin8(i.tick), coin8(10.0**-i.size_decimals)
    return {
        "symbol": i.symbol, "status": _SPOT_STATUS[i.state], "baseAsset": i.base, "baseAssetPrecision": 8,
        "quoteAsset": _quote_asset(i), "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True, "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True, "cancelReplaceAllowed": True,
        "amendAllowed": True, "pegInstructionsAllowed": True, "isSpotTradingAllowed": i.state == "trading",
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000000.00000000", "stepSize": step},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MARKET_LOT_SIZE", "minQty": coin8(0), "maxQty": "100.00000000", "stepSize": coin8(0)},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
             "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        ],
        "permissions": [], "permissionSets": [["SPOT", "TRD_GRP_004"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }  # fmt: skip


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


def spot_book(i: Instrument, now_ms: int) -> dict[str, Any]:
    """A row of /api/v3/ticker/bookTicker: no time in it."""
    q = i.quote
    return {
        "symbol": i.symbol, "bidPrice": coin8(q.bid), "bidQty": coin8(q.bid_size),
        "askPrice": coin8(q.ask), "askQty": coin8(q.ask_size),
    }  # fmt: skip


def spot_day(i: Instrument, now_ms: int) -> dict[str, Any]:
    """A row of /api/v3/ticker/24hr."""
    q = i.quote
    change = q.last - q.open
    return {
        "symbol": i.symbol, "priceChange": coin8(change), "priceChangePercent": f"{change / q.open * 100:.3f}",
        "weightedAvgPrice": coin8(q.turnover / q.volume), "prevClosePrice": coin8(q.open), "lastPrice": coin8(q.last),
        "lastQty": coin8(q.last_size), "bidPrice": coin8(q.bid), "bidQty": coin8(q.bid_size),
        "askPrice": coin8(q.ask), "askQty": coin8(q.ask_size), "openPrice": coin8(q.open), "highPrice": coin8(q.high),
        "lowPrice": coin8(q.low), "volume": coin8(q.volume), "quoteVolume": coin8(q.turnover),
        "openTime": q.changed_ms - DAY_MS, "closeTime": q.changed_ms, "firstId": 1, "lastId": q.trades,
        "count": q.trades,
    }  # fmt: skip


# futures


def perp_symbol(i: Instrument) -> dict[str, Any]:
    """A row of /fapi/v1/exchangeInfo."""
    contract_type = {"tradfi": "TRADIFI_PERPETUAL", "dated": "CURRENT_QUARTER"}.get(i.kind, "PERPETUAL")
    step = f"{10.0**-i.size_decimals:.{i.size_decimals}f}"
    quote = _quote_asset(i)
    return {
        "symbol": i.symbol, "pair": i.base + quote, "contractType": contract_type,
        "deliveryDate": i.off_ms or (1_798_185_600_000 if i.kind == "dated" else NEVER_MS), "onboardDate": i.on_ms,
        "status": _PERP_STATUS[i.state], "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
        "baseAsset": i.base, "quoteAsset": quote, "marginAsset": quote, "pricePrecision": i.decimals,
        "quantityPrecision": i.size_decimals, "baseAssetPrecision": 8, "quotePrecision": 8,
        "underlyingType": _UNDERLYING[i.asset], "underlyingSubType": ["Layer-1"] if i.asset == "crypto" else [],
        "triggerProtect": "0.0500", "liquidationFee": "0.012500", "marketTakeBound": "0.05", "maxMoveOrderLimit": 10000,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": i.price(i.tick), "maxPrice": "4529764", "tickSize": i.price(i.tick)},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "1000000", "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": "100000", "stepSize": step},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"], "permissionSets": ["GRID", "COPY"],
    }  # fmt: skip


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


def perp_book(i: Instrument, now_ms: int) -> dict[str, Any]:
    """A row of /fapi/v1/ticker/bookTicker."""
    q = i.quote
    return {
        "symbol": i.symbol, "bidPrice": i.price(q.bid), "bidQty": i.size(q.bid_size), "askPrice": i.price(q.ask),
        "askQty": i.size(q.ask_size), "time": q.changed_ms,
    }  # fmt: skip


def perp_day(i: Instrument, now_ms: int) -> dict[str, Any]:
    """A row of /fapi/v1/ticker/24hr: no bid, no ask."""
    q = i.quote
    change = q.last - q.open
    return {
        "symbol": i.symbol, "priceChange": i.price(change), "priceChangePercent": f"{change / q.open * 100:.3f}",
        "weightedAvgPrice": i.price(q.turnover / q.volume), "lastPrice": i.price(q.last), "lastQty": i.size(q.last_size),
        "openPrice": i.price(q.open), "highPrice": i.price(q.high), "lowPrice": i.price(q.low),
        "volume": i.size(q.volume), "quoteVolume": f"{q.turnover:.2f}", "openTime": q.changed_ms - DAY_MS,
        "closeTime": q.changed_ms, "firstId": 1, "lastId": q.trades, "count": q.trades,
    }  # fmt: skip


def perp_last(i: Instrument, now_ms: int) -> dict[str, Any]:
    """A row of /fapi/v2/ticker/price."""
    return {"symbol": i.symbol, "price": i.price(i.quote.last), "time": i.quote.changed_ms}


def premium(i: Instrument, now_ms: int) -> dict[str, Any]:
    """A row of /fapi/v1/premiumIndex: the estimate for the coming settlement."""
    q = i.quote
    return {
        "symbol": i.symbol, "markPrice": coin8(q.mark), "indexPrice": coin8(q.index), "estimatedSettlePrice": coin8(q.index),
        "lastFundingRate": coin8(q.funding_rate) if i.funding_h or i.kind != "dated" else "",
        "interestRate": "0.00000000" if i.kind == "tradfi" else "0.00010000", "nextFundingTime": q.next_funding_ms,
        "time": now_ms,
    }  # fmt: skip


def funding_info(world: World, query: Query, now_ms: int) -> Reply:
    """/fapi/v1/fundingInfo: COIN-M rows among the others; a symbol that is not listed has 8 h."""
    kinds = LISTED | {"coinm"}
    return reply(
        [
            {
                "symbol": i.symbol, "adjustedFundingRateCap": "0.02000000", "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": i.funding_h, "disclaimer": i.id % 9 == 0,
                "updateTime": None if i.id % 9 == 0 else i.on_ms,
            }
            for i in rows_of(world, "perp", kinds)
            if i.funding_h and not (i.flaw == "unlisted_interval" and i.funding_h == 8)
        ]
    )  # fmt: skip


def funding_past(world: World, query: Query, now_ms: int) -> Reply:
    """/fapi/v1/fundingRate: the last settlement of one symbol or of all."""
    wanted = query.get("symbol")
    return reply(
        [
            {
                "symbol": i.symbol, "fundingTime": i.quote.prev_funding_ms, "fundingRate": coin8(i.quote.settled_rate),
                "markPrice": coin8(i.quote.mark), "rateType": "Regular",
            }
            for i in rows_of(world, "perp")
            if i.funding_h and wanted in (None, i.symbol)
        ]
    )  # fmt: skip


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
    endpoints={"spot_rest": "http", "spot_ws": "ws"},
    routes={
        "/api/v3/ping": Route(answer=lambda w, q, n: reply({}), quotas=_W),
        "/api/v3/time": Route(answer=_time, quotas=_W),
        "/api/v3/exchangeInfo": Route(answer=spot_info, quotas=_W, weight=20),
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
    endpoints={"perp_rest": "http", "perp_ws": "ws"},
    routes={
        "/fapi/v1/ping": Route(answer=lambda w, q, n: reply({}), quotas=_W),
        "/fapi/v1/time": Route(answer=_time, quotas=_W),
        "/fapi/v1/exchangeInfo": Route(answer=perp_info, quotas=_W),
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
