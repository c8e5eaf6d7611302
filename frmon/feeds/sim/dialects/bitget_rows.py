"""What Bitget's v2 API prints about an instrument: rows of its REST replies, bodies of its frames. Pure.

Field sets and their order follow replies and frames of 2025 and 2026; numbers are text without trailing zeros.
"""

from typing import Any

from frmon.feeds.sim.dialects import dumps
from frmon.feeds.sim.instrument import Instrument

SPOT_STATUS = {"trading": "online", "halted": "halt", "prelaunch": "gray", "settling": "offline"}
PERP_STATUS = {"trading": "normal", "halted": "maintain", "prelaunch": "listed", "settling": "off"}
HOUR_MS = 3_600_000
PRELISTED = tuple(f"PRELIST{n}USDT" for n in range(1, 13))
"""Names of `current-fund-rate` that no list of contracts has: the venue shows about a dozen of them."""


def trimmed(value: float, decimals: int) -> str:
    """Decimal text without trailing zeros."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def perp_status(i: Instrument) -> str:
    """`symbolStatus` of a contract; of those that rest from the beginning every other one takes no new positions instead of
    being in maintenance."""
    return "limit_open" if i.state == "halted" and i.id % 2 and not i.listed_ms else PERP_STATUS[i.state]


def base_coin(i: Instrument) -> str:
    """`baseCoin`: a share on spot is written rAAPL in symbol RAAPLUSDT."""
    return "r" + i.base[1:] if (i.market, i.kind) == ("spot", "tradfi") else i.base


def quote_coin(i: Instrument) -> str:
    """What its price is in."""
    return "USDC" if i.kind == "usdc" else "USDT"


def product_type(i: Instrument) -> str:
    """Which list of contracts it is on."""
    return quote_coin(i) + "-FUTURES"


def contract_row(i: Instrument) -> dict[str, Any]:
    """One row of `mix/market/contracts`."""
    step = i.size(10.0**-i.size_decimals)
    return {
        "symbol": i.symbol,
        "baseCoin": i.base,
        "quoteCoin": quote_coin(i),
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "feeRateUpRatio": "0.005",
        "makerFeeRate": "0.0002",
        "takerFeeRate": "0.0006",
        "openCostUpRatio": "0.01",
        "supportMarginCoins": [quote_coin(i)],
        "minTradeNum": step,
        "priceEndStep": "1",
        "volumePlace": str(i.size_decimals),
        "pricePlace": str(i.decimals),
        "sizeMultiplier": step,
        "symbolType": "perpetual",
        "minTradeUSDT": "5",
        "maxSymbolOrderNum": "200",
        "maxProductOrderNum": "1000",
        "maxPositionNum": "200",
        "symbolStatus": perp_status(i),
        "offTime": str(i.off_ms or -1),
        "limitOpenTime": str(i.limit_ms or (i.off_ms - 24 * HOUR_MS if i.off_ms else -1)),
        "deliveryTime": "",
        "deliveryStartTime": "",
        "deliveryPeriod": "",
        "launchTime": "",
        "fundInterval": str(i.funding_h) if i.funding_h and i.tells_interval else "",
        "minLever": "1",
        "maxLever": "75",
        "posLimit": "0.1",
        "maintainTime": "",
        "openTime": "",
        "maxMarketOrderQty": "200000",
        "maxOrderQty": "1000000",
        "isRwa": "NO" if i.asset == "crypto" else "YES",
    }


def spot_symbol_row(i: Instrument) -> dict[str, Any]:
    """One row of `spot/public/symbols`. Nothing in it tells a share from a coin but the writing of `baseCoin`."""
    return {
        "symbol": i.symbol,
        "baseCoin": base_coin(i),
        "quoteCoin": quote_coin(i),
        "minTradeAmount": "0",
        "maxTradeAmount": "900000000000000000000",
        "takerFeeRate": "0.001",
        "makerFeeRate": "0.001",
        "pricePrecision": str(i.decimals),
        "quantityPrecision": str(i.size_decimals),
        "quotePrecision": "8",
        "status": SPOT_STATUS[i.state],
        "minTradeUSDT": "1",
        "buyLimitPriceRatio": "0.02",
        "sellLimitPriceRatio": "0.02",
        "areaSymbol": "no",
        "orderQuantity": "200",
        "openTime": str(i.on_ms),
        "offTime": str(i.off_ms or ""),
        "maxLimitOrderValue": "20000000",
        "maxMarketOrderValue": "1000000",
    }


class _Text:
    """The numbers of a quote as text."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "change", "high", "last", "low", "open", "turnover", "volume")

    def __init__(self, i: Instrument) -> None:
        q, places, lots = i.quote, i.decimals, i.size_decimals
        self.last = trimmed(q.last, places)
        self.bid = trimmed(q.bid, places) if q.bid else ""
        self.ask = trimmed(q.ask, places) if q.ask else ""
        self.bid_size = trimmed(q.bid_size, lots) if q.bid else ""
        self.ask_size = trimmed(q.ask_size, lots) if q.ask else ""
        self.open = trimmed(q.open, places)
        self.high = trimmed(q.high, places)
        self.low = trimmed(q.low, places)
        self.change = trimmed((q.last - q.open) / q.open if q.open else 0.0, 5)
        self.volume = trimmed(q.volume, 4)
        self.turnover = trimmed(q.turnover, 5)


def _rate(i: Instrument) -> str:
    return trimmed(i.quote.funding_rate, 8) if i.funding_h else ""


def _index(i: Instrument) -> str:
    """Long decimals, as the venue has them."""
    return trimmed(i.quote.index, i.decimals + 8)


def spot_row(i: Instrument, now_ms: int) -> dict[str, Any]:
    """One row of `spot/market/tickers`."""
    t = _Text(i)
    return {
        "open": t.open,
        "symbol": i.symbol,
        "high24h": t.high,
        "low24h": t.low,
        "lastPr": t.last,
        "quoteVolume": t.turnover,
        "baseVolume": t.volume,
        "usdtVolume": t.turnover,
        "ts": str(now_ms),
        "bidPr": t.bid,
        "askPr": t.ask,
        "bidSz": t.bid_size,
        "askSz": t.ask_size,
        "openUtc": t.open,
        "changeUtc24h": t.change,
        "change24h": t.change,
    }


def perp_row(i: Instrument, now_ms: int) -> dict[str, Any]:
    """One row of `mix/market/tickers`."""
    t = _Text(i)
    return {
        "symbol": i.symbol,
        "lastPr": t.last,
        "askPr": t.ask,
        "bidPr": t.bid,
        "bidSz": t.bid_size,
        "askSz": t.ask_size,
        "high24h": t.high,
        "low24h": t.low,
        "ts": str(now_ms),
        "change24h": t.change,
        "baseVolume": t.volume,
        "quoteVolume": t.turnover,
        "usdtVolume": t.turnover,
        "openUtc": t.open,
        "changeUtc24h": t.change,
        "indexPrice": _index(i),
        "fundingRate": _rate(i),
        "holdingAmount": trimmed(i.quote.volume * 0.4, 10),
        "deliveryStartTime": None,
        "deliveryTime": None,
        "deliveryStatus": "",
        "open24h": t.open,
        "markPrice": trimmed(i.quote.mark, i.decimals),
    }


def funding_row(i: Instrument) -> dict[str, Any]:
    """One row of `mix/market/current-fund-rate`; a contract that is not trading yet has no caps."""
    cap = None if i.state == "prelaunch" else "0.003"
    return {
        "symbol": i.symbol,
        "fundingRate": trimmed(i.quote.funding_rate, 8),
        "fundingRateInterval": str(i.funding_h) if i.tells_interval else "",
        "nextUpdate": str(i.quote.next_funding_ms),
        "minFundingRate": cap and "-" + cap,
        "maxFundingRate": cap,
    }


def prelisted_row(symbol: str, now_ms: int) -> dict[str, Any]:
    """A row of `current-fund-rate` that belongs to no contract."""
    coming = (now_ms // (8 * HOUR_MS) + 1) * 8 * HOUR_MS
    row = {"symbol": symbol, "fundingRate": "0", "fundingRateInterval": "8", "nextUpdate": str(coming)}
    return row | {"minFundingRate": None, "maxFundingRate": None}


def _spot_data(i: Instrument) -> dict[str, Any]:
    t = _Text(i)
    return {
        "instId": i.symbol,
        "lastPr": t.last,
        "open24h": t.open,
        "high24h": t.high,
        "low24h": t.low,
        "change24h": t.change,
        "bidPr": t.bid,
        "askPr": t.ask,
        "bidSz": t.bid_size,
        "askSz": t.ask_size,
        "baseVolume": t.volume,
        "quoteVolume": t.turnover,
        "openUtc": t.open,
        "changeUtc24h": t.change,
        "ts": "%d",
    }


def _perp_data(i: Instrument) -> dict[str, Any]:
    t = _Text(i)
    return {
        "instId": i.symbol,
        "lastPr": t.last,
        "bidPr": t.bid,
        "askPr": t.ask,
        "bidSz": t.bid_size,
        "askSz": t.ask_size,
        "open24h": t.open,
        "high24h": t.high,
        "low24h": t.low,
        "change24h": t.change,
        "fundingRate": _rate(i),
        "nextFundingTime": str(i.quote.next_funding_ms if i.funding_h else 0),
        "markPrice": trimmed(i.quote.mark, i.decimals),
        "indexPrice": _index(i),
        "holdingAmount": trimmed(i.quote.volume * 0.4, 10),
        "baseVolume": t.volume,
        "quoteVolume": t.turnover,
        "openUtc": t.open,
        "symbolType": "1",
        "symbol": i.symbol,
        "ts": "%d",
    }


def ticker_pattern(i: Instrument) -> bytes:
    """A ticker frame with two places for times: inside `data` and outside. It lasts as long as the quote; the venue pushes
    it again and again."""
    inst_type = "SPOT" if i.market == "spot" else product_type(i)
    arg = {"instType": inst_type, "channel": "ticker", "instId": i.symbol}
    data = _spot_data(i) if i.market == "spot" else _perp_data(i)
    return dumps({"action": "snapshot", "arg": arg, "data": [data]})[:-1] + b',"ts":%d}'
