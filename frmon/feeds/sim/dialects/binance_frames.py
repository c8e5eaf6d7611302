"""Frames of the simulated Binance, one function per stream: instrument and time -> JSON."""

from frmon.feeds.sim.dialects import dumps
from frmon.feeds.sim.dialects.binance_rows import NEVER_MS, perp_status
from frmon.feeds.sim.instrument import Instrument

DAY_MS = 86_400_000


def _day_times(i: Instrument) -> str:
    q = i.quote
    return f'"O":{q.changed_ms - DAY_MS},"C":{q.changed_ms},"F":1,"L":{q.trades},"n":{q.trades}'


def spot_ticker(i: Instrument, now_ms: int) -> bytes:
    """`<s>@ticker`: the only spot stream with last, best bid and ask, volume and event time together."""
    q = i.quote
    change = q.last - q.open
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{i.symbol}","p":"{change:.8f}","P":"{change / q.open * 100:.3f}",'
        f'"w":"{q.turnover / q.volume:.8f}","x":"{q.open:.8f}","c":"{q.last:.8f}","Q":"{q.last_size:.8f}",'
        f'"b":"{q.bid:.8f}","B":"{q.bid_size:.8f}","a":"{q.ask:.8f}","A":"{q.ask_size:.8f}","o":"{q.open:.8f}",'
        f'"h":"{q.high:.8f}","l":"{q.low:.8f}","v":"{q.volume:.8f}","q":"{q.turnover:.8f}",{_day_times(i)}}}'
    ).encode()


def spot_mini(i: Instrument, now_ms: int) -> bytes:
    """`<s>@miniTicker`."""
    q = i.quote
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{i.symbol}","c":"{q.last:.8f}","o":"{q.open:.8f}","h":"{q.high:.8f}",'
        f'"l":"{q.low:.8f}","v":"{q.volume:.8f}","q":"{q.turnover:.8f}"}}'
    ).encode()


def spot_book(i: Instrument, now_ms: int) -> bytes:
    """`<s>@bookTicker`: no event name and no time in it."""
    q = i.quote
    return (
        f'{{"u":{q.seq},"s":"{i.symbol}","b":"{q.bid:.8f}","B":"{q.bid_size:.8f}","a":"{q.ask:.8f}",'
        f'"A":"{q.ask_size:.8f}"}}'
    ).encode()


def _pair(i: Instrument) -> str:
    return i.symbol.split("_")[0]


def _side(i: Instrument) -> int:
    return 2 if i.kind == "coinm" else 1


def perp_ticker(i: Instrument, now_ms: int) -> bytes:
    """`<s>@ticker` of futures: no bid, no ask."""
    q, p = i.quote, i.price
    change = q.last - q.open
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{i.symbol}","ps":"{_pair(i)}","p":"{p(change)}",'
        f'"P":"{change / q.open * 100:.3f}","w":"{p(q.turnover / q.volume)}","c":"{p(q.last)}","Q":"{i.size(q.last_size)}",'
        f'"o":"{p(q.open)}","h":"{p(q.high)}","l":"{p(q.low)}","v":"{i.size(q.volume)}","q":"{q.turnover:.2f}",'
        f'{_day_times(i)},"st":{_side(i)}}}'
    ).encode()


def perp_mini(i: Instrument, now_ms: int) -> bytes:
    """`<s>@miniTicker` of futures."""
    q, p = i.quote, i.price
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{i.symbol}","ps":"{_pair(i)}","c":"{p(q.last)}","o":"{p(q.open)}",'
        f'"h":"{p(q.high)}","l":"{p(q.low)}","v":"{i.size(q.volume)}","q":"{q.turnover:.2f}","st":{_side(i)}}}'
    ).encode()


def perp_book(i: Instrument, now_ms: int) -> bytes:
    """`<s>@bookTicker` of futures."""
    q = i.quote
    return (
        f'{{"e":"bookTicker","u":{q.seq},"s":"{i.symbol}","ps":"{_pair(i)}","b":"{i.price(q.bid)}",'
        f'"B":"{i.size(q.bid_size)}","a":"{i.price(q.ask)}","A":"{i.size(q.ask_size)}","T":{q.changed_ms},'
        f'"E":{q.changed_ms + 1},"st":{_side(i)}}}'
    ).encode()


def mark_price(i: Instrument, now_ms: int) -> bytes:
    """`<s>@markPrice@1s`; T is 0 where no funding is scheduled."""
    q = i.quote
    rate = f"{q.funding_rate:.8f}" if i.funding_h or i.kind != "dated" else ""
    return (
        f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{i.symbol}","p":"{q.mark:.8f}","ap":"{q.mark:.8f}",'
        f'"P":"{q.index:.8f}","i":"{q.index:.8f}","r":"{rate}","T":{q.next_funding_ms},"st":{_side(i)}}}'
    ).encode()


def contract_info(i: Instrument, now_ms: int) -> bytes:
    """`!contractInfo`: an instrument appeared, or is to end, or rests."""
    return dumps(
        {
            "e": "contractInfo", "E": now_ms, "s": i.symbol, "ps": _pair(i), "ct": "PERPETUAL", "dt": i.off_ms or NEVER_MS,
            "ot": i.on_ms, "cs": perp_status(i), "st": _side(i),
        }
    )  # fmt: skip
