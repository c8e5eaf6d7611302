"""Rows of the simulated OKX's instrument lists and prices: the full field set, "" for what does not apply."""

from typing import Any

from frmon.feeds.sim.instrument import Instrument

HOUR_MS = 3_600_000
_SETTLING_MS = 2_000  # settState says so for a moment after a settlement
_STATES = {"trading": "live", "halted": "suspend", "prelaunch": "preopen", "settling": "expired"}
_CATEGORIES = {"crypto": "1", "premarket": "1", "stock": "3", "commodity": "4", "forex": "6"}
_BLANK = (
    "alias auctionEndTime contTdSwTime ctMult ctType ctVal ctValCcy expTime freq initPxLmtPct instFamily longPosRemainingQuota "
    "maxPlatOICoinLmt maxPlatOILmt method optType posLmtAmt posLmtPct preMktSwTime quoteCcy baseCcy seriesId settleCcy "
    "shortPosRemainingQuota stk uly maxLmtAmt maxMktAmt"
)
BLANK = dict.fromkeys(_BLANK.split(), "")


def plain(value: float) -> str:
    """A number as OKX writes sizes: no exponent, no trailing zeros."""
    text = f"{value:.12f}".rstrip("0").rstrip(".")
    return text or "0"


def instrument_row(i: Instrument) -> dict[str, Any]:
    """A row of /api/v5/public/instruments and of the `instruments` channel."""
    lot = plain(10.0**-i.size_decimals)
    huge = "100000000.0000000000000000"
    row: dict[str, Any] = BLANK | {
        "category": "1", "expTime": str(i.off_ms) if i.off_ms else "", "floatPxLmtPct": "0.01", "futureSettlement": False,
        "groupId": "4" if i.market == "perp" else "12", "instCategory": _CATEGORIES[i.asset], "instId": i.symbol,
        "instIdCode": 10_000 + i.id, "instType": "SWAP" if i.market == "perp" else "SPOT", "lever": "50",
        "listTime": str(i.on_ms), "lotSz": lot, "maxIcebergSz": huge, "maxLmtAmt": "20000000", "maxLmtSz": "100000000",
        "maxMktSz": "35000", "maxPxLmtPct": "0.02", "maxStopSz": "35000", "maxTriggerSz": huge, "maxTwapSz": huge,
        "minSz": lot, "openType": "call_auction" if i.market == "perp" else "fix_price", "rpiMinLevel": "3",
        "rpiMinPxBand": "20", "ruleType": "pre_market" if i.kind == "premarket" else "normal",
        "state": _STATES[i.state], "tickSz": i.price(i.tick), "tradeQuoteCcyList": [], "upcChg": [],
    }  # fmt: skip
    return row | (_swap(i) if i.market == "perp" else _spot(i))


def _swap(i: Instrument) -> dict[str, Any]:
    family = i.symbol.removesuffix("-SWAP")
    inverse = i.kind == "inverse"
    return {
        "contTdSwTime": str(i.on_ms), "ctMult": "1", "ctType": "inverse" if inverse else "linear",
        "ctVal": plain(i.contract), "ctValCcy": "USD" if inverse else i.base, "initPxLmtPct": "0.02", "instFamily": family,
        "posLmtAmt": "250000", "posLmtPct": "30", "settleCcy": i.base if inverse else family.rsplit("-", 1)[1],
        "uly": family,
    }  # fmt: skip


def _spot(i: Instrument) -> dict[str, Any]:
    """A pair that is announced has neither base nor quote yet."""
    quote = i.symbol.rsplit("-", 1)[1]
    if i.state == "prelaunch":
        return {"maxMktAmt": "1000000"}
    return {"baseCcy": i.base, "quoteCcy": quote, "maxMktAmt": "1000000", "tradeQuoteCcyList": [quote]}


def DECIMAL16(value: float) -> str:  # noqa: N802  a format, used as one
    """Sixteen decimals, as OKX writes funding rates."""
    return f"{value:.16f}"


def inst_type(i: Instrument) -> str:
    """`instType` of an instrument."""
    return {"xperp": "FUTURES"}.get(i.kind, "SWAP" if i.market == "perp" else "SPOT")


def _side(value: float, text: str) -> str:
    """An empty book side is "" on OKX."""
    return text if value else ""


def ticker_row(i: Instrument) -> dict[str, Any]:
    """A row of /api/v5/market/tickers and of the `tickers` channel. Sizes of swaps are contracts."""
    q, swap = i.quote, i.market == "perp"
    return {
        "instType": inst_type(i), "instId": i.symbol, "last": i.price(q.last), "lastSz": i.size(q.last_size),
        "askPx": _side(q.ask, i.price(q.ask)), "askSz": _side(q.ask, i.size(q.ask_size)),
        "bidPx": _side(q.bid, i.price(q.bid)), "bidSz": _side(q.bid, i.size(q.bid_size)),
        "open24h": i.price(q.open), "high24h": i.price(q.high), "low24h": i.price(q.low), "sodUtc0": i.price(q.open),
        "sodUtc8": i.price(q.open), "volCcy24h": f"{q.volume if swap else q.turnover:.4f}",
        "vol24h": f"{q.volume / i.contract:.4f}", "ts": str(q.changed_ms),
    }  # fmt: skip


def funding_row(i: Instrument, now_ms: int) -> dict[str, Any]:
    """`fundingTime` is the coming settlement, `nextFundingTime` the one after it."""
    q = i.quote
    fresh = now_ms - q.prev_funding_ms < _SETTLING_MS
    after = str(q.next_funding_ms + i.funding_h * HOUR_MS) if i.tells_interval else ""
    return {
        "formulaType": "withRate", "fundingRate": DECIMAL16(q.funding_rate), "fundingTime": str(q.next_funding_ms),
        "impactValue": "20000.0000000000000000", "instId": i.symbol, "instType": inst_type(i),
        "interestRate": "0.0001000000000000", "maxFundingRate": "0.00375", "method": "current_period",
        "minFundingRate": "-0.00375", "nextFundingRate": "", "nextFundingTime": after,
        "premium": DECIMAL16(round(i.basis, 12)), "prevFundingTime": str(q.prev_funding_ms) if i.tells_interval else "",
        "settFundingRate": DECIMAL16(q.settled_rate), "settState": "processing" if fresh else "settled", "ts": str(now_ms),
    }  # fmt: skip


def mark_row(i: Instrument) -> dict[str, Any]:
    """A row of mark-price."""
    q = i.quote
    return {
        "instId": i.symbol,
        "instType": inst_type(i),
        "markPx": f"{q.mark:.{i.decimals + 1}f}",
        "ts": str(q.changed_ms),
    }


def index_row(i: Instrument) -> dict[str, Any]:
    """A row of index-tickers, keyed by the pair."""
    q = i.quote
    return {
        "instId": i.symbol.removesuffix("-SWAP"), "idxPx": f"{q.index:.{i.decimals + 1}f}", "high24h": i.price(q.high),
        "low24h": i.price(q.low), "open24h": i.price(q.open), "sodUtc0": i.price(q.open), "sodUtc8": i.price(q.open),
        "ts": str(q.changed_ms),
    }  # fmt: skip


def status_row(begin_ms: int, end_ms: int) -> dict[str, Any]:
    """A row of /api/v5/system/status and of the `status` channel: a maintenance that goes on."""
    return {
        "begin": str(begin_ms), "end": str(end_ms), "env": "1", "href": "", "maintType": "1", "preOpenBegin": "",
        "scheDesc": "", "serviceType": "5", "state": "ongoing", "system": "unified", "title": "Trading system upgrade",
        "ts": str(begin_ms),
    }  # fmt: skip
