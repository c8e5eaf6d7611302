"""`frmon db export`: what goes where, checked before anything is written."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from frmon.clock import SystemClock
from frmon.errors import ConfigError, FrmonError
from frmon.headless import emit, say
from frmon.kept import opened, step_of, venues_of
from frmon.progress import Tell, progressing
from frmon.storage.export import Exists, Stream, export, new_file, sink_of
from frmon.storage.history import FOREVER_MS, History
from frmon.storage.rows import OF_ALL, SHEETS, Choice

UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
STDOUT = Path("-")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `db export` was asked for. `form` "": as the file's name ends."""

    file: Path | None = None
    out: Path | None = None
    kinds: tuple[str, ...] = ()
    coins: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    step: int = 1
    form: str = ""
    force: bool = False


class Target(msgspec.Struct, frozen=True):
    """One kind, its form and its file."""

    kind: str
    form: str
    file: Path


def export_as(named: Path | None, asked: Asked) -> None:
    """Write all that was asked for. Raises `ConfigError`, `Unreadable`, `Unknown` and `Exists`."""
    targets = targets_of(asked)
    now_ms = SystemClock().now_ms()
    since_ms = 0 if asked.since is None else time_of("--since", asked.since, now_ms)
    until_ms = FOREVER_MS if asked.until is None else time_of("--until", asked.until, now_ms)
    if since_ms >= until_ms:
        raise ConfigError("--since: must be before --until")
    venues, step = venues_of(asked.venues), step_of(asked.step)
    if asked.out is not None:
        _make(asked.out)
    with opened(named) as history, progressing() as progress:
        coins = tuple(dict.fromkeys(history.coin(coin) for coin in asked.coins))
        choice = Choice(coins=coins, venues=venues, since_ms=since_ms, until_ms=until_ms, step=step)
        counts = [_one(history, target, choice, progress, force=asked.force) for target in targets]
    for target, count in zip(targets, counts, strict=True):
        say(f"frmon: {count} rows of {target.kind}" + ("" if target.file == STDOUT else f" in {target.file}"))


def targets_of(asked: Asked) -> list[Target]:
    """The files that are to be written. Raises `ConfigError` when that makes no sense, `Exists`."""
    if (asked.file is None) == (asked.out is None):
        raise ConfigError("where to? name a FILE, or a directory with --out DIR" + (", not both" if asked.file else ""))
    kinds = _kinds(asked)
    if asked.out is not None:
        form = asked.form or "csv"
        found = [Target(kind, form, asked.out / f"{kind}.{form}") for kind in kinds]
    else:
        assert asked.file is not None
        found = [Target(kinds[0], _form(asked.file, asked.form), asked.file)]
    for target in found:
        if not asked.force and target.file != STDOUT and target.file.exists():
            raise Exists(f"{target.file}: exists; --force overwrites it")
    return found


def time_of(option: str, text: str, now_ms: int) -> int:
    """ISO 8601, UTC where it says no zone, or so long before now (`90m`, `36h`, `7d`), as Unix milliseconds. Raises
    `ConfigError`."""
    ago = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([mhd])", text.strip().lower())
    if ago:
        return now_ms - round(float(ago[1]) * UNITS_MS[ago[2]])
    try:
        found = datetime.fromisoformat(text.strip())
        return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{option}: must look like 2026-11-22, 2026-11-22T05:33 (UTC) or 7d, 36h, 90m, not {text!r}"
        ) from None


def _kinds(asked: Asked) -> Sequence[str]:
    kinds = list(dict.fromkeys(asked.kinds))
    picky = "--coin" if asked.coins else "--venue" if asked.venues else ""
    if not kinds:
        return [kind for kind in SHEETS if not picky or kind not in OF_ALL] if asked.out else ["bars"]
    if asked.file is not None and len(kinds) > 1:
        raise ConfigError("--kind: one file holds one kind; --out DIR takes several")
    for kind in kinds:
        if picky and kind in OF_ALL:
            raise ConfigError(f"{picky}: {kind} are of no single coin or venue")
    return kinds


def _form(file: Path, form: str) -> str:
    if file == STDOUT:
        if form == "parquet":
            raise ConfigError("--format: parquet goes into a file, not to stdout")
        return "csv"
    return form or ("parquet" if file.suffix.lower() in {".parquet", ".pq"} else "csv")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FrmonError(f"--out: {folder}: {(error.strerror or str(error)).lower()}") from None


class _Stdout:
    """Stdout, as what is written to."""

    def write(self, data: bytes, /) -> int:
        emit(data)
        return len(data)


def _one(history: History, target: Target, choice: Choice, progress: Tell, *, force: bool) -> int:
    with _stream(target.file, force=force) as stream:
        sink = sink_of(target.form, target.kind, stream, simulated=history.simulated())
        return export(
            history, target.kind, choice, sink, lambda page: progress(f"export {target.kind}", page.done, page.of)
        )


@contextmanager
def _stream(file: Path, *, force: bool) -> Iterator[Stream]:
    if file == STDOUT:
        yield _Stdout()
        return
    with new_file(file, force=force) as stream:
        yield stream
