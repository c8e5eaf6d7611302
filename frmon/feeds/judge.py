"""Whether legs of one name are one coin: judged by price, over several looks. Pure.

Legs of one coin must agree on the price per coin. The largest group that agrees stays, the others are quarantined until
they agree again.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import log, log10
from typing import NamedTuple

import msgspec

from frmon.model import Leg, LegKey

AT_ONCE = 1.5  # prices further apart than this: another coin, at once for a leg that was never confirmed
APART = 1.2  # further apart than this for MILD_LOOKS looks: another coin
TOGETHER = 1.15  # closer than this for GOOD_LOOKS looks: the same coin again
BAD_LOOKS = 3  # how long a confirmed leg may be further than AT_ONCE (a bad print is no other coin)
MILD_LOOKS = 5
GOOD_LOOKS = 5


class Sight(NamedTuple):
    """A leg as seen now: its price per coin and 24 h turnover, None while unknown."""

    leg: Leg
    price: float | None
    volume_usd: float | None = None


class Standing(msgspec.Struct, frozen=True):
    """What is known of a leg's identity after some looks."""

    quarantine: str = ""  # why, "" = none
    confirmed: bool = False  # agreed with another leg once
    far: int = 0  # looks in a row further than AT_ONCE
    apart: int = 0  # looks in a row further than APART
    close: int = 0  # looks in a row closer than TOGETHER, of a quarantined leg


class Group(NamedTuple):
    """Legs that agree with the one in their middle."""

    centre: Sight
    members: list[Sight]


UNKNOWN = Standing()
CONFIRMED = Standing(confirmed=True)


def judge(sights: Sequence[Sight], previous: Mapping[LegKey, Standing]) -> dict[LegKey, Standing]:
    """The standings of all legs of one coin after one more look.

    A leg that was never confirmed is judged at once, a confirmed one after BAD_LOOKS. Legs without a price keep what
    they had, and so do all while fewer than two have one; a leg that is alone has nobody to differ from."""
    if len(sights) == 1:
        return {sights[0].leg.key: UNKNOWN}
    standings = {s.leg.key: previous.get(s.leg.key, UNKNOWN) for s in sights}
    priced = sorted((s for s in sights if s.price), key=lambda s: s.leg.key)
    if len(priced) < 2:
        return standings
    if _is_calm(priced, standings):
        return standings
    groups = _groups(priced, standings)
    leaders = _leaders(groups, standings)
    if len(leaders) > 1:
        standings.update(_judge_tied(groups, leaders, standings))
        return standings
    main = leaders[0]
    company = len(main.members) > 1
    stay = [main.centre] + [s for s in main.members if not standings[s.leg.key].quarantine]
    for sight in sorted(priced, key=lambda s: (distance(s, main.centre), s.leg.key)):
        old = standings[sight.leg.key]
        new = _look(old, sight, main.centre, max(distance(sight, s) for s in stay), company)
        standings[sight.leg.key] = new
        if not (new.quarantine or new.far):
            stay.append(sight)
    return standings


def _is_calm(priced: Sequence[Sight], standings: Mapping[LegKey, Standing]) -> bool:
    """Whether all agree as before: the common case, told quickly."""
    prices = [s.price for s in priced if s.price]
    return max(prices) < TOGETHER * min(prices) and all(standings[s.leg.key] == CONFIRMED for s in priced)


def distance(a: Sight, b: Sight) -> float:
    """How many times one price is the other, at least 1."""
    assert a.price
    assert b.price
    return max(a.price / b.price, b.price / a.price)


def _groups(priced: Sequence[Sight], standings: Mapping[LegKey, Standing]) -> list[Group]:
    """Legs grouped around the leg that most agree with, then the rest likewise."""
    rest = list(priced)
    groups = []
    while rest:
        around = [Group(s, [o for o in rest if distance(s, o) <= APART]) for s in rest]
        best = min(around, key=lambda g: (-len(g.members), *_eccentricity(g, standings)))
        groups.append(best)
        rest = [s for s in rest if s not in best.members]
    return groups


def _eccentricity(group: Group, standings: Mapping[LegKey, Standing]) -> tuple[bool, float, LegKey]:
    key = group.centre.leg.key
    return bool(standings[key].quarantine), sum(log(distance(group.centre, s)) for s in group.members), key


def _leaders(groups: Sequence[Group], standings: Mapping[LegKey, Standing]) -> list[Group]:
    """The group to believe: more legs, more venues, a plain name among them, more legs confirmed, more not quarantined
    so far, more turnover. Several where all that is equal."""
    ranks = [_rank(g, standings) for g in groups]
    return [g for g, rank in zip(groups, ranks, strict=True) if rank == max(ranks)]


def _rank(group: Group, standings: Mapping[LegKey, Standing]) -> tuple[int, int, bool, int, int, float]:
    legs = [s.leg for s in group.members]
    return (
        len(legs),
        len({leg.venue for leg in legs}),
        any(leg.multiplier == 1 and not leg.ambiguous for leg in legs),
        sum(standings[leg.key].confirmed for leg in legs),
        sum(not standings[leg.key].quarantine for leg in legs),
        sum(s.volume_usd or 0.0 for s in group.members),
    )


def _judge_tied(
    groups: Sequence[Group], leaders: Sequence[Group], standings: Mapping[LegKey, Standing]
) -> dict[LegKey, Standing]:
    """Nobody can tell which group is right: every leg differs from the others."""
    found = {}
    for group in groups:
        against = next(g.centre for g in leaders if g is not group)
        others = [s for g in groups if g is not group for s in g.members]
        for sight in group.members:
            far = max(distance(sight, s) for s in others)
            found[sight.leg.key] = _look(standings[sight.leg.key], sight, against, far, company=False)
    return found


def _look(old: Standing, sight: Sight, centre: Sight, far: float, company: bool) -> Standing:
    """One more look at a leg: `centre` is whom it should agree with, `far` the largest distance to one that stays."""
    gap = distance(sight, centre)
    if old.quarantine:
        close = old.close + 1 if gap < TOGETHER else 0
        if close >= GOOD_LOOKS:
            return CONFIRMED if company else UNKNOWN
        return Standing(quarantine=old.quarantine, close=close)
    looks_far = old.far + 1 if far > AT_ONCE else 0
    looks_apart = old.apart + 1 if gap > APART else 0
    if looks_far >= (BAD_LOOKS if old.confirmed else 1) or looks_apart >= MILD_LOOKS:
        return Standing(quarantine=_words(sight, centre))
    confirmed = old.confirmed or (company and gap <= APART)
    return Standing(confirmed=confirmed, far=looks_far, apart=looks_apart)


def _words(sight: Sight, centre: Sight) -> str:
    """Both prices and how far apart they are."""
    assert sight.price
    assert centre.price
    times = min(distance(sight, centre), 1e30)
    power = round(log10(times))
    ratio = f"{times:.1f}x" if sight.price > centre.price else f"1/{times:.1f} of"
    hint = f", {10**power}x apart: wrong multiplier?" if power and abs(log10(times) - power) < log10(1.05) else ""
    return f"price {ratio} others ({_digits(sight.price)} vs {_digits(centre.price)}){hint}"


def _digits(price: float) -> str:
    """Four significant digits without an exponent."""
    return f"{Decimal(f'{price:.4g}'):f}"
