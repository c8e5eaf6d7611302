"""The whole picture at one moment, for those who do not look at the screen: pure, given a running engine."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from math import isfinite
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from frmon.board import Board, Cell, Row
from frmon.clock import Clock
from frmon.config import Settings
from frmon.funding import funding_is_fresh
from frmon.gates import Gate, Question, Standing, explain, nearest
from frmon.model import LegKey, LineState, Signal, Spread, Status, VenueState
from frmon.parts import (
    CoinPart,
    GatePart,
    LegPart,
    LinePart,
    PairPart,
    Picture,
    SidePart,
    SignalLine,
    SignalPart,
    SpreadPart,
    VenuePart,
)
from frmon.spread import Terms, best, flags

Places = tuple[tuple[str, str], tuple[str, str]]
"""Where to buy and where to sell: (venue, market) each."""


class Source(Protocol):
    """What a picture is taken of: the engine, or whatever has these."""

    simulated: str
    settings: Settings
    board: Board
    terms: Terms

    @property
    def clock(self) -> Clock: ...

    @property
    def signals(self) -> Iterable[Signal]: ...

    @property
    def notices(self) -> Iterable[str]: ...

    @property
    def standing(self) -> Callable[[str, str, str], Standing]: ...

    def states(self) -> list[VenueState]: ...


def picture(
    engine: Source,
    coins: Sequence[str] | None = None,
    top: int | None = None,
    *,
    why: bool = False,
    pair: Places | None = None,
) -> Picture:
    """What the engine knows now. `coins`: only these, in any case of letters; `top`: only so many of the highest gross
    spread; `why`: with the gates of each, for its best or nearest pair, or for `pair`. Spreads are computed here, so they agree with the legs beside them."""
    now, now_ms = engine.clock.mono(), engine.clock.now_ms()
    wanted = None if coins is None else {coin.upper() for coin in coins}
    rows = [row for row in list(engine.board.rows.values()) if wanted is None or row.coin.upper() in wanted]
    parts = sorted((coin_part(engine, row, now, now_ms) for row in rows), key=_rank)
    if why:
        reasons = {row.coin: _why(engine, row, (now, now_ms), pair) for row in rows}
        parts = [replace(part, **reasons[part.coin]) for part in parts]
    return Picture(
        simulated=bool(engine.simulated),
        at=iso(now_ms),
        at_ms=now_ms,
        venues=venue_parts(engine, now),
        coins=parts if top is None else parts[:top],
        signals=[signal_part(signal) for signal in list(engine.signals)],
        notices=list(engine.notices),
    )


def unknown_coins(engine: Source, coins: Iterable[str]) -> dict[str, str]:
    """Asked-for coins that no venue lists now, each with the nearest listed name ("" = none is near)."""
    known = {coin.upper(): coin for coin in list(engine.board.rows)}
    missing = [coin for coin in coins if coin.upper() not in known]
    near = {coin: get_close_matches(coin.upper(), list(known), n=1) for coin in missing}
    return {coin: known[found[0]] if found else "" for coin, found in near.items()}


def has_data(engine: Source) -> bool:
    """Whether any leg of any venue has a price."""
    return any(c.bid is not None or c.ask is not None or c.last is not None for c in engine.board.cells())


def encode(part: msgspec.Struct) -> bytes:
    """One line of JSON, without the newline. Numbers are the shortest that read back the same; not finite is null."""
    return msgspec.json.encode(part)


def iso(ms: int) -> str:
    """Unix milliseconds as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def signal_part(signal: Signal) -> SignalPart:
    """A signal as it stands in a picture."""
    return SignalPart(**_said(signal))


def signal_line(signal: Signal, *, simulated: bool) -> SignalLine:
    """A signal as a line of its own."""
    return SignalLine(simulated=simulated, **_said(signal))


def _said(signal: Signal) -> dict[str, Any]:
    names = [name for name in SignalPart.__struct_fields__ if name != "note" or signal.note]
    return {name: getattr(signal, name) for name in names}


def venue_parts(engine: Source, now: float) -> dict[str, VenuePart]:
    """All venues as they stand in a picture. Legs are counted here and now, so that the figures agree with the legs of the same picture."""
    freshness = engine.terms.freshness
    cells = [cell for row in list(engine.board.rows.values()) for cell in row.cells]
    legs = Counter(cell.key.venue for cell in cells)
    fresh = Counter(cell.key.venue for cell in cells if cell.is_fresh(now, freshness))
    found = {s.name: _venue(replace(s, legs=legs[s.name], fresh_legs=fresh[s.name])) for s in engine.states()}
    for name, settings in engine.settings.venues.items():
        if not settings.enabled and name not in found:
            found[name] = _venue(VenueState(name=name, status=Status.OFF, detail="not enabled in the configuration"))
    return found


def _venue(state: VenueState) -> VenuePart:
    return VenuePart(
        status=state.status.value,
        detail=state.detail,
        legs=state.legs,
        fresh_legs=state.fresh_legs,
        messages_per_s=round(state.messages_per_s, 1),
        reconnects=state.reconnects,
        listings_age_s={market: round(age, 1) for market, age in state.listings_age_s.items()},
        lines=[_line(line) for line in state.lines],
    )


def _line(state: LineState) -> LinePart:
    return LinePart(
        name=state.name,
        status=state.status.value,
        detail=state.detail,
        symbols=state.symbols,
        messages=state.messages,
        last_message_age_s=_rounded(state.last_message_age_s, 3),
        lag_ms=_rounded(state.lag_ms, 1),
        reconnects=state.reconnects,
        outdated=state.outdated,
    )


def coin_part(engine: Source, row: Row, now: float, now_ms: int) -> CoinPart:
    """A coin as it stands in a picture. `now`: monotonic seconds; `now_ms`: Unix milliseconds."""
    spread = best(row, engine.terms, now, now_ms)
    return CoinPart(
        coin=row.coin,
        flags=[flag.value for flag in flags(row, engine.terms, now, now_ms)],
        legs=[_leg(engine, cell, now) for cell in row.cells],
        spread=None if spread is None else _spread(spread),
    )


def _why(engine: Source, row: Row, times: tuple[float, int], pair: Places | None) -> dict[str, Any]:
    """`why` and `why_pair` of a coin."""
    question = Question(
        terms=engine.terms,
        now=times[0],
        now_ms=times[1],
        markets=tuple(engine.settings.signals.markets),
        same_venue=False,
        classes=tuple(engine.settings.coins.classes),
    )
    legs = nearest(row, question) if pair is None else _legs_at(row, pair)
    if legs is None and pair is not None:
        words = f"{row.coin} is not listed on both {' '.join(pair[0])} and {' '.join(pair[1])}"
        return {"why_pair": None, "why": [GatePart(name="legs", value=None, limit=2, passed=False, words=words)]}
    if legs is None:
        return {
            "why_pair": None,
            "why": [_gate(g) for g in explain(row, None, engine.standing(row.coin, "", ""), question)],
        }
    buy, sell = legs
    standing = engine.standing(row.coin, sell.key.venue, buy.key.venue)
    judged = PairPart(buy=_side(buy.key, _finite(buy.ask)), sell=_side(sell.key, _finite(sell.bid)))
    return {"why_pair": judged, "why": [_gate(g) for g in explain(row, (buy.key, sell.key), standing, question)]}


def _legs_at(row: Row, pair: Places) -> tuple[Cell, Cell] | None:
    """The first leg of the coin at each of the two places."""
    found = [next((c for c in row.cells if (c.key.venue, c.key.market) == place), None) for place in pair]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _gate(gate: Gate) -> GatePart:
    value = gate.value if isinstance(gate.value, str) else _finite(gate.value)
    limit = gate.limit if isinstance(gate.limit, str) else _finite(gate.limit)
    return GatePart(name=gate.name, value=value, limit=limit, passed=gate.passed, words=gate.words)


def _leg(engine: Source, cell: Cell, now: float) -> LegPart:
    freshness = engine.terms.freshness
    more = _more(cell, now)
    return LegPart(
        venue=cell.key.venue,
        market=cell.key.market.value,
        symbol=cell.key.symbol,
        multiplier=cell.leg.multiplier,
        bid=_finite(cell.bid),
        ask=_finite(cell.ask),
        last=_finite(cell.last),
        mark=_finite(cell.mark),
        index=_finite(cell.index),
        volume_24h_usd=_finite(cell.volume_usd),
        funding_rate=_finite(cell.funding_rate),
        funding_interval_h=_hours(cell.funding_interval_h),
        next_funding_ms=cell.next_funding_ms,
        event_ms=cell.event_ms,
        received_ms=cell.received_ms,
        age_s=_rounded(cell.age_s(now, freshness), 3),
        fresh=cell.is_fresh(now, freshness),
        source=cell.source,
        quarantine=cell.leg.quarantine or None,
        **more,
    )


def _more(cell: Cell, now: float) -> dict[str, Any]:
    """What most legs have no word to say of."""
    leg = cell.leg
    found: dict[str, Any] = {"off_ms": leg.off_ms, "on_ms": leg.on_ms, "settled_rate": _finite(cell.settled_rate)}
    found["halted"] = leg.halted or None
    found["asset_class"] = None if leg.asset_class == "crypto" else leg.asset_class
    if cell.funding_rate is not None and not funding_is_fresh(cell, now):
        found["funding_age_s"] = _rounded(_finite(now - cell.funding.at), 1)
    return {name: value for name, value in found.items() if value is not None}


def _spread(spread: Spread) -> SpreadPart:
    return SpreadPart(
        buy=_side(spread.buy, spread.buy_price),
        sell=_side(spread.sell, spread.sell_price),
        gross_pct=spread.gross_pct,
        fees_pct=spread.fees_pct,
        net_pct=spread.net_pct,
        carry_per_hour=spread.carry_per_hour,
        carry_apr_pct=spread.carry_apr_pct,
        needs_borrow=spread.needs_borrow,
    )


def _side(key: LegKey, price: float | None) -> SidePart:
    return SidePart(venue=key.venue, market=key.market.value, price=price, symbol=key.symbol)


def _rank(coin: CoinPart) -> tuple[float, str]:
    return (float("inf") if coin.spread is None else -coin.spread.gross_pct, coin.coin)


def _hours(value: float | None) -> float | int | None:
    return int(value) if value is not None and float(value).is_integer() else value


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
