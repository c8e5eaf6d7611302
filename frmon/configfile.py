"""Reads the settings: option before `FRMON_*` variable before file before default. Every mistake is one line that names
the place, the key and the nearest valid key."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path as File
from typing import Any, get_origin

from frmon.config import KindSettings, Path, Settings, VenueDefaults, defaults, get, leaves, put
from frmon.configrules import AliasError, hint, judge, printable
from frmon.errors import ConfigError
from frmon.paths import config_path

SIZE_LIMIT = 1_000_000
"""Bytes; a longer file is surely not a configuration."""

OTHER_VARIABLES = ("FRMON_CONFIG", "FRMON_DB", "FRMON_LOG", "FRMON_LOG_LEVEL")
"""Variables that stand for the global options of the same names."""


def load(
    venues: list[VenueDefaults], *, file: File | None, env: Mapping[str, str], options: Mapping[str, object]
) -> Settings:
    """The merged settings with the origin of each. `file`: as named by an option, None for `$FRMON_CONFIG` or the
    default place (which may be missing). `options`: dotted key -> value. Raises `ConfigError` at the first mistake."""
    reader = read(venues, file=file, env=env, options=options)
    if reader.problems:
        raise ConfigError(reader.problems[0])
    return reader.settings


def read(
    venues: list[VenueDefaults], *, file: File | None, env: Mapping[str, str], options: Mapping[str, object]
) -> "Reader":
    """As `load`, with every mistake in `problems` instead of an exception."""
    reader = Reader(venues)
    place = file_in_use(file, env)
    try:
        reader.take_text(read_text(place, may_lack=not (file or env.get("FRMON_CONFIG"))), str(place))
    except ConfigError as error:
        reader.problems.append(str(error))
    reader.take_variables(env)
    for key, value in options.items():
        reader.take(tuple(key.split(".")), value, "option", f"option {printable(key)}: ")
    reader.compare()
    return reader


def file_in_use(file: File | None, env: Mapping[str, str]) -> File:
    """The configuration file: as named by the option, by `$FRMON_CONFIG`, or the default place."""
    return file or (File(env["FRMON_CONFIG"]) if env.get("FRMON_CONFIG") else config_path(env))


def read_text(file: File, *, may_lack: bool = False) -> str:
    """The text of a configuration file; empty for a missing one that may lack. Raises `ConfigError`."""
    shown = printable(str(file), 300)
    try:
        with file.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        if may_lack:
            return ""
        raise ConfigError(f"{shown}: no such file") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > SIZE_LIMIT:
        raise ConfigError(f"{shown}: is longer than {SIZE_LIMIT} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown}:{raw.count(10, 0, error.start) + 1}: is not UTF-8 text") from None


class Reader:
    """Settings while they are being merged. `problems`: one line each, in the order found."""

    def __init__(self, venues: list[VenueDefaults]) -> None:
        self.settings = defaults(venues)
        self.problems: list[str] = []
        self._defaults = defaults(venues)
        self._leaves = leaves(self.settings)
        self._tables = dict.fromkeys(path[:n] for path in self._leaves for n in range(1, len(path)))
        self._names = {_variable(path): path for path in self._leaves if path != ("coins", "aliases")}
        self._places: dict[Path, str] = {}  # where a value that is not a default came from
        self.settings.origins = {".".join(path): "default" for path in self._leaves}

    def take_text(self, text: str, name: str) -> None:
        """Merge a TOML document. `name`: what to call it in complaints."""
        shown = printable(name, 300)
        try:
            document = tomllib.loads(text.replace("\r\n", "\n"))
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"{shown}:{_error_line(str(error), text)}: {_error_text(str(error))}")
            return
        except RecursionError:
            self.problems.append(f"{shown}:1: is nested too deep")
            return
        lines = line_numbers(text)
        self._walk(document, (), {path: f"{shown}:{line}: " for path, line in lines.items()})

    def take_variables(self, env: Mapping[str, str]) -> None:
        """Merge the `FRMON_*` variables."""
        for variable in sorted(v for v in env if v.startswith("FRMON_") and v not in OTHER_VARIABLES):
            path = self._names.get(variable)
            if path is None:
                known = [name.removeprefix("FRMON_") for name in (*self._names, *OTHER_VARIABLES)]
                near = hint(variable.removeprefix("FRMON_"), known).replace('"', '"FRMON_', 1)
                near = near if near.startswith("did") else "see: frmon config show"
                self.problems.append(f"{printable(variable)}: unknown variable; {near}")
            else:
                value = _from_text(env[variable], self._leaves[path])
                self.take(path, value, "environment", f"{variable}: ", named=False)

    def take(self, path: Path, value: object, origin: str, place: str, *, named: bool = True) -> None:
        """Set one key, or note why not. `place`: how the complaint begins; `named`: it goes on with the key."""
        key = ".".join(path)
        said = f"{place}{printable(key)}: " if named and origin == "file" else place
        if path not in self._leaves:
            self.problems.append(f"{said}unknown key; {self._nearest(path)}")
            return
        try:
            default = get(self._defaults, path)
            found = judge(path, value, self._leaves[path], default, list(self.settings.venues))
        except AliasError as error:
            self.problems.append(f'{said}"{printable(error.leg)}": {error}')
        except ValueError as error:
            self.problems.append(f"{said}{error}")
        else:
            put(self.settings, path, found)
            self.settings.origins[key] = origin
            self._places[path] = said

    def compare(self) -> None:
        """What must hold between settings: a gap no longer than the pause between two samples would never let a signal
        fire, an episode that closes where it opens would never last, and what bars are made of may go before them, not
        after."""
        rule = self.settings.signals
        most = max([rule.samples, *(kind.samples for kind in _kinds(self.settings))])
        if rule.max_gap_s <= rule.sample_every_s and most > 1:
            said = f"max_gap_s {rule.max_gap_s!r} must be above sample_every_s {rule.sample_every_s!r}"
            self._clash(f"no signal could ever fire: {said}", "signals.max_gap_s", "signals.sample_every_s")
        if rule.close_pct >= rule.threshold_pct:
            said = f"close_pct {rule.close_pct!r} must be below threshold_pct {rule.threshold_pct!r}"
            self._clash(f"no episode could ever last: {said}", "signals.close_pct", "signals.threshold_pct")
        for finer, coarser in pairwise(("minutes_days", "quarters_days", "hours_days")):
            days, longer = getattr(self.settings.storage, finer), getattr(self.settings.storage, coarser)
            if days > longer:
                said = f"coarser bars are kept for longer: {finer} {days!r} must not be above {coarser} {longer!r}"
                self._clash(said, f"storage.{finer}", f"storage.{coarser}")

    def _clash(self, said: str, *keys: str) -> None:
        place = next((self._places[p] for p in (tuple(key.split(".")) for key in keys) if p in self._places), "")
        self.problems.append(place + said)

    def _walk(self, table: dict[str, Any], path: Path, places: Mapping[Path, str]) -> None:
        for name, value in table.items():
            here = (*path, name)
            place = places.get(here) or places.get(path, "")
            key = printable(".".join(here))
            if here in self._leaves:
                self.take(here, value, "file", self._entry_place(here, value, places) or place)
            elif here not in self._tables:
                self.problems.append(f"{place}{key}: unknown key; {self._nearest(here)}")
            elif isinstance(value, dict):
                self._walk(value, here, places)
            else:
                self.problems.append(f"{place}{key}: must be a table, written [{key}]")

    def _entry_place(self, path: Path, value: object, places: Mapping[Path, str]) -> str:
        """Where the wrong entry of a table of texts stands; empty if there is none."""
        if not isinstance(value, dict):
            return ""
        try:
            judge(path, value, self._leaves[path], None, list(self.settings.venues))
        except AliasError as error:
            return places.get((*path, error.leg), "")
        except ValueError:
            return ""
        return ""

    def _nearest(self, path: Path) -> str:
        """The nearest valid key: among its neighbours, else a key of the same name elsewhere (of a venue: of the same
        venue). Outside every table a key of the same name comes first."""
        for depth in range(1, len(path) + 1):
            if path[:depth] not in self._tables:
                path = path[:depth]
                break
        level, table = len(path), path[:-1]
        known = [*self._tables, *self._leaves]
        neighbours = list(dict.fromkeys(k[-1] for k in known if len(k) == level and k[:-1] == table))
        said = hint(path[-1], neighbours)
        if table and said.startswith("did"):
            return said.replace('"', f'"{".".join((*table, ""))}', 1)
        owner = path[:2] if path[0] == "venues" and level > 2 else ()
        same = (k for k in self._leaves if k[-1] == path[-1].lower() and k[: len(owner)] == owner)
        elsewhere = next(same, None)
        return said if elsewhere is None else f'did you mean "{".".join(elsewhere)}"?'


def line_numbers(text: str) -> dict[Path, int]:
    """Key -> line of its statement (from 1) in a valid TOML document; tables count by their header or first key."""
    found: dict[Path, int] = {}
    header: Path = ()
    for line, statement in _statements(text):
        table = tomllib.loads(statement)
        paths = list(_paths(table))
        if statement.lstrip().startswith("["):
            header = max(paths, key=len)
            paths = [header[:n] for n in range(1, len(header) + 1)]
        else:
            paths = [(*header, *path) for path in paths]
        for path in paths:
            found.setdefault(path, line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """(first line, text) of every header and assignment: the shortest run of lines that is TOML by itself."""
    kept: list[str] = []
    for line, part in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        kept.append(part)
        statement = "\n".join(kept)
        if not statement.strip() or (len(kept) == 1 and part.lstrip().startswith("#")):
            kept.clear()
        elif _is_toml(statement):
            yield line - len(kept) + 1, statement
            kept.clear()


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _paths(table: dict[str, Any]) -> Iterator[Path]:
    for name, value in table.items():
        yield (name,)
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(inner, dict):
            yield from ((name, *path) for path in _paths(inner))


_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def _error_line(message: str, text: str) -> int:
    found = _AT.search(message)
    return int(found[1]) if found and found[1] else text.rstrip("\n").count("\n") + 1


def _error_text(message: str) -> str:
    said = printable(_AT.sub("", message))
    return f"no valid TOML: {said[:1].lower()}{said[1:]}"


def _kinds(settings: Settings) -> list[KindSettings]:
    """The rules that are on beside that of `[signals]`."""
    rules = settings.rules
    return [kind for kind in (rules.basis, rules.funding, rules.interval) if kind.on]


def _variable(path: Path) -> str:
    return "FRMON_" + re.sub(r"\W", "_", "_".join(path)).upper()


def _from_text(text: str, kind: Any) -> object:
    """What a variable's text means for a key of this type; the text itself where it means nothing."""
    if kind is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    if get_origin(kind) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in {int, float}:
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            return text
    return text
