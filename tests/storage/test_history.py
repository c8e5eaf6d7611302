"""The reader: what it finds, whom it disturbs, and what it says when there is nothing to read."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from frmon.storage import schema
from frmon.storage.history import FOREVER_MS, History, Unknown, Unreadable
from frmon.storage.records import EventRow, SignalRow
from tests.storage.made import AT, episode, event, sample, settlement, signal
from tests.storage.pasts import BASE, A, B, C, bar, coin_gaps, gap, leg_bars, tend, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a # strange%20?name.db"
    write(
        file,
        [
            *leg_bars(A, [bar(BASE)]), *leg_bars(B, [bar(BASE)]), *leg_bars(C, [bar(BASE)]), *coin_gaps("ONLY", [gap(BASE)]),
            signal(0), signal(1), signal(2), episode(0), episode(1, 3.0, "narrow"), event("first"), event("second"),
            sample(0), sample(1), settlement(AT - AT % 60_000), settlement(AT - AT % 60_000 + 3_600_000),
        ],
    )  # fmt: skip
    return file


def test_everything_reads_back_as_it_was_put(path: Path) -> None:
    with History(path) as history:
        assert history.signals() == [signal(0), signal(1), signal(2)]
        assert history.signals(AT + 1, AT + 2) == [signal(1)]
        assert history.signals(newest=2) == [signal(1), signal(2)]
        assert history.signals(coin="btc") == [signal(0), signal(1), signal(2)]
        assert history.signals(coin="PEPE") == []
        assert history.episodes() == [episode(0), episode(1, 3.0, "narrow")]
        assert history.events() == [event("first"), event("second")]
        assert history.events(newest=1) == [event("second")]
        assert history.samples() == [sample(0), sample(1)]
        assert [s.at_ms for s in history.settlements("C0")] == [AT - AT % 60_000, AT - AT % 60_000 + 3_600_000]
        assert history.settlements("C0", AT + 60_000)[0].rate == 1e-4
        assert history.simulated() is False


def test_coins_are_found_in_any_case_and_near_ones_named(path: Path) -> None:
    with History(path) as history:
        assert history.coins() == ["BTC", "C0", "ONLY", "PEPE"]
        assert history.coin("pepe") == "PEPE"
        assert history.legs("Pepe") == [A, B]
        assert history.legs() == [C, *[leg for leg in history.legs() if leg.coin == "C0"], A, B]
        assert history.bars("only", 0, FOREVER_MS, 60) == []
        for name, said in (
            ("PEEP", "nothing is kept of PEEP (did you mean PEPE?)"),
            ("zzzz", "nothing is kept of zzzz"),
        ):
            with pytest.raises(Unknown) as raised:
                history.bars(name, 0, 1)
            assert str(raised.value) == said


def test_spans_and_figures(path: Path) -> None:
    with History(path) as history:
        assert history.span("bars") == (BASE * 60_000, (BASE + 1) * 60_000)
        assert history.span("signals") == (AT, AT + 3)
        stats = history.stats()
    rows = {part.kind: part.rows for part in stats.parts}
    assert rows["bars of 1 min, not packed yet"] == 3
    assert rows["signals"] == 3
    assert rows["episodes"] == rows["events"] == rows["samples"] == rows["settlements"] == 2
    assert (stats.coins, stats.legs, stats.schema, stats.simulated) == (4, 4, schema.VERSION, False)
    assert not stats.collecting
    assert stats.size_bytes == path.stat().st_size
    tend(path, BASE + 10 * 1440)
    with History(path) as history:
        rows = {part.kind: part.rows for part in history.stats().parts}
    assert [rows[f"bars of {step} min, packs"] for step in (1, 15, 60)] == [3, 3, 3]
    assert rows["bars of 1 min, not packed yet"] == 0


def test_a_file_with_nothing_in_it_has_spans_of_nothing(tmp_path: Path) -> None:
    write(tmp_path / "f.db", [])
    with History(tmp_path / "f.db") as history:
        assert [history.span(of) for of in ("bars", "gaps", "signals", "episodes", "events", "samples")] == [None] * 6
        assert (history.coins(), history.legs(), history.events()) == ([], [], [])


def foreign(path: Path, *pragmas: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for pragma in pragmas:
            connection.execute(pragma)
        connection.execute("CREATE TABLE x (y)")
        connection.commit()


def said_of(path: Path) -> str:
    with pytest.raises(Unreadable) as raised, History(path) as history:
        history.coins()
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def test_what_cannot_be_read_is_said_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "f.db"
    assert said_of(file) == "no such file"
    assert said_of(tmp_path) == "is a directory"
    os.mkfifo(tmp_path / "pipe")
    assert said_of(tmp_path / "pipe") == "is no regular file"
    file.write_bytes(b"")
    assert said_of(file) == "nothing has been kept there yet"
    file.write_bytes(b"garbage " * 1000)
    assert said_of(file) == "is no storage of frmon"
    file.unlink()
    foreign(file)
    assert said_of(file) == "is a database of another program"
    file.unlink()
    foreign(file, f"PRAGMA application_id = {schema.APPLICATION}", f"PRAGMA user_version = {schema.VERSION + 1}")
    assert "written by a newer frmon (schema 2, this one knows 1)" in said_of(file)


def test_a_damaged_file_is_said_to_be(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(8192)
        stream.write(b"\x55" * (size - 8192))
    assert said_of(path).startswith("is damaged")


def test_a_locked_file_is_said_to_be(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frmon.storage.readonly.WAIT_S", 0.05)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert said_of(path) == "another program has locked it"


def test_it_cannot_write(path: Path) -> None:
    before = path.read_bytes()
    with History(path) as history, pytest.raises(Unreadable, match="readonly"):
        history._all("DELETE FROM signal")
    assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_in_a_directory_that_nobody_may_write_to_is_read(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with History(path) as history:
            assert len(history.signals()) == 3
    finally:
        path.parent.chmod(0o700)


def test_it_sees_what_is_written_meanwhile_and_holds_up_nobody(path: Path) -> None:
    with History(path) as history:
        assert len(history.signals()) == 3
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as writer:
            for n in range(50):
                writer.execute("INSERT INTO event VALUES (NULL, ?, 'x')", (AT + n,))
                assert len(history.events()) == 3 + n
                if n % 10 == 0:
                    (busy, log, moved) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    assert (busy, log, moved) == (0, 0, 0)


def test_answers_are_whole_while_upkeep_moves_what_is_asked_for(tmp_path: Path) -> None:
    """A minute that is being packed lies in its row or in its pack, and in none only between two transactions."""
    path = tmp_path / "f.db"
    bars = [bar(BASE + n) for n in range(0, 3000, 5)]
    write(path, leg_bars(A, bars))
    over = threading.Event()
    seen: list[int] = []

    def ask() -> None:
        with History(path) as history:
            while not over.is_set():
                seen.append(sum(len(s.bars) for s in history.bars("PEPE", 0, FOREVER_MS, 1)))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for minute in range(100, 6000, 700):
            tend(path, BASE + minute)
    finally:
        over.set()
        asking.join()
    assert set(seen) == {len(bars)}


def test_it_follows_a_file_that_is_replaced(path: Path) -> None:
    with History(path) as history:
        assert len(history.signals()) == 3
        for beside in path.parent.iterdir():
            beside.rename(path.parent / f"aside{beside.name}")
        with pytest.raises(Unreadable, match="no such file"):
            history.signals()
        write(path, [signal(9)])
        assert history.signals() == [signal(9)]


def test_halves_of_characters_and_strange_times_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    write(path, [EventRow(at_ms=-5, text="before"), EventRow(at_ms=1 << 60, text="after")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO event VALUES (NULL, 3, CAST(x'41ff' AS TEXT))")
    with History(path) as history:
        assert [e.text for e in history.events(-9, 1 << 62)] == ["before", "A\ufffd", "after"]


def test_signals_of_one_moment_keep_the_order_they_fired_in(tmp_path: Path) -> None:
    rows = [
        SignalRow(at_ms=AT, kind="spread", coin=coin, short="a", long="b", percent=1.0, price_short=1.0, price_long=1.0)
        for coin in ("Z", "A", "M")
    ]
    write(tmp_path / "f.db", rows)
    with History(tmp_path / "f.db") as history:
        assert history.signals() == rows
        assert history.signals(newest=2) == rows[1:]
