"""What an order book is good for: pure. All ladders here are per coin: levels of (USDT per coin, coins), best first."""

from collections.abc import Iterator, Sequence
from math import inf

import msgspec

from frmon.model import Book, Leg, Level

Ladder = Sequence[Level]


class Fill(msgspec.Struct, frozen=True):
    """What a market order of some USDT would get. `price`: size-weighted average, None where there is no level at all;
    `filled_usdt`: how much of it the known levels take; `complete`: all of it."""

    price: float | None
    filled_usdt: float
    complete: bool


class Capacity(msgspec.Struct, frozen=True):
    """How much can be bought on one ladder and sold on the other with at least `edge_pct` gross on the whole of it.
    `usdt`: what the buying costs; `bounded`: the edge ends it, False where a ladder ended first, so that it may be more."""

    edge_pct: float
    usdt: float
    coins: float
    bounded: bool


def per_coin(book: Book, leg: Leg) -> Book | None:
    """A venue's book in USDT per coin and in coins; None while nobody said what one contract is."""
    if leg.contract is None:
        return None
    scale, coins = leg.multiplier, leg.contract * leg.multiplier
    bids = tuple((price / scale, size * coins) for price, size in book.bids)
    asks = tuple((price / scale, size * coins) for price, size in book.asks)
    return Book(bids, asks, book.event_ms)


def fill(levels: Ladder, usdt: float) -> Fill:
    """Take `usdt` (above zero) from the top of a ladder: the asks to buy, the bids to sell."""
    filled = coins = 0.0
    for price, size in levels:
        worth = price * size
        if filled + worth >= usdt:
            return Fill(usdt / (coins + (usdt - filled) / price), usdt, True)
        filled += worth
        coins += size
    return Fill(filled / coins if coins else None, filled, False)


def capacity(buy_book: Book, sell_book: Book, edge_pct: float) -> Capacity:
    """The largest amount for which buying the same number of coins at the asks of `buy_book` as are sold at the bids of
    `sell_book` earns at least `edge_pct` percent of what is paid, before fees: (received - paid) / paid x 100."""
    demanded = 1 + edge_pct / 100
    coins = paid = surplus = 0.0
    for ask, bid, step in _steps(buy_book.asks, sell_book.bids):
        gain = bid - ask * demanded
        if surplus + gain * step < 0:
            last = surplus / -gain
            return Capacity(edge_pct, paid + ask * last, coins + last, True)
        surplus += gain * step
        paid += ask * step
        coins += step
    return Capacity(edge_pct, paid, coins, False)


def is_first_thinner(asks: Ladder, bids: Ladder, usdt: float) -> bool | None:
    """Whether the bought leg (`asks`) is the thinner one of a pair: it takes less of `usdt`, or else moves further from
    its best price. False: the sold leg (`bids`) is; None: neither."""
    buy, sell = fill(asks, usdt), fill(bids, usdt)
    if buy.filled_usdt != sell.filled_usdt:
        return buy.filled_usdt < sell.filled_usdt
    first, second = slip(asks, buy), slip(bids, sell)
    return None if first == second else first > second


def comparable_usdt(usdt: float, *ladders: tuple[Ladder, int]) -> float:
    """Up to which part of `usdt` ladders can be compared. Beside each: how many levels its venue tells at most, 0 = not
    known; one with so many may go on behind them, so that nothing is known of it beyond what they take."""
    cut = [fill(levels, usdt).filled_usdt for levels, most in ladders if levels and len(levels) >= most]
    return min([usdt, *cut])


def slip(levels: Ladder, done: Fill) -> float:
    """How far the average price of a fill is from the best one, as a fraction; infinite without a level."""
    return inf if done.price is None else abs(done.price / levels[0][0] - 1)


def _steps(asks: Ladder, bids: Ladder) -> Iterator[tuple[float, float, float]]:
    """(ask, bid, coins) for which both prices hold, from the top, until one ladder ends."""
    sellable = iter(bids)
    bid, there = next(sellable, (0.0, 0.0))
    for ask, size in asks:
        left = size
        while left > there > 0:
            yield ask, bid, there
            left -= there
            bid, there = next(sellable, (0.0, 0.0))
        if there <= 0:
            return
        yield ask, bid, left
        there -= left
        if there <= 0:
            bid, there = next(sellable, (0.0, 0.0))
