"""The commands without a screen, against simulated venues in a process of their own."""

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from frmon.feeds.sim.child import start_child
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.venues import all_venues
from tests.command import PROGRAM, Frmon

REAL_TIME = "the program runs in a process of its own"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A configuration that names simulated venues."""
    with start_child(SimOptions(coins=60)) as child:
        lines = []
        for venue, endpoints in child.endpoints.items():
            lines.append(f"[venues.{venue}.endpoints]")
            lines += [f'{key} = "{url}"' for key, url in endpoints.items()]
        file = tmp_path_factory.mktemp("sim") / "c.toml"
        file.write_text("\n".join(lines))
        yield str(file)


def legs_of(picture: dict[str, Any]) -> list[dict[str, Any]]:
    return [leg for coin in picture["coins"] for leg in coin["legs"]]


def test_a_snapshot_holds_every_leg_of_every_venue(frmon: Frmon, simulated: str) -> None:
    ended = frmon("snapshot", "--format", "json", "--wait", "60", "--config", simulated)
    assert (ended.code, ended.err) == (0, "")
    picture = json.loads(ended.out)
    legs = legs_of(picture)
    assert picture["simulated"] is False
    for venue in all_venues():
        mine = [leg for leg in legs if leg["venue"] == venue.name]
        assert {leg["market"] for leg in mine} == {"spot", "perp"}
        assert picture["venues"][venue.name]["legs"] <= len(mine)
    trading = [leg for leg in legs if leg["fresh"]]
    assert len(trading) > 0.9 * len(legs)
    assert all((leg["bid"] or leg["ask"] or 0) > 0 and leg["age_s"] <= 5 for leg in trading)
    gross = [coin["spread"]["gross_pct"] for coin in picture["coins"] if coin["spread"]]
    assert gross
    assert gross == sorted(gross, reverse=True)


def test_coins_are_chosen_in_any_case_and_unknown_ones_are_named(frmon: Frmon, simulated: str) -> None:
    arguments = ("snapshot", "--wait", "60", "--config", simulated, "--coin", "btc", "--coin", "BTCC")
    as_csv, as_table = (frmon(*arguments, "--format", form) for form in ("csv", "table"))
    assert (as_csv.code, as_table.code) == (1, 1)
    assert as_csv.err == as_table.err == "frmon: no venue lists BTCC (did you mean BTC?)\n"
    assert {row["coin"] for row in csv.DictReader(io.StringIO(as_csv.out))} == {"BTC"}
    assert [line.split()[0] for line in as_table.out.split("\n\n")[2].splitlines()] == ["coin", "BTC"]


def test_every_asked_coin_is_explained_gate_by_gate(frmon: Frmon, simulated: str) -> None:
    arguments = (
        "snapshot",
        "--format",
        "json",
        "--wait",
        "60",
        "--config",
        simulated,
        "--coin",
        "BTC",
        "--coin",
        "eth",
    )
    coins = json.loads(frmon(*arguments, "--why").out)["coins"]
    assert {coin["coin"] for coin in coins} == {"BTC", "ETH"}
    for coin in coins:
        gates = {gate["name"]: gate["passed"] for gate in coin["why"]}
        assert gates["fresh"], coin["why"]
        assert gates["legs"]


def test_watching_prints_whole_lines_that_go_on(env: dict[str, str], simulated: str) -> None:
    with subprocess.Popen(
        [*PROGRAM, "watch", "--config", simulated], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        filled = 0
        while filled < 2:
            line = json.loads(process.stdout.readline())
            assert line["schema"] == 1
            filled += bool(line.get("coins"))
        process.terminate()
        process.stdout.read()


def test_watching_signals_prints_each_once_in_order(env: dict[str, str], simulated: str) -> None:
    quick = {"SAMPLES": "2", "SAMPLE_EVERY_S": "0.2", "COOLDOWN_S": "0.4", "THRESHOLD_PCT": "0.02", "BASIS": "last"}
    env |= {f"FRMON_SIGNALS_{key}": value for key, value in quick.items()}
    with subprocess.Popen(
        [*PROGRAM, "watch", "--signals-only", "--config", simulated],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(200)]
        process.terminate()
        process.stdout.read()
    assert {(line["schema"], line["type"], line["kind"]) for line in lines} == {(1, "signal", "spread")}
    assert list(lines[0]) == [
        "schema", "type", "simulated", "symbol", "short_exchange", "long_exchange", "spread_percent", "price_short",
        "price_long", "observed_at", "kind",
    ]  # fmt: skip
    times = [line["observed_at"] for line in lines]
    assert times == sorted(times)
    keys = {(line["symbol"], line["short_exchange"], line["long_exchange"], line["observed_at"]) for line in lines}
    assert len(keys) == len(lines)
    assert all(line["spread_percent"] >= 0.02 - 1e-9 for line in lines)


def test_check_finds_every_endpoint_fine(frmon: Frmon, simulated: str) -> None:
    ended = frmon("check", "--format", "json", "--config", simulated)
    findings = json.loads(ended.out)
    assert [f for f in findings if not f["ok"]] == []
    assert ended.code == 0
    asked = {(f["venue"], f["market"]) for f in findings}
    assert {(v.name, market) for v in all_venues() for market in ("spot", "perp", None)} <= asked
    assert all(f["symbols"] and f["sample"] for f in findings if f["what"] != "time")
    books = {(f["venue"], f["market"]): f["sample"] for f in findings if f["what"] == "depth"}
    assert set(books) == {(v.name, market) for v in all_venues() for market in ("spot", "perp")}
    assert all(sample.startswith("symbol=BTC") and " asks from " in sample for sample in books.values())
    table = frmon("check", "--config", simulated).out
    assert table.endswith(f"all {len(findings)} ok\n")


def test_verdicts_have_a_leg_and_a_reason_each(frmon: Frmon, simulated: str) -> None:
    ended = frmon("venues", "--verdicts", "--format", "json", "--wait", "60", "--config", simulated)
    assert (ended.code, ended.err) == (0, "")
    for verdict in json.loads(ended.out):
        assert list(verdict) == ["coin", "venue", "market", "symbol", "quarantine"]
        assert verdict["quarantine"]


def test_the_demo_says_that_it_is_one(frmon: Frmon) -> None:
    ended = frmon("snapshot", "--demo", "--format", "json", "--coin", "BTC", "--wait", "60")
    assert (ended.code, ended.err) == (0, "")
    picture = json.loads(ended.out)
    assert picture["simulated"] is True
    assert [coin["coin"] for coin in picture["coins"]] == ["BTC"]
    assert {leg["venue"] for leg in legs_of(picture)} == {v.name for v in all_venues()}
