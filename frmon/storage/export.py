"""What is kept as CSV or Parquet, for spreadsheets and data frames: written page by page, whatever there is."""

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from frmon.csvcells import csv_cell
from frmon.errors import FrmonError
from frmon.storage.history import History
from frmon.storage.rows import AT, FLAG, REAL, SHEETS, TEXT, WHOLE, Choice, Page

FORMS = ("csv", "parquet")
GROUP = 65_536
"""Rows of one row group of a Parquet file: so many lie in memory."""

MARK = "simulated"
"""The first column of every export: whether this was seen on a simulated market."""


class Exists(FrmonError):
    """There is such a file, which is never overwritten unasked."""


class Stream(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Some more."""
        ...


class Sink(Protocol):
    """Takes rows."""

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Some more."""
        ...

    def close(self) -> None:
        """There are no more."""
        ...


def export(
    history: History, kind: str, choice: Choice, sink: Sink, progress: Callable[[Page], None] = lambda _page: None
) -> int:
    """Every row of a kind (a key of `SHEETS`) that is chosen. Returns how many. Raises what `History` and `sink` raise."""
    count = 0
    for page in SHEETS[kind].pages(history, choice):
        sink.write(page.rows)
        count += len(page.rows)
        progress(page)
    sink.close()
    return count


def sink_of(form: str, kind: str, stream: Stream, *, simulated: bool) -> Sink:
    """Writes rows of a kind into `stream` as csv or parquet."""
    columns = SHEETS[kind].columns
    if form == "parquet":
        return ParquetSink(stream, columns, simulated=simulated)
    return CsvSink(stream, columns, simulated=simulated)


class CsvSink:
    """CSV in UTF-8: unknown is empty, times are ISO 8601 UTC, text that a spreadsheet would take for a formula gets a
    leading apostrophe."""

    def __init__(self, stream: Stream, columns: dict[str, str], *, simulated: bool) -> None:
        self._stream = stream
        self._mark = csv_cell(simulated)
        self._times = {n for n, holds in enumerate(columns.values()) if holds == AT}
        self._put([(MARK, *columns)])

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Some more."""
        self._put((self._mark, *self._cells(row)) for row in rows)

    def close(self) -> None:
        """There are no more."""

    def _cells(self, row: Sequence[Any]) -> Iterator[str]:
        for n, value in enumerate(row):
            yield moment(value) if n in self._times and value is not None else csv_cell(value)

    def _put(self, rows: Any) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._stream.write(text.getvalue().encode("utf-8", "replace"))


class ParquetSink:
    """Parquet: times are timestamps in milliseconds UTC, unknown is null."""

    def __init__(self, stream: Stream, columns: dict[str, str], *, simulated: bool) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {
            AT: pa.timestamp("ms", tz="UTC"), TEXT: pa.string(), REAL: pa.float64(), WHOLE: pa.int64(), FLAG: pa.bool_(),
        }  # fmt: skip
        self._pa = pa
        self._schema = pa.schema([(MARK, types[FLAG]), *((name, types[holds]) for name, holds in columns.items())])
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")
        self._simulated = simulated
        self._waiting: list[Sequence[Any]] = []

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Some more; they wait until there are enough of them."""
        self._waiting.extend(rows)
        while len(self._waiting) >= GROUP:
            self._group(self._waiting[:GROUP])
            del self._waiting[:GROUP]

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        if self._waiting:
            self._group(self._waiting)
        self._waiting = []
        self._writer.close()

    def _group(self, rows: Sequence[Sequence[Any]]) -> None:
        values = [[self._simulated] * len(rows), *(list(column) for column in zip(*rows, strict=True))]
        columns = [self._pa.array(column, field.type) for column, field in zip(values, self._schema, strict=True)]
        self._writer.write_table(self._pa.table(columns, schema=self._schema), row_group_size=GROUP)


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file that appears under its name when the block has ended well, and not at all otherwise. Raises `Exists`, and
    `FrmonError` when it cannot be written."""
    if not force and os.path.lexists(path):
        raise Exists(f"{path}: exists; --force overwrites it")
    part = ""
    try:
        descriptor, part = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        Path(part).chmod(0o666 & ~_umask())
        _appear(Path(part), path, force)
    except OSError as error:
        raise FrmonError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    finally:
        if part:
            Path(part).unlink(missing_ok=True)


def moment(at_ms: int) -> str:
    """ISO 8601 UTC to the millisecond: as text in the order of time."""
    try:
        found = datetime.fromtimestamp(at_ms // 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return str(at_ms)
    return f"{found:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"


def _appear(part: Path, path: Path, force: bool) -> None:
    """Rename, over nothing that has come meanwhile unless `force`."""
    if not force:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            raise Exists(f"{path}: exists by now; --force overwrites it") from None
    part.replace(path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
