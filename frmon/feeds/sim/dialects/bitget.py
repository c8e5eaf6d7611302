"""Bitget v2 ("classic"), public: REST of spot and USDT-margined futures, and the one public socket."""

from collections.abc import Callable, Iterable
from typing import Any

from frmon.feeds.sim.dialects import Close, Dialect, Query, Quota, Reply, Route, Session, Stage, reply
from frmon.feeds.sim.dialects.bitget_rows import (
    PRELISTED,
    contract_row,
    funding_row,
    perp_row,
    prelisted_row,
    product_type,
    spot_row,
    spot_symbol_row,
    trimmed,
)
from frmon.feeds.sim.dialects.bitget_socket import LIVE, Socket
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.past import settled
from frmon.feeds.sim.steps import ladder
from frmon.feeds.sim.world import World

PRODUCTS = frozenset(
    {"USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES", "SUSDT-FUTURES", "SUSDC-FUTURES", "SCOIN-FUTURES"}
)
Answer = Callable[[World, Query, int], Reply]
Rows = Callable[[World, Query, int], Any]
MIX_LIMITS = {"1": 1, "5": 5, "15": 15, "50": 50, "100": 100, "max": 500}


class Bad(Exception):
    """A request that the venue refuses."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def envelope(data: Any, now_ms: int, code: str = "00000", message: str = "success") -> Reply:
    """What every answer is wrapped in; refusals are HTTP 400."""
    status = 200 if code == "00000" else 400
    return reply({"code": code, "msg": message, "requestTime": now_ms, "data": data}, status)


def _answers(rows: Rows) -> Answer:
    def answer(world: World, query: Query, now_ms: int) -> Reply:
        try:
            if "bitget" in world.resting:
                raise Bad("45001", "Unknown error")
            return envelope(rows(world, query, now_ms), now_ms)
        except Bad as bad:
            return envelope(None, now_ms, bad.code, str(bad))

    return answer


def _named(rows: Iterable[Instrument], query: Query) -> list[Instrument]:
    """All rows, or the one that `symbol` names."""
    symbol = query.get("symbol")
    found = [i for i in rows if symbol in (None, "", i.symbol)]
    if symbol and not found:
        raise Bad("40034", f"Parameter {symbol} does not exist")
    return found


def _contracts(world: World, query: Query) -> list[Instrument]:
    """Contracts of the product that the query names."""
    product = query.get("productType", "").upper()
    if product not in PRODUCTS:
        raise Bad("40019", f"Parameter {query.get('productType', 'productType')} cannot be empty")
    return [i for i in world.instruments("bitget", "perp").values() if product_type(i) == product]


def public_time(_world: World, _query: Query, now_ms: int) -> Reply:
    """GET /api/v2/public/time."""
    return envelope({"serverTime": str(now_ms)}, now_ms)


def spot_symbols(world: World, query: Query, _now_ms: int) -> list[dict[str, Any]]:
    """GET /api/v2/spot/public/symbols: every pair in every status."""
    return [spot_symbol_row(i) for i in _named(world.instruments("bitget", "spot").values(), query)]


def spot_tickers(world: World, query: Query, now_ms: int) -> list[dict[str, Any]]:
    """GET /api/v2/spot/market/tickers: what trades or rests."""
    rows = [i for i in world.instruments("bitget", "spot").values() if i.state in LIVE]
    return [spot_row(i, now_ms) for i in _named(rows, query)]


def contracts(world: World, query: Query, _now_ms: int) -> list[dict[str, Any]]:
    """GET /api/v2/mix/market/contracts: every contract in every status."""
    return [contract_row(i) for i in _named(_contracts(world, query), query)]


def perp_tickers(world: World, query: Query, now_ms: int) -> list[dict[str, Any]]:
    """GET /api/v2/mix/market/tickers: neither interval nor time of the next settlement."""
    rows = [i for i in _contracts(world, query) if i.state in LIVE]
    return [perp_row(i, now_ms) for i in _named(rows, query)]


def current_funding(world: World, query: Query, now_ms: int) -> list[dict[str, Any]]:
    """GET /api/v2/mix/market/current-fund-rate: with rows of what is not listed yet."""
    funded = [i for i in _contracts(world, query) if i.funding_h and i.state != "settling"]
    rows = [funding_row(i) for i in _named(funded, query)]
    if query.get("symbol") or query.get("productType", "").upper() != "USDT-FUTURES":
        return rows
    return rows + [prelisted_row(symbol, now_ms) for symbol in PRELISTED]


def past_funding(world: World, query: Query, _now_ms: int) -> list[dict[str, Any]]:
    """GET /api/v2/mix/market/history-fund-rate: newest first, pages of at most 100."""
    found = _named(_contracts(world, query), query)
    size, page = query.get("pageSize") or "20", query.get("pageNo") or "1"
    if not query.get("symbol") or not (size + page).isdecimal() or not int(size) or not int(page):
        raise Bad("400172", "Parameter verification failed")
    width = min(100, int(size))
    past = list(settled(found[0], width * int(page)))[width * (int(page) - 1) :]
    symbol = found[0].symbol
    return [{"symbol": symbol, "fundingRate": trimmed(p.rate, 8), "fundingTime": str(p.at_ms)} for p in past]


def spot_book(world: World, query: Query, now_ms: int) -> dict[str, Any]:
    """GET /api/v2/spot/market/orderbook: 150 levels of text at most."""
    i = _book_of(world.instruments("bitget", "spot").values(), query)
    limit = query.get("limit") or "150"
    if not limit.isdecimal() or not int(limit):
        raise Bad("400172", "Parameter verification failed")
    bids, asks = (
        [[trimmed(price, i.decimals), trimmed(size, i.size_decimals)] for price, size in side]
        for side in ladder(i, world.seed, min(150, int(limit)))
    )
    return {"asks": asks, "bids": bids, "ts": str(now_ms)}


def perp_book(world: World, query: Query, now_ms: int) -> dict[str, Any]:
    """GET /api/v2/mix/market/merge-depth: levels of numbers, not of text, in fixed numbers."""
    i = _book_of(_contracts(world, query), query)
    levels = MIX_LIMITS.get(query.get("limit") or "100")
    if levels is None or query.get("precision", "scale0") != "scale0":
        raise Bad("400172", "Parameter verification failed")
    bids, asks = ladder(i, world.seed, levels)
    shape = {"scale": trimmed(i.tick, i.decimals), "precision": "scale0", "isMaxPrecision": "NO"}
    return {"asks": asks, "bids": bids, "ts": str(now_ms)} | shape


def _book_of(rows: Iterable[Instrument], query: Query) -> Instrument:
    if not query.get("symbol"):
        raise Bad("400172", "Parameter verification failed")
    return _named([i for i in rows if i.state in LIVE], query)[0]


def margin_currencies(_world: World, _query: Query, _now_ms: int) -> list[dict[str, Any]]:
    """GET /api/v2/margin/currencies: nothing can be borrowed here."""
    return []


def _too_many(_wait_s: float) -> Reply:
    return reply({"code": "429", "msg": "Too Many Requests", "requestTime": 0, "data": None}, 429)


def _missing(_path: str) -> Reply:
    return reply({"code": "40404", "msg": "Request URL NOT FOUND", "requestTime": 0, "data": None}, 404)


def connect(stage: Stage, path: str, _query: Query, now_ms: int) -> Session | Reply:
    """A session of the public socket."""
    return Socket(stage, now_ms) if path == "/v2/ws/public" else _missing(path)


_QUOTAS = ("20/s:*", "6000/min")
BITGET = Dialect(
    venue="bitget",
    name="bitget",
    markets={"/spot/": "spot", "/mix/": "perp", '"SPOT"': "spot", "-FUTURES": "perp"},
    endpoints={"rest": "http", "ws": "ws"},
    routes={
        "/api/v2/public/time": Route(answer=public_time, quotas=_QUOTAS),
        "/api/v2/spot/public/symbols": Route(answer=_answers(spot_symbols), quotas=_QUOTAS),
        "/api/v2/spot/market/tickers": Route(answer=_answers(spot_tickers), quotas=_QUOTAS),
        "/api/v2/spot/market/orderbook": Route(answer=_answers(spot_book), quotas=_QUOTAS),
        "/api/v2/mix/market/merge-depth": Route(answer=_answers(perp_book), quotas=_QUOTAS),
        "/api/v2/mix/market/contracts": Route(answer=_answers(contracts), quotas=_QUOTAS),
        "/api/v2/mix/market/tickers": Route(answer=_answers(perp_tickers), quotas=_QUOTAS),
        "/api/v2/mix/market/current-fund-rate": Route(answer=_answers(current_funding), quotas=_QUOTAS),
        "/api/v2/mix/market/history-fund-rate": Route(answer=_answers(past_funding), quotas=_QUOTAS),
        "/api/v2/margin/currencies": Route(answer=_answers(margin_currencies), quotas=_QUOTAS),
    },
    quotas=(
        Quota(name="20/s:*", limit=20, window_s=1.0, refuse=_too_many),
        Quota(name="6000/min", limit=6_000, window_s=60.0, refuse=_too_many, ban_s=300.0, ban=_too_many),
    ),
    missing=_missing,
    connect=connect,
    connects=Quota(name="connects", limit=300, window_s=300.0, refuse=_too_many),
    messages=30,  # the session itself warns and closes above 10 text messages a second
    messages_window_s=1.0,
    messages_close=Close(1006),
    message_bytes=4_096,
    bytes_close=Close(1006),
    connections=100,
)

DIALECTS = (BITGET,)
