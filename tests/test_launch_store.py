"""Where an engine keeps its history."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from frmon.errors import ConfigError
from frmon.launch import PASSING, Launch, Wish, settings_for, stored, sweep, wish_from
from frmon.storage.lock import Lock


def wished(**given: Path) -> Wish:
    return wish_from(given, {})


@pytest.mark.parametrize("launch", [Launch(demo=True), Launch(replay=Path("tape"))])
def test_what_is_not_real_goes_into_a_file_that_ends_with_the_program(tmp_path: Path, launch: Launch) -> None:
    settings = settings_for(Wish())
    by_variable = wish_from({}, {"FRMON_DB": str(tmp_path / "mine.db")})
    for wish in (wished(), by_variable):
        with stored(wish, launch, settings, keeps=True) as path:
            assert path is not None
            assert path.parent.is_dir()
            assert path.parent.stat().st_mode & 0o077 == 0
            assert tmp_path / "mine.db" != path
            path.write_bytes(b"history")
        assert not path.parent.exists()
    with stored(wished(db=tmp_path / "named.db"), launch, settings, keeps=True) as path:
        assert path == tmp_path / "named.db"


def test_real_history_goes_where_option_variable_or_data_directory_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    settings = settings_for(Wish())
    cases: Mapping[Path, Wish] = {
        tmp_path / "frmon" / "frmon.db": wished(),
        tmp_path / "a.db": wished(db=tmp_path / "a.db"),
        tmp_path / "b.db": wish_from({}, {"FRMON_DB": str(tmp_path / "b.db")}),
    }
    for expected, wish in cases.items():
        with stored(wish, Launch(), settings, keeps=True) as path:
            assert path == expected
        with stored(wish, Launch(), settings, keeps=False) as path:
            assert path is None
    settings.storage.enabled = False
    with stored(wished(), Launch(), settings, keeps=True) as path:
        assert path is None


def test_a_folder_is_no_file_to_keep_history_in(tmp_path: Path) -> None:
    settings = settings_for(Wish())
    by_variable = wish_from({}, {"FRMON_DB": str(tmp_path)})
    for wish, launch in (
        (wished(db=tmp_path), Launch()),
        (wished(db=tmp_path), Launch(demo=True)),
        (by_variable, Launch()),
    ):
        with (
            pytest.raises(ConfigError, match=f"--db: {tmp_path} is a folder"),
            stored(wish, launch, settings, keeps=True),
        ):
            pass
    with stored(by_variable, Launch(demo=True), settings, keeps=True):  # which it does not use
        pass


def test_what_killed_programs_left_is_removed_but_never_what_is_at_work(tmp_path: Path) -> None:
    left, at_work, fresh, other = (tmp_path / name for name in (f"{PASSING}1", f"{PASSING}2", f"{PASSING}3", "frmon-x"))
    for folder in (left, at_work, fresh, other):
        folder.mkdir()
    for folder in (left, at_work, other):
        (folder / "frmon.db.lock").touch()
        (folder / "frmon.db").write_bytes(b"history")
    (tmp_path / f"{PASSING}4").symlink_to(other)
    held = Lock(at_work / "frmon.db")
    held.take()
    sweep(tmp_path)
    assert not left.exists()
    assert (at_work / "frmon.db").exists()
    assert fresh.exists()
    assert (other / "frmon.db").exists()
    held.drop()
