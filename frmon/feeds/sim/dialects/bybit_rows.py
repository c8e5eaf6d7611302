"""What Bybit v5 prints about an instrument: rows of its REST replies, bodies of its frames. Pure.

Field sets and their order follow replies and frames of 2025 and 2026; all numbers are text, "" is "not applicable".
"""

from typing import Any

from frmon.feeds.sim.dialects import dumps
from frmon.feeds.sim.instrument import Instrument

Fields = dict[str, str]

STATUS = {"trading": "Trading", "prelaunch": "PreLaunch", "settling": "Delivering", "halted": "Closed"}
"""Bybit knows no halt: what rests in the world is closed here. Spot lists only what is trading."""
SYMBOL_TYPES = {"crypto": "", "premarket": "", "stock": "stock", "commodity": "commodity", "forex": "forex"}
DELIVERY_MS = 1_798_185_600_000  # 25 December 2026, 08:00 UTC: the dated contracts
CAP = "0.005"
HOUR_MS = 3_600_000


def status_of(i: Instrument) -> str:
    """The instrument's status in Bybit's words; pre-market perpetuals are `PreLaunch` with continuous trading."""
    if i.kind == "premarket" and i.state == "trading":
        return "PreLaunch"
    return STATUS[i.state]


def has_book(i: Instrument) -> bool:
    """Whether orders are matched continuously: not in a call auction."""
    return i.state == "trading"


def quote_coin(i: Instrument) -> str:
    """What its price is in."""
    return "USDC" if i.kind == "usdc" else "USDT"


def delivery_ms(i: Instrument) -> int:
    """Delivery of a dated contract, announced end of a perpetual, 0 for none."""
    return DELIVERY_MS if i.kind == "dated" else i.off_ms


def trimmed(value: float, decimals: int) -> str:
    """Decimal text without trailing zeros."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def linear_listing(i: Instrument) -> dict[str, Any]:
    """One row of `instruments-info?category=linear`."""
    pre = status_of(i) == "PreLaunch"
    row: dict[str, Any] = {
        "symbol": i.symbol,
        "symbolId": i.id,
        "contractType": "LinearFutures" if i.kind == "dated" else "LinearPerpetual",
        "status": status_of(i),
        "baseCoin": i.base,
        "quoteCoin": quote_coin(i),
        "launchTime": str(i.on_ms),
        "deliveryTime": str(delivery_ms(i)),
        "deliveryFeeRate": "",
        "priceScale": str(i.decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "50.00", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": i.price(i.tick),
            "maxPrice": i.price(i.tick * 1_999_998),
            "tickSize": i.price(i.tick),
        },
        "lotSizeFilter": _linear_lots(i),
        "unifiedMarginTrade": True,
        "fundingInterval": i.funding_h * 60,
        "settleCoin": quote_coin(i),
        "copyTrading": "none" if pre else "both",
        "upperFundingRate": CAP,
        "lowerFundingRate": "-" + CAP,
        "isPreListing": pre,
        "preListingInfo": _auction(i) if pre else None,
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
        "symbolType": SYMBOL_TYPES[i.asset],
    }
    if pre:
        del row["symbolId"]
    if not i.tells_interval:
        del row["fundingInterval"]
    return row


def _linear_lots(i: Instrument) -> Fields:
    step = i.size(10.0**-i.size_decimals)
    most = i.size(100_000.0)
    return {
        "maxOrderQty": most,
        "minOrderQty": step,
        "qtyStep": step,
        "postOnlyMaxOrderQty": most,
        "maxMktOrderQty": i.size(20_000.0),
        "minNotionalValue": "5",
    }


def auction_phase(i: Instrument) -> str:
    """Phase of a listing to come; "" for the others."""
    if status_of(i) != "PreLaunch":
        return ""
    return "ContinuousTrading" if has_book(i) else "CallAuction"


def _auction(i: Instrument) -> dict[str, Any]:
    names = ("CallAuction", "CallAuctionNoCancel", "CrossMatching", "ContinuousTrading")
    starts = [i.on_ms + minutes * 60_000 for minutes in (0, 50, 55, 60)]
    ends = [*map(str, starts[1:]), ""]
    phases = [
        {"phase": name, "startTime": str(start), "endTime": end}
        for name, start, end in zip(names, starts, ends, strict=True)
    ]
    fees = {"auctionFeeRate": "0", "takerFeeRate": "0.001", "makerFeeRate": "0.0004"}
    return {"curAuctionPhase": auction_phase(i), "phases": phases, "auctionFeeInfo": fees}


def spot_listing(i: Instrument) -> dict[str, Any]:
    """One row of `instruments-info?category=spot`."""
    step = i.size(10.0**-i.size_decimals)
    return {
        "symbolId": i.id,
        "symbol": i.symbol,
        "baseCoin": i.base,
        "quoteCoin": quote_coin(i),
        "innovation": "0",
        "status": status_of(i),
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": step,
            "quotePrecision": "0.0000001",
            "minOrderQty": step,
            "maxOrderQty": "1000000",
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": "1000000",
            "maxMarketOrderQty": "500000",
            "postOnlyMaxLimitOrderSize": "6000000",
        },
        "priceFilter": {"tickSize": i.price(i.tick)},
        "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
        "symbolType": "xstocks" if i.kind == "tradfi" else "",
    }


def _side(i: Instrument, price: float, size: float) -> tuple[str, str]:
    return (i.price(price), i.size(size)) if price and has_book(i) else ("", "")


def linear_ticker(i: Instrument) -> Fields:
    """`data` of a linear ticker snapshot: what deltas are taken from."""
    q, dated = i.quote, i.kind == "dated"
    bid, bid_size = _side(i, q.bid, q.bid_size)
    ask, ask_size = _side(i, q.ask, q.ask_size)
    open_interest = q.volume * 0.4
    fields = {
        "symbol": i.symbol,
        "tickDirection": "ZeroPlusTick" if q.trades % 2 else "ZeroMinusTick",
        "price24hPcnt": f"{(q.last - q.open) / q.open if q.open else 0.0:.6f}",
        "lastPrice": i.price(q.last),
        "prevPrice24h": i.price(q.open),
        "highPrice24h": i.price(q.high),
        "lowPrice24h": i.price(q.low),
        "prevPrice1h": i.price(q.open),
        "markPrice": i.price(q.mark),
        "indexPrice": f"{q.index:.{i.decimals + 2}f}",
        "openInterest": i.size(open_interest),
        "openInterestValue": f"{open_interest * q.mark:.2f}",
        "turnover24h": f"{q.turnover:.4f}",
        "volume24h": f"{q.volume:.4f}",
    }
    fields |= _dated_fields(i) if dated else _perpetual_fields(i, open_interest)
    fields |= {"bid1Price": bid, "bid1Size": bid_size, "ask1Price": ask, "ask1Size": ask_size}
    return fields if dated else fields | {"preOpenPrice": "", "preQty": "", "curPreListingPhase": auction_phase(i)}


def _dated_fields(i: Instrument) -> Fields:
    return {
        "deliveryTime": "2026-12-25T08:00:00Z",
        "basisRate": f"{i.basis:.8f}",
        "deliveryFeeRate": "0",
        "predictedDeliveryPrice": "0.00",
        "basis": i.price(i.quote.mark - i.quote.index),
        "basisRateYear": f"{i.basis * 4:.8f}",
        "nextFundingTime": "",
        "fundingRate": "",
    }


def _perpetual_fields(i: Instrument, open_interest: float) -> Fields:
    return {
        "fundingIntervalHour": str(i.funding_h) if i.funding_h and i.tells_interval else "",
        "fundingCap": CAP,
        "singleOpenInterest": i.size(open_interest / 2),
        "singleOpenInterestValue": f"{open_interest / 2 * i.quote.mark:.2f}",
        "nextFundingTime": str(i.quote.next_funding_ms) if i.funding_h else "",
        "fundingRate": f"{i.quote.funding_rate:.8f}" if i.funding_h else "",
    }


_REST_ORDER = (
    "symbol lastPrice indexPrice markPrice prevPrice24h price24hPcnt highPrice24h lowPrice24h prevPrice1h openInterest "
    "openInterestValue turnover24h volume24h fundingRate nextFundingTime predictedDeliveryPrice basisRate deliveryFeeRate "
    "deliveryTime ask1Size bid1Price ask1Price bid1Size basis preOpenPrice preQty curPreListingPhase fundingIntervalHour "
    "basisRateYear fundingCap"
).split()


def linear_row(i: Instrument) -> Fields:
    """One row of `tickers?category=linear`: times in milliseconds where the stream has ISO text."""
    said = linear_ticker(i)
    said["deliveryTime"] = str(delivery_ms(i))
    said["nextFundingTime"] = said["nextFundingTime"] or "0"
    return {key: said.get(key, "") for key in _REST_ORDER}


def spot_ticker(i: Instrument) -> Fields:
    """`data` of a spot ticker frame: no book."""
    q = i.quote
    return {
        "symbol": i.symbol,
        "lastPrice": i.price(q.last),
        "highPrice24h": i.price(q.high),
        "lowPrice24h": i.price(q.low),
        "prevPrice24h": i.price(q.open),
        "volume24h": trimmed(q.volume, 6),
        "turnover24h": trimmed(q.turnover, 8),
        "price24hPcnt": f"{(q.last - q.open) / q.open if q.open else 0.0:.4f}",
        "usdIndexPrice": trimmed(q.index, i.decimals + 4),
    }


def spot_row(i: Instrument) -> Fields:
    """One row of `tickers?category=spot`."""
    said, q = spot_ticker(i), i.quote
    bid, bid_size = _side(i, q.bid, q.bid_size)
    ask, ask_size = _side(i, q.ask, q.ask_size)
    return {
        "symbol": i.symbol,
        "bid1Price": bid,
        "bid1Size": bid_size,
        "ask1Price": ask,
        "ask1Size": ask_size,
        "lastPrice": said["lastPrice"],
        "prevPrice24h": said["prevPrice24h"],
        "price24hPcnt": said["price24hPcnt"],
        "highPrice24h": said["highPrice24h"],
        "lowPrice24h": said["lowPrice24h"],
        "turnover24h": said["turnover24h"],
        "volume24h": said["volume24h"],
        "usdIndexPrice": said["usdIndexPrice"],
    }


def spot_ticker_frame(i: Instrument, now_ms: int) -> bytes:
    """A frame of topic `tickers.X` on the spot socket."""
    cs = 113_000_000_000 + i.quote.seq
    return dumps({"topic": f"tickers.{i.symbol}", "ts": now_ms, "type": "snapshot", "cs": cs, "data": spot_ticker(i)})


def book_frame(i: Instrument, now_ms: int) -> bytes:
    """A frame of topic `orderbook.1.X`: always a whole snapshot; numbers without trailing zeros; an empty side is []."""
    q = i.quote
    bids = [[trimmed(q.bid, i.decimals), trimmed(q.bid_size, i.size_decimals)]] if q.bid else []
    asks = [[trimmed(q.ask, i.decimals), trimmed(q.ask_size, i.size_decimals)]] if q.ask else []
    data = {"s": i.symbol, "b": bids, "a": asks, "u": 31_000_000 + q.seq, "seq": 764_000_000_000 + q.seq * 3}
    frame = {"topic": f"orderbook.1.{i.symbol}", "ts": now_ms, "type": "snapshot", "data": data, "cts": q.changed_ms}
    return dumps(frame)
