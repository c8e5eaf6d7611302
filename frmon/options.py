"""The global options: given before or after the command, or by a `FRMON_*` variable."""

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from frmon import departure
from frmon.errors import ConfigError

if TYPE_CHECKING:
    from frmon.launch import Launch, Wish


class Sheet(StrEnum):
    """How `check`, `venues` and `status` print."""

    TABLE = "table"
    JSON = "json"


SHARED = ("config", "db", "log", "log_level")
"""Options that may stand before and after the command."""


def keep(context: typer.Context, param: typer.CallbackParam, value: Any) -> None:
    """Take a shared option; the one nearest to the end of the line wins."""
    if value is not None:
        shared(context)[param.name or ""] = value


def shared(context: typer.Context) -> dict[str, Any]:
    """What was taken so far."""
    found: dict[str, Any] = context.find_root().ensure_object(dict)
    return found


def share(root: Any) -> None:
    """Put the shared options of the root on every command of its tree."""
    params = [param for param in root.params if param.name in SHARED]
    waiting = list(root.commands.values())
    while waiting:
        command = waiting.pop()
        if hasattr(command, "commands"):
            waiting += command.commands.values()
        command.params.extend(params)


def wish(context: typer.Context) -> "Wish":
    """What the shared options and their variables say; opens the log, and from then on there is something to close. Raises
    `ConfigError`."""
    from frmon.launch import wish_from
    from frmon.logfile import open_log

    given = shared(context)
    found = wish_from({name: given[name] for name in SHARED if name in given}, os.environ)
    departure.in_order()
    open_log(found.log, found.log_level)
    return found


def launch(context: typer.Context, **given: Any) -> "Launch":
    """What `--demo`, `--replay` and `--record` say, here or before the command. Raises `ConfigError`."""
    from frmon.launch import Launch

    before = shared(context).get("market", {})
    found = Launch(**{name: given.get(name) or value for name, value in (given | before).items()})
    for one, other in (("demo", "replay"), ("replay", "record")):
        if getattr(found, one) and getattr(found, other):
            raise ConfigError(f"--{one} and --{other} exclude each other")
    return found


def shared_option(flag: str, metavar: str, text: str) -> Any:
    """A shared option of the root command."""
    return typer.Option(flag, metavar=metavar, callback=keep, expose_value=False, help=text)


def places_of(text: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """`VENUE:MARKET,VENUE:MARKET`: where to buy, where to sell."""
    parts = [tuple(place.strip().lower().split(":")) for place in text.split(",")]
    if len(parts) != 2 or any(len(place) != 2 or place[1] not in {"spot", "perp"} for place in parts):
        raise ConfigError(f"--pair: must look like VENUE:MARKET,VENUE:MARKET (market: spot or perp), not {text!r}")
    (buy, buy_market), (sell, sell_market) = parts
    return (buy, buy_market), (sell, sell_market)
