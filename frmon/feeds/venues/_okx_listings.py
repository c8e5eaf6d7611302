"""OKX's instruments."""

import msgspec
from msgspec import UNSET, UnsetType

from frmon.feeds.contract import Page
from frmon.feeds.venues._okx_rows import data
from frmon.feeds.venues._reading import UNREADABLE, Decimal, Millis, is_usable, mended, price, when
from frmon.model import Listing, Market

STATUS = {
    "live": "trading",
    "suspend": "halted",
    "rebase": "halted",
    "post_only": "halted",
    "preopen": "prelaunch",
}
ASSET_CLASSES = {"": "crypto", "1": "crypto", "3": "stock", "4": "commodity"}  # 5, 6, 7: sources differ


class _Instrument(msgspec.Struct, rename="camel"):
    inst_id: str = ""
    state: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    ct_type: str = ""
    ct_val: Decimal = None
    ct_mult: Decimal = None
    uly: str = ""
    inst_family: str = ""
    inst_category: str | UnsetType = ""
    rule_type: str | UnsetType = ""
    exp_time: Millis = None
    list_time: Millis = None
    cont_td_sw_time: Millis = None
    tick_sz: Decimal = None


class _Instruments(msgspec.Struct):
    code: str
    data: list[_Instrument] | None = None


_INSTRUMENTS = msgspec.json.Decoder(_Instruments, strict=False)


def page(market: Market, raw: bytes) -> Page:
    """`public/instruments` of SPOT or SWAP, which has a single page. Rows before their opening may be almost empty."""
    skipped = 0
    try:
        reply = _INSTRUMENTS.decode(raw)
        instruments = (reply.data or []) if reply.code == "0" else mended(data(raw), _Instrument)[0]
    except UNREADABLE:
        instruments, skipped = mended(data(raw), _Instrument)
    skipped += sum(not one.state for one in instruments)  # rows before their opening have at least a state
    list_one = _spot if market is Market.SPOT else _swap
    listings = [found for found in map(list_one, instruments) if found is not None]
    usable = [found for found in listings if is_usable(found.symbol) and is_usable(found.base)]
    return Page(usable, skipped=skipped + len(listings) - len(usable))


def _spot(one: _Instrument) -> Listing | None:
    if not one.inst_id.endswith("-USDT") or one.quote_ccy not in {"", "USDT"}:
        return None
    return _listing(one, Market.SPOT, one.base_ccy or one.inst_id.removesuffix("-USDT"), 1.0)


def _swap(one: _Instrument) -> Listing | None:
    """Linear perpetuals settled in USDT; their base is in the name of what they follow."""
    if not one.inst_id.endswith("-USDT-SWAP") or one.settle_ccy != "USDT" or one.ct_type != "linear":
        return None
    base = (one.uly or one.inst_family or one.inst_id).split("-")[0]
    value, times = price(one.ct_val), price(one.ct_mult)
    return _listing(one, Market.PERP, base, None if value is None or times is None else value * times)


def _asset_class(one: _Instrument) -> str:
    """What cannot be read is "other": a share must not pass for a coin."""
    if one.inst_category is UNSET or one.rule_type is UNSET:
        return "other"
    return "premarket" if one.rule_type == "pre_market" else ASSET_CLASSES.get(one.inst_category, "other")


def _listing(one: _Instrument, market: Market, base: str, contract: float | None) -> Listing | None:
    status = STATUS.get(one.state)
    if status is None:
        return None
    return Listing(
        venue="okx",
        market=market,
        symbol=one.inst_id,
        base=base,
        asset_class=_asset_class(one),
        status=status,
        off_ms=when(one.exp_time),
        on_ms=when(one.cont_td_sw_time) or when(one.list_time),
        tick=price(one.tick_sz),
        contract=contract,
    )
