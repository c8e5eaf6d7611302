"""A log that can't be written harms nobody and is told; secrets are in no log, event, status or picture."""

import json
import resource
import socketserver
import subprocess
import sys
import threading
from base64 import b64encode
from pathlib import Path

from frmon.redact import HIDDEN
from tests.scenarios.programs import Watching, market

REAL_TIME = "the program runs in a process of its own"
CANARIES = ("canary%2Fpass", "canary/pass", b64encode(b"canary-user:canary/pass").decode())


def test_a_full_disk_under_the_log_is_told_and_floods_nothing(tmp_path: Path) -> None:
    with market(tmp_path, "okx", coins=20, time_scale=0.2) as (_, env):
        full = ("--log", "/dev/full", "--log-level", "debug")
        with Watching(env, *full) as watching:
            told = "LOG cannot be written: no space left on device"
            watching.wait(lambda: any(told in p["notices"] for p in watching.pictures()))
            watching.wait(lambda: any(p["venues"].get("okx", {}).get("status") == "LIVE" for p in watching.pictures()))
            assert watching.end() == ""


def test_a_log_that_reached_the_limit_of_its_file_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with market(tmp_path, "okx", coins=20, time_scale=0.2) as (_, env):
        options = ("--log", str(log), "--log-level", "debug")
        with Watching(env, *options) as watching:
            watching.wait(watching.pictures)
            size = log.stat().st_size
            resource.prlimit(watching.process.pid, resource.RLIMIT_FSIZE, (size + 10, resource.RLIM_INFINITY))
            watching.wait(
                lambda: any("LOG cannot be written: file too large" in p["notices"] for p in watching.pictures())
            )
            assert watching.end() == ""


class Echo(socketserver.StreamRequestHandler):
    """A proxy that answers as a venue would, and says aloud the credentials that it was given."""

    def handle(self) -> None:
        said = ""
        while (line := self.rfile.readline().decode().strip()) != "":
            said = line.split()[-1] if line.lower().startswith("proxy-authorization") else said
        body = json.dumps({"code": "50000", "msg": said, "data": []}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


def test_secrets_are_told_nowhere_even_if_a_proxy_repeats_them(tmp_path: Path) -> None:
    log, config = tmp_path / "log", tmp_path / "config.toml"
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        with market(tmp_path, "okx", coins=20, time_scale=0.2) as (_, env):
            text = config.read_text().replace("127.0.0.1", "venue.invalid")
            url = f"http://canary-user:canary%2Fpass@127.0.0.1:{proxy.server_address[1]}"
            config.write_text(text.replace("[feeds]", f'[feeds]\nproxy = "{url}"'))
            with Watching(env, "--log", str(log), "--log-level", "debug") as watching:
                watching.wait(lambda: len(watching.pictures()) >= 3)
                said = json.dumps([line for _, line in watching.lines]) + watching.end() + log.read_text()
            checked = subprocess.run(
                [sys.executable, "-m", "frmon", "check"],
                env=env,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert checked.returncode == 1
            assert HIDDEN in checked.stdout
            said += checked.stdout + checked.stderr
        proxy.shutdown()
    assert HIDDEN in said, "the proxy did repeat them"
    assert [canary for canary in CANARIES if canary in said] == []
