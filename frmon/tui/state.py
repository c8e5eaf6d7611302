"""What the screen remembers from one start to the next: view, sort, filters, pins, columns, theme, chart."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from frmon.paths import state_dir

LIMIT = 1_000_000
"""Bytes; a larger file is not ours."""


class State(msgspec.Struct, kw_only=True):
    """The user's ways, all of them optional."""

    view: str = "prices"
    sort: str = "net"
    reverse: bool = False
    funding_sort: str = "diff"
    funding_reverse: bool = False
    filter: str = ""
    pins: list[str] = msgspec.field(default_factory=list)
    only_pins: bool = False
    only_wide: bool = False
    columns: list[str] = msgspec.field(default_factory=list)
    theme: str = ""
    chart: str = ""
    chart_span: str = ""


def state_path(environ: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_STATE_HOME/frmon/state.json`."""
    return state_dir(environ) / "state.json"


def load(path: Path) -> State:
    """What was saved; of garbage whatever makes sense."""
    try:
        if path.stat().st_size > LIMIT:
            return State()
        raw = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return State()
    state = State()
    for field in msgspec.structs.fields(State):
        if isinstance(raw, dict) and field.name in raw:
            try:
                setattr(state, field.name, msgspec.convert(raw[field.name], field.type))
            except msgspec.ValidationError:
                continue
    return state


def save(path: Path, state: State) -> str:
    """Write it so that a reader sees the old file or the new one, never half of one. Returns why it failed, "" if not."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
        beside.replace(path)
    except OSError as error:
        return f"cannot save {path}: {error.strerror}"
    return ""
