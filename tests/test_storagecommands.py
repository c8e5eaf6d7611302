"""frmon history, signals and db: what they print, write and refuse."""

import csv
import io
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from frmon.clock import SystemClock
from frmon.exporting import time_of
from frmon.recall import fine_step, line_step, sparkline
from frmon.storage.lock import Lock
from frmon.storage.records import Settlement
from tests.command import Frmon
from tests.storage.made import episode, event, sample, signal
from tests.storage.pasts import A, B, bar, coin_gaps, gap, leg_bars, write

HOUR_MS = 3_600_000


@pytest.fixture
def now_ms() -> int:
    return SystemClock().now_ms()


@pytest.fixture
def db(tmp_path: Path, now_ms: int) -> Path:
    """Three hours of PEPE with a hole of half an hour, and what else there is."""
    file, minute = tmp_path / "f.db", now_ms // 60_000
    minutes = [minute - n for n in range(180, 0, -1) if not 60 <= n < 90]
    fired = msgspec.structs.replace(signal(), at_ms=now_ms - HOUR_MS, coin="PEPE", note="=1+1")
    lasted = msgspec.structs.replace(
        episode(0, 2.5, "narrow"), opened_ms=fired.at_ms, seen_ms=fired.at_ms + 90_000, duration_s=90.0, coin="PEPE"
    )
    write(
        file,
        [
            *leg_bars(A, map(bar, minutes)), *leg_bars(B, map(bar, minutes)), *coin_gaps("PEPE", map(gap, minutes)),
            fired, msgspec.structs.replace(fired, at_ms=now_ms - HOUR_MS // 2, note=""), lasted, event(), sample(),
            Settlement(leg=A, at_ms=now_ms - HOUR_MS, rate=1e-4, interval_h=8.0, source="stream"),
        ],
    )  # fmt: skip
    return file


@pytest.fixture(params=["Europe/Berlin", "Pacific/Kiritimati"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that lives elsewhere."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def test_history_prints_the_spread_line_by_line_in_utc(frmon: Frmon, db: Path, zone: None, now_ms: int) -> None:
    ended = frmon("history", "pepe", "--hours", "3", "--db", str(db), TZ=os.environ["TZ"])
    assert (ended.code, ended.err) == (0, "")
    head, best, columns, *lines = [line for line in ended.out.splitlines() if line]
    utc = time.strftime("%Y-%m-%d %H:%M", time.gmtime(now_ms / 1000 - 3 * 3600))[:-1]
    assert head.startswith(f"PEPE  {utc}")
    assert head.endswith("UTC, a line per 5 min")
    assert re.fullmatch(r"best spread: most 1\.500 %, mean 1\.000 %, last 0\.500 %", best)
    assert columns.split("  ")[0] == "time (UTC)"
    assert 30 <= len(lines) <= 33  # none for the hole
    assert re.search(r"1\.500 +1\.000 +0\.500  okx perp  binance perp +\d+ +█+$", lines[3])


def test_history_with_a_venue_prints_its_prices_and_funding(frmon: Frmon, db: Path) -> None:
    ended = frmon("history", "PEPE", "--hours", "3", "--venue", "binance", "--db", str(db))
    assert ended.code == 0
    assert "binance perp 1000PEPEUSDT: USDT per coin, funding per interval" in ended.out
    assert re.search(r"binance perp 1000PEPEUSDT: funding settled\ntime \(UTC\) .*\n.* 0\.0100 +8  stream", ended.out)
    assert "okx perp PEPE-USDT-SWAP" not in ended.out
    assert re.search(r" 2 +2\.5 +1\.5 +2\.25 +1\.75 +2\.25 ", ended.out)


def test_history_as_json_and_csv_has_it_all(frmon: Frmon, db: Path) -> None:
    told = json.loads(frmon("history", "PEPE", "--hours", "3", "--step", "15", "--format", "json", "--db", str(db)).out)
    assert (told["schema"], told["simulated"], told["coin"], told["step_min"]) == (1, False, "PEPE", 15)
    assert {leg["venue"] for leg in told["legs"]} == {"binance", "okx"}
    assert [len(told[name]) for name in ("settlements", "signals", "episodes")] == [1, 2, 1]
    first = told["gaps"][1]
    assert first["buy_venue"] == "okx"
    assert first["at_ms"] % 900_000 == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z", first["at"])
    assert told["legs"][0]["bars"][0]["step_min"] == 15
    for more, columns in (([], "most_pct"), (["--venue", "okx"], "funding_rate")):
        out = frmon("history", "PEPE", *more, "--hours", "3", "--format", "csv", "--db", str(db)).out
        rows = list(csv.DictReader(io.StringIO(out)))
        assert 30 <= len(rows) <= 33
        assert columns in rows[0]


def test_signals_come_newest_first_with_their_episodes(frmon: Frmon, db: Path) -> None:
    lines = frmon("signals", "--db", str(db)).out.splitlines()
    assert (
        lines[0].split()
        == "time (UTC) kind coin long short spread % price long price short episode s peak % ended note".split()
    )
    assert "narrow" in lines[2]
    assert "90.0" in lines[2]
    assert "narrow" not in lines[1]
    told = json.loads(frmon("signals", "--format", "json", "--db", str(db)).out)["signals"]
    jsonl = [json.loads(line) for line in frmon("signals", "--format", "jsonl", "--db", str(db)).out.splitlines()]
    assert told == jsonl
    assert [one["episode"] and one["episode"]["peak_pct"] for one in told] == [None, 2.5]
    assert told[0]["observed_ms"] > told[1]["observed_ms"]
    rows = list(csv.DictReader(io.StringIO(frmon("signals", "--format", "csv", "--db", str(db)).out)))
    assert [(row["note"], row["episode_s"], row["ended"]) for row in rows] == [
        ("", "", ""),
        ("'=1+1", "90.0", "narrow"),
    ]
    assert json.loads(frmon("signals", "--hours", "0.1", "--format", "json", "--db", str(db)).out)["signals"] == []


def test_what_was_seen_on_a_simulated_market_says_so(frmon: Frmon, tmp_path: Path) -> None:
    db = tmp_path / "f.db"
    minute = SystemClock().now_ms() // 60_000
    write(db, coin_gaps("PEPE", [gap(minute - 1)]), simulated=True)
    assert frmon("history", "PEPE", "--db", str(db)).out.startswith("SIMULATED MARKET  PEPE")
    assert frmon("signals", "--db", str(db)).out.startswith("SIMULATED MARKET")
    assert "market  simulated" in frmon("db", "stats", "--db", str(db)).out
    assert frmon("db", "export", "-", "--kind", "gaps", "--db", str(db)).out.splitlines()[1].startswith("true,")


def test_a_coin_that_was_not_seen_lately_says_when(frmon: Frmon, db: Path) -> None:
    ended = frmon("history", "PEPE", "--hours", "0.02", "--step", "1", "--db", str(db))
    assert ended.code == 0
    write(db, coin_gaps("OLD", [gap(29_000_000)]))
    ended = frmon("history", "old", "--hours", "5", "--db", str(db))
    assert "best spread: nothing kept in this span" in ended.out
    assert ended.err == "frmon: nothing was kept of OLD in the last 5 h; the latest is of 2025-02-19 21:00 UTC\n"


def test_stats_tell_size_and_ranges(frmon: Frmon, db: Path) -> None:
    out = frmon("db", "stats", "--db", str(db)).out
    assert re.search(r"status  nobody writes to it now\n", out)
    assert re.search(r"bars of 1 min, not packed yet +300 ", out)
    lock = Lock(db)
    lock.take()
    told = json.loads(frmon("db", "stats", "--format", "json", "--db", str(db)).out)
    lock.drop()
    assert told["collecting"] is True
    assert told["keeps_days"]["minutes"] == 7.0
    assert {part["kind"]: part["rows"] for part in told["parts"]}["signals"] == 2


def test_maintain_packs_now_and_is_refused_while_another_program_writes(frmon: Frmon, db: Path) -> None:
    lock = Lock(db)
    lock.take()
    assert re.fullmatch(
        r"another frmon \(process \d+\) writes to .*f\.db", frmon("db", "maintain", "--db", str(db)).failed(1)
    )
    lock.drop()
    ended = frmon("db", "maintain", "--db", str(db))
    assert (ended.code, ended.out) == (0, "")
    assert re.fullmatch(r"frmon: \S+f\.db: \d+\.\d MB before, \d+\.\d MB now\n", ended.err)
    parts = json.loads(frmon("db", "stats", "--format", "json", "--db", str(db)).out)["parts"]
    assert {part["kind"]: part["rows"] for part in parts}["bars of 1 min, packs"] > 0


def test_export_writes_files_and_overwrites_none(frmon: Frmon, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "bars.parquet"
    ended = frmon("db", "export", str(target), "--coin", "pepe", "--venue", "OKX", "--db", str(db))
    assert (ended.code, ended.out, ended.err) == (0, "", f"frmon: 150 rows of bars in {target}\n")
    assert set(pq.read_table(target)["venue"].to_pylist()) == {"okx"}
    again = frmon("db", "export", str(target), "--db", str(db))
    assert again.failed(1) == f"{target}: exists; --force overwrites it"
    assert frmon("db", "export", str(target), "--force", "--since", "1h", "--db", str(db)).code == 0
    assert pq.read_table(target).num_rows < 150
    out = tmp_path / "all"
    ended = frmon("db", "export", "--out", str(out), "--db", str(db))
    assert ended.code == 0
    assert {file.name for file in out.iterdir()} == {
        f"{kind}.csv" for kind in ("bars", "gaps", "settlements", "signals", "episodes", "events", "samples")
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["history", "PEEP"], 1, r"nothing is kept of PEEP \(did you mean PEPE\?\)"),
        (["history", "PEPE", "--venue", "okex"], 2, r'--venue: no such venue: "okex"; did you mean "okx"\?'),
        (["history", "PEPE", "--venue", "bybit"], 1, r"nothing is kept of PEPE on bybit"),
        (["history", "PEPE", "--step", "7"], 2, r"--step: no bars of 7 minutes"),
        (["history", "PEPE", "--hours", "0"], 2, r"--hours"),
        (["history"], 2, r"Missing argument 'COIN'"),
        (["signals", "--coin", "pep"], 1, r"did you mean PEPE\?"),
        (["db", "export"], 2, r"where to\? name a FILE, or a directory with --out DIR"),
        (["db", "export", "x.csv", "--out", "."], 2, r"not both"),
        (["db", "export", "x.csv", "--kind", "bars", "--kind", "gaps"], 2, r"one file holds one kind"),
        (["db", "export", "-", "--format", "parquet"], 2, r"not to stdout"),
        (["db", "export", "x.csv", "--since", "yesterday"], 2, r"--since: must look like .* not 'yesterday'"),
        (["db", "export", "x.csv", "--since", "1h", "--until", "2h"], 2, r"--since: must be before --until"),
        (["db", "export", "x.csv", "--kind", "events", "--coin", "PEPE"], 2, r"--coin: events are of no single coin"),
        (["db", "export", "/nonexistent/x.csv"], 1, r"/nonexistent/x\.csv: cannot be written: no such file"),
    ],
)
def test_bad_use_is_one_line(frmon: Frmon, db: Path, arguments: list[str], code: int, said: str) -> None:
    assert re.search(said, frmon(*arguments, "--db", str(db)).failed(code))
    assert not Path("x.csv").exists()


def test_a_file_that_is_not_there_or_no_storage(frmon: Frmon, tmp_path: Path) -> None:
    for command in (["history", "PEPE"], ["signals"], ["db", "stats"], ["db", "maintain"], ["db", "export", "-"]):
        assert frmon(*command, "--db", "/nonexistent.db").failed(2) == "--db: /nonexistent.db: no such file"
        assert re.search(r"nothing has been kept yet: no .*/frmon/frmon\.db", frmon(*command).failed(1))
        (tmp_path / "garbage").write_bytes(b"garbage" * 99)
        assert (
            frmon(*command, "--db", str(tmp_path / "garbage")).failed(1)
            == f"{tmp_path}/garbage: is no storage of frmon"
        )
    assert (tmp_path / "garbage").read_bytes() == b"garbage" * 99


def test_the_users_own_file_is_read_unless_another_is_named(frmon: Frmon, env: dict[str, str]) -> None:
    own = Path(env["XDG_DATA_HOME"]) / "frmon" / "frmon.db"
    own.parent.mkdir(parents=True)
    write(own, coin_gaps("MINE", [gap(29_000_000)]))
    assert frmon("db", "stats").out.startswith(f"file    {own}\n")


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2026-11-22", 1_795_305_600_000),
        ("2026-11-22T05:33", 1_795_325_580_000),
        ("2026-11-22T05:33:00Z", 1_795_325_580_000),
        ("2026-11-22T06:33:00+01:00", 1_795_325_580_000),
        ("90m", 4_600_000), ("1.5H", 4_600_000), ("1d", -76_400_000),
    ],
)  # fmt: skip
def test_times_are_utc_or_ago(text: str, at_ms: int, zone: None) -> None:
    assert time_of("--since", text, 10_000_000) == at_ms


def test_lines_and_pictures_fit_the_span() -> None:
    assert [line_step(hours * 60) for hours in (1, 3, 24, 168, 720, 17_520)] == [1, 5, 30, 240, 1440, 1440]
    for step in (1, 5, 15, 30, 60, 240, 1440, 10_080):
        assert step % fine_step(step) == 0
    assert sparkline([0, None, 1, 2, 9], 0, 2) == "▁ ▅██"
    assert sparkline([1.0, 1.0], 1.0, 1.0) == "▁▁"
