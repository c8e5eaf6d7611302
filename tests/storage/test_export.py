"""Exports: everything once, with types, and nothing overwritten or left half-written."""

import csv
import io
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.csvcells import csv_cell
from frmon.errors import FrmonError
from frmon.storage.bars import MINUTE_MS
from frmon.storage.export import GROUP, Exists, export, moment, new_file, sink_of
from frmon.storage.history import History
from frmon.storage.records import EventRow
from frmon.storage.rows import SHEETS, Choice
from tests.storage.made import AT, episode, event, sample, settlement, signal
from tests.storage.pasts import BASE, A, B, C, bar, coin_gaps, folder, gap, leg_bars, tend, write

DAY = 1440


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "f.db"
    write(
        file,
        [
            *leg_bars(A, (bar(BASE + n) for n in range(0, 40 * DAY, 97))), *leg_bars(B, [bar(BASE + 5)]),
            *leg_bars(C, [bar(BASE)]), *coin_gaps("PEPE", [gap(BASE), gap(BASE + 1)]), signal(), episode(), episode(1, 2.0, "narrow"),
            event("=HYPERLINK()"), event("a, \"b\"\nc"), sample(), settlement(),
        ],
    )  # fmt: skip
    return file


def csv_of(path: Path, kind: str, choice: Choice | None = None) -> list[dict[str, str]]:
    stream = io.BytesIO()
    with History(path) as history:
        count = export(history, kind, choice or Choice(), sink_of("csv", kind, stream, simulated=False))
    rows = list(csv.DictReader(io.StringIO(stream.getvalue().decode(), newline="")))
    assert len(rows) == count
    return rows


@pytest.mark.parametrize("kind", SHEETS)
def test_csv_and_parquet_say_the_same(path: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "x.parquet"
    with History(path) as history, new_file(target) as stream:
        count = export(history, kind, Choice(), sink_of("parquet", kind, stream, simulated=True))
    table = pq.read_table(target)
    rows = csv_of(path, kind)
    assert table.num_rows == count == len(rows) > 0
    types = {field.name: str(field.type) for field in table.schema}
    for name, kind_of in types.items():
        expected = {"at": "timestamp[ms, tz=UTC]", "text": "string", "real": "double", "whole": "int64"}
        assert kind_of == expected.get(SHEETS[kind].columns.get(name, ""), "bool")
    for read, told in zip(table.to_pylist(), rows, strict=True):
        assert read.pop("simulated") is True
        assert told.pop("simulated") == "false"
        for name, value in read.items():
            if isinstance(value, datetime):
                assert value.tzinfo is not None
                assert told[name] == moment(round(value.timestamp() * 1000))
            else:
                assert told[name] == csv_cell(value)


def test_text_that_a_spreadsheet_would_run_is_guarded(path: Path) -> None:
    assert [row["text"] for row in csv_of(path, "events")] == ["'=HYPERLINK()", 'a, "b"\nc']


def test_rows_are_chosen_by_coin_venue_and_time(path: Path) -> None:
    assert {row["symbol"] for row in csv_of(path, "bars", Choice(coins=("PEPE",)))} == {A.symbol, B.symbol}
    assert {row["symbol"] for row in csv_of(path, "bars", Choice(venues=("okx", "bybit")))} == {B.symbol, C.symbol}
    span = Choice(since_ms=(BASE + 97) * MINUTE_MS, until_ms=(BASE + 195) * MINUTE_MS)
    assert [row["at"] for row in csv_of(path, "bars", span)] == [moment((BASE + n) * MINUTE_MS) for n in (97, 194)]
    assert len(csv_of(path, "gaps", Choice(venues=("okx",)))) == 2
    assert csv_of(path, "gaps", Choice(venues=("bybit",))) == []
    assert len(csv_of(path, "signals", Choice(venues=("bybit",), coins=("BTC",)))) == 1
    assert (
        csv_of(path, "signals", Choice(coins=("PEPE",))) == csv_of(path, "episodes", Choice(venues=("bitget",))) == []
    )
    assert [row["opened_at"] for row in csv_of(path, "episodes", Choice(since_ms=AT + 1))] == [moment(AT + 1)]
    assert csv_of(path, "settlements", Choice(since_ms=AT + 3_600_000)) == []


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.integers(0, 80 * DAY), min_size=1, max_size=60), st.integers(0, 90), st.sampled_from((1, 15, 60, 420)),
    st.integers(0, 80 * DAY), st.integers(1, 80 * DAY),
)  # fmt: skip
def test_every_bar_is_exported_once(minutes: set[int], days: int, step: int, since: int, length: int) -> None:
    with folder() as place:
        path = Path(place) / "f.db"
        write(path, leg_bars(A, (bar(BASE + n) for n in sorted(minutes))))
        tend(path, BASE + days * DAY)
        span = ((BASE + since) * MINUTE_MS, (BASE + since + length) * MINUTE_MS)
        found = csv_of(path, "bars", Choice(since_ms=span[0], until_ms=span[1], step=step))
        with History(path) as history:
            expected = [moment(b.start * MINUTE_MS) for s in history.bars(A, *span, step) for b in s.bars]
    assert [row["at"] for row in found] == expected
    assert {row["step_min"] for row in found} <= {str(step)}


def test_much_is_written_in_groups(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = ((AT + n, f"event {n}") for n in range(2 * GROUP + 7))
        connection.executemany("INSERT INTO event VALUES (NULL, ?, ?)", rows)
    done: list[float] = []
    with History(path) as history, new_file(tmp_path / "x.parquet") as stream:
        sink = sink_of("parquet", "events", stream, simulated=False)
        assert export(history, "events", Choice(), sink, lambda page: done.append(page.done / page.of)) == 2 * GROUP + 9
    assert pq.ParquetFile(tmp_path / "x.parquet").num_row_groups == 3
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_an_empty_export_has_its_head(tmp_path: Path) -> None:
    write(tmp_path / "f.db", [EventRow(at_ms=1, text="x")])
    assert csv_of(tmp_path / "f.db", "bars") == []
    with History(tmp_path / "f.db") as history, new_file(tmp_path / "x.parquet") as stream:
        assert export(history, "bars", Choice(), sink_of("parquet", "bars", stream, simulated=False)) == 0
    assert pq.read_table(tmp_path / "x.parquet").column_names == ["simulated", *SHEETS["bars"].columns]


def test_files_are_whole_or_not_there_and_never_overwritten_unasked(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    with pytest.raises(TypeError), new_file(target) as stream:
        stream.writelines([b"half", 1])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []
    with new_file(target) as stream:
        stream.write(b"whole")
        assert not target.exists()
    with pytest.raises(Exists, match=r"x\.csv: exists; --force overwrites it"), new_file(target):
        raise AssertionError
    with new_file(target, force=True) as stream:
        stream.write(b"new")
    assert (target.read_bytes(), [p.name for p in tmp_path.iterdir()]) == (b"new", ["x.csv"])
    with pytest.raises(Exists), new_file(tmp_path / "y.csv") as stream:
        (tmp_path / "y.csv").write_text("somebody else's")
    assert (tmp_path / "y.csv").read_text() == "somebody else's"
    with pytest.raises(FrmonError, match="no such file or directory"), new_file(tmp_path / "no" / "x.csv"):
        raise AssertionError


def test_times_are_utc_in_any_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    summer = round(datetime(2026, 10, 25, 0, 59, 59, 5000, UTC).timestamp() * 1000)
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert moment(summer) == "2026-10-25T00:59:59.005Z"
        assert moment(-1) == "1969-12-31T23:59:59.999Z"
    monkeypatch.delenv("TZ")
    time.tzset()
    assert moment(1 << 60) == str(1 << 60)
