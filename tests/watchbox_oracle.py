"""Which signals the documented rule demands of a log of quotes that were sent. Shares nothing with the program: plain
segments of time, decimal arithmetic, nothing about the program's state.

Sampling has no known phase, so an answer exists only for segments that are clear cut: long enough to hold more samples
than the rule wants, or too short for two. Anything between is refused by an assertion.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

NEAR_PRICE = Decimal("1e-12")
NEAR_PCT = Decimal("1e-9")


class Law(NamedTuple):
    """The rule's numbers: percent and seconds."""

    threshold_pct: Decimal
    close_pct: Decimal
    samples: int
    sample_every_s: float
    cooldown_s: float
    max_age_s: float


class Sent(NamedTuple):
    """A quote that changed at `at` (seconds); prices per one coin."""

    at: float
    coin: str
    venue: str
    bid: Decimal
    ask: Decimal


class Outage(NamedTuple):
    """A venue that said nothing from `start` to `end`."""

    venue: str
    start: float
    end: float


class Span(NamedTuple):
    """What one key was worth from `start` to `end`; `pct` None: not to be traded."""

    start: float
    end: float
    pct: Decimal | None
    price_short: Decimal
    price_long: Decimal


class Account(NamedTuple):
    """All that the test did: what it sent and held back, when the program was up (each first wide span had fired) and
    when it ended. `strangers`: coins whose two legs are not one coin."""

    sent: Sequence[Sent]
    outages: Sequence[Outage]
    up_at: float
    end: float
    strangers: frozenset[str]


Line = tuple[str, str, str, Decimal, Decimal, Decimal]
"""Coin, short venue, long venue, spread in percent, price of the short leg, price of the long leg."""


def line(coin: str, short: str, long: str, *numbers: Decimal) -> Line:
    """A signal as it is compared: rounded far below what matters, far above what binary floats lose."""
    pct, price_short, price_long = numbers
    return (
        coin, short, long, pct.quantize(NEAR_PCT), price_short.quantize(NEAR_PRICE), price_long.quantize(NEAR_PRICE),
    )  # fmt: skip


def demanded(account: Account, law: Law) -> Counter[Line]:
    """The signals that must be printed, and how often each."""
    found: Counter[Line] = Counter()
    for coin in {s.coin for s in account.sent} - account.strangers:
        sent = [s for s in account.sent if s.coin == coin]
        venues = {s.venue for s in sent}
        for short, long in ((a, b) for a in venues for b in venues if a != b):
            spans = list(_merged(_spans(sent, short, long, account, law)))
            for span in _fired(spans, account.up_at, law):
                assert span.pct is not None
                found[line(coin, short, long, span.pct, span.price_short, span.price_long)] += 1
    return found


def _spans(sent: Sequence[Sent], short: str, long: str, account: Account, law: Law) -> Iterator[Span]:
    """The key's value over time, cut where a quote or the trust in it changed."""
    outages = [o for o in account.outages if o.venue in (short, long)]
    fading = [s for s in sent for o in outages if o.start <= s.at < o.start + law.max_age_s]
    assert not fading, "a quote changed while nobody can say whether the other leg is stale already"
    cuts = {s.at for s in sent} | {o.start + law.max_age_s for o in outages} | {o.end for o in outages}
    times = sorted(cuts | {account.end})
    for start, end in pairwise(times):
        legs = {s.venue: s for s in sent if s.at <= start}
        if len(legs) < 2:
            continue
        sell, buy = legs[short], legs[long]
        dark = any(o.start + law.max_age_s <= start < o.end for o in outages)
        sane = all(0 < leg.bid <= leg.ask for leg in (sell, buy))
        pct = (sell.bid - buy.ask) / buy.ask * 100 if sane and not dark else None
        yield Span(start, end, pct, sell.bid, buy.ask)


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Neighbours that say the same as one."""
    held = next(spans)
    for span in spans:
        if span[2:] == held[2:]:
            held = held._replace(end=span.end)
        else:
            yield held
            held = span
    yield held


def _fired(spans: Sequence[Span], up_at: float, law: Law) -> Iterator[Span]:
    """The spans of one key that fire. A span that fired opens an episode: the next may fire only after the value was
    below the closing level, and after the cooldown."""
    enough = (law.samples + 2) * law.sample_every_s
    is_open, earliest, latest, low_s = False, float("-inf"), float("-inf"), 0.0
    for span in spans:
        length = span.end - span.start
        if span.pct is None:
            continue
        if span.pct < law.close_pct:
            low_s += length
            continue
        assert low_s > 2 * law.sample_every_s or not low_s or not is_open, f"too short to be seen closed before {span}"
        is_open, low_s = is_open and not low_s, 0.0
        if span.pct < law.threshold_pct or is_open or length < law.sample_every_s:
            continue
        if span.end <= earliest + law.cooldown_s:
            continue  # over before the cooldown was
        begin = max(span.start, latest + law.cooldown_s, up_at - enough)
        assert span.end - begin >= enough, f"neither long nor short: {span}"
        is_open, earliest, latest = True, span.start, begin + enough
        yield span
