"""What a screen elsewhere needs of a running engine beside its picture."""

from collections.abc import Iterable
from math import isnan

import msgspec

from frmon.engine import Engine
from frmon.model import Market
from frmon.parts import EpisodePart, PastPart, SpanPart, TermsPart
from frmon.signals.episodes import Episode
from frmon.signals.series import Series


def terms_part(engine: Engine) -> TermsPart:
    """By what it judges."""
    settings = engine.settings
    return TermsPart(
        market=engine.simulated,
        signals=settings.signals,
        fees={
            name: {Market.SPOT.value: venue.taker_fee_spot, Market.PERP.value: venue.taker_fee_perp}
            for name, venue in settings.venues.items()
            if venue.enabled
        },
        sell_spot=settings.screen.sell_spot,
        classes=list(settings.coins.classes),
    )


def episode_parts(engine: Engine) -> list[EpisodePart]:
    """Its episodes that are not closed."""
    now = engine.clock.mono()
    return [_episode(episode, now) for episode in list(engine.episodes.open)]


def _episode(episode: Episode, now: float) -> EpisodePart:
    return EpisodePart(
        coin=episode.coin,
        kind=episode.kind,
        short=episode.short,
        long=episode.long,
        state=episode.state.value,
        opened_ms=episode.opened_ms,
        opened_pct=episode.opened_pct,
        live_pct=episode.live_pct,
        peak_pct=episode.peak_pct,
        peak_ms=episode.peak_ms,
        area=episode.area,
        duration_s=episode.duration_s,
        samples=episode.samples,
        age_s=round(now - episode.opened_at, 3),
        seen_age_s=round(now - episode.seen_at, 3),
    )


class Pasts(msgspec.Struct, frozen=True, kw_only=True):
    """`past`: what is remembered of some coins at one moment."""

    at_ms: int
    coins: list[PastPart]


def past_part(engine: Engine, coins: Iterable[str]) -> Pasts:
    """What it remembers of these coins' spreads; nothing of those of which it does not."""
    now = engine.clock.mono()
    found = [(coin, series) for coin in coins if (series := engine.history.series(coin)) is not None]
    return Pasts(at_ms=engine.clock.now_ms(), coins=[_past(coin, series, now) for coin, series in found])


def _past(coin: str, series: Series, now: float) -> PastPart:
    spans = []
    for tier in series.tiers:
        points, end_s = tier.points, tier.end_s
        if end_s is not None and points:
            values = [None if isnan(point) else round(point, 4) for point in points]
            spans.append(SpanPart(step_s=tier.step_s, ago_s=round(now - end_s, 3), values=values))
    return PastPart(coin=coin, spans=spans)
