"""Starting, stopping and reloading `frmon serve`."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from frmon.api.token import read_token
from frmon.errors import ConfigError
from tests.api.served import Served, environment, serving
from tests.command import Frmon

REAL_TIME = "the program runs in a process of its own"


def test_it_stops_within_three_seconds_with_everything_written(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as served:
        served.until(lambda: served.json("/api/system/status")["storage"]["written"] > 0, 20)
        assert served.end() < 3
        assert served.process.returncode == 0
        assert served.said[-1].endswith("frmon: stopped")
        with sqlite3.connect(tmp_path / "a" / "DATA" / "frmon" / "frmon.db") as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert file.execute("SELECT count(*) FROM bar").fetchone()[0] > 0  # of the minute that was cut off
        log = tmp_path / "a" / "STATE" / "frmon" / "serve.log"
        assert all("at_ms" in json.loads(line) for line in log.read_text().splitlines())
        assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_an_open_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as served:
        command = [
            sys.executable,
            "-c",
            f"""if True:
            import urllib.request
            for line in urllib.request.urlopen('http://127.0.0.1:{served.port}/api/stream'): pass""",
        ]
        with subprocess.Popen(command) as client:
            served.until(lambda: served.json("/api/system/status")["system"]["streams"] == 1, 10)
            assert served.end() < 3
            assert client.wait(10) == 0


def test_sighup_reads_the_configuration_again(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as served:
        file = tmp_path / "a" / "config.toml"
        text = file.read_text()
        file.write_text(text.replace("[signals]", "[signals]\nthreshold_pct = 0.9\nsample_every_s = 3.0"))
        served.process.send_signal(signal.SIGHUP)
        served.until(lambda: any("signals.sample_every_s: 2.0 → 3.0" in line for line in served.said), 5)
        assert any("CONFIG signals.threshold_pct: 0.6 → 0.9" in line for line in served.said)
        assert any("sample_every_s" in line and "another start" in line for line in served.said)
        file.write_text(text + "\nnosuchkey = 1\n")
        served.process.send_signal(signal.SIGHUP)
        served.until(lambda: any("CONFIG not read again" in line for line in served.said), 5)
        assert served.get("/healthz")[0] == 200


def test_two_collectors_never_share_a_file(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as served:
        command = [sys.executable, "-m", "frmon", "serve", "--port", "0"]
        second = subprocess.run(command, env=served.env, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert "another frmon" in second.stderr


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as served:
        command = [
            sys.executable,
            "-m",
            "frmon",
            "--db",
            str(tmp_path / "other.db"),
            "serve",
            "--port",
            str(served.port),
        ]
        second = subprocess.run(command, env=served.env, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 2
        assert "ddress already in use" in second.stderr


def test_an_address_that_others_reach_needs_a_token(frmon: Frmon, tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        assert "needs a token" in frmon("serve", "--host", host).failed(2)
    secret = tmp_path / "token"
    secret.write_text("x" * 40)
    secret.chmod(0o644)
    assert "chmod 600" in frmon("serve", "--host", "0.0.0.0", "--token-file", str(secret)).failed(2)
    secret.chmod(0o600)
    secret.write_text("short")
    assert "at least 32" in frmon("serve", "--token-file", str(secret)).failed(2)
    assert "cannot be read" in frmon("serve", "--token-file", str(tmp_path / "none")).failed(2)


def test_stderr_that_nobody_reads_holds_nothing_up(tmp_path: Path) -> None:
    with Served({**environment(tmp_path)}, "--demo") as served:
        served.up().ready()
        assert served.end() < 4  # with the simulated market


def test_a_token_is_read_from_a_file_and_never_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(ConfigError, match="is no file"):
        read_token(pipe)
    secret = tmp_path / "credentials" / "token"
    secret.parent.mkdir()
    secret.write_text("x" * 40)
    secret.chmod(0o440)  # as systemd shows a service its credentials
    with pytest.raises(ConfigError, match="others may read it"):
        read_token(secret)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    assert read_token(secret) == "x" * 40
    secret.chmod(0o444)
    with pytest.raises(ConfigError, match="others may read it"):
        read_token(secret)
