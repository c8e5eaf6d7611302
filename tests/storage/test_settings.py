"""`[storage]`: what may be set, and what is said of mistakes."""

import tomllib
from pathlib import Path

import pytest

from frmon.config import Settings, StorageSettings
from frmon.configfile import load
from frmon.configtext import default_text, merged_text
from frmon.errors import ConfigError


def from_text(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "c.toml"
    file.write_text(text)
    return load([], file=file, env=env or {}, options={})


def test_file_and_variables_set_what_is_kept(tmp_path: Path) -> None:
    text = "[storage]\nenabled = false\nminutes_days = 2\nbackfill_top = 0"
    found = from_text(tmp_path, text, {"FRMON_STORAGE_HOURS_DAYS": "365"})
    assert found.storage == StorageSettings(enabled=False, minutes_days=2.0, hours_days=365.0, backfill_top=0)
    assert [found.origins[f"storage.{key}"] for key in ("enabled", "hours_days", "events_days")] == [
        "file", "environment", "default",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("minutes_days = 0.5", "minutes_days: must be at least 1 and at most 36500, not 0.5"),
        ("minutes_days = 0", "minutes_days: must be at least 1 and at most 36500, not 0.0"),
        ("quarters_days = -3", "quarters_days: must be at least 1 and at most 36500, not -3.0"),
        ("hours_days = 1e9", "hours_days: must be at least 1 and at most 36500, not 1000000000.0"),
        ("events_days = 0", "events_days: must be at least 1 and at most 36500, not 0.0"),
        ("samples_days = nan", "samples_days: must be a finite number"),
        ("backfill_top = -1", "backfill_top: must be at least 0 and at most 10000, not -1"),
        ("enabled = 1", "enabled: must be true or false, not 1"),
        ("minute_days = 7", 'minute_days: unknown key; did you mean "storage.minutes_days"?'),
        (
            "minutes_days = 91",
            "minutes_days: coarser bars are kept for longer: minutes_days 91.0 must not be above quarters_days 90.0",
        ),
        (
            "hours_days = 30",
            "hours_days: coarser bars are kept for longer: quarters_days 90.0 must not be above hours_days 30.0",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_text(tmp_path, f"[storage]\n{text}")
    assert str(caught.value) == f"{tmp_path}/c.toml:2: storage.{said}"


def test_the_printed_texts_hold_the_section_with_a_word_for_every_key(tmp_path: Path) -> None:
    text = default_text([])
    section = text[text.index("[storage]") :].split("\n\n")[0]
    lines = section.splitlines()[1:]
    assert len(lines) == len(StorageSettings.__struct_fields__)
    assert all("  # " in line for line in lines)
    assert from_text(tmp_path, text).storage == StorageSettings()
    assert tomllib.loads(merged_text(from_text(tmp_path, "")))["storage"]["minutes_days"] == 7.0
