"""The command line: parses options, nothing else. Exit codes: 0 fine, 1 a check failed, 2 bad use or configuration, 3 no
venue could be reached. Data goes to stdout, words to stderr; an error is one line."""

import logging
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from frmon import __version__, departure
from frmon.configcommands import config_app
from frmon.errors import ConfigError, FrmonError
from frmon.options import Sheet, launch, places_of, share, shared, shared_option, wish
from frmon.redact import redact
from frmon.screencommand import Connect, TokenFile, only_for_the_screen, show_screen, web
from frmon.servecommands import serve, status
from frmon.storagecommands import db_app, history, signals

app = typer.Typer(
    help="Cross-exchange spreads and funding rates in the terminal. Public data only: frmon never trades.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    invoke_without_command=True,
)
app.add_typer(config_app, name="config")
app.add_typer(db_app, name="db")


class Form(StrEnum):
    """How `snapshot` prints."""

    JSON = "json"
    CSV = "csv"
    TABLE = "table"


class Lines(StrEnum):
    """How `watch` prints."""

    JSONL = "jsonl"


def _version(value: bool) -> None:
    if value:
        typer.echo(f"frmon {__version__}")
        raise typer.Exit


Demo = Annotated[bool, typer.Option("--demo", help="Simulated venues on 127.0.0.1; needs no network.")]
Record = Annotated[
    Path | None, typer.Option("--record", metavar="FILE", help="Record all that venues say there; .gz compresses.")
]
Replay = Annotated[Path | None, typer.Option("--replay", metavar="FILE", help="Play a recording instead.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, max=3600, metavar="S", help="Seconds to wait for a full picture.")
]
SheetForm = Annotated[Sheet, typer.Option("--format", help="How to print.")]


@app.callback()
def screen(  # noqa: PLR0913, PLR0917  the options of one command
    context: typer.Context,
    demo: Demo = False,
    replay: Replay = None,
    record: Record = None,
    theme: Annotated[str | None, typer.Option("--theme", help="frmon-dark, frmon-light, ansi-dark, ...")] = None,
    connect: Connect = None,
    token_file: TokenFile = None,
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")] = False,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Draw with plain ASCII only.")] = False,
    config: Annotated[Path | None, shared_option("--config", "FILE", "Configuration file.")] = None,
    db: Annotated[Path | None, shared_option("--db", "FILE", "Storage file.")] = None,
    log: Annotated[Path | None, shared_option("--log", "FILE", "Log there, as JSON lines.")] = None,
    log_level: Annotated[str | None, shared_option("--log-level", "LEVEL", "debug, info, warning or error.")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Without a command: the screen, on the live venues."""
    shared(context)["market"] = {"demo": demo, "replay": replay, "record": record}
    if context.invoked_subcommand is not None:
        only_for_the_screen(connect, token_file)
    else:
        chosen = {
            "screen.theme": theme,
            "screen.mouse": False if no_mouse else None,
            "screen.ascii": ascii_only or None,
        }
        options = {key: value for key, value in chosen.items() if value is not None}
        show_screen(context, options, connect, token_file)


@app.command()
def sim(  # noqa: PLR0913, PLR0917  the options of one command
    context: typer.Context,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and clock give the same market.")] = 7,
    coins: Annotated[int, typer.Option("--coins", min=1, max=5000, help="How many coins are traded.")] = 1200,
    port: Annotated[int, typer.Option("--port", min=0, max=65000, help="The first of a few ports; 0: free ones.")] = 0,
    scene: Annotated[str, typer.Option("--scene", metavar="NAME", help="What happens on the market.")] = "calm",
    rate: Annotated[float, typer.Option("--rate", min=0.01, max=100, help="Times the usual number of changes.")] = 1.0,
    faults: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="What goes wrong when: JSON lines.")
    ] = None,
    tape: Annotated[
        Path | None, typer.Option("--tape", metavar="FILE", help="Serve a recording, with its own timing.")
    ] = None,
    speed: Annotated[float, typer.Option("--speed", min=0.01, max=100, metavar="X", help="Of the recording.")] = 1.0,
    until_eof: Annotated[bool, typer.Option("--until-eof", hidden=True)] = False,
) -> None:
    """Serve only the simulated venues, or a recording.

    Prints one JSON line with every endpoint, then serves until stopped."""
    import asyncio

    from frmon.feeds.sim.options import SimOptions
    from frmon.feeds.sim.replay import serve_tape
    from frmon.feeds.sim.server import serve_forever

    if not until_eof:  # whoever started us has the log
        wish(context)
    if tape is not None:
        asyncio.run(serve_tape(tape, speed, sys.stdout, sys.stdin if until_eof else None))
        return
    options = SimOptions(seed=seed, coins=coins, port=port, scene=scene, rate=rate, faults=faults)
    asyncio.run(serve_forever(options, sys.stdout, sys.stdin if until_eof else None))


@app.command()
def snapshot(  # noqa: PLR0913, PLR0917  the options of one command
    context: typer.Context,
    form: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.TABLE,
    wait: Wait = 10.0,
    coin: Annotated[list[str] | None, typer.Option("--coin", metavar="C", help="Only this one; repeatable.")] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, metavar="N", help="Only the N widest spreads.")] = None,
    why: Annotated[bool, typer.Option("--why", help="With what a signal of each --coin needs, gate by gate.")] = False,
    pair: Annotated[
        str | None,
        typer.Option("--pair", metavar="VENUE:MARKET,VENUE:MARKET", help="The pair --why judges: buy, sell."),
    ] = None,
    demo: Demo = False,
    replay: Replay = None,
    record: Record = None,
) -> None:
    """Print everything known, once.

    Waits until the picture is complete. Exit 1 if no venue lists a coin that was asked for, 3 if no venue could be
    reached within the wait."""
    from frmon import headless
    from frmon.launch import engine_for

    places = None if pair is None else places_of(pair)
    why = why or places is not None
    if why and not coin:
        raise ConfigError("--why explains single coins: name them with --coin")
    choice = headless.Choice(form=form.value, wait_s=wait, coins=tuple(coin or ()), top=top, why=why, pair=places)
    with engine_for(wish(context), launch(context, demo=demo, replay=replay, record=record)) as engine:
        headless.snapshot(engine, choice)


@app.command()
def watch(  # noqa: PLR0913, PLR0917  the options of one command
    context: typer.Context,
    form: Annotated[Lines, typer.Option("--format", help="How to print.")] = Lines.JSONL,
    signals_only: Annotated[bool, typer.Option("--signals-only", help="No snapshot line every second.")] = False,
    demo: Demo = False,
    replay: Replay = None,
    record: Record = None,
) -> None:
    """Print signals as they fire.

    One JSON line per signal and, each second, one snapshot line; until stopped."""
    from frmon import headless
    from frmon.launch import engine_for

    with engine_for(wish(context), launch(context, demo=demo, replay=replay, record=record)) as engine:
        headless.watch(engine, signals_only=signals_only)


@app.command()
def venues(
    context: typer.Context,
    form: SheetForm = Sheet.TABLE,
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="Connect; print the legs that are not compared, and why.")
    ] = False,
    wait: Wait = 20.0,
    demo: Demo = False,
) -> None:
    """Print endpoints, limits and fees."""
    from frmon import headless, sheets
    from frmon.launch import all_venues, engine_for, settings_for

    if verdicts:
        with engine_for(wish(context), launch(context, demo=demo)) as engine:
            headless.verdicts(engine, form.value, wait)
        return
    settings, found = settings_for(wish(context)), all_venues()
    text = sheets.venues_text(found, settings).encode()
    headless.emit(sheets.venues_json(found, settings) if form is Sheet.JSON else text)


@app.command()
def check(
    context: typer.Context,
    venue: Annotated[list[str] | None, typer.Option("--venue", metavar="V", help="Only this one; repeatable.")] = None,
    form: SheetForm = Sheet.TABLE,
    demo: Demo = False,
) -> None:
    """Ask every REST endpoint once.

    Exit 1 if any failed."""
    from frmon import headless
    from frmon.launch import settings_and_market

    with settings_and_market(wish(context), launch(context, demo=demo)) as (settings, _):
        if not headless.check(settings, venue or [], form.value):
            raise typer.Exit(1)


app.command()(web)
app.command()(history)
app.command()(signals)
app.command()(serve)
app.command()(status)


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says; ends the process. What signals do meanwhile: see `departure`; the screen, the servers and
    the simulated venues mind them themselves."""
    departure.at_once()
    try:
        sys.exit(run(sys.argv[1:] if arguments is None else arguments))
    finally:
        departure.nothing_left()


def run(arguments: Sequence[str]) -> int:
    """Parse and do; the exit code. Never raises, save what ends the process anyway."""
    try:
        return int(command_tree().main(list(arguments), prog_name="frmon", standalone_mode=False) or 0)
    except TyperException as error:
        return _fail(error.format_message(), error.exit_code)
    except FrmonError as error:
        return _fail(str(error), getattr(error, "exit_code", 2 if isinstance(error, ConfigError) else 1))
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as bug:
        logging.getLogger("frmon").exception("ended by a bug")
        return _fail(f"ended by a bug of its own ({type(bug).__name__}: {bug}); --log FILE tells more", 1)


def command_tree() -> Any:
    """All commands, with the shared options on every one."""
    root = typer.main.get_command(app)
    share(root)
    return root


def _fail(text: str, code: int) -> int:
    if text:
        sys.stderr.write(f"frmon: {redact(' '.join(text.split()))}\n")
    return code
