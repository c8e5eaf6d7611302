"""Every route of a running `frmon serve`, as a client sees it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.api.served import Served, serving

REAL_TIME = "the program runs in a process of its own"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("serve"), threshold_pct=0.05, samples=2) as found:
        yield found


def test_a_coin_is_said_in_the_seeds_fields_with_numbers_as_numbers(served: Served) -> None:
    found = served.json("/api/data?symbol=btc")
    assert found["symbol"] == "BTC"
    assert set(found["realtime_data"]) == set(found["premium_data"]) == {"okx", "bybit"}
    venue = found["realtime_data"]["okx"]
    assert {"price", "timestamp", "symbol", "volume"} <= set(venue["spot"])
    futures = {"price", "funding_rate", "next_funding_time", "timestamp", "symbol", "mark_price", "index_price"}
    assert futures <= set(venue["futures"])
    assert isinstance(venue["futures"]["funding_rate"], float)
    premium = found["premium_data"]["okx"]
    expected = (premium["futures_price"] - premium["spot_price"]) / premium["spot_price"] * 100
    assert premium["premium_percent"] == pytest.approx(expected, abs=1e-4)


def test_all_coins_come_at_once(served: Served) -> None:
    found = served.json("/api/aggregated_data")
    assert list(found["aggregated_data"]) == found["supported_symbols"]
    assert set(found["aggregated_data"]["BTC"]["bybit"]) == {"spot", "futures", "funding_rate"}


def test_signals_are_the_newest_first(served: Served) -> None:
    served.until(lambda: served.json("/api/arbitrage/signals")["signals"], 30)
    signals = served.json("/api/arbitrage/signals")["signals"]
    assert [s["observed_at"] for s in signals] == sorted((s["observed_at"] for s in signals), reverse=True)
    assert isinstance(signals[0]["spread_percent"], float)


def test_markets_and_coverage_count_what_is_listed(served: Served) -> None:
    report = served.json("/api/markets")["market_report"]
    coins = [c for level in ("high", "medium", "low") for c in report[f"{level}_coverage_symbols"]]
    assert len(coins) == report["total_unique_symbols"]
    for coin in coins:
        listed = len(coin["spot_exchanges"]) + len(coin["futures_exchanges"])
        assert coin["completeness_score"] == pytest.approx(100 * listed / 4, abs=0.1)
    stats = served.json("/api/coverage")["coverage_stats"]
    assert stats["total_symbols"] == len(coins)
    assert stats["quality_metrics"]["fresh_legs"] > 0


def test_the_system_status_says_what_is_truly_connected(served: Served) -> None:
    found = served.json("/api/system/status")
    assert found["connections"]["websocket_status"]["okx_spot"] == "connected"
    assert found["connections"]["websocket_status"]["bybit_linear"] == "connected"  # the seed's name of that line
    assert all(isinstance(count, int) for count in found["data"]["memory_records_per_symbol"].values())
    assert found["data"]["max_records_per_exchange"] == 1350
    assert found["rest"]["update_interval"] > 0
    assert found["system"]["memory_usage_mb"] > 10
    assert found["rest"]["last_sync"]["okx"].endswith("Z")
    assert found["rest"]["age_s"]["bybit"]["futures"] >= 0
    assert found["simulated"] is False  # the configuration names these servers


def test_history_ends_with_the_present_and_is_empty_for_unknown_coins(served: Served) -> None:
    points = served.json("/api/history/btc")
    assert set(points) == {"okx", "bybit"}
    assert set(points["okx"][-1]) == {"timestamp", "spot_price", "futures_price", "funding_rate", "premium"}
    assert served.json("/api/history/NOSUCHCOIN") == {}
    found = served.json("/api/history/BTC/database?hours=1&exchange=okx&interval=1min")
    assert (found["symbol"], found["exchange"], found["count"]) == ("BTC", "okx", len(found["data"]))
    assert served.get("/api/history/NOSUCHCOIN/database") == (400, b'{"error":"Unsupported symbol"}')


def test_a_switched_symbol_is_what_is_meant_by_default(served: Served) -> None:
    kind = {"Content_Type": "application/json"}
    assert json.loads(served.get("/api/switch_symbol", "POST", b'{"symbol":"eth"}', **kind)[1])["symbol"] == "ETH"
    assert served.json("/api/data")["symbol"] == "ETH"
    status, body = served.get("/api/switch_symbol", "POST", b'{"symbol":"nosuch"}', **kind)
    assert (status, json.loads(body)) == (200, {"status": "error", "message": "Unsupported symbol"})


def test_storage_is_told_of_and_looked_after(served: Served) -> None:
    found = served.json("/api/database/stats")
    assert found["status"] == "success"
    assert found["stats"]["database_size_mb"] > 0
    status, body = served.get("/api/database/maintenance", "POST", b"{}", Content_Type="application/json")
    assert (status, json.loads(body)["status"]) == (200, "success")


def test_the_snapshot_is_that_of_the_command(served: Served) -> None:
    found = served.json("/api/snapshot?coin=BTC,eth&top=1")
    assert found["schema"] == 1
    assert len(found["coins"]) == 1
    assert {"venues", "signals", "notices", "at_ms"} <= set(found)
    assert len(served.json("/api/snapshot")["coins"]) > 20


def test_metrics_are_open_metrics(served: Served) -> None:
    status, body = served.get("/metrics")
    families = {f.name: f for f in text_string_to_metric_families(body.decode())}  # type: ignore[no-untyped-call]
    assert status == 200
    names = {
        "frmon_messages", "frmon_lag_seconds", "frmon_last_message_age_seconds", "frmon_reconnects", "frmon_fresh_legs",
        "frmon_signals", "frmon_limit_used", "frmon_database_bytes", "frmon_loop_lag_seconds", "frmon_memory_bytes",
    }  # fmt: skip
    assert names <= set(families)


def test_status_prints_it_for_people(served: Served) -> None:
    command = [sys.executable, "-m", "frmon", "status", "--url", f"http://127.0.0.1:{served.port}"]
    ended = subprocess.run(command, env=served.env, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "legs fresh" in ended.stdout
    assert "okx" in ended.stdout
    as_json = subprocess.run(
        [*command, "--format", "json"], env=served.env, capture_output=True, timeout=20, check=True
    )
    assert json.loads(as_json.stdout)["connections"]["venues"]["okx"]["status"] == "LIVE"


def test_status_of_nobody_is_exit_3(tmp_path: Path, served: Served) -> None:
    command = [sys.executable, "-m", "frmon", "status", "--url", "http://127.0.0.1:9"]
    ended = subprocess.run(command, env=served.env, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 3
    assert ended.stderr.startswith("frmon: no frmon serve answers")


def test_the_description_holds_against_the_running_server(served: Served, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{served.port}/openapi.json", "--exclude-path",
        "/api/stream", "--max-examples", "3", "--rate-limit", "15/s", "--exclude-checks", "positive_data_acceptance",
        "--no-color",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:]
