"""The file is found, judged, locked, born, brought up to date, or put aside."""

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from frmon.storage.file import MOST_RESETS, File
from frmon.storage.schema import APPLICATION, STEPS
from frmon.storage.unusable import Unusable
from tests.storage.made import AT, rows, sound

NEWEST = max(STEPS)
MORE = {**STEPS, NEWEST + 1: "ALTER TABLE sample ADD COLUMN more TEXT; CREATE TABLE added (a);"}
BAD = {**STEPS, NEWEST + 1: "CREATE TABLE added (a); CREATE TABLE added (a);"}


def file(path: Path, *, halted: bool = False, simulated: bool = False, steps: dict[int, str] = STEPS) -> File:
    return File(path, lambda: AT, lambda: halted, simulated=simulated, steps=steps)


def opened(path: Path, *, simulated: bool = False, steps: dict[int, str] = STEPS) -> File:
    """Opened and closed again."""
    it = file(path, simulated=simulated, steps=steps)
    it.open().close()
    it.release()
    return it


def refused(path: Path, status: str, **more: object) -> str:
    with pytest.raises(Unusable) as error:
        opened(path, **more)  # type: ignore[arg-type]
    assert error.value.status == status, error.value
    return str(error.value)


def names(path: Path) -> set[str]:
    return {p.name for p in path.parent.iterdir()} - {path.name + ".lock"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "Frmon.db"


def test_a_new_file_is_ours_versioned_private_and_has_a_log(path: Path) -> None:
    it = file(path)
    with closing(it.open()) as connection:
        assert (it.note, it.reset) == ("", "")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert connection.execute("PRAGMA user_version").fetchone() == (NEWEST,)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("SELECT file_is_there(), wal_bytes() >= 0").fetchone() == (1, 1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_others_could_read_is_made_private(path: Path) -> None:
    opened(path)
    path.chmod(0o644)
    opened(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_opened_again_as_it_was(path: Path) -> None:
    opened(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO event VALUES (NULL, 1, 'kept')")
    assert (opened(path).note, rows(path, "SELECT text FROM event")) == ("", [("kept",)])


def test_a_birth_that_was_broken_off_is_finished(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    assert opened(path).reset == ""
    assert rows(path, "PRAGMA user_version") == [(NEWEST,)]
    path.write_bytes(b"")
    assert opened(path).reset == ""


def test_an_older_schema_is_brought_up_and_kept_beside_with_what_was_only_in_its_log(path: Path) -> None:
    opened(path)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("INSERT INTO event VALUES (NULL, 1, 'only in the log')")
    it = opened(path, steps=MORE)
    reader.close()
    backup = path.with_name(f"Frmon.db.v{NEWEST}.bak")
    assert f"from schema {NEWEST} to {NEWEST + 1}" in it.note
    assert backup.name in it.note
    assert rows(path, "SELECT count(*) FROM added") == [(0,)]
    assert rows(path, "SELECT text FROM event") == rows(backup, "SELECT text FROM event") == [("only in the log",)]
    assert rows(backup, "PRAGMA user_version") == [(NEWEST,)]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert opened(path, steps=MORE).note == ""


def test_a_migration_that_fails_leaves_the_file_as_it_was_and_no_copies(path: Path) -> None:
    opened(path)
    for _ in range(3):
        assert "already exists" in refused(path, "DISK", steps=BAD)
    assert names(path) == {path.name}
    assert rows(path, "PRAGMA user_version") == [(NEWEST,)]
    assert not rows(path, "SELECT * FROM sqlite_schema WHERE name = 'added'")


def test_a_copy_never_overwrites_an_older_copy(path: Path) -> None:
    opened(path)
    path.with_name(f"Frmon.db.v{NEWEST}.bak").write_text("older")
    opened(path, steps=MORE)
    assert path.with_name(f"Frmon.db.v{NEWEST}.bak").read_text() == "older"
    assert sound(path.with_name(f"Frmon.db.v{NEWEST}.bak.2"))


def test_a_migration_ends_when_the_program_does(path: Path) -> None:
    opened(path)
    with pytest.raises(Unusable) as error:
        file(path, steps=MORE, halted=True).open()
    assert error.value.status == "OFF"
    assert names(path) == {path.name}
    assert rows(path, "PRAGMA user_version") == [(NEWEST,)]


def test_a_copy_that_is_broken_off_is_taken_away(path: Path) -> None:
    filled(path)
    it = File(path, lambda: AT, lambda: any(path.parent.glob("*.part")), simulated=False, steps=MORE)
    with pytest.raises(Unusable) as error:
        it.open()
    assert error.value.status == "OFF"
    assert names(path) == {path.name}


def test_no_copy_is_begun_for_which_there_is_no_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    assert "no room for the copy" in refused(path, "DISK", steps=MORE)
    assert names(path) == {path.name}


def test_s66_a_newer_schema_is_left_alone_and_unlocked(path: Path) -> None:
    opened(path, steps=MORE)
    before = path.read_bytes()
    assert "newer frmon" in refused(path, "NEWER")
    assert path.read_bytes() == before
    assert names(path) == {path.name}
    opened(path, steps=MORE)  # the newer one gets the lock


@pytest.mark.parametrize("application", [0, 4711])
def test_a_foreign_database_is_left_alone(path: Path, application: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA application_id = {application}; CREATE TABLE theirs (a)")
    before = path.read_bytes()
    assert "another program" in refused(path, "FOREIGN")
    path.write_bytes(before[:5000])  # even when it is broken
    if application:
        refused(path, "FOREIGN")
        assert names(path) == {path.name}


def test_simulated_and_real_prices_never_mix(path: Path) -> None:
    opened(path, simulated=True)
    assert "simulated prices" in refused(path, "FOREIGN")
    assert opened(path, simulated=True).note == ""


@pytest.mark.parametrize(
    "content",
    [b"x", b"hello world\n" * 9, random.Random(1).randbytes(100_000), b"SQLite format 3\0" + b"\xff" * 5000],
    ids=len,
)
def test_s66_garbage_is_put_aside_and_a_new_file_begun(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    it = opened(path)
    aside = path.with_name("Frmon.db.corrupt-20261122T053300Z")
    assert f"put aside as {aside.name}" in it.reset
    assert aside.read_bytes() == content
    assert sound(path)


def filled(path: Path) -> None:
    opened(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO event VALUES (NULL, ?, ?)", ((n, "text" * 20) for n in range(20_000)))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def test_s66_flipped_bytes_are_found_at_the_start(path: Path) -> None:
    filled(path)
    data = bytearray(path.read_bytes())
    for at in range(8192 * 20, len(data), 8192):
        data[at : at + 64] = bytes(b ^ 0x5A for b in data[at : at + 64])
    path.write_bytes(data)
    assert "is corrupt" in opened(path).reset
    assert sound(path)


def test_s66_a_file_cut_short_is_put_aside_with_its_log(path: Path) -> None:
    filled(path)
    path.with_name("Frmon.db-wal").write_bytes(b"log")
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2 + 100)
    assert "is corrupt" in opened(path).reset
    assert {n for n in names(path) if "corrupt" in n} >= {"Frmon.db.corrupt-20261122T053300Z"}
    assert rows(path, "SELECT count(*) FROM event") == [(0,)]


def test_s66_a_truncated_log_loses_its_end_only(path: Path) -> None:
    it = file(path)
    writer = it.open()
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    for n in range(50):
        writer.execute("INSERT INTO event VALUES (NULL, ?, 'x')", (n,))
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    log = path.with_name("Frmon.db-wal").read_bytes()
    copy.with_name("copy.db-wal").write_bytes(log[: len(log) * 2 // 3])
    writer.close()
    assert opened(copy).reset == ""
    ((held,),) = rows(copy, "SELECT count(*) FROM event")
    assert 10 < held < 50
    assert sound(copy)


def test_what_shows_to_be_corrupt_only_when_used_is_put_aside_at_the_next_opening(path: Path) -> None:
    it = opened(path)
    it.broken = "database disk image is malformed"
    it.open().close()
    assert "malformed" in it.reset
    for _ in range(MOST_RESETS - 1):
        it.broken = "again"
        it.open().close()
    it.broken = "again"
    with pytest.raises(Unusable, match="rests") as error:
        it.open()
    assert error.value.status == "DISK"
    assert len([n for n in names(path) if "corrupt" in n and "-wal" not in n]) == MOST_RESETS


def test_a_removed_file_is_begun_anew_and_told(path: Path) -> None:
    it = opened(path)
    path.unlink()
    assert not it.is_there()
    it.open().close()
    assert "was removed" in it.reset
    assert it.is_there()


def test_a_link_is_followed(path: Path) -> None:
    opened(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    holder = file(path)
    connection = holder.open()
    assert refused(link, "TAKEN")
    connection.close()
    holder.release()
    path.write_bytes(b"garbage" * 99)
    assert opened(link).reset
    assert link.is_symlink()
    assert sound(path)


def test_two_programs_never_write_to_one_file(path: Path) -> None:
    holder = f"""if True:
        import sys
        from pathlib import Path
        from frmon.storage.file import File
        connection = File(Path({str(path)!r}), lambda: 0, lambda: False, simulated=False).open()
        print("held", flush=True)
        sys.stdin.read()"""
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert f"(process {process.pid})" in refused(path, "TAKEN")
        process.kill()
        process.wait()
        opened(path)


def test_a_file_locked_by_another_tool_is_to_be_waited_for(path: Path) -> None:
    opened(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert "locked" in refused(path, "WAIT")
    opened(path)


AS_NOBODY = """if True:
    import os, sys
    from pathlib import Path
    from frmon.storage.file import File
    from frmon.storage.unusable import Unusable
    if os.getuid() == 0:
        os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
    try:
        File(Path(sys.argv[1]), lambda: 0, lambda: False, simulated=False).open().close()
        print("OK")
    except Unusable as error:
        print(error.status, error)"""


@pytest.fixture
def anybodys(tmp_path: Path) -> Iterator[Path]:
    """A file of a user who is not the administrator."""
    path = tmp_path / "data" / "Frmon.db"
    opened(path)
    path.with_name(path.name + ".lock").unlink()
    if os.getuid() == 0:
        for parent in (tmp_path, *(p for p in tmp_path.parents if "pytest" in p.as_posix())):
            parent.chmod(0o755)
        for each in (path, path.parent):
            os.chown(each, 65534, 65534)
    yield path
    path.parent.chmod(0o700)


@pytest.mark.parametrize(("what", "mode"), [("folder", 0o555), ("file", 0o444), ("", 0)])
def test_s66_a_folder_or_file_that_may_not_be_written_to_is_said(anybodys: Path, what: str, mode: int) -> None:
    if what:
        {"folder": anybodys.parent, "file": anybodys}[what].chmod(mode)
    command = [sys.executable, "-c", AS_NOBODY, str(anybodys)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    status, _, why = said.stdout.strip().partition(" ")
    assert status == ("READ-ONLY" if what else "OK")
    assert (str(anybodys) in why) is bool(what)


def test_a_folder_in_the_place_of_the_file_is_said(path: Path) -> None:
    path.mkdir(parents=True)
    assert "directory" in refused(path, "DISK")
