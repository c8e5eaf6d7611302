"""The file that storage is measured on is one that upkeep would have made."""

from contextlib import closing
from pathlib import Path

import pytest

from bench import storage, walks
from frmon.clock import ManualClock
from frmon.config import StorageSettings
from frmon.storage.bars import MINUTE_MS
from frmon.storage.file import File
from frmon.storage.history import History
from frmon.storage.series import DAY
from frmon.storage.upkeep import Upkeep


def test_a_day_before_its_end_has_all_packs_but_those_of_its_last_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WALKS", 2), ("LARGE", 1), ("SMALL", 1)):
        monkeypatch.setattr(walks, name, value)
    file = File(tmp_path / "f.db", ManualClock().now_ms, lambda: False, simulated=True)
    with closing(file.open()) as connection:
        walks.name_all(connection)
        assert list(walks.fill(connection, 9, 2)) == list(range(-9, 0))
        upkeep = Upkeep(StorageSettings(), ManualClock((walks.T0 + 2) * MINUTE_MS), print)
        assert upkeep.do(connection) is False
        assert connection.execute("SELECT count(*) FROM due").fetchone() == (0,)
        counts = connection.execute("SELECT step, count(*) FROM pack WHERE kind = 0 GROUP BY step").fetchall()
        assert counts == [(1, 11 * 47), (15, 11 * 9), (60, 11 * 3)]
    file.release()
    now = walks.T0 * MINUTE_MS
    with History(tmp_path / "f.db") as history:
        series = history.bars("C0", now - DAY * MINUTE_MS, now, 1)
        assert [len(leg.bars) for leg in series] == [DAY - 60] * 8
        assert all(bar.low <= min(bar.open, bar.close) <= bar.high for leg in series for bar in leg.bars)


def test_a_day_of_cpu_counts_every_part_as_often_as_it_happens() -> None:
    tidy = {"cpu_s": {"pack": 2.0, "roll 15": 10.0, "roll 60": 8.0}, "idle_ms": 1.0}
    assert storage.day_s({"write": {"minute_cpu_ms": 10.0}, "beside": {"cpu_ms": 2.0}, "tidy": tidy}) == {
        "running minute": pytest.approx(172.8),
        "write": pytest.approx(14.4),
        "pack": 48.0,
        "roll 15": 10.0,
        "roll 60": 2.0,
        "look every minute": pytest.approx(1.44),
    }
