"""What the board says, in the shapes and under the field names of the HTTP API: pure. Prices in USDT per one coin, rates as
fractions per interval, times ISO 8601 UTC, `next_funding_time` Unix milliseconds; unknown is null, a venue without a leg {}."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from statistics import fmean
from typing import Any

from frmon.board import Cell, Row
from frmon.cell import Freshness
from frmon.model import Market
from frmon.snapshot import iso

HIGH, MEDIUM = 75.0, 25.0
"""From which completeness on coverage counts as high or medium, in percent."""

Json = dict[str, Any]


def leg_of(row: Row, venue: str, market: Market) -> Cell | None:
    """The leg that stands for a venue and market: the first that is compared with others, else the first."""
    cells = [c for c in row.cells if c.key.venue == venue and c.key.market is market]
    return next((c for c in cells if not c.leg.quarantine), cells[0] if cells else None)


def price_of(cell: Cell | None) -> float | None:
    """The last price; where the venue states none, the middle of bid and ask."""
    if cell is None:
        return None
    if cell.last is not None:
        return _finite(cell.last)
    bid, ask = cell.bid, cell.ask
    return None if bid is None or ask is None else _finite((bid + ask) / 2)


def venue_values(row: Row, venue: str, now: float, freshness: Freshness) -> Json:
    """`spot`, `futures` and `funding_rate` of a coin at a venue."""
    spot, perp = leg_of(row, venue, Market.SPOT), leg_of(row, venue, Market.PERP)
    return {
        "spot": {} if spot is None else _spot(spot, now, freshness),
        "futures": {} if perp is None else _futures(perp, now, freshness),
        "funding_rate": {} if perp is None else _funding(perp),
    }


def premium(row: Row, venue: str, venues: Iterable[str]) -> Json:
    """Perpetual above spot in percent; without a spot price, above the mean of all perpetuals of the coin."""
    spot, perp = price_of(leg_of(row, venue, Market.SPOT)), price_of(leg_of(row, venue, Market.PERP))
    below = spot
    if not below:
        prices = [p for v in venues if (p := price_of(leg_of(row, v, Market.PERP)))]
        below = fmean(prices) if prices else None
    percent = None if not below or perp is None else round((perp - below) / below * 100, 4)
    return {"premium_percent": percent, "spot_price": spot, "futures_price": perp}


def coin_data(row: Row, venues: Sequence[str], now: float, freshness: Freshness) -> Json:
    """`realtime_data` and `premium_data` of a coin."""
    return {
        "realtime_data": {v: venue_values(row, v, now, freshness) for v in venues},
        "premium_data": {v: premium(row, v, venues) for v in venues},
    }


def completeness(row: Row, venues: Sequence[str]) -> Json:
    """On how many venues a coin trades spot and perpetual, and both beside all that could be, in percent."""
    spot = sorted({c.key.venue for c in row.cells if c.key.market is Market.SPOT})
    futures = sorted({c.key.venue for c in row.cells if c.key.market is Market.PERP})
    score = round(100 * (len(spot) + len(futures)) / (2 * len(venues)), 1) if venues else 0.0
    return {
        "symbol": row.coin,
        "completeness_score": score,
        "spot_exchanges": spot,
        "futures_exchanges": futures,
        "total_exchanges": len({*spot, *futures}),
    }


def market_report(rows: Sequence[Row], venues: Sequence[str]) -> Json:
    """Which coins trade where, the most complete first."""
    coins = sorted((completeness(row, venues) for row in rows), key=lambda c: (-c["completeness_score"], c["symbol"]))
    return {
        "total_unique_symbols": len(coins),
        "high_coverage_symbols": [c for c in coins if c["completeness_score"] >= HIGH],
        "medium_coverage_symbols": [c for c in coins if MEDIUM <= c["completeness_score"] < HIGH],
        "low_coverage_symbols": [c for c in coins if c["completeness_score"] < MEDIUM],
        "exchange_summary": {v: _counts(rows, v) for v in venues},
    }


def coverage_stats(rows: Sequence[Row], venues: Sequence[str], now: float, freshness: Freshness) -> Json:
    """What is covered, venue by venue and coin by coin, and how much of it is fresh."""
    exchanges = {}
    for venue in venues:
        counts = _counts(rows, venue)
        has = sum(any(c.key.venue == venue for c in row.cells) for row in rows)
        exchanges[venue] = {
            "spot_symbols": counts["spot"],
            "futures_symbols": counts["futures"],
            "coverage_percent": round(100 * has / len(rows), 1) if rows else 0.0,
        }
    return {
        "total_symbols": len(rows),
        "exchange_stats": exchanges,
        "symbol_stats": {c["symbol"]: c for c in (completeness(row, venues) for row in rows)},
        "quality_metrics": quality(rows, venues, now, freshness),
    }


def quality(rows: Sequence[Row], venues: Sequence[str], now: float, freshness: Freshness) -> Json:
    """How complete and how fresh the whole picture is. `completeness_score`: the mean of all coins, in percent."""
    cells = [c for row in rows for c in row.cells]
    fresh = sum(c.is_fresh(now, freshness) for c in cells)
    scores = [completeness(row, venues)["completeness_score"] for row in rows]
    return {
        "completeness_score": round(fmean(scores), 1) if scores else 0.0,
        "legs": len(cells),
        "fresh_legs": fresh,
        "fresh_percent": round(100 * fresh / len(cells), 1) if cells else 0.0,
        "quarantined_legs": sum(bool(c.leg.quarantine) for c in cells),
        "halted_legs": sum(c.leg.halted for c in cells),
    }


def point(values: Mapping[str, float | None], timestamp: str) -> Json:
    """One moment of a coin's history at a venue."""
    spot, futures = values.get("spot"), values.get("futures")
    return {
        "timestamp": timestamp,
        "spot_price": spot,
        "futures_price": futures,
        "funding_rate": values.get("rate"),
        "premium": round((futures - spot) / spot * 100, 4) if spot and futures is not None else None,
    }


def iso_ms(ms: int | None) -> str | None:
    """Unix milliseconds as ISO 8601 UTC; unknown stays unknown."""
    return None if ms is None else iso(ms)


def _spot(cell: Cell, now: float, freshness: Freshness) -> Json:
    return {
        "price": price_of(cell),
        "timestamp": iso_ms(cell.event_ms or cell.received_ms),
        "symbol": cell.key.symbol,
        "volume": _finite(cell.volume_usd),
        "is_active": not cell.leg.halted,
        "bid": _finite(cell.bid),
        "ask": _finite(cell.ask),
        "age_s": _age(cell, now, freshness),
        "fresh": cell.is_fresh(now, freshness),
    }


def _futures(cell: Cell, now: float, freshness: Freshness) -> Json:
    return {
        **_spot(cell, now, freshness),
        "funding_rate": _finite(cell.funding_rate),
        "next_funding_time": cell.next_funding_ms or None,
        "mark_price": _finite(cell.mark),
        "index_price": _finite(cell.index),
    }


def _funding(cell: Cell) -> Json:
    return {
        "funding_rate": _finite(cell.funding_rate),
        "next_funding_time": cell.next_funding_ms or None,
        "funding_interval_h": _finite(cell.funding_interval_h),
        "symbol": cell.key.symbol,
    }


def _counts(rows: Sequence[Row], venue: str) -> dict[str, int]:
    found = {"spot": 0, "futures": 0}
    for row in rows:
        for cell in row.cells:
            if cell.key.venue == venue:
                found["spot" if cell.key.market is Market.SPOT else "futures"] += 1
    return found


def _age(cell: Cell, now: float, freshness: Freshness) -> float | None:
    age = cell.age_s(now, freshness)
    return None if age is None else round(age, 3)


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
