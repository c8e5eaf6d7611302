"""Writes settings as TOML: the commented default and the merged settings with the origin of each."""

import re
from urllib.parse import urlsplit

import msgspec

from frmon.config import Path, Settings, VenueDefaults, defaults, get, leaves
from frmon.configrules import CLASSES

_HEAD = """\
# Configuration of frmon. Every line shows a default: keep what you change, delete the rest.
# An option wins over an environment variable (signals.samples is FRMON_SIGNALS_SAMPLES), that over this file.
# Unknown keys are errors. `frmon config check` reads this file and says what is wrong.
"""

_NOTES: dict[str, str] = {
    "enabled": "false: this venue is neither asked nor shown",
    "taker_fee_spot": "fraction: 0.001 is 0.1 %",
    "taker_fee_perp": "fraction",
    "threshold_pct": "percent: a signal fires at this gross spread or above",
    "close_pct": "percent: an episode closes below this; 0: three quarters of threshold_pct",
    "rules.basis.on": "true: also signal what buying spot and selling a perpetual earns, on one venue or two",
    "rules.funding.on": "true: also signal what holding two perpetuals earns by funding",
    "rules.funding.threshold_pct": "percent per 8 h that remain after the fees of a round trip",
    "rules.interval.on": "true: also signal that a perpetual's funding interval changed",
    "rules.interval.threshold_pct": "percent per 8 h: changes at smaller funding rates do not count",
    "samples": "so many samples in a row must be at or above the threshold",
    "sample_every_s": "seconds between two samples",
    "max_gap_s": "seconds: samples further apart do not count as in a row",
    "cooldown_s": "seconds until the same coin and direction may fire again",
    "basis": '"executable": bid against ask; "last": last prices',
    "max_age_s": "seconds: a leg not confirmed for longer never enters a spread, a sort key or a signal",
    "max_quiet_s": "seconds: how long an unchanged quote counts as confirmed while its stream is live",
    "markets": 'add "spot" for signals between spot and perpetual',
    "transport": "which library reads the WebSockets: picows (C) or websockets (pure Python)",
    "time_scale": "0.1 makes every timer of the feeds ten times faster: for simulations and tests",
    "proxy": "http://, https:// or socks5://, for streams and REST alike; empty: as the environment says",
    "quote": "the only quote asset",
    "exclude": 'coins never shown: ["LUNA"]',
    "aliases": 'one leg under another coin: {"venue:perp:SYMBOL" = "COIN"}',
    "classes": f"asset classes shown, of {', '.join(CLASSES)}",
    "theme": '"frmon-dark", "frmon-light", "ansi-dark", "ansi-light"',
    "updates_per_s": "how often the screen looks at the market: 1 to 10",
    "mouse": "false leaves the mouse to the terminal, for selecting text",
    "ascii": "true draws with plain ASCII only",
    "sell_spot": "true lets pairs that sell borrowed spot be a coin's best pair",
    "columns": "columns in this order; empty: as the width allows",
    "storage.enabled": "false: nothing is kept on disk",
    "minutes_days": "so many days bars of a minute are kept",
    "quarters_days": "bars of 15 minutes",
    "hours_days": "bars of an hour",
    "events_days": "what happened to venues and lines",
    "samples_days": "what the program itself used",
    "serve.host": "where `frmon serve` listens; an address that is not loopback needs a token_file",
    "serve.port": "0: a free one",
    "serve.token_file": "a file of mode 0600 with a bearer token of 32 characters or more; empty: no token",
    "backfill_top": "past funding is fetched for so many coins at the top of the table, beside the pinned ones",
}


def default_text(venues: list[VenueDefaults]) -> str:
    """A configuration file that says what every key means and holds every default."""
    settings = defaults(venues)
    lines = [_HEAD]
    table: Path = ()
    for path in leaves(settings):
        if path[:-1] != table:
            table = path[:-1]
            lines.append(f"\n[{_key(table)}]" + _table_note(table))
        note = _NOTES.get(".".join(path)) or _NOTES.get(path[-1], "")
        said = f"{_key(path[-1:])} = {_value(get(settings, path))}"
        lines.append(f"{said}  # {note}" if note else said)
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def merged_text(settings: Settings) -> str:
    """Every key with its value and, as a comment, its origin. Valid TOML; user and password of a proxy are hidden."""
    lines = []
    for path in leaves(settings):
        value = get(settings, path)
        shown = _without_secret(value) if path == ("feeds", "proxy") else value
        said = f"{_key(path)} = {_value(shown)}"
        lines.append(f"{said:<70}  # {settings.origins.get('.'.join(path), 'default')}")
    return "\n".join(lines) + "\n"


def _table_note(table: Path) -> str:
    return "  # base URLs: scheme, host, port" if table[-1] == "endpoints" else ""


def _key(path: Path) -> str:
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name) for name in path)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _without_secret(proxy: str) -> str:
    parts = urlsplit(proxy)
    return proxy.replace(parts.netloc.rpartition("@")[0], "***", 1) if "@" in parts.netloc else proxy
