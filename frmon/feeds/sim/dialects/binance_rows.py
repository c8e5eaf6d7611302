"""Rows of the simulated Binance's REST replies: instrument and time -> JSON object."""

from typing import Any

from frmon.feeds.sim.instrument import Instrument

NEVER_MS = 4_133_404_800_000  # deliveryDate of a contract that is not going to be delivered
DAY_MS = 86_400_000
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


def _quote_asset(i: Instrument) -> str:
    return "USDC" if i.kind == "usdc" else "USDT"


def spot_symbol(i: Instrument) -> dict[str, Any]:
    """A row of /api/v3/exchangeInfo."""
    tick, step = coin8(i.tick), coin8(10.0**-i.size_decimals)
    return {
        "symbol": i.symbol, "status": "BREAK" if i.resting else _SPOT_STATUS[i.state], "baseAsset": i.base, "baseAssetPrecision": 8,
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


def perp_status(i: Instrument) -> str:
    """What rests in the middle of its life is in a halt of trade; what rests from the beginning is about to be settled."""
    return "TRADING_HALT" if i.state == "halted" and i.listed_ms else _PERP_STATUS[i.state]


def perp_symbol(i: Instrument) -> dict[str, Any]:
    """A row of /fapi/v1/exchangeInfo."""
    contract_type = {"tradfi": "TRADIFI_PERPETUAL", "dated": "CURRENT_QUARTER"}.get(i.kind, "PERPETUAL")
    step = f"{10.0**-i.size_decimals:.{i.size_decimals}f}"
    quote = _quote_asset(i)
    return {
        "symbol": i.symbol, "pair": i.base + quote, "contractType": contract_type,
        "deliveryDate": i.off_ms or (1_798_185_600_000 if i.kind == "dated" else NEVER_MS), "onboardDate": i.on_ms,
        "status": perp_status(i), "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
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
