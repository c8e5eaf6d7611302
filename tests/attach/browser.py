"""A headless Chromium, driven over its debugging protocol."""

import json
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pyte
from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAIT_S = 60.0


class Browser:
    """One tab. `screen`: what its terminal was sent, as a terminal shows it; `asked`: every URL that it asked for."""

    def __init__(self, folder: Path, columns: int = 120, rows: int = 40) -> None:
        assert CHROMIUM is not None
        self.asked: list[str] = []
        self.failed: list[str] = []
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._ids = count(1)
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        self._process = subprocess.Popen(
            [
                CHROMIUM,
                *options,
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
                "--window-size=1400,900",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + WAIT_S
        chosen = folder / "DevToolsActivePort"
        while not chosen.exists() or not chosen.read_text():
            assert time.monotonic() < until, "chromium does not start"
            time.sleep(0.1)
        port = chosen.read_text().split()[0]
        with urlopen(Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT"), timeout=WAIT_S) as answer:
            target = json.load(answer)
        self._closing = ExitStack()
        self._line = self._closing.enter_context(
            connect(target["webSocketDebuggerUrl"], max_size=None, open_timeout=WAIT_S)
        )
        for domain in ("Network", "Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.bringToFront")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method: str, **params: Any) -> Any:
        """The result of one command."""
        number = next(self._ids)
        self._line.send(json.dumps({"id": number, "method": method, "params": params}))
        until = time.monotonic() + WAIT_S
        while (said := self._next(until - time.monotonic())) is None or said.get("id") != number:
            assert time.monotonic() < until, method
        assert "error" not in said, said
        return said["result"]

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def open(self, url: str) -> None:
        """Go there."""
        self.call("Page.navigate", url=url)

    def press(self, text: str) -> None:
        """Type on the keyboard."""
        for key in text:
            named = (
                {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
                if key == "\r"
                else {"text": key, "key": key}
            )
            self.call("Input.dispatchKeyEvent", type="keyDown", **named)
            self.call("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in named.items() if k != "text"})

    def until(self, is_so: Callable[[list[str]], bool], seconds: float = WAIT_S) -> list[str]:
        """Wait until the lines of the terminal are so; returns them."""
        until = time.monotonic() + seconds
        while not is_so(self.lines()):
            assert time.monotonic() < until, "\n".join([*self.lines(), *self.failed])
            self._next(0.2)
        return self.lines()

    def lines(self) -> list[str]:
        """The terminal now."""
        return [line.rstrip() for line in self.screen.display]

    def close(self) -> None:
        """End it."""
        self._closing.close()
        self._process.terminate()
        self._process.wait(10)

    def _next(self, seconds: float) -> dict[str, Any] | None:
        try:
            said: dict[str, Any] = json.loads(self._line.recv(max(0.0, seconds)))
        except TimeoutError:
            return None
        self._note(said.get("method", ""), said.get("params", {}))
        return said

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.asked.append(params["url"])
        elif method == "Network.webSocketFrameReceived" and params["response"]["opcode"] == 2:
            self._stream.feed(b64decode(params["response"]["payloadData"]))
        elif method == "Network.loadingFailed":
            self.failed.append(params["errorText"])
        elif method == "Log.entryAdded":
            self.failed.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.failed.append(params["exceptionDetails"]["text"])
