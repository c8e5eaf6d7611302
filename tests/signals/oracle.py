"""The rule and its episodes once more, from their wording: exact arithmetic, by looking back over everything that was ever
seen, and nothing of the program's own code."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise, permutations
from typing import NamedTuple

D = Decimal
FOREVER = D(900)


class Saw(NamedTuple):
    """What one sample holds of a seated leg: None where the venue said nothing."""

    venue: str
    market: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    allowed: bool = True  # fresh, trading, not quarantined


class Asked(NamedTuple):
    """What the rule is asked for."""

    threshold: Decimal = D("0.6")
    close: Decimal = D("0.45")
    samples: int = 3
    gap: Decimal = D(8)
    cooldown: Decimal = D(30)
    executable: bool = True
    bought: tuple[str, ...] = ("perp",)
    sold: tuple[str, ...] = ("perp",)
    same_venue: bool = False


class Told(NamedTuple):
    """One key at one sample. `gap`: (dear - cheap) and cheap, None while a leg does not qualify; `seated`: both are on the
    board."""

    gap: tuple[Decimal, Decimal] | None
    seated: bool

    def at_least(self, percent: Decimal) -> bool:
        return self.gap is not None and self.gap[0] * 100 >= percent * self.gap[1]

    @property
    def percent(self) -> float:
        assert self.gap is not None
        return float(self.gap[0] / self.gap[1] * 100)


class Found(NamedTuple):
    """One signal, by the number of its sample, and what became of its episode."""

    opened: int
    key: tuple[str, str, str]
    closed: int | None = None
    reason: str = ""
    peak: float = 0.0
    area: float = 0.0
    seen: int = 1


Samples = Sequence[tuple[Decimal, Mapping[str, Sequence[Saw]]]]
"""(seconds, coin -> its seated legs), in the order taken."""


def run(samples: Samples, asked: Asked) -> list[Found]:
    """Every signal that the rule demands."""
    times = [at for at, _ in samples]
    venues = sorted({leg.venue for _, coins in samples for legs in coins.values() for leg in legs})
    keys = [*permutations(venues, 2), *([(v, v) for v in venues] if asked.same_venue else [])]
    found: list[Found] = []
    for coin in sorted({coin for _, coins in samples for coin in coins}):
        sane = [fit(coins.get(coin, ())) for _, coins in samples]
        for short, long in keys:
            told = [
                Told(gap_of(good, short, long, asked), seated(coins.get(coin, ()), short, long, asked))
                for good, (_, coins) in zip(sane, samples, strict=True)
            ]
            found += episodes(times, told, asked, (coin, short, long))
    return sorted(found)


def fit(legs: Sequence[Saw]) -> list[Saw]:
    """The legs that may be compared: allowed, two-sided, not crossed, and no lone outlier."""
    sane = [x for x in legs if x.allowed and x.bid is not None and x.ask is not None and 0 < x.bid <= x.ask]
    return [x for x in sane if not is_outlier(x, [y for y in sane if y is not x])]


def is_outlier(leg: Saw, others: list[Saw]) -> bool:
    """More than 20 % off the median of at least two others within 5 % of each other. Only told for up to two others, or
    others that all agree."""
    prices = sorted(middle(x) for x in others)
    if len(prices) < 2 or prices[-1] > prices[0] * D("1.05"):
        return False
    half = len(prices) // 2
    median = prices[half] if len(prices) % 2 else (prices[half - 1] + prices[half]) / 2
    return abs(middle(leg) - median) > median * D("0.2")


def middle(leg: Saw) -> Decimal:
    assert leg.bid is not None
    assert leg.ask is not None
    return (leg.bid + leg.ask) / 2


def gap_of(sane: list[Saw], short: str, long: str, asked: Asked) -> tuple[Decimal, Decimal] | None:
    highs = [x.bid if asked.executable else x.last for x in sane if x.venue == short and x.market in asked.sold]
    lows = [x.ask if asked.executable else x.last for x in sane if x.venue == long and x.market in asked.bought]
    high = max((p for p in highs if p), default=None)
    low = min((p for p in lows if p), default=None)
    return None if high is None or low is None else (high - low, low)


def seated(legs: Sequence[Saw], short: str, long: str, asked: Asked) -> bool:
    places = {(x.venue, x.market) for x in legs}
    return any((short, m) in places for m in asked.sold) and any((long, m) in places for m in asked.bought)


def episodes(times: list[Decimal], told: list[Told], asked: Asked, key: tuple[str, str, str]) -> list[Found]:
    """All signals of one key."""
    found: list[Found] = []
    for n in range(len(told)):
        if found and (asked.executable and (found[-1].closed is None or n < found[-1].closed)):
            continue
        window = range(n - asked.samples + 1, n + 1)
        if window.start < 0 or not all(told[i].at_least(asked.threshold) for i in window):
            continue
        if not all(times[i] - times[i - 1] < asked.gap for i in window[1:]):
            continue
        if found and times[n] - times[found[-1].opened] < asked.cooldown:
            continue
        found.append(life(times, told, asked, n, key) if asked.executable else Found(n, key))
    return found


def life(times: list[Decimal], told: list[Told], asked: Asked, opened: int, key: tuple[str, str, str]) -> Found:
    """What becomes of the episode that opens at a sample."""
    seen = [opened]
    for n in range(opened + 1, len(told)):
        away = times[n] - times[seen[-1]]
        if told[n].gap is None and not told[n].seated:
            return summary(times, told, asked, seen, key, n, "gone")
        if away > FOREVER and (seen[-1] < n - 1 or away >= asked.gap):
            return summary(times, told, asked, seen, key, n, "stale")
        if told[n].gap is None:
            continue
        seen.append(n)
        if not told[n].at_least(asked.close):
            return summary(times, told, asked, seen, key, n, "narrow")
    return summary(times, told, asked, seen, key, None, "")


def summary(
    times: list[Decimal],
    told: list[Told],
    asked: Asked,
    seen: list[int],
    key: tuple[str, str, str],
    closed: int | None,
    reason: str,
) -> Found:
    joined = [(i, j) for i, j in pairwise(seen) if j == i + 1 and times[j] - times[i] < asked.gap]
    area = sum(float(times[j] - times[i]) * (told[i].percent + told[j].percent) / 2 for i, j in joined)
    return Found(seen[0], key, closed, reason, max(told[i].percent for i in seen), area, len(seen))
