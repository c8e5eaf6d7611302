"""What a screen elsewhere needs of a running engine beside its picture."""

from frmon.engine import Engine
from frmon.model import Market
from frmon.parts import EpisodePart, TermsPart
from frmon.signals.episodes import Episode


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
