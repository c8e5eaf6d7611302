"""`frmon serve` and `frmon status`: parses options, nothing else."""

from pathlib import Path
from typing import Annotated

import typer

from frmon.options import Sheet, launch, wish

TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="A file of mode 0600 with the bearer token."),
]


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Where to listen.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="0: a free one.  [default: 4002]")] = None,
    token_file: TokenFile = None,
    demo: Annotated[bool, typer.Option("--demo", help="Simulated venues on 127.0.0.1; needs no network.")] = False,
) -> None:
    """Collect without a screen, and answer by HTTP.

    For systemd, tmux or nohup; see docs/operations.md. SIGTERM ends it with everything written, SIGHUP reads the
    configuration again. Logs to serve.log in the state directory."""
    from frmon.api import server
    from frmon.launch import engine_for, settings_for

    given = {
        "serve.host": host,
        "serve.port": port,
        "serve.token_file": None if token_file is None else str(token_file),
    }
    options = {key: value for key, value in given.items() if value is not None}
    found = wish(context)
    chosen = settings_for(found, options).serve
    listening = server.listening_at(chosen.host, chosen.port, chosen.token_file)
    words = server.open_words(found.log, found.log_level, demo=demo)
    try:
        with engine_for(found, launch(context, demo=demo), options, keeps=True) as engine:
            read = lambda: settings_for(found, options)  # noqa: E731  short
            server.serve(engine, server.Serving(listening=listening, read=read, say=words.say))
    finally:
        words.close()


def status(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option("--url", help="Of the running serve.  [default: http://127.0.0.1:4002]")
    ] = None,
    token_file: TokenFile = None,
    form: Annotated[Sheet, typer.Option("--format", help="How to print.")] = Sheet.TABLE,
) -> None:
    """Ask a running serve how it is.

    Exit 3 if none answers."""
    from frmon.api import report, server
    from frmon.api.token import token_in
    from frmon.attach.line import is_near
    from frmon.headless import emit
    from frmon.launch import settings_for

    options = {} if token_file is None else {"serve.token_file": str(token_file)}
    chosen = settings_for(wish(context), options).serve
    listening = server.Listening(host=chosen.host, port=chosen.port)
    place = url or listening.url(chosen.port)
    is_ours = url is None or token_file is not None or is_near(url)
    body = report.asked(place, token_in(chosen.token_file) if is_ours else "")
    emit(body + b"\n" if form is Sheet.JSON else report.report(body).encode())
