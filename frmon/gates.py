"""Why a pair of legs does or does not signal: every condition with its value, its limit and whether it is met. Pure."""

from collections.abc import Callable, Sequence
from math import inf

import msgspec

from frmon.board import Cell, Row
from frmon.model import LegKey, Market
from frmon.spread import EPSILON, OUTLYING, SPOT, Terms, gross_pct, is_outlier, off_pct, qualified

HOUR_MS = 3_600_000


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """One condition. `value` and `limit` are numbers where it measures, words where it names; None = unknown, no limit."""

    name: str
    value: str | float | None
    limit: str | float | None
    passed: bool
    words: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rule is with this pair."""

    samples: int = 0  # in a row at or above the threshold so far
    needed: int = 3
    cooldown_left_s: float = 0.0
    episode_open: bool = False
    threshold_pct: float = 0.6
    measured_pct: float | None = None  # what the rule compares; None: it sees no value now
    executable: bool = True  # the rule compares bid with ask: where it sees none, the pair's own gross is shown


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Under which terms, when, and within which limits a pair is judged."""

    terms: Terms
    now: float  # monotonic seconds
    now_ms: int
    markets: tuple[str, ...] = tuple(Market)  # which the rule looks at
    same_venue: bool = True  # whether the rule pairs two legs of one venue
    classes: tuple[str, ...] = ()  # asset classes that are shown; empty = all
    least_usd: float | None = None  # at the touch of the thinner leg
    least_volume_usd: float | None = None  # 24 h turnover of the thinner leg


def explain(row: Row, pair: tuple[LegKey, LegKey] | None, standing: Standing, question: Question) -> list[Gate]:
    """All gates for (buy, sell), by default for the `nearest` pair; always the same gates in the same order."""
    legs = (nearest(row, question) or tuple(row.cells)) if pair is None else _listed(row, pair)
    case = _Case(row=row, legs=legs, standing=standing, question=question)
    return [gate(case) for gate in _GATES]


def nearest(row: Row, question: Question) -> tuple[Cell, Cell] | None:
    """(buy, sell) with the fewest hindrances in legs and kind; of those the widest, then the alphabetically first: the
    coin's best pair, if any may be. None for a coin with one leg."""
    faults = {c.key: sum(not g(_alone(row, c, question)).passed for g in _LEG_GATES) for c in row.cells}
    ranked = [
        (faults[buy.key] + faults[sell.key] + _mismatches(row, (buy, sell), question), -_gross(buy, sell), buy, sell)
        for buy in row.cells
        for sell in row.cells
        if buy is not sell
    ]
    first = min(ranked, key=lambda r: (r[0], r[1], r[2].key, r[3].key), default=None)
    return None if first is None else first[2:]


def _listed(row: Row, pair: tuple[LegKey, LegKey]) -> tuple[Cell, ...]:
    """Those legs of the pair that the coin has, each once."""
    cells = {c.key: c for c in row.cells}
    return tuple(cells[key] for key in dict.fromkeys(pair) if key in cells)


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate looks at: at most two legs, (buy, sell) if there are two."""

    row: Row
    legs: tuple[Cell, ...]
    standing: Standing
    question: Question


_NO_STANDING = Standing()


def _alone(row: Row, cell: Cell, question: Question) -> _Case:
    return _Case(row=row, legs=(cell,), standing=_NO_STANDING, question=question)


def _mismatches(row: Row, legs: tuple[Cell, Cell], question: Question) -> int:
    case = _Case(row=row, legs=legs, standing=_NO_STANDING, question=question)
    return sum(not gate(case).passed for gate in (_class, _kind))


def _gross(buy: Cell, sell: Cell) -> float:
    """-inf while a price is unknown."""
    ask, bid = buy.ask, sell.bid
    return gross_pct(ask, bid) if ask and bid else -inf


def _name(cell: Cell) -> str:
    return f"{cell.key.venue} {cell.key.market}"


def _legs(case: _Case) -> Gate:
    count = len(case.legs)
    words = "both legs are listed" if count == 2 else "a pair needs two different legs that are listed"
    return Gate(name="legs", value=float(count), limit=2.0, passed=count == 2, words=words)


def _fresh(case: _Case) -> Gate:
    freshness, now = case.question.terms.freshness, case.question.now
    ages = [(age if (age := c.age_s(now, freshness)) is not None else inf, _name(c)) for c in case.legs]
    age, name = max(ages, default=(inf, "a leg"))
    words = f"{name} was never quoted" if age == inf else f"{name}, the older leg, was confirmed {age:.1f} s ago"
    return Gate(
        name="fresh",
        value=None if age == inf else age,
        limit=freshness.max_age_s,
        passed=bool(case.legs) and all(c.is_fresh(now, freshness) for c in case.legs),
        words=words,
    )


def _identity(case: _Case) -> Gate:
    bad = next((c for c in case.legs if c.leg.quarantine), None)
    if bad is None:
        return Gate(name="identity", value=None, limit=None, passed=bool(case.legs), words="no leg is quarantined")
    words = f"{_name(bad)} is quarantined: {bad.leg.quarantine}"
    return Gate(name="identity", value=bad.leg.quarantine, limit=None, passed=False, words=words)


def _class(case: _Case) -> Gate:
    found = sorted({c.leg.asset_class for c in case.legs})
    shown = case.question.classes
    passed = len(found) == 1 and (not shown or found[0] in shown)
    if len(found) > 1:
        words = "the legs are of different asset classes"
    else:
        words = f"{' '.join(found) or 'this class'} is {'compared' if passed else 'not switched on'}"
    return Gate(name="class", value="/".join(found) or None, limit="/".join(shown) or None, passed=passed, words=words)


def _status(case: _Case) -> Gate:
    worst = max((_status_of(c, case.question.now_ms) for c in case.legs), default=(3, "missing", "there is no leg"))
    rank, value, words = worst
    return Gate(name="status", value=value, limit="trading", passed=rank < 2, words=words)


def _status_of(cell: Cell, now_ms: int) -> tuple[int, str, str]:
    """How bad, in one word, in words. An announced end is a warning until it comes."""
    off_ms = cell.leg.off_ms
    if off_ms is not None and off_ms <= now_ms:
        return 3, "delisted", f"{_name(cell)} has stopped trading"
    if cell.leg.halted:
        return 2, "halted", f"{_name(cell)} is halted"
    if off_ms is not None:
        return 1, "delisting", f"{_name(cell)} trades for {(off_ms - now_ms) / HOUR_MS:.1f} h more"
    return 0, "trading", "no leg is halted or about to leave"


def _quotes(case: _Case) -> Gate:
    for cell in case.legs:
        if (fault := _fault(cell)) != "sane":
            words = f"the book of {_name(cell)} is {fault}"
            return Gate(name="quotes", value=fault, limit="sane", passed=False, words=words)
    words = "every leg has a bid at or below its ask"
    return Gate(name="quotes", value="sane", limit="sane", passed=bool(case.legs), words=words)


def _fault(cell: Cell) -> str:
    bid, ask = cell.bid, cell.ask
    if bid is None and ask is None:
        return "empty"
    if bid is None or ask is None:
        return "one-sided"
    if bid <= 0:
        return "not positive"
    return "sane" if bid <= ask else "crossed"


def _outlier(case: _Case) -> Gate:
    question = case.question
    peers = qualified(case.row.cells, question.terms, question.now, question.now_ms)
    worst: tuple[bool, float, str] | None = None
    for cell in case.legs:
        others = [c for c in peers if c is not cell]
        if _fault(cell) == "sane" and (off := off_pct(cell, others)) is not None:
            worst = max(worst or (False, -inf, ""), (is_outlier(cell, others), off, _name(cell)))
    limit = OUTLYING * 100
    if worst is None:
        words = "no two other legs agree, so there is nothing to compare with"
        return Gate(name="outlier", value=None, limit=limit, passed=True, words=words)
    is_out, off, name = worst
    words = f"{name} is {off:.1f} % off the other legs{'' if is_out else ', which is not alone or little'}"
    return Gate(name="outlier", value=off, limit=limit, passed=not is_out, words=words)


def _kind(case: _Case) -> Gate:
    question = case.question
    limit = "/".join(question.markets)
    if len(case.legs) != 2:
        return Gate(name="kind", value=None, limit=limit, passed=False, words="a leg is missing")
    buy, sell = (c.key for c in case.legs)
    words = ""
    if {buy.market, sell.market} - set(question.markets):
        words = f"the rule looks at {' and '.join(question.markets)} only"
    elif sell.market is SPOT and not question.terms.allow_borrow:
        words = "selling spot needs a borrow, which is switched off"
    elif buy.venue == sell.venue and not question.same_venue:
        words = "the rule pairs different venues only"
    value = f"{buy.market}-{sell.market}"
    return Gate(
        name="kind", value=value, limit=limit, passed=not words, words=words or "this kind of pair is looked at"
    )


def _spread(case: _Case) -> Gate:
    standing = case.standing
    limit, value = standing.threshold_pct, standing.measured_pct
    if value is None and standing.executable and len(case.legs) == 2:
        value = _gross(case.legs[0], case.legs[1])
    if value is None or value == -inf:
        words = "a price is missing" if standing.executable else "no last prices that are fresh, of legs that qualify"
        return Gate(name="spread", value=None, limit=limit, passed=False, words=words)
    passed = value >= limit - EPSILON
    words = f"{value:.3f} % is {'at or above' if passed else 'below'} {limit:g} %"
    return Gate(name="spread", value=value, limit=limit, passed=passed, words=words)


def _samples(case: _Case) -> Gate:
    have, needed = case.standing.samples, case.standing.needed
    words = f"{have} of {needed} samples in a row were wide enough"
    return Gate(name="samples", value=float(have), limit=float(needed), passed=have >= needed, words=words)


def _cooldown(case: _Case) -> Gate:
    left = max(0.0, case.standing.cooldown_left_s)
    if case.standing.episode_open:
        words = "its episode is open: it has signalled, and may again after that closed"
    else:
        words = f"{left:.0f} s are left since its last signal" if left else "it has not signalled lately"
    passed = not left and not case.standing.episode_open
    return Gate(name="cooldown", value=left, limit=0.0, passed=passed, words=words)


def _liquidity(case: _Case) -> Gate:
    sides = zip(case.legs, ("ask", "bid"), strict=False)
    sizes = [(_usd(getattr(c, side), getattr(c, f"{side}_size")), _name(c)) for c, side in sides]
    return _thinner("liquidity", sizes, case.question.least_usd, "at the touch")


def _volume(case: _Case) -> Gate:
    turnovers = [(c.volume_usd, _name(c)) for c in case.legs]
    return _thinner("volume", turnovers, case.question.least_volume_usd, "turned over in 24 h")


def _usd(price: float | None, size: float | None) -> float | None:
    return None if price is None or size is None else price * size


def _thinner(name: str, known: Sequence[tuple[float | None, str]], limit: float | None, where: str) -> Gate:
    """The smaller of both; without a limit for information only, unknown does not meet a limit."""
    for value, leg in known:
        if value is None:
            words = f"the USD {where} of {leg} are unknown"
            return Gate(name=name, value=None, limit=limit, passed=limit is None, words=words)
    least, leg = min(((value or 0.0, leg) for value, leg in known), default=(0.0, "no leg"))
    words = f"{least:,.0f} USD {where} of {leg}, the thinner leg"
    return Gate(name=name, value=least, limit=limit, passed=limit is None or least >= limit, words=words)


_LEG_GATES: tuple[Callable[[_Case], Gate], ...] = (_fresh, _identity, _status, _quotes, _outlier)

_GATES: tuple[Callable[[_Case], Gate], ...] = (
    _legs, _fresh, _identity, _class, _status, _quotes, _outlier, _kind, _spread, _samples, _cooldown, _liquidity, _volume,
)  # fmt: skip
