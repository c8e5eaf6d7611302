"""How statements are merged into a cell. Per field: of two statements about it the one with the newer venue time wins, in
whatever order they arrive."""

from frmon.cell import Cell, Part
from frmon.doubt import per_coin, repeats_doubted
from frmon.model import EMPTY, Carrier, Tick

SPEAKING_S = 2.0
"""How old what a REST reply says may be when we ask: venues answer from caches. A carrier that was silent for this long
when we asked is not speaking."""


class Receipt:
    """When a REST reply was asked for and received: how long it was on its way is part of the age of what it says."""

    __slots__ = ("asked_at", "at", "now_ms")

    def __init__(self, at: float, now_ms: int, asked_at: float) -> None:
        self.at = at
        self.now_ms = now_ms
        self.asked_at = asked_at


def is_mergeable(cell: Cell, tick: Tick, carrier: Carrier) -> bool:
    """A delta means something only after a whole statement on the same connection."""
    if tick.delta:
        return cell.whole_by is carrier and cell.whole_generation == carrier.generation
    cell.whole_by = carrier
    cell.whole_generation = carrier.generation
    return True


def take_frame(cell: Cell, tick: Tick, carrier: Carrier, at: float, now_ms: int) -> None:
    """Merge what a stream said. Without a venue time it is the newest because it came last, and said now by the venue's clock:
    by ours it might outlive for minutes all that the venue dates."""
    ms = tick.event_ms if tick.event_ms is not None else max(int(now_ms + carrier.ahead_ms), _newest_ms(cell))
    is_told = tick.event_ms is None and _is_told_by_next(cell.quote, carrier)
    if not is_told and not repeats_doubted(cell, tick) and _quote(cell, tick, ms):
        cell.quote.state(carrier, at)
        _note(cell, tick.event_ms, now_ms, "ws")
    if tick.bid is not None or tick.ask is not None:
        cell.told_on.state(carrier, at)
        cell.count_moves(tick.bid, tick.ask)
    _rest_of(cell, tick, ms, carrier, at)


def _is_told_by_next(quote: Part, carrier: Carrier) -> bool:
    """Whether a line that is to take over tells this quote already: without times, what an older line says beside it may be
    older."""
    by = quote.by
    return by is not carrier and by is not None and quote.rides() and by.number > carrier.number


def _newest_ms(cell: Cell) -> int:
    return max(
        cell.bid_ms, cell.ask_ms, cell.last_ms, cell.volume_ms, cell.mark_ms, cell.index_ms,
        cell.rate_ms, cell.next_ms, cell.interval_ms, cell.settled_ms,
    )  # fmt: skip


def take_reply(cell: Cell, tick: Tick, carrier: Carrier, receipt: Receipt) -> None:
    """Merge what a REST reply said. With venue times the newer wins; without, it speaks only where no stream does."""
    quote = cell.quote
    rode = quote.rides()
    agrees = _agrees(cell, tick)
    ms = tick.event_ms
    if carrier.stamped and ms is not None:
        taken = _quote(cell, tick, ms)
        _rest_of(cell, tick, ms, carrier, receipt.asked_at)
    elif _is_spoken(quote, rode, receipt):
        taken = False
        _rest_of(cell, _unsaid(cell, tick), 0, carrier, receipt.asked_at)
    else:
        _unstamp(cell, tick)
        taken = _quote(cell, tick, 0)
        _rest_of(cell, tick, 0, carrier, receipt.asked_at)
    _confirm(cell, tick, receipt.asked_at)
    if agrees and rode:
        quote.at = max(quote.at, receipt.asked_at)
    elif taken or agrees:
        _ride(cell, carrier, receipt, rode)
        if taken:
            _note(cell, ms, receipt.now_ms, carrier.source)


def _confirm(cell: Cell, tick: Tick, at: float) -> None:
    """A reply that agrees confirms what it repeats, also where it may replace nothing."""
    if tick.funding_rate is not None and tick.funding_rate == cell.funding_rate:
        cell.funding.at = max(cell.funding.at, at)
    if tick.last is not None and per_coin(tick.last, cell.scale) == cell.last:
        cell.trade.at = max(cell.trade.at, at)


def _is_spoken(quote: Part, rode: bool, receipt: Receipt) -> bool:
    """Whether streams said something that a reply without venue times can't be trusted to be newer than."""
    if not rode:
        return receipt.asked_at < quote.at
    return quote.by is not None and quote.by.heard_at > receipt.asked_at - SPEAKING_S


def _ride(cell: Cell, carrier: Carrier, receipt: Receipt, rode: bool) -> None:
    """A REST quote is carried on by the stream that its symbol is subscribed on, if that would have told each change since.
    A stream that missed a change is trusted no more until it speaks."""
    stream = cell.carried.by
    if rode:
        cell.carried = Part()
        if cell.quote.by is not None:
            cell.quote.by.contradicted_at = receipt.at
    elif stream is not None and cell.doubted is None and _would_tell(cell.carried, stream, receipt):
        cell.quote.state(stream, receipt.asked_at)
        return
    cell.quote.state(carrier, receipt.asked_at)


def _would_tell(carried: Part, stream: Carrier, receipt: Receipt) -> bool:
    """Whether the stream tells each change since what a reply says was true: it was asked for this symbol, on the connection
    that it has now, and heard, before the oldest state that a reply may repeat."""
    true_at = receipt.asked_at - SPEAKING_S
    return carried.rides() and stream.pushes_changes and true_at >= max(stream.up_at, carried.at)


def _agrees(cell: Cell, tick: Tick) -> bool:
    if tick.bid is None and tick.ask is None:
        return False
    return _same(cell, tick.bid or EMPTY, cell.bid) and _same(cell, tick.ask or EMPTY, cell.ask)


def _same(cell: Cell, told: float, held: float | None) -> bool:
    return (per_coin(told, cell.scale) or None) == held


def _note(cell: Cell, event_ms: int | None, now_ms: int, source: str) -> None:
    cell.event_ms = event_ms
    cell.received_ms = now_ms
    cell.source = source
    cell.version += 1
    cell.row.version += 1


def _quote(cell: Cell, tick: Tick, ms: int) -> bool:
    """Merge both sides. A whole statement that names one side says that the other is not there: an old bid never stands
    beside a new ask, unless a delta says that only one of them changed. Deltas follow each other on one connection: their
    order is that of their numbers, for one that is lost because its time is in doubt would not come again."""
    bid, ask = tick.bid, tick.ask
    if not tick.delta and (bid is None) is not (ask is None):
        bid, ask = bid or EMPTY, ask or EMPTY
    seq = tick.seq or 0
    taken = False
    if bid is not None and (_is_later(ms, seq, cell.bid_ms, cell.bid_seq) or (tick.delta and seq >= cell.bid_seq)):
        cell.bid = per_coin(bid, cell.scale) or None
        cell.bid_size = None if tick.bid_size is None else tick.bid_size * cell.scale
        cell.bid_ms = max(ms, cell.bid_ms)
        cell.bid_seq = seq
        taken = True
    if ask is not None and (_is_later(ms, seq, cell.ask_ms, cell.ask_seq) or (tick.delta and seq >= cell.ask_seq)):
        cell.ask = per_coin(ask, cell.scale) or None
        cell.ask_size = None if tick.ask_size is None else tick.ask_size * cell.scale
        cell.ask_ms = max(ms, cell.ask_ms)
        cell.ask_seq = seq
        taken = True
    return taken


def _is_later(ms: int, seq: int, held_ms: int, held_seq: int) -> bool:
    return ms > held_ms or (ms == held_ms and seq >= held_seq)


def _rest_of(cell: Cell, tick: Tick, ms: int, carrier: Carrier, at: float) -> None:
    """Everything but the quote."""
    if tick.last is not None and ms >= cell.last_ms:
        last = per_coin(tick.last, cell.scale)
        tell = cell.trade.repeat if last == cell.last else cell.trade.state
        tell(carrier, at)
        cell.last = last
        cell.last_ms = ms
    if tick.volume_usd is not None and ms >= cell.volume_ms:
        cell.volume_usd = tick.volume_usd
        cell.volume_ms = ms
    if tick.mark is not None or tick.index is not None:
        _reference(cell, tick, ms, carrier, at)
    if tick.funding_rate is not None or tick.next_funding_ms is not None or tick.funding_interval_h is not None:
        _funding(cell, tick, ms, carrier, at)
    if tick.settled_rate is not None and ms >= cell.settled_ms:
        cell.settled_rate = tick.settled_rate
        cell.settled_ms = ms
    cell.version += 1
    cell.row.version += 1


def _reference(cell: Cell, tick: Tick, ms: int, carrier: Carrier, at: float) -> None:
    if tick.mark is not None and ms >= cell.mark_ms:
        cell.mark = per_coin(tick.mark, cell.scale)
        cell.mark_ms = ms
        cell.ref.state(carrier, at)
    if tick.index is not None and ms >= cell.index_ms:
        cell.index = per_coin(tick.index, cell.scale)
        cell.index_ms = ms


def _funding(cell: Cell, tick: Tick, ms: int, carrier: Carrier, at: float) -> None:
    rate = tick.funding_rate
    if rate is not None and ms >= cell.rate_ms:
        tell = cell.funding.repeat if rate == cell.funding_rate else cell.funding.state
        tell(carrier, at)
        cell.funding_rate = rate
        cell.rate_ms = ms
    if tick.next_funding_ms is not None and ms >= cell.next_ms:
        cell.next_funding_ms = tick.next_funding_ms or None
        cell.next_ms = ms
    if tick.funding_interval_h is not None and ms >= cell.interval_ms:
        cell.funding_interval_h = tick.funding_interval_h
        cell.interval_ms = ms


_STAMPS = {
    "last": "last_ms",
    "volume_usd": "volume_ms",
    "mark": "mark_ms",
    "index": "index_ms",
    "funding_rate": "rate_ms",
    "funding_interval_h": "interval_ms",
    "next_funding_ms": "next_ms",
}


def _unsaid(cell: Cell, tick: Tick) -> Tick:
    """From an unstamped reply beside a speaking stream: only what no statement with a venue time ever said."""
    known = Tick(symbol=tick.symbol)
    for name, stamp in _STAMPS.items():
        if not getattr(cell, stamp):
            setattr(known, name, getattr(tick, name))
    return known


def _unstamp(cell: Cell, tick: Tick) -> None:
    """Let a statement without a venue time replace what it states, and anything stamped replace it in turn."""
    if tick.bid is not None or tick.ask is not None:
        cell.bid_ms = cell.ask_ms = cell.bid_seq = cell.ask_seq = 0
    if tick.last is not None:
        cell.last_ms = 0
    if tick.volume_usd is not None:
        cell.volume_ms = 0
    if tick.mark is not None or tick.index is not None:
        cell.mark_ms = cell.index_ms = 0
    if tick.funding_rate is not None or tick.next_funding_ms is not None or tick.funding_interval_h is not None:
        cell.rate_ms = cell.next_ms = cell.interval_ms = 0
