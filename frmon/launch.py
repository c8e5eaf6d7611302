"""From what the user asked for to settings and an engine."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from frmon.config import Settings, VenueDefaults
from frmon.configfile import load
from frmon.engine import Engine
from frmon.errors import ConfigError
from frmon.feeds.venues import all_venues
from frmon.paths import state_dir

__all__ = ["Wish", "all_venues", "engine_for", "settings_and_demo", "settings_for", "venue_defaults", "wish_from"]

SIMULATED = "SIMULATED"


class Wish(msgspec.Struct, kw_only=True):
    """The global options."""

    config: Path | None = None
    db: Path | None = None
    log: Path | None = None
    log_level: str = "info"


def wish_from(given: Mapping[str, Any], env: Mapping[str, str]) -> Wish:
    """Options as given, else their `FRMON_*` variables. (`config` stays with whoever reads the settings.)"""
    found = dict(given)
    for name in ("db", "log", "log_level"):
        said = env.get(f"FRMON_{name.upper()}")
        if said and name not in found:
            found[name] = said if name == "log_level" else Path(said)
    return Wish(**found)


def venue_defaults() -> list[VenueDefaults]:
    """What the venues say about themselves."""
    return [
        VenueDefaults(
            name=v.name,
            endpoints=dict(v.endpoints),
            taker_fee_spot=v.taker_fee_spot,
            taker_fee_perp=v.taker_fee_perp,
        )
        for v in all_venues()
    ]


def settings_for(wish: Wish, options: Mapping[str, object] | None = None) -> Settings:
    """The merged settings. `options`: dotted key -> value. Raises `ConfigError`."""
    return load(venue_defaults(), file=wish.config, env=os.environ, options=options or {})


@contextmanager
def settings_and_demo(wish: Wish, *, demo: bool, options: Mapping[str, object] | None = None) -> Iterator[Settings]:
    """The merged settings. With `demo` every endpoint is one of the simulated venues, which are served by a child process
    as long as the block lasts. Raises `ConfigError`."""
    settings = settings_for(wish, options)
    if not any(venue.enabled for venue in settings.venues.values()):
        raise ConfigError(f"no venue is enabled: set venues.{min(settings.venues)}.enabled = true")
    if not demo:
        yield settings
        return
    from frmon.feeds.sim.child import start_child

    child = start_child()
    try:
        yield settings_for(wish, {**(options or {}), **endpoint_options(child.endpoints)})
    finally:
        child.stop()


@contextmanager
def engine_for(wish: Wish, *, demo: bool, options: Mapping[str, object] | None = None) -> Iterator[Engine]:
    """An engine that does not run yet, on live or simulated venues. Raises `ConfigError`."""
    with settings_and_demo(wish, demo=demo, options=options) as settings:
        if demo:
            yield Engine(all_venues(), settings, simulated=SIMULATED)
        else:
            yield Engine(all_venues(), settings, state_dir=state_dir(os.environ))


def endpoint_options(endpoints: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """Options that replace base URLs. `endpoints`: venue -> endpoint -> URL."""
    return {f"venues.{venue}.endpoints.{key}": url for venue, urls in endpoints.items() for key, url in urls.items()}
