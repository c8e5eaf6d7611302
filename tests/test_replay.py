"""Recording a market and playing it again, as users do it."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from frmon.feeds.sim.child import start_child
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.tape import read_tape
from tests.command import PROGRAM, Frmon

REAL_TIME = "the program runs in a process of its own"
FULL_LINES = 4


def known(picture: dict[str, Any]) -> dict[tuple[str, str, str], float]:
    """Symbol -> last price of every leg that has one."""
    legs = [leg for coin in picture["coins"] for leg in coin["legs"]]
    return {(leg["venue"], leg["market"], leg["symbol"]): leg["last"] for leg in legs if leg["last"] is not None}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A tape of a small simulated market, and the last picture of it."""
    place = tmp_path_factory.mktemp("tape")
    tape, config = place / "market.tape.gz", place / "c.toml"
    with start_child(SimOptions(coins=40)) as child:
        lines = []
        for venue, endpoints in child.endpoints.items():
            lines += [f"[venues.{venue}.endpoints]", *(f'{key} = "{url}"' for key, url in endpoints.items())]
        config.write_text("\n".join(lines))
        command = [*PROGRAM, "watch", "--record", str(tape), "--config", str(config)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            full: list[dict[str, Any]] = []
            while len(full) < FULL_LINES:
                picture = json.loads(process.stdout.readline())
                legs = [leg for coin in picture.get("coins", ()) for leg in coin["legs"]]
                full += [picture] if legs and all(leg["fresh"] or leg["bid"] is None for leg in legs) else []
            process.send_signal(signal.SIGINT)
            process.stdout.read()
    return tape, full[-1]


def test_a_tape_holds_every_venues_replies_and_frames(recorded: tuple[Path, dict[str, Any]]) -> None:
    sources = read_tape(recorded[0]).said
    assert {source[:2] for source in sources} == {
        (venue, kind) for venue in ("binance", "bitget", "bybit", "okx") for kind in ("rest", "ws")
    }


def test_a_snapshot_of_a_tape_has_the_same_legs_and_says_that_it_is_no_market(
    frmon: Frmon, recorded: tuple[Path, dict[str, Any]]
) -> None:
    tape, then = recorded
    ended = frmon("snapshot", "--format", "json", "--wait", "60", "--replay", str(tape))
    assert ended.code == 0, ended.err
    now = json.loads(ended.out)
    assert now["simulated"] is True
    assert now["at_ms"] <= then["at_ms"] + 60_000, "the time is that of the tape"
    assert set(known(now)) == set(known(then))
    paired, paired_then = ({c["coin"] for c in one["coins"] if c["spread"] is not None} for one in (now, then))
    assert len(paired & paired_then) >= 0.8 * len(paired_then) > 0, (
        "but for coins that just then were one-sided or crossed"
    )


def test_watching_a_tape_ends_with_it_where_the_recording_ended(
    frmon: Frmon, recorded: tuple[Path, dict[str, Any]]
) -> None:
    tape, then = recorded
    ended = frmon("--replay", str(tape), "watch")
    assert (ended.code, ended.err) == (0, "")
    last = json.loads(ended.out.splitlines()[-1])
    before, after = known(then), known(last)
    assert set(before) == set(after)
    near = sum(abs(after[key] / before[key] - 1) < 0.01 for key in before)
    assert near > 0.95 * len(before)


def test_what_cannot_be_recorded_or_played_is_bad_use(frmon: Frmon, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("no tape\n")
    said = frmon("snapshot", "--replay", str(there)).failed(2)
    assert said == f"--replay: the tape cannot be served: {there}: this is no tape"
    assert "No such file" in frmon("watch", "--replay", str(tmp_path / "nothing")).failed(2)
    assert frmon("snapshot", "--record", str(there)).failed(2) == f"{there}: exists already"
    assert "exclude each other" in frmon("watch", "--demo", "--replay", str(there)).failed(2)
    assert "exclude each other" in frmon("--replay", str(there), "watch", "--record", str(tmp_path / "x")).failed(2)
    assert f"{there}: this is no tape" in frmon("sim", "--tape", str(there)).failed(2)
