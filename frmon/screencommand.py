"""`frmon`, the screen, and `frmon web`, the same in a browser: parses options, nothing else."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from frmon import departure
from frmon.errors import ConfigError
from frmon.options import launch, wish

if TYPE_CHECKING:
    from frmon.attach.line import Address
    from frmon.config import Settings
    from frmon.launch import Wish
    from frmon.tui.source import Source

NEAR = "http://127.0.0.1:4002"

Connect = Annotated[
    str | None, typer.Option("--connect", metavar="URL", help="Show what a running frmon serve collects.")
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="A file of mode 0600 with the token of --connect.")
]


def only_for_the_screen(connect: str | None, token_file: Path | None) -> None:
    """Commands do not attach. Raises `ConfigError`."""
    if connect is not None or token_file is not None:
        raise ConfigError(
            f"{'--token-file' if connect is None else '--connect'} before a command: only the screen attaches"
        )


def show_screen(
    context: typer.Context, options: Mapping[str, object], connect: str | None = None, token_file: Path | None = None
) -> None:
    """Run the screen until the user quits. `options`: dotted key -> value; `connect`: of whose data, None: of an engine of its
    own."""
    from frmon.launch import all_venues, settings_for
    from frmon.screenrules import complaints
    from frmon.tui.app import run as run_screen

    wished = wish(context)
    _need_terminal()
    for complaint in complaints(settings_for(wished, options), all_venues()):
        raise ConfigError(complaint)
    with _source(context, wished, options, (connect, token_file)) as source:
        code = run_screen(source, None)
        departure.leaving(code)
        raise typer.Exit(code)


def _need_terminal() -> None:
    from frmon.tui.guard import is_web

    if is_web():
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("the screen needs a terminal; without one there are: frmon snapshot, frmon watch")
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        raise ConfigError(
            "the screen needs a terminal that can place its text (TERM says it can't); there is: frmon snapshot"
        )


@contextmanager
def _source(
    context: typer.Context, wished: "Wish", options: Mapping[str, object], where: tuple[str | None, Path | None]
) -> Iterator["Source"]:
    """What the screen shows: a collector elsewhere, or an engine of its own. Raises `ConfigError`."""
    from frmon.launch import engine_for, settings_for

    connect, token_file = where
    market = launch(context)
    if connect is None:
        if token_file is not None:
            raise ConfigError("--token-file is for --connect")
        with engine_for(wished, market, options, keeps=True) as engine:
            yield engine
        return
    for name in ("demo", "replay", "record"):
        if getattr(market, name):
            raise ConfigError(f"--connect and --{name} exclude each other")
    from frmon.attach.start import attach

    settings = settings_for(wished, options)
    yield attach(_address(connect, token_file, settings), settings)


def web(
    context: typer.Context,
    connect: Annotated[
        str, typer.Option("--connect", metavar="URL", help="The running frmon serve.  [default: http://127.0.0.1:4002]")
    ] = NEAR,
    token_file: TokenFile = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the page; 0: a free one.")] = 4003,
) -> None:
    """Serve the screen to browsers of this machine.

    One engine, many tabs: every tab is a screen that is attached to a running frmon serve. Exit 3 if none answers."""
    from frmon.attach.start import attach
    from frmon.launch import settings_for
    from frmon.web import serve

    wished = wish(context)
    settings = settings_for(wished)
    address = _address(connect, token_file, settings)
    attach(address, settings)
    given = {"--config": wished.config, "--token-file": token_file}
    options = [part for name, file in given.items() if file is not None for part in (name, str(file.absolute()))]
    serve([sys.executable, "-m", "frmon", *options, "--connect", address.url], port)


def _address(connect: str, token_file: Path | None, settings: "Settings") -> "Address":
    """Where the collector is, with the token for it: that of the file, or on this machine that of `frmon serve` here."""
    from frmon.api.token import read_token, token_in
    from frmon.attach.line import address_of, is_near

    if token_file is not None:
        return address_of(connect, read_token(token_file))
    bare = address_of(connect)
    return address_of(connect, token_in(settings.serve.token_file)) if is_near(bare.url) else bare
