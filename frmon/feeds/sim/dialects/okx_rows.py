"""Rows of the simulated OKX's instrument lists: the full field set, "" for what does not apply."""

from typing import Any

from frmon.feeds.sim.instrument import Instrument

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
