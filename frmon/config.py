"""Settings: what can be configured, with its defaults. `frmon.configfile` reads them from file, environment and options."""

from collections.abc import Iterator
from typing import Any, Literal, get_type_hints

import msgspec


class VenueDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue's own module says about itself, as far as the user may change it."""

    name: str
    endpoints: dict[str, str]
    taker_fee_spot: float
    taker_fee_perp: float


class VenueSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[venues.NAME]`."""

    enabled: bool = True
    taker_fee_spot: float = 0.001  # fraction
    taker_fee_perp: float = 0.0006  # fraction
    endpoints: dict[str, str] = msgspec.field(default_factory=dict)


class SignalSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[signals]`: the rule, and when a leg is fresh."""

    threshold_pct: float = 0.6
    close_pct: float = 0.0  # 0: three quarters of threshold_pct
    samples: int = 3
    sample_every_s: float = 2.0
    max_gap_s: float = 8.0
    cooldown_s: float = 30.0
    basis: Literal["executable", "last"] = "executable"
    max_age_s: float = 5.0
    max_quiet_s: float = 300.0
    markets: list[Literal["spot", "perp"]] = msgspec.field(default_factory=lambda: ["perp"])


class KindSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[rules.KIND]`: one more rule, sampled as `[signals]` says."""

    on: bool = False
    threshold_pct: float = 0.6
    samples: int = 3
    cooldown_s: float = 30.0


class RuleSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[rules]`: the rules beside that of `[signals]`."""

    basis: KindSettings = msgspec.field(default_factory=KindSettings)  # long spot, short perpetual
    funding: KindSettings = msgspec.field(
        default_factory=lambda: KindSettings(threshold_pct=0.1, cooldown_s=3600.0)
    )  # carry of two perpetuals per 8 h, less the fees of a round trip
    interval: KindSettings = msgspec.field(
        default_factory=lambda: KindSettings(threshold_pct=0.0, samples=2)
    )  # a leg's funding interval changed; the threshold is for its rate per 8 h


class FeedSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[feeds]`."""

    time_scale: float = 1.0  # multiplies every timer of the feeds
    proxy: str = ""  # http(s):// or socks5://; empty = environment
    transport: Literal["picows", "websockets"] = "picows"  # which library reads the WebSockets


class CoinSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[coins]`."""

    quote: Literal["USDT"] = "USDT"
    exclude: list[str] = msgspec.field(default_factory=list)
    aliases: dict[str, str] = msgspec.field(default_factory=dict)  # "venue:market:SYMBOL" -> coin
    classes: list[str] = msgspec.field(default_factory=lambda: ["crypto"])  # asset classes to show


class ScreenSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[screen]`."""

    theme: str = "frmon-dark"  # frmon-dark, frmon-light or an ANSI theme
    updates_per_s: float = 4.0  # 1 to 10
    mouse: bool = True
    ascii: bool = False
    sell_spot: bool = False  # let pairs that need a spot borrow be a coin's best pair
    columns: list[str] = msgspec.field(default_factory=list)  # empty: as the width allows


class StorageSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[storage]`: what is kept on disk, and for how many days."""

    enabled: bool = True
    minutes_days: float = 7.0
    quarters_days: float = 90.0
    hours_days: float = 730.0
    events_days: float = 90.0
    samples_days: float = 30.0
    backfill_top: int = 30  # coins whose settlements are fetched, beside the pinned ones


class ServeSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[serve]`: where the HTTP API listens, and whom it answers."""

    host: str = "127.0.0.1"  # another machine can reach any that is not loopback: then a token is needed
    port: int = 4002  # 0: a free one
    token_file: str = ""  # a file of mode 0600 with the bearer token; empty: none is needed


class Settings(msgspec.Struct, kw_only=True):
    """All settings, merged. `origins`: dotted key -> where its value came from ("default", "file", "environment", "option")."""

    venues: dict[str, VenueSettings]
    signals: SignalSettings = msgspec.field(default_factory=SignalSettings)
    rules: RuleSettings = msgspec.field(default_factory=RuleSettings)
    feeds: FeedSettings = msgspec.field(default_factory=FeedSettings)
    coins: CoinSettings = msgspec.field(default_factory=CoinSettings)
    screen: ScreenSettings = msgspec.field(default_factory=ScreenSettings)
    storage: StorageSettings = msgspec.field(default_factory=StorageSettings)
    serve: ServeSettings = msgspec.field(default_factory=ServeSettings)
    origins: dict[str, str] = msgspec.field(default_factory=dict)


def defaults(venues: list[VenueDefaults]) -> Settings:
    """The settings of a user without a configuration."""
    return Settings(
        venues={
            v.name: VenueSettings(
                taker_fee_spot=v.taker_fee_spot, taker_fee_perp=v.taker_fee_perp, endpoints=dict(v.endpoints)
            )
            for v in venues
        }
    )


Path = tuple[str, ...]
"""A dotted key in its parts: ("signals", "samples")."""


def leaves(settings: Settings) -> dict[Path, Any]:
    """Every key that can be set, with the type of its value, in the order of the Structs."""
    return dict(_leaves(settings))


def get(settings: Settings, path: Path) -> Any:
    """The value of a key of `leaves`."""
    found: Any = settings
    for name in path:
        found = found[name] if isinstance(found, dict) else getattr(found, name)
    return found


def put(settings: Settings, path: Path, value: object) -> None:
    """Set a key of `leaves`; the value is not checked."""
    owner = get(settings, path[:-1])
    if isinstance(owner, dict):
        owner[path[-1]] = value
    else:
        setattr(owner, path[-1], value)


def _leaves(settings: Settings) -> Iterator[tuple[Path, Any]]:
    for name, venue in settings.venues.items():
        for field, kind in get_type_hints(VenueSettings).items():
            if field != "endpoints":
                yield ("venues", name, field), kind
        for endpoint in venue.endpoints:
            yield ("venues", name, "endpoints", endpoint), str
    for section, struct in get_type_hints(Settings).items():
        if section not in {"venues", "origins"}:
            yield from _leaves_of(struct, (section,))


def _leaves_of(struct: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    for field, kind in get_type_hints(struct).items():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _leaves_of(kind, (*path, field))
        else:
            yield (*path, field), kind
