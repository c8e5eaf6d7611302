"""What a collector says on its stream: shapes and reading. Fields that are not known here are ignored."""

from datetime import datetime
from math import inf
from typing import TypeVar

import msgspec

from frmon.errors import DecodeError
from frmon.model import LineState, Signal, Status, VenueState
from frmon.parts import SCHEMA, CoinPart, EpisodePart, LegNews, LinePart, PastPart, SignalPart, TermsPart, VenuePart
from frmon.signals.episodes import Episode, State
from frmon.signals.series import Held

T = TypeVar("T")

STEPS_S = (0.5, 86_400.0)
"""Steps that a past may be told in."""

STATUSES = {status.value: status for status in Status}


class WrongSchema(DecodeError):
    """The collector speaks another language."""


class Head(msgspec.Struct, kw_only=True):
    """By what a picture is recognised."""

    schema: int
    session: str


class Whole(msgspec.Struct, kw_only=True):
    """`snapshot`: everything at one moment."""

    session: str
    simulated: bool
    at_ms: int
    venues: dict[str, VenuePart]
    coins: list[CoinPart]
    signals: list[SignalPart]
    notices: list[str]
    terms: TermsPart | None = None


class Changes(msgspec.Struct, kw_only=True):
    """`changes`: coins that are others now, legs of others that are, and names that have left."""

    at_ms: int
    coins: list[CoinPart]
    gone: list[str]
    legs: list[LegNews] = []


class Pasts(msgspec.Struct, kw_only=True):
    """`past`: what is remembered of some coins' spreads."""

    at_ms: int
    coins: list[PastPart]


class Stored(msgspec.Struct, kw_only=True):
    """How the collector's storage is doing."""

    status: str = ""


class Health(msgspec.Struct, kw_only=True):
    """`status`: how it is; the heartbeat too."""

    venues: dict[str, VenuePart]
    notices: list[str]
    at_ms: int | None = None
    storage: Stored | None = None
    episodes: list[EpisodePart] | None = None


class Said(msgspec.Struct, kw_only=True):
    """`event`: a line of what happened."""

    at_ms: int
    text: str


def read_whole(data: bytes) -> Whole:
    """A whole picture. Raises `WrongSchema` and `DecodeError`."""
    if (schema := read(data, Head).schema) != SCHEMA:
        raise WrongSchema(f"it speaks schema {schema}, this frmon reads {SCHEMA}")
    return read(data, Whole)


def read(data: bytes, kind: type[T]) -> T:
    """One event's data. Raises `DecodeError`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError(f"not what a collector says: {error}"[:200]) from None


def venue_state(name: str, part: VenuePart) -> VenueState:
    """A venue as an engine tells of it."""
    lags = sorted(line.lag_ms for line in part.lines if line.lag_ms is not None)
    return VenueState(
        name=name,
        status=_status(part.status),
        detail=part.detail,
        legs=part.legs,
        fresh_legs=part.fresh_legs,
        messages_per_s=part.messages_per_s,
        lag_ms=lags[len(lags) // 2] if lags else None,
        reconnects=part.reconnects,
        listings_age_s=dict(part.listings_age_s),
        lines=[_line_state(line) for line in part.lines],
    )


def _line_state(part: LinePart) -> LineState:
    return LineState(
        name=part.name,
        status=_status(part.status),
        detail=part.detail,
        symbols=part.symbols,
        messages=part.messages,
        last_message_age_s=part.last_message_age_s,
        lag_ms=part.lag_ms,
        reconnects=part.reconnects,
        outdated=part.outdated,
    )


def _status(word: str) -> Status:
    """A status that this program does not know gives no data that it could judge."""
    return STATUSES.get(word, Status.NO_DATA)


def signal_of(part: SignalPart, since_ms: int, since: float) -> Signal:
    """A signal; its age counts from `since_ms` (the collector's wall clock) = `since` (monotonic)."""
    try:
        observed_ms = round(datetime.fromisoformat(part.observed_at).timestamp() * 1000)
    except ValueError:
        raise DecodeError("a signal without a time") from None
    return Signal(
        symbol=part.symbol,
        short_exchange=part.short_exchange,
        long_exchange=part.long_exchange,
        spread_percent=part.spread_percent,
        price_short=part.price_short,
        price_long=part.price_long,
        observed_at=part.observed_at,
        observed_ms=observed_ms,
        kind=part.kind,
        note=part.note or "",
        observed_mono=since - max(0.0, (since_ms - observed_ms) / 1000),
    )


def held_of(part: PastPart, since: float) -> list[Held]:
    """What held when, in the order of time; of times that are told twice the finer steps. Ages count from `since`
    (monotonic). Raises `DecodeError`."""
    found: list[Held] = []
    for span in sorted(part.spans, key=lambda s: s.step_s):
        step_s, first = span.step_s, found[0].since if found else inf
        if not STEPS_S[0] <= step_s <= STEPS_S[1] or not 0 <= span.ago_s <= STEPS_S[1]:
            raise DecodeError("a past that is none")
        begun = since - span.ago_s - step_s * len(span.values)
        times = ((begun + n * step_s, value) for n, value in enumerate(span.values) if value is not None)
        found[:0] = [Held(at, at + step_s, value, value, value) for at, value in times if at + step_s <= first]
    return found


def episode_of(part: EpisodePart, since: float) -> Episode:
    """An episode; its ages count from `since` (monotonic)."""
    return Episode(
        coin=part.coin,
        kind=part.kind,
        short=part.short,
        long=part.long,
        opened_ms=part.opened_ms,
        opened_pct=part.opened_pct,
        live_pct=part.live_pct,
        peak_pct=part.peak_pct,
        peak_ms=part.peak_ms,
        area=part.area,
        duration_s=part.duration_s,
        samples=part.samples,
        state=State.SUSPENDED if part.state == State.SUSPENDED else State.OPEN,
        opened_at=since - part.age_s,
        seen_at=since - part.seen_age_s,
    )
