"""What `frmon venues` prints: who the venues are, where they are asked and what they allow."""

from collections.abc import Sequence
from typing import Any

import msgspec

from frmon.config import Settings
from frmon.configrules import hint
from frmon.errors import ConfigError
from frmon.feeds.contract import Rule, Stream, Venue
from frmon.plain import grid


def venues_text(venues: Sequence[Venue], settings: Settings) -> str:
    """Tables: fees, endpoints with their origin, limits, streams."""
    fees = [
        (
            v.name,
            v.title,
            v.code,
            "yes" if settings.venues[v.name].enabled else "no",
            f"{settings.venues[v.name].taker_fee_spot * 100:.4g}",
            f"{settings.venues[v.name].taker_fee_perp * 100:.4g}",
        )
        for v in venues
    ]
    endpoints = [
        (v.name, key, url, settings.origins.get(f"venues.{v.name}.endpoints.{key}", "default"))
        for v in venues
        for key, url in settings.venues[v.name].endpoints.items()
    ]
    limits = [(v.name, rule.name, rule_text(rule)) for v in venues for rule in v.rules]
    streams = [(v.name, s.name, s.market.value, stream_text(s)) for v in venues for s in v.streams]
    tables = (
        grid(("venue", "name", "tag", "enabled", "taker spot %", "taker perp %"), fees, "llllrr"),
        grid(("venue", "endpoint", "base URL", "from"), endpoints, "llll"),
        grid(("venue", "limit per address", ""), limits, "lll"),
        grid(("venue", "stream", "market", ""), streams, "llll"),
    )
    return "\n\n".join(tables) + "\n"


def venues_json(venues: Sequence[Venue], settings: Settings) -> bytes:
    """The same as one line of JSON: venue -> facts."""
    return msgspec.json.encode({v.name: _facts(v, settings) for v in venues}) + b"\n"


def chosen(venues: Sequence[Venue], settings: Settings, names: Sequence[str]) -> list[Venue]:
    """The named venues, or all that are enabled. Raises `ConfigError` for an unknown name."""
    known = {v.name: v for v in venues}
    for name in names:
        if name not in known:
            raise ConfigError(f'--venue: no such venue: "{name}"; {hint(name, list(known))}')
    return [v for v in venues if (v.name in names if names else settings.venues[v.name].enabled)]


def rule_text(rule: Rule) -> str:
    """A limit in words."""
    return f"{rule.limit} in any {rule.window_s:g} s"


def stream_text(stream: Stream) -> str:
    """What a line of this kind carries."""
    kinds = ", ".join(channel.kind for channel in stream.channels)
    if not stream.per_symbol:
        return f"{kinds}: whole market on one line"
    asked = ", asked for what is looked at" if stream.on_demand else ""
    return f"{kinds}: at most {stream.symbols_per_line} symbols a line{asked}"


def _facts(venue: Venue, settings: Settings) -> dict[str, Any]:
    mine = settings.venues[venue.name]
    return {
        "title": venue.title,
        "tag": venue.code,
        "enabled": mine.enabled,
        "taker_fee_spot": mine.taker_fee_spot,
        "taker_fee_perp": mine.taker_fee_perp,
        "endpoints": mine.endpoints,
        "limits": {rule.name: {"limit": rule.limit, "window_s": rule.window_s} for rule in venue.rules},
        "streams": [
            {
                "name": s.name,
                "market": s.market.value,
                "channels": [channel.kind for channel in s.channels],
                "symbols_per_line": s.symbols_per_line if s.per_symbol else None,
                "on_demand": s.on_demand,
            }
            for s in venue.streams
        ],
    }
