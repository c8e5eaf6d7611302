"""`frmon web`: who is answered, and the screen in a real browser, attached to a running `frmon serve --demo`."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.attach.browser import CHROMIUM, Browser

REAL_TIME = "the program runs in a process of its own"
START_S = 60.0
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


class Program:
    """A command that serves something."""

    def __init__(self, folder: Path, *words: str) -> None:
        places = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        self._said = folder / f"{words[0]}.said"
        with self._said.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "frmon", *words], stdout=file, stderr=file, env={**os.environ, **places}
            )

    def url(self) -> str:
        """Where it serves, once it says so."""
        until = time.monotonic() + START_S
        while (found := re.search(r"http://127\.0\.0\.1:\d+", self._said.read_text())) is None:
            assert self.process.poll() is None, self._said.read_text()
            assert time.monotonic() < until, self._said.read_text()
            time.sleep(0.1)
        return found[0]

    def end(self) -> int:
        """Ask it to end."""
        self.process.terminate()
        return self.process.wait(15)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    served = Program(tmp_path_factory.mktemp("serve"), "serve", "--demo", "--port", "0")
    try:
        yield served.url()
    finally:
        served.end()


@pytest.fixture(scope="module")
def page(there: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    shown = Program(tmp_path_factory.mktemp("web"), "web", "--connect", there, "--port", "0")
    try:
        yield shown.url()
    finally:
        code = shown.end()
    assert code == 0


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path / "profile", 155, 38)
    yield opened
    opened.close()


def status(url: str, **headers: str) -> int:
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_only_its_own_names_and_pages_are_answered(page: str) -> None:
    assert status(page) == 200
    assert status(f"{page}/static/css/xterm.css") == 200
    assert status(page, Host="evil.example") == 403
    assert status(page, Origin="http://evil.example") == 403
    assert status(f"{page}/static/") == 403
    assert status(f"{page}/static/../../server.py") == 404
    for origin in (None, "http://evil.example"):
        with pytest.raises(InvalidStatus), connect(page.replace("http", "ws") + "/ws", origin=origin):  # type: ignore[arg-type]
            pass


def test_the_page_names_nothing_of_elsewhere(page: str) -> None:
    with urlopen(page, timeout=10) as answer:
        text, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
    assert "https://" not in text
    assert {urlsplit(url).netloc for url in re.findall(r"(?:http|ws)s?://[^\"\s]+", text)} == {urlsplit(page).netloc}
    assert "default-src 'none'" in policy


def test_only_this_machine_can_connect(page: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        own = probe.getsockname()[0]
    if own.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(URLError):
        urlopen(f"http://{own}:{urlsplit(page).port}", timeout=5)


@needs_browser
def test_in_a_browser_the_table_appears_a_key_sorts_it_and_a_filter_narrows_it(page: str, browser: Browser) -> None:
    browser.open(page)
    browser.until(lambda lines: sum(" P " in line for line in lines) > 15)
    assert "SIMULATED MARKET" in browser.lines()[0]
    assert browser.evaluate("document.activeElement.className") == "xterm-helper-textarea"  # no click is needed
    browser.press("<r")
    browser.until(lambda lines: "GROSS%▲" in lines[1] and len(widths(browser)) > 15)
    browser.until(lambda _: widths(browser) == sorted(widths(browser)))
    browser.press("r")
    browser.until(lambda lines: "GROSS%▼" in lines[1] and widths(browser) == sorted(widths(browser), reverse=True))
    browser.press("/BTC")
    lines = browser.until(lambda lines: any(re.search(r"\b\d+/1,?\d+ coins", line) for line in lines))
    assert "BTC" in "".join(lines)
    browser.until(lambda _: 0 < len(coins(browser)) < 10 and all("BTC" in coin for coin in coins(browser)))
    assert browser.evaluate("document.querySelectorAll('canvas').length > 0 || !!document.querySelector('.xterm-rows')")
    assert {urlsplit(url).netloc for url in browser.asked if not url.startswith(("data:", "about:"))} == {
        urlsplit(page).netloc
    }


@needs_browser
def test_a_screen_that_cannot_begin_closes_its_tab(tmp_path: Path, browser: Browser) -> None:
    served = Program(tmp_path, "serve", "--demo", "--port", "0")
    shown = Program(tmp_path, "web", "--connect", served.url(), "--port", "0")
    try:
        url = shown.url()
        served.end()
        browser.open(url)
        until = time.monotonic() + START_S
        while "-closed" not in (browser.evaluate("document.body.className") or ""):
            assert time.monotonic() < until
            time.sleep(0.3)
    finally:
        shown.end()


def test_without_a_collector_there_is_no_page(tmp_path: Path) -> None:
    shown = Program(tmp_path, "web", "--connect", "http://127.0.0.1:1", "--port", "0")
    assert shown.process.wait(START_S) == 3
    assert (tmp_path / "web.said").read_text().count("\n") == 1


def coins(browser: Browser) -> list[str]:
    """The first column of the table's rows."""
    return [line.split()[0] for line in browser.lines()[2:-3] if re.match(r"[ !*]?\S+ +(BN|BG|BY|OK) [SP] ", line)]


def widths(browser: Browser) -> list[float]:
    """The gross spreads of the table's rows."""
    found = [re.search(r"[SP] +[\d.,]+ +([+-]\d+\.\d{3}) ", line) for line in browser.lines()[2:-3]]
    return [float(one[1]) for one in found if one is not None]
