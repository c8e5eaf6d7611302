"""Order books of the simulated venues: ladders below and above the best prices that the world quotes."""

from math import log

from frmon.feeds.sim.instrument import Instrument

Step = tuple[float, float]
"""Price and size as the venue counts them, on whole ticks and lots."""

_SOME = 0.6  # share of the prices at which somebody waits
_DEEPER = 100.0  # one percent away from the best price twice as much waits


def ladder(i: Instrument, seed: int, levels: int) -> tuple[list[Step], list[Step]]:
    """(bids, asks), best first: the quote itself, then what waits behind it. A price keeps its size while the quote moves
    around it, and the same seed gives the same book. An empty side stays empty."""
    return _side(i, seed, levels, -1), _side(i, seed, levels, 1)


def _side(i: Instrument, seed: int, levels: int, way: int) -> list[Step]:
    quote = i.quote
    best, size = (quote.bid, quote.bid_size) if way < 0 else (quote.ask, quote.ask_size)
    if not best or levels < 1:
        return []
    lot = 10.0**-i.size_decimals
    usual = (300 + 40_000 * i.coin.weight) / (i.coin.price * i.multiplier * i.contract)
    found = [(best, size)]
    place = round(best / i.tick)
    while len(found) < levels and place + way > 0:
        place += way
        here, much = _draw(seed, i.id, place), _draw(seed + 1, i.id, place)
        if here < _SOME:
            price = round(place * i.tick, i.decimals)
            waits = -log(1 - much) * usual * (1 + _DEEPER * abs(price / best - 1))
            found.append((price, max(lot, round(waits, i.size_decimals))))
    return found


def _draw(seed: int, instrument: int, place: int) -> float:
    """A number in [0, 1) that belongs to this price: a mix of integers (the finaliser of MurmurHash3)."""
    mixed = (seed * 0x9E3779B1 + instrument * 0x85EBCA77 + place * 0xC2B2AE3D) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 16)) / 2**32
