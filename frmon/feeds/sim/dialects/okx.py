"""How the simulated OKX speaks over REST (API v5): every number a string, "" for what is missing, a code in every envelope.
Channels are in `okx_channels`."""

from collections.abc import Callable
from typing import Any

from frmon.feeds.sim.dialects import Close, Dialect, Query, Quota, Reply, Route, dumps, reply
from frmon.feeds.sim.dialects.okx_channels import connect
from frmon.feeds.sim.dialects.okx_rows import (
    DECIMAL16,
    funding_row,
    index_row,
    instrument_row,
    mark_row,
    status_row,
    ticker_row,
)
from frmon.feeds.sim.instrument import Instrument, Paid
from frmon.feeds.sim.past import settled
from frmon.feeds.sim.steps import ladder
from frmon.feeds.sim.world import World

MARKETS = {"SPOT": "spot", "SWAP": "perp"}


def success(rows: list[Any]) -> Reply:
    """An envelope that went well."""
    return reply({"code": "0", "data": rows, "msg": ""})


def error(code: str, text: str, status: int = 200) -> Reply:
    """HTTP 200 is no success here."""
    return reply({"code": code, "data": [], "msg": text}, status)


UNKNOWN = error("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


def rows_of(world: World, inst_type: str) -> list[Instrument]:
    """What is listed as SPOT or SWAP; X-Perps are FUTURES."""
    return [i for i in world.instruments("okx", MARKETS[inst_type]).values() if i.kind != "xperp"]


def _by_type(
    row: Callable[[Instrument], dict[str, Any]], keep: Callable[[Instrument], bool]
) -> Callable[[World, Query, int], Reply]:
    """An answer of all rows of `instType`, or of the one that `instId` names."""

    def answer(world: World, query: Query, now_ms: int) -> Reply:
        inst_type = query.get("instType", "")
        if inst_type not in MARKETS:
            return (
                success([])
                if inst_type in ("FUTURES", "OPTION", "MARGIN")
                else error("51000", "Parameter instType error")
            )
        rows = [i for i in rows_of(world, inst_type) if keep(i) and query.get("instId") in (None, i.symbol)]
        return success([row(i) for i in rows]) if rows or "instId" not in query else UNKNOWN

    return answer


def funding_rate(world: World, query: Query, now_ms: int) -> Reply:
    """/api/v5/public/funding-rate: `instId=ANY` is everything that pays funding, X-Perps and inverse swaps too."""
    wanted = query.get("instId")
    if wanted is None:
        return error("50014", "Parameter instId can not be empty.")
    rows = [i for i in world.instruments("okx", "perp").values() if i.funding_h and wanted in ("ANY", i.symbol)]
    if rows:
        return success([funding_row(i, now_ms) for i in rows])
    return error("51000", "Parameter instId error", 400) if "," in wanted else UNKNOWN


def funding_past(world: World, query: Query, now_ms: int) -> Reply:
    """/api/v5/public/funding-rate-history of one instrument, newest first: what is older than `after` and newer than
    `before`. What was predicted is not quite what was realized."""
    i = world.instruments("okx", "perp").get(query.get("instId", ""))
    if i is None:
        return UNKNOWN
    asked = {key: query.get(key) or usual for key, usual in (("after", "0"), ("before", "0"), ("limit", "100"))}
    wrong = next((key for key, value in asked.items() if not value.isdecimal()), "")
    if wrong:
        return error("51000", f"Parameter {wrong} error")
    past = settled(i, min(100, int(asked["limit"])), int(asked["after"]) - 1 if int(asked["after"]) else None)
    return success([_paid_row(i, paid) for paid in past if paid.at_ms > int(asked["before"])])


def _paid_row(i: Instrument, paid: Paid) -> dict[str, str]:
    return {
        "formulaType": "withRate", "fundingRate": DECIMAL16(paid.rate + 1e-6), "fundingTime": str(paid.at_ms),
        "instId": i.symbol, "instType": "SWAP", "method": "current_period", "realizedRate": DECIMAL16(paid.rate),
    }  # fmt: skip


def index_tickers(world: World, query: Query, now_ms: int) -> Reply:
    """/api/v5/market/index-tickers?quoteCcy=USDT: one row per pair."""
    wanted, pair = query.get("quoteCcy"), query.get("instId")
    if wanted is None and pair is None:
        return error("50014", "Parameter instId or quoteCcy can not be empty.")
    pairs = {i.symbol.removesuffix("-SWAP"): i for i in rows_of(world, "SWAP") + rows_of(world, "SPOT")}
    return success([index_row(i) for name, i in pairs.items() if name.endswith(f"-{wanted}") or name == pair])


def single_ticker(world: World, query: Query, now_ms: int) -> Reply:
    """/api/v5/market/ticker?instId=."""
    i = world.find("okx", query.get("instId", ""))
    return UNKNOWN if i is None or i.kind == "xperp" else success([ticker_row(i)])


def books(world: World, query: Query, now_ms: int) -> Reply:
    """/api/v5/market/books?instId=&sz=: levels of price, size (contracts of a swap), "0" and the number of orders."""
    wanted = query.get("instId", "")
    i = world.instruments("okx", "perp").get(wanted) or world.instruments("okx", "spot").get(wanted)
    size = query.get("sz", "1")
    if not size.isdecimal() or not 1 <= int(size) <= 400:
        return error("51000", "Parameter sz error")
    if i is None or i.kind == "xperp" or i.state == "prelaunch":
        return UNKNOWN
    bids, asks = (
        [[i.price(price), i.size(size), "0", str(1 + n % 5)] for n, (price, size) in enumerate(side)]
        for side in ladder(i, world.seed, int(size))
    )
    return success([{"asks": asks, "bids": bids, "ts": str(i.quote.changed_ms), "seqId": i.quote.seq}])


def _time(world: World, query: Query, now_ms: int) -> Reply:
    return success([{"ts": str(now_ms)}])


def _status(world: World, query: Query, now_ms: int) -> Reply:
    until_ms = world.resting.get("okx")
    return success([] if until_ms is None else [status_row(now_ms, until_ms)])


def _busy(wait_s: float) -> Reply:
    return Reply(429, dumps({"msg": "Too Many Requests", "code": "50011"}))


def _missing(path: str) -> Reply:
    return reply({"msg": f"Not Found {path}", "code": "404"}, 404)


def shown(i: Instrument) -> bool:
    """Only what trades or did trade has a ticker."""
    return i.state != "prelaunch"


_FORTY, _TWENTY, _TEN, _ONE = ("40 in 2 s *",), ("20 in 2 s *",), ("10 in 2 s *",), ("1 in 5 s *",)
_INSTRUMENTS = _by_type(instrument_row, lambda i: True)

DIALECTS = (
    Dialect(
        venue="okx",
        name="okx",
        markets={
            '"instruments"': "",
            "SWAP": "perp",
            "FUTURES": "perp",
            "funding-rate": "perp",
            "mark-price": "perp",
            "index-tickers": "perp",
            "SPOT": "spot",
            "instId": "spot",
        },
        endpoints={"rest": "http", "ws": "ws"},
        routes={
            "/api/v5/public/instruments": Route(_INSTRUMENTS, _TWENTY),
            "/api/v5/market/tickers": Route(_by_type(ticker_row, shown), _TWENTY),
            "/api/v5/market/ticker": Route(single_ticker, _TWENTY),
            "/api/v5/market/books": Route(books, _FORTY),
            "/api/v5/public/mark-price": Route(_by_type(mark_row, lambda i: i.market == "perp"), _TEN),
            "/api/v5/market/index-tickers": Route(index_tickers, _TWENTY),
            "/api/v5/public/funding-rate": Route(funding_rate, _TEN),
            "/api/v5/public/funding-rate-history": Route(funding_past, _TEN),
            "/api/v5/public/time": Route(_time, _TEN),
            "/api/v5/system/status": Route(_status, _ONE),
        },
        quotas=(
            Quota(name=_FORTY[0], limit=40, window_s=2, refuse=_busy),
            Quota(name=_TWENTY[0], limit=20, window_s=2, refuse=_busy),
            Quota(name=_TEN[0], limit=10, window_s=2, refuse=_busy),
            Quota(name=_ONE[0], limit=1, window_s=5, refuse=_busy),
        ),
        missing=_missing,
        connect=connect,
        connects=Quota(name="connects", limit=3, window_s=1, refuse=_busy),
        messages=100,
        messages_window_s=1.0,
        messages_close=Close(4002, "Invalid request"),
        message_bytes=65_536,
        bytes_close=Close(1009, "Message too long"),
        slow_close=Close(4005, "Slow consumer"),
    ),
)
