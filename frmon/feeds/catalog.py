"""From what venues list to legs: which coin each symbol is, and which symbols are not what their names say. Pure.

A name is a hypothesis, the price confirms it (`judge`), or the user with an alias.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from frmon.config import CoinSettings
from frmon.feeds.judge import APART, UNKNOWN, Sight, Standing, judge
from frmon.feeds.shrinking import Missing
from frmon.model import Leg, LegKey, Listing, Market

SETTLED_LOOKS = 3  # looks in a row after which a price says that 1000000BOB is BOB after all

__all__ = ["Catalog", "Naming", "Quoted", "Quotes", "Sight", "Standing", "assign", "judge", "split_base"]

_PREFIX = re.compile(r"(10{1,7}|1M)(?=[^\W\d_])")
_SUFFIX = re.compile(r"(.*[^\W\d_])1000")

Place = tuple[str, Market]
"""One market of one venue: what one directory lists."""


Naming = tuple[Mapping[str, str], bool]
"""How a venue names coins: its `aliases` and `suffix_multipliers`, as in `Venue`."""


COMMON = {"LUNA2": "LUNA", "BTTC": "BTT", "TONCOIN": "TON", "$ALT": "ALT", "MEMECOIN": "MEME", "XBT": "BTC"}
"""Other names of a coin that mean the same wherever they are used; price judges them like any other name."""


def split_base(base: str, suffix_multipliers: bool = False) -> tuple[str, int]:
    """(coin, multiplier) that a base name seems to say: 1000PEPE, 1MBABYDOGE, and SHIB1000 where the venue writes so.
    A power of ten counts only before a letter of any script: 1INCH, 0G, 2Z, 42 and 1CAT are names."""
    if found := _PREFIX.match(base):
        factor = found[1]
        return base[found.end() :], 1_000_000 if factor == "1M" else int(factor)
    if suffix_multipliers and (found := _SUFFIX.fullmatch(base)):
        return found[1], 1000
    return base, 1


class Reading(NamedTuple):
    """What a listing is: `leg` is the answer, `other` what it may turn out to be by its price."""

    leg: Leg
    other: Leg | None = None


def assign(listings: Iterable[Listing], naming: Mapping[str, Naming], settings: CoinSettings) -> list[Leg]:
    """Legs of all listings that are shown, in the order of their keys, whatever order the listings come in.

    A coin's name: the user's alias, else the venue's, else the base without its multiplier. Other asset classes than
    crypto carry theirs in the coin ("NET.stock"), so that they never meet a coin of the same ticker."""
    return [reading.leg for reading in read(listings, naming, settings)]


def read(listings: Iterable[Listing], naming: Mapping[str, Naming], settings: CoinSettings) -> list[Reading]:
    """As `assign`, with alternatives.

    Where one market of a venue lists a coin both plainly and with a multiplier (BOB, 1000000BOB), these are two coins:
    the multiplied name keeps its raw base as coin (priced per coin too) everywhere, until price says it is the plain one."""
    shown = {x.key: x for x in sorted(listings, key=_order) if x.asset_class in settings.classes and _trades(x)}
    legs = {key: _leg(x, naming.get(x.venue, ({}, False)), settings) for key, x in shown.items()}
    plain = {(leg.venue, leg.market, leg.coin) for leg in legs.values() if leg.multiplier == 1}
    twice = {(shown[k].base, g.coin) for k, g in legs.items() if g.ambiguous and (g.venue, g.market, g.coin) in plain}
    readings = []
    for key, leg in legs.items():
        if leg.ambiguous and (shown[key].base, leg.coin) in twice:
            raw = replace(leg, coin=_classed(shown[key].base, leg.asset_class))
            readings.append(Reading(raw, leg))
        else:
            readings.append(Reading(leg))
    hidden = {coin.casefold() for coin in settings.exclude}
    return [r for r in readings if r.leg.coin.casefold() not in hidden]


def is_users_word(key: LegKey, settings: CoinSettings) -> bool:
    """Whether the user named this leg's coin."""
    return f"{key.venue}:{key.market}:{key.symbol}" in settings.aliases


def _leg(listing: Listing, naming: Naming, settings: CoinSettings) -> Leg:
    base = listing.base
    aliases, suffix_multipliers = naming
    coin, multiplier = split_base(base, suffix_multipliers)
    word = settings.aliases.get(f"{listing.venue}:{listing.market}:{listing.symbol}")
    if word is None:
        coin = _alias(aliases, listing.market, base) or _alias(aliases, listing.market, coin) or coin
    else:
        coin = word
    if coin == base:
        multiplier = 1
    return Leg(
        venue=listing.venue,
        market=listing.market,
        symbol=listing.symbol,
        coin=_classed(coin, listing.asset_class) if word is None else coin,
        multiplier=multiplier,
        asset_class=listing.asset_class,
        halted=listing.status == "halted",
        off_ms=listing.off_ms,
        on_ms=listing.on_ms,
        funding_h=listing.funding_h,
        ambiguous=multiplier > 1 and word is None,
        contract=listing.contract,
    )


def _alias(aliases: Mapping[str, str], market: Market, base: str) -> str | None:
    return aliases.get(f"{market}:{base}") or aliases.get(base) or COMMON.get(base)


def _classed(coin: str, asset_class: str) -> str:
    return coin if asset_class == "crypto" else f"{coin}.{asset_class}"


def _trades(listing: Listing) -> bool:
    return listing.status in {"trading", "halted"}


def _is_seated(listing: Listing, was_seated: bool, now_ms: int) -> bool:
    """What trades is seated until its announced end; what is halted only if it traded before."""
    ended = listing.off_ms is not None and listing.off_ms <= now_ms
    return not ended and (listing.status == "trading" or (listing.status == "halted" and was_seated))


def _order(listing: Listing) -> tuple[LegKey, bool, str]:
    """Of rows with one key the last counts: the trading one, else any, but always the same."""
    return listing.key, listing.status == "trading", repr(listing)


class Quoted(Protocol):
    """What a leg's cell on the board tells, prices per coin as divided by `leg.multiplier`."""

    leg: Leg
    bid: float | None
    ask: float | None
    last: float | None
    mark: float | None
    index: float | None
    volume_usd: float | None


class Quotes(Protocol):
    """The board, as far as the catalog looks at it."""

    def cell(self, key: LegKey) -> Quoted | None:
        """What is known of a leg."""
        ...


class Catalog:
    """What all venues list, over time. `verdicts`: quarantined legs and why."""

    def __init__(self, naming: Mapping[str, Naming], settings: CoinSettings) -> None:
        self.verdicts: dict[LegKey, str] = {}
        self._naming = naming
        self._settings = settings
        self._lists: dict[Place, dict[LegKey, Listing]] = {}
        self._missing = Missing()
        self._born: dict[LegKey, int | None] = {}  # None: there from the first list on
        self._legs: dict[LegKey, Leg] = {}
        self._coins: dict[str, list[LegKey]] = {}
        self._others: dict[LegKey, Leg] = {}  # what legs may turn out to be
        self._settled: set[LegKey] = set()  # what legs did turn out to be: their `_others`
        self._likely: dict[LegKey, int] = {}  # looks in a row that speak for `_others`
        self._standings: dict[LegKey, Standing] = {}

    def update(self, venue: str, market: Market, page: Sequence[Listing] | None, now_ms: int) -> list[Leg]:
        """Take the whole list of one market of a venue (None: could not be had), and tell all legs of all venues that
        are to be seated now; whoever is not among them has left. An empty list changes nothing, a much shrunken one has
        to come three times in a row. A leg that was not in the first list of its market gets `on_ms`. Halted ones stay if they
        traded before; what never traded here is no leg."""
        rows = {x.key: x for x in page or () if (x.venue, x.market) == (venue, market)}
        if rows:
            self._take((venue, market), rows, now_ms)
        listings = [self._dated(x) for rows in self._lists.values() for x in rows.values()]
        readings = read(listings, self._naming, self._settings)
        self._others = {r.leg.key: r.other for r in readings if r.other is not None}
        self._settled &= self._others.keys()
        self._seat(self._others[r.leg.key] if r.leg.key in self._settled else r.leg for r in readings)
        return list(self._legs.values())

    def confirm(self, quotes: Quotes) -> list[Leg]:
        """One more look at all prices: the legs that are to be seated again, because their quarantine (in rare cases
        their coin) changed. Call it regularly, at least as often as signals are sampled."""
        changed = self._settle(quotes)
        for keys in self._coins.values():
            changed += self._look(keys, quotes)
        return changed

    def _take(self, place: Place, rows: Mapping[LegKey, Listing], now_ms: int) -> None:
        old = self._lists.get(place)
        held = self._missing.hold(place, (old or {}).keys() - rows.keys(), len(old or ()))
        trading = {key: x for key, x in rows.items() if _is_seated(x, key in (old or {}), now_ms)}
        self._lists[place] = {key: (old or {})[key] for key in held} | trading
        for key in trading:
            self._born.setdefault(key, None if old is None else now_ms)

    def _dated(self, listing: Listing) -> Listing:
        born = self._born[listing.key]
        return listing if listing.on_ms is not None or born is None else replace(listing, on_ms=born)

    def _seat(self, legs: Iterable[Leg]) -> None:
        """These legs, with what is known of their identity; nothing, where coin or multiplier changed."""
        old, self._legs, self._coins = self._legs, {}, {}
        for leg in legs:
            was = old.get(leg.key)
            if was is None or (was.coin, was.multiplier) != (leg.coin, leg.multiplier):
                self._standings.pop(leg.key, None)
            standing = self._standings.get(leg.key, UNKNOWN)
            self._legs[leg.key] = replace(leg, quarantine=standing.quarantine)
            if not is_users_word(leg.key, self._settings):
                self._coins.setdefault(leg.coin, []).append(leg.key)
        self._standings = {key: s for key, s in self._standings.items() if key in self._legs}
        self.verdicts = {key: leg.quarantine for key, leg in self._legs.items() if leg.quarantine}

    def _look(self, keys: Sequence[LegKey], quotes: Quotes) -> list[Leg]:
        changed = []
        for key, standing in judge(sights([self._legs[key] for key in keys], quotes), self._standings).items():
            self._standings[key] = standing
            leg = self._legs[key]
            if leg.quarantine == standing.quarantine:
                continue
            leg = self._legs[key] = replace(leg, quarantine=standing.quarantine)
            changed.append(leg)
            self.verdicts.pop(key, None)
            if leg.quarantine:
                self.verdicts[key] = leg.quarantine
        return changed

    def _settle(self, quotes: Quotes) -> list[Leg]:
        """Turn legs into what their price says they are, once it said so often enough."""
        settled = []
        for key, other in self._others.items():
            if key in self._settled:
                continue
            peers = [self._legs[k] for k in self._coins.get(other.coin, ())]
            likely = _is_priced_as(other, self._legs[key], peers, quotes)
            self._likely[key] = self._likely.get(key, 0) + 1 if likely else 0
            if self._likely[key] >= SETTLED_LOOKS:
                settled.append(other)
        self._settled.update(leg.key for leg in settled)
        if settled:
            self._seat([*(leg for leg in self._legs.values() if leg.key not in self._settled), *settled])
        return settled


def sights(legs: Sequence[Leg], quotes: Quotes) -> list[Sight]:
    """How the legs of one coin are compared: by what each is worth where it trades, or by the public index prices, if
    all that trade have one and these agree better (a market may be out of line, an index may be old). Halted legs have
    no price."""
    cells = [None if leg.halted else quotes.cell(leg.key) for leg in legs]
    seen = [c if c and c.leg.multiplier == leg.multiplier else None for leg, c in zip(legs, cells, strict=True)]
    worths = [worth(c) if c else None for c in seen]
    indexes = [c.index if c and price else None for c, price in zip(seen, worths, strict=True)]
    complete = all(index for index, price in zip(indexes, worths, strict=True) if price)
    prices = indexes if complete and _width(indexes) < _width(worths) else worths
    return [Sight(leg, price, c.volume_usd if c else None) for leg, price, c in zip(legs, prices, seen, strict=True)]


def _width(prices: Iterable[float | None]) -> float:
    """How many times the highest is the lowest."""
    known = [price for price in prices if price]
    return max(known) / min(known) if known else 1.0


def worth(cell: Quoted) -> float | None:
    """What one coin is worth there: the mid of a sane book, else mark, last, or the mid of whatever book there is."""
    bid, ask = cell.bid, cell.ask
    mid = (bid + ask) / 2 if bid and ask else None
    if bid and ask and bid <= ask <= bid * APART:
        return mid
    return cell.mark or cell.last or mid


def _is_priced_as(other: Leg, raw: Leg, peers: Sequence[Leg], quotes: Quotes) -> bool:
    """Whether the price of `raw`, read as `other`, agrees with all legs that are that coin already."""
    cell = quotes.cell(raw.key)
    price = None if cell is None or cell.leg.multiplier != raw.multiplier else worth(cell)
    prices = [s.price for s in sights(peers, quotes) if s.price and not s.leg.quarantine]
    if not price or not prices:
        return False
    price /= other.multiplier / raw.multiplier
    return all(max(price / p, p / price) <= APART for p in prices)
