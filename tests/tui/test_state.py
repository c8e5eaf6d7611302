import json
from pathlib import Path

import pytest

from frmon.tui.state import State, load, save, state_path


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.json"
    state = State(sort="age", reverse=True, filter="!x", pins=["BTC", "币安人生"], columns=["net"], theme="frmon-light")
    assert save(path, state) == ""
    assert load(path) == state
    assert [p.name for p in path.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"sort": 5, "pins": "x"}'])
def test_garbage_is_an_empty_state(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(text)
    assert load(path) == State()


def test_of_a_half_good_file_the_good_half_is_used(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"sort": "age", "pins": [1, 2], "reverse": "yes", "unknown": {}}))
    assert load(path) == State(sort="age")


def test_a_missing_file_is_an_empty_state(tmp_path: Path) -> None:
    assert load(tmp_path / "nothing.json") == State()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot save" in save(tmp_path / "file" / "state.json", State())


def test_the_state_lies_in_the_state_home() -> None:
    assert state_path({"XDG_STATE_HOME": "/x/y"}) == Path("/x/y/frmon/state.json")
    assert state_path({"XDG_STATE_HOME": "relative", "HOME": "/h"}).parts[-3:] == ("state", "frmon", "state.json")
