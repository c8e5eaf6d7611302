"""From what the user asked for to settings and an engine."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import msgspec

from frmon.config import Settings, VenueDefaults
from frmon.configfile import load
from frmon.engine import Engine
from frmon.errors import ConfigError, FrmonError
from frmon.feeds.venues import all_venues
from frmon.paths import data_dir, state_dir
from frmon.storage.lock import Lock

if TYPE_CHECKING:
    from frmon.feeds.sim.child import Child

__all__ = [
    "Launch",
    "Wish",
    "all_venues",
    "engine_for",
    "settings_and_market",
    "settings_for",
    "venue_defaults",
    "wish_from",
]

SIMULATED, REPLAY = "SIMULATED", "REPLAY"
PASSING = "frmon-passing-"
"""How folders with the history of a market that is not real begin."""


class Wish(msgspec.Struct, kw_only=True):
    """The global options."""

    config: Path | None = None
    db: Path | None = None
    named_db: bool = False  # `db` was given as an option
    log: Path | None = None
    log_level: str = "info"


def wish_from(given: Mapping[str, Any], env: Mapping[str, str]) -> Wish:
    """Options as given, else their `FRMON_*` variables. (`config` stays with whoever reads the settings.)"""
    found = dict(given)
    for name in ("db", "log", "log_level"):
        said = env.get(f"FRMON_{name.upper()}")
        if said and name not in found:
            found[name] = said if name == "log_level" else Path(said)
    return Wish(**found, named_db="db" in given)


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


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """Which market to run on, and whether to keep what it says."""

    demo: bool = False  # simulated venues
    replay: Path | None = None  # the venues of a tape
    record: Path | None = None  # a new file


@contextmanager
def settings_and_market(
    wish: Wish, launch: Launch, options: Mapping[str, object] | None = None
) -> Iterator[tuple[Settings, "Child | None"]]:
    """The merged settings. For a simulated market or a tape every endpoint is one of a child process that serves it as long
    as the block lasts. Raises `ConfigError`."""
    settings = settings_for(wish, options)
    if not any(venue.enabled for venue in settings.venues.values()):
        raise ConfigError(f"no venue is enabled: set venues.{min(settings.venues)}.enabled = true")
    if not launch.demo and launch.replay is None:
        yield settings, None
        return
    child = _serve(launch)
    try:
        absent = {f"venues.{name}.enabled": False for name in settings.venues if name not in child.endpoints}
        found = settings_for(wish, {**(options or {}), **endpoint_options(child.endpoints), **absent})
        if not any(venue.enabled for venue in found.venues.values()):
            raise ConfigError(f"{launch.replay}: no venue of this tape is enabled")
        yield found, child
    finally:
        child.stop()


def _serve(launch: Launch) -> "Child":
    """The child process of a simulated market or a tape. Raises `ConfigError` for a tape that cannot be served."""
    from frmon.feeds.sim.child import ChildError, start_child, start_tape

    if launch.replay is None:
        return start_child()
    try:
        return start_tape(launch.replay)
    except ChildError as error:
        raise ConfigError(f"--replay: {error}") from None


@contextmanager
def engine_for(
    wish: Wish, launch: Launch, options: Mapping[str, object] | None = None, *, keeps: bool = False
) -> Iterator[Engine]:
    """An engine that does not run yet, on live, simulated or replayed venues. `keeps`: it writes its history. Raises
    `ConfigError`."""
    with (
        settings_and_market(wish, launch, options) as (settings, child),
        stored(wish, launch, settings, keeps) as store,
    ):
        if launch.replay is not None and child is not None:
            from frmon.feeds.sim.replay import TapeClock

            engine = Engine(all_venues(), settings, simulated=REPLAY, clock=TapeClock(child.started_ms), store=store)
            engine.lasts_s = child.length_s
        elif launch.demo:
            engine = Engine(all_venues(), settings, simulated=SIMULATED, store=store)
        else:
            engine = Engine(all_venues(), settings, state_dir=state_dir(os.environ), store=store)
        with recording(engine, launch.record):
            yield engine


@contextmanager
def stored(wish: Wish, launch: Launch, settings: Settings, keeps: bool) -> Iterator[Path | None]:
    """The file of an engine that keeps its history, None for others. What is not real goes into a file of its own that ends
    with the block, unless an option names one. Raises `ConfigError` for a folder."""
    is_real = not launch.demo and launch.replay is None
    if not keeps or not settings.storage.enabled:
        yield None
    elif is_real or wish.named_db:
        path = wish.db or data_dir(os.environ) / "frmon.db"
        if path.is_dir():
            raise ConfigError(f"--db: {path} is a folder, not a file")
        yield path
    else:
        sweep(Path(gettempdir()))
        with TemporaryDirectory(prefix=PASSING, ignore_cleanup_errors=True) as folder:
            yield Path(folder) / "frmon.db"


def sweep(folder: Path) -> None:
    """Remove what programs that were killed left of their passing history: nobody holds its lock any more."""
    for left in folder.glob(f"{PASSING}*"):
        store = left / "frmon.db"
        lock = Lock(store)
        with suppress(OSError, FrmonError):  # somebody else's, or at work
            if lock.path.exists() and left.lstat().st_uid == os.getuid() and not left.is_symlink():
                lock.take()
                rmtree(left)
        lock.drop()


@contextmanager
def recording(engine: Engine, file: Path | None) -> Iterator[None]:
    """Record all that venues say to `engine` in the block; without a file nothing. Says at the end what went wrong. Raises
    `ConfigError` if the file exists or cannot be made."""
    if file is None:
        yield
        return
    from frmon.feeds.sim.tape import Recorder

    recorder = Recorder(file, engine.clock, engine.tell)
    engine.observe = recorder.observe
    try:
        yield
    finally:
        recorder.close()
        if recorder.trouble:
            sys.stderr.write(f"frmon: {recorder.trouble}\n")


def endpoint_options(endpoints: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """Options that replace base URLs. `endpoints`: venue -> endpoint -> URL."""
    return {f"venues.{venue}.endpoints.{key}": url for venue, urls in endpoints.items() for key, url in urls.items()}
