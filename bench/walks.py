"""Random walks as legs and coins show them, and a file that holds weeks of them.

`WALKS` legs and as many coins are walked and packed; the others hold copies of those packs, so that the file is as large and
as deep as it would be, and made in a minute or two. Days of which no minutes are kept are walked in steps of 15 minutes. No
leg misses a minute: files of a real market are smaller.
"""

import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from frmon.storage.bars import Bar, Gap
from frmon.storage.records import LegName
from frmon.storage.series import COINS, DAY, LEGS, Kind, Pack, keep, span_of

WALKS = 100
LARGE, SMALL = 250, 1_000  # coins with eight legs, with three: 5,000 legs
T0 = 29_376_000  # a day and a span of four days begin here
PLACES = [(venue, market) for market in ("perp", "spot") for venue in ("binance", "bitget", "bybit", "okx")]


class Body(NamedTuple):
    """A pack's bytes and how many bars it holds."""

    data: bytes
    bars: int


def legs() -> list[LegName]:
    """5,000 legs of 1,250 coins."""
    return [
        LegName(venue, market, f"C{n}USDT", f"C{n}")
        for n in range(LARGE + SMALL)
        for venue, market in PLACES[: 8 if n < LARGE else 3]
    ]


class Leg:
    """One leg that walks. Prices of all sizes; the finest step is 1/5,000 to 1/100,000 of the price, the mid moves 0.02 to
    0.15 % a minute; three of five are perpetuals with mark, index and a rate that changes every other minute."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        size = self._rng.uniform(-6, 5)
        self._decimals = max(0, round(self._rng.uniform(3.7, 5) - size))
        self._price = 10.0**size
        self._sigma = self._price * self._rng.uniform(0.0002, 0.0015)
        self._half = max(self._price * self._rng.uniform(0.00002, 0.0004), 0.5 * 10.0**-self._decimals)
        self._perp = self._rng.random() < 0.6
        self._updates = self._rng.choice((20, 60, 200, 800))
        self._rate = self._rng.uniform(-0.0003, 0.0003)

    def minute(self, start: int) -> Bar:
        """The next one."""
        draw, was = self._rng.gauss, self._price
        self._price = max(was / 2, was + draw(0, self._sigma))
        high = max(was, self._price) + abs(draw(0, self._sigma / 2))
        low = min(was, self._price) - abs(draw(0, self._sigma / 2))
        price, places = self._price, self._decimals
        bid, ask = round(price - self._half, places), round(price + self._half, places)
        if ask <= bid:
            ask = round(bid + 10.0**-places, places)
        mids = (round(p, places + 1) for p in (was, max(high, price), max(low, was / 3)))
        mid = round((bid + ask) / 2, places + 1)
        opened, high, low = mids
        mark, index = price + draw(0, self._sigma / 8), price + draw(0, self._sigma / 8)
        self._rate += draw(0, 2e-6) if self._rng.random() < 0.5 else 0
        return Bar(
            start, opened, max(high, mid), min(low, mid), mid, bid, ask,
            mark if self._perp else None, index if self._perp else None, round(self._rate, 8) if self._perp else None,
            self._rng.randrange(self._updates) + 1,
        )  # fmt: skip


class Coin:
    """The best spread of one coin that walks."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._percent = self._rng.uniform(0.02, 0.6)
        self._pair = 1

    def minute(self, start: int) -> Gap:
        """The next one; the pair changes every tenth minute."""
        self._percent = abs(self._percent + self._rng.gauss(0, 0.02))
        most = self._percent + abs(self._rng.gauss(0, 0.03))
        if self._rng.random() < 0.1:
            self._pair = self._rng.randrange(1, 57)
        return Gap(start, most, (most + self._percent) / 2, self._percent, self._pair, 60)


def name_all(connection: sqlite3.Connection) -> None:
    """Number every leg, coin and pair from 1."""
    rows = [(leg.venue, leg.market, leg.symbol, leg.coin, leg.multiplier) for leg in legs()]
    connection.executemany("INSERT INTO leg (venue, market, symbol, coin, multiplier) VALUES (?, ?, ?, ?, ?)", rows)
    connection.executemany("INSERT INTO coin (name) VALUES (?)", [(f"C{n}",) for n in range(LARGE + SMALL)])
    pairs = [(*buy, *sell) for buy in PLACES for sell in PLACES if buy != sell]
    connection.executemany(
        "INSERT INTO pair (buy_venue, buy_market, sell_venue, sell_market) VALUES (?, ?, ?, ?)", pairs
    )


def fill(connection: sqlite3.Connection, days: int, minute_days: int) -> Iterator[int]:
    """Packs of `days` days before `T0`, in the order in which they are written in life; one-minute packs only of the last
    `minute_days`. The last hour is left out; it, and what would be made at its end, is left to be done. Yields after each
    day."""
    groups = (
        Walked(LEGS, [Leg(n) for n in range(WALKS)], len(legs())),
        Walked(COINS, [Coin(n) for n in range(WALKS)], LARGE + SMALL),
    )
    for day in range(-days, 0):
        connection.execute("BEGIN")
        for group in groups:
            _day(connection, group, T0 + day * DAY, minutes=day >= -minute_days)
        connection.execute("COMMIT")
        yield day


class Walked(NamedTuple):
    """Who walks for so many subjects of a kind."""

    kind: Kind
    walkers: Sequence[Leg | Coin]
    subjects: int


def _day(connection: sqlite3.Connection, group: Walked, start: int, *, minutes: bool) -> None:
    kind, span = group.kind, span_of(start, 60)
    days = [[walker.minute(start + n) for n in range(0, DAY, 1 if minutes else 15)] for walker in group.walkers]
    last = start + DAY == T0
    for hour in range(0, DAY - 60 if last else DAY, 60) if minutes else ():
        _spread(connection, group, (1, start + hour), (found[hour : hour + 60] for found in days))
    if last:
        connection.execute("INSERT INTO due VALUES (?, 15, ?)", (kind.number, start))
        return
    _spread(connection, group, (15, start), (kind.roll(found, 15) for found in days))
    if start == span + 3 * DAY:  # the hours of four days look like 96 bars of the last of them
        hours = [[bar._replace(start=span + 60 * n) for n, bar in enumerate(kind.roll(found, 15))] for found in days]
        _spread(connection, group, (60, span), hours)
    elif span == T0 - 4 * DAY:
        connection.execute("INSERT OR IGNORE INTO due VALUES (?, 60, ?)", (kind.number, span))


def _spread(
    connection: sqlite3.Connection, group: Walked, place: tuple[int, int], bars: Iterable[Sequence[Bar | Gap]]
) -> None:
    """The same packs for every leg or coin in turn, at this step and start."""
    step, start = place
    bodies = [Body(group.kind.pack(found), len(found)) for found in bars]
    for subject in range(1, group.subjects + 1):
        body = bodies[subject % len(bodies)]
        keep(connection, group.kind, step, Pack(subject, start, body.data), body.bars)
