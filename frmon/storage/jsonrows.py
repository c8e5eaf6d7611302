"""Rows of what is kept as values for JSON: unknown is null, every time stands in ISO 8601 UTC and in milliseconds."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from frmon.storage.export import moment
from frmon.storage.rows import AT, SHEETS


def json_rows(kind: str, rows: Iterable[Sequence[Any]], without: Container[str] = ()) -> list[dict[str, Any]]:
    """Rows under the columns of a sheet of `SHEETS`, but those left out."""
    columns = SHEETS[kind].columns
    return [
        {
            key: value
            for (name, holds), cell in zip(columns.items(), row, strict=True)
            if name not in without
            for key, value in (both(name, cell).items() if holds == AT else ((name, cell),))
        }
        for row in rows
    ]


def both(name: str, at_ms: int | None) -> dict[str, Any]:
    """A time under `at` or `NAME_at`, and under `at_ms` or `NAME_ms`."""
    return {
        name: None if at_ms is None else moment(at_ms),
        name.removesuffix("at") + ("at_ms" if name == "at" else "ms"): at_ms,
    }


def times(named: Mapping[str, int | None]) -> dict[str, Any]:
    """Each as `NAME_at` and `NAME_ms`."""
    return {key: value for name, at_ms in named.items() for key, value in both(f"{name}_at", at_ms).items()}
