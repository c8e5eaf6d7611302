"""`frmon config`: parses options, nothing else."""

import os

import typer

from frmon.options import shared, wish

config_app = typer.Typer(help="Show and check the configuration.", rich_markup_mode=None)


@config_app.command("path")
def path(context: typer.Context) -> None:
    """Print where the file is, or would be."""
    from frmon.configfile import file_in_use
    from frmon.headless import emit, say

    file = file_in_use(wish(context).config, os.environ)
    emit(f"{file}\n".encode(errors="surrogateescape"))
    if not file.exists():
        say("frmon: there is no such file; frmon config default > FILE makes one")


@config_app.command("default")
def default() -> None:
    """Print a commented file of all defaults."""
    from frmon.configtext import default_text
    from frmon.headless import emit
    from frmon.launch import venue_defaults

    emit(default_text(venue_defaults()).encode())


@config_app.command("show")
def show(context: typer.Context) -> None:
    """Print the merged settings and their origins."""
    from frmon.configtext import merged_text
    from frmon.headless import emit
    from frmon.launch import settings_for

    emit(merged_text(settings_for(wish(context))).encode())


@config_app.command("check")
def check(context: typer.Context) -> None:
    """Say what is wrong with it.

    One line per mistake; exit 2 if there is any."""
    from frmon.configfile import file_in_use, read
    from frmon.headless import say
    from frmon.launch import all_venues, venue_defaults
    from frmon.screenrules import complaints

    file = file_in_use(wish(context).config, os.environ)
    reader = read(venue_defaults(), file=shared(context).get("config"), env=os.environ, options={})
    problems = [*reader.problems, *complaints(reader.settings, all_venues())]
    for problem in problems:
        say(f"frmon: {problem}")
    if problems:
        raise typer.Exit(2)
    say(f"{file}: fine" if file.exists() else f"{file}: no such file; the defaults hold")
