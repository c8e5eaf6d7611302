"""`frmon history`, `frmon signals` and `frmon db`: parses options, nothing else."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from frmon.options import wish

db_app = typer.Typer(help="Look after the storage file and export it.", rich_markup_mode=None)


class HistoryForm(StrEnum):
    """How `history` prints."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class SignalForm(StrEnum):
    """How `signals` prints."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"


class StatsForm(StrEnum):
    """How `db stats` prints."""

    TABLE = "table"
    JSON = "json"


class ExportForm(StrEnum):
    """What `db export` writes."""

    CSV = "csv"
    PARQUET = "parquet"


class ExportKind(StrEnum):
    """What `db export` can export."""

    BARS = "bars"
    GAPS = "gaps"
    SETTLEMENTS = "settlements"
    SIGNALS = "signals"
    EPISODES = "episodes"
    EVENTS = "events"
    SAMPLES = "samples"


Hours = Annotated[float, typer.Option("--hours", min=0.02, max=1_000_000, metavar="H", help="The last so many hours.")]
Venues = Annotated[
    list[str] | None, typer.Option("--venue", metavar="V", help="With the legs of this one; repeatable.")
]
Coins = Annotated[list[str] | None, typer.Option("--coin", metavar="C", help="Only this one; repeatable.")]


def history(  # noqa: PLR0913, PLR0917  the options of one command
    context: typer.Context,
    coin: Annotated[str, typer.Argument(metavar="COIN", help="In any case: pepe is PEPE.")],
    hours: Hours = 24.0,
    venue: Venues = None,
    step: Annotated[
        int | None, typer.Option("--step", min=1, metavar="MIN", help="Minutes of a line; by default as suits.")
    ] = None,
    form: Annotated[HistoryForm, typer.Option("--format", help="How to print.")] = HistoryForm.TABLE,
) -> None:
    """Print a coin's past spread.

    From storage; with --venue also prices and funding of that venue's legs. Times are UTC. Exit 1 if nothing is kept of
    the coin."""
    from frmon import kept

    kept.history(wish(context).db, coin, kept.Asked(hours=hours, venues=tuple(venue or ()), step=step, form=form.value))


def signals(
    context: typer.Context,
    hours: Hours = 24.0,
    coin: Coins = None,
    form: Annotated[SignalForm, typer.Option("--format", help="How to print.")] = SignalForm.TABLE,
) -> None:
    """Print past signals.

    From storage, the newest first, with the duration and the peak of their episodes. Times are UTC."""
    from frmon import kept

    kept.signals(wish(context).db, kept.Asked(hours=hours, coins=tuple(coin or ()), form=form.value))


@db_app.command("stats")
def stats(
    context: typer.Context,
    form: Annotated[StatsForm, typer.Option("--format", help="How to print.")] = StatsForm.TABLE,
) -> None:
    """Print its size and what lies in it."""
    from frmon import kept
    from frmon.launch import settings_for

    found = wish(context)
    kept.stats(found.db, settings_for(found).storage, form.value)


@db_app.command("maintain")
def maintain(context: typer.Context) -> None:
    """Roll up, prune and shrink it now.

    The screen and serve do so by themselves, bit by bit; while one of them runs this is refused."""
    from frmon import kept
    from frmon.launch import settings_for

    found = wish(context)
    kept.tidy(found.db, settings_for(found).storage)


@db_app.command("export")
def export(  # noqa: PLR0913, PLR0917  the options of one command
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A new file; - is stdout, for CSV.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="A file per kind in there.")] = None,
    kind: Annotated[
        list[ExportKind] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="bars, gaps, settlements, signals, episodes, events or samples; repeatable with --out. Default: bars, with --out all.",
        ),
    ] = None,
    coin: Coins = None,
    venue: Annotated[list[str] | None, typer.Option("--venue", metavar="V", help="Only this one; repeatable.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="ISO 8601 UTC, or so long ago: 90m, 36h, 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="The same; before then.")] = None,
    step: Annotated[int, typer.Option("--step", min=1, metavar="MIN", help="Minutes of a bar or spread.")] = 1,
    form: Annotated[
        ExportForm | None, typer.Option("--format", help="Default: as the name of FILE ends, else csv.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
) -> None:
    """Write it as CSV or Parquet.

    Bars are of the step asked for where that is kept, and coarser before; column step_min says so."""
    from frmon import exporting

    asked = exporting.Asked(
        file=file, out=out, kinds=tuple(one.value for one in kind or ()), coins=tuple(coin or ()),
        venues=tuple(venue or ()), since=since, until=until, step=step, form=form.value if form else "", force=force,
    )  # fmt: skip
    exporting.export_as(wish(context).db, asked)
