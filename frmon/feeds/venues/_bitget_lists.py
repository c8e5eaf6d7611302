"""What Bitget lists: contracts and spot symbols, with the health of each.

Tradable are futures that are `normal` and spot pairs that are `online`. Restricted ones are shown as halted; pairs that are
off, hidden from the API, on trial ("gray") or in a state that is not documented are dropped.
"""

import re
from collections.abc import Iterable
from decimal import Decimal as Digits

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.json import Decoder

from frmon.feeds.contract import Page
from frmon.feeds.venues._bitget import reply_rows
from frmon.feeds.venues._reading import Decimal, Millis, is_usable, price, when
from frmon.feeds.venues._rows import Hours, rows
from frmon.model import Listing, Market


class _Contract(
    msgspec.Struct,
    rename={
        "base": "baseCoin",
        "quote": "quoteCoin",
        "kind": "symbolType",
        "status": "symbolStatus",
        "off": "offTime",
        "limit": "limitOpenTime",
        "launch": "launchTime",
        "open": "openTime",
        "funding_h": "fundInterval",
        "places": "pricePlace",
        "step": "priceEndStep",
        "rwa": "isRwa",
    },
):
    symbol: str = ""
    base: str = ""
    quote: str = ""
    kind: str = ""
    status: str = ""
    off: Millis = None
    limit: Millis = None
    launch: Millis = None
    open: Millis = None
    funding_h: Hours = None
    places: Millis = None
    step: Decimal = None
    rwa: str | UnsetType = ""


class _Pair(
    msgspec.Struct,
    rename={
        "base": "baseCoin",
        "quote": "quoteCoin",
        "off": "offTime",
        "open": "openTime",
        "places": "pricePrecision",
    },
):
    symbol: str = ""
    base: str = ""
    quote: str = ""
    status: str = ""
    off: Millis = None
    open: Millis = None
    places: Millis = None


_CONTRACT = Decoder(_Contract, strict=False)
_PAIR = Decoder(_Pair, strict=False)

_CONTRACT_STATUS = {"normal": "trading", "maintain": "halted", "limit_open": "halted", "listed": "prelaunch"}
_PAIR_STATUS = {"online": "trading", "halt": "halted"}
_TOKENISED = re.compile(r"r[A-Z][A-Z0-9.]*")  # rAAPL: a share as a token; no field says so


def read_contracts(raw: bytes) -> Page:
    """All USDT-settled perpetuals."""
    raws, _ = reply_rows(raw)
    found, skipped = rows(raws, _CONTRACT)
    listed = [row for row in found if row.quote == "USDT" and row.kind == "perpetual"]
    return _page(((row, _contract(row)) for row in listed), skipped + _wounded(found))


def read_pairs(raw: bytes) -> Page:
    """All USDT-quoted spot pairs."""
    raws, _ = reply_rows(raw)
    found, skipped = rows(raws, _PAIR)
    listed = [row for row in found if row.quote == "USDT"]
    return _page(((row, _pair(row)) for row in listed), skipped + _wounded(found))


def _wounded(found: Iterable[_Contract | _Pair]) -> int:
    """Rows that do not even say what they are quoted in."""
    return sum(not row.quote for row in found)


def _page(listings: Iterable[tuple[_Contract | _Pair, Listing | None]], skipped: int) -> Page:
    kept = []
    for row, listing in listings:
        if not (is_usable(row.symbol) and is_usable(row.base)):
            skipped += 1
        elif listing is not None:
            kept.append(listing)
    return Page(kept, None, skipped)


def _contract(row: _Contract) -> Listing | None:
    status = _CONTRACT_STATUS.get(row.status.lower())
    if status is None:
        return None
    ends = [ms for ms in (when(row.off), when(row.limit)) if ms is not None]
    return Listing(
        venue="bitget",
        market=Market.PERP,
        symbol=row.symbol,
        base=row.base,
        asset_class="other" if row.rwa is UNSET else "stock" if row.rwa.upper() == "YES" else "crypto",
        status=status,
        funding_h=row.funding_h or None,
        off_ms=min(ends, default=None),
        on_ms=when(row.launch) or when(row.open),
        tick=_tick(price(row.step), row.places),
        contract=1.0,  # sizes are in the base coin; `sizeMultiplier` is the step of quantities
    )


def _pair(row: _Pair) -> Listing | None:
    status = _PAIR_STATUS.get(row.status.lower())
    if status is None:
        return None
    return Listing(
        venue="bitget",
        market=Market.SPOT,
        symbol=row.symbol,
        base=row.base,
        asset_class="stock" if _TOKENISED.fullmatch(row.base) else "crypto",
        status=status,
        off_ms=when(row.off),
        on_ms=when(row.open),
        tick=_tick(1.0, row.places),
        contract=1.0,
    )


def _tick(step: float | None, places: Millis) -> float | None:
    """`step` units of the last of `places` decimals."""
    if step is None or type(places) is not int or not 0 <= places <= 20:
        return None
    return price(float(Digits(repr(step)).scaleb(-places)))
