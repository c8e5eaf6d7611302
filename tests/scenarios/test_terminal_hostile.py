"""Foreign text at the terminal itself: whatever it says, only what the screen sends anyhow arrives there."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from frmon.feeds.sim.faults import Fault
from tests.scenarios.hostile import PAYLOADS, shapes
from tests.scenarios.screens import Market, Screen, market
from tests.tui.terminal import Size, Terminal

REAL_TIME = "the program runs in a process of its own"
KEYS = (
    b"j",
    b"j",
    b"\r",
    b"e",
    b"G",
    b"n",
    b"e",
    b"?",
    b"\x1b",
    b"2",
    b"s",
    b"\x1b",
    b"1",
    b"S",
    b"S",
    b"/z\r",
    b" ",
    b"F",
    b"p",
    b"p",
    b"F",
)
CLICK = b"\x1b[<0;4;%dM\x1b[<0;4;%dm"
BIG = Size(160, 60)
AGAIN = 3


@pytest.fixture(scope="module")
def venues() -> Iterator[Market]:
    with market() as found:
        yield found


def walk(term: Terminal) -> None:
    """See everything that there is to be seen, and click on it."""
    for key in KEYS:
        term.press(key)
        term.read_for(0.2)
    for line in range(2, 20):
        term.press(CLICK % (line, line))
        term.read(0.05)
    term.press(b"\x1b\x1b")
    term.read_for(1)


def of_screen(tmp_path: Path, *more: str, state: bytes = b"") -> bytes:
    """All that the screen sends over an engine whose texts nobody cleaned."""
    file = tmp_path / f"state{len(more)}.json"
    file.write_bytes(state)
    term = Terminal([sys.executable, "-m", "tests.tui.hostile_app", str(file), *more], size=BIG)
    try:
        term.until_shown("MARKET")
        term.read_for(1)  # with the filter of the state file
        term.press(b"\x1b")
        term.until_shown("Z1")
        walk(term)
        assert term.process.poll() is None
        term.press(b"\x1b[200~" + "\x1b]52;c;Zm9v\x07 paste \x9b31m\u202e".encode() + b"\x1b[201~")
        term.read_for(0.3)
        term.press(b"\x03")
        assert term.end() == 0
        assert term.is_restored()
        return term.sent
    finally:
        term.close()


def test_s47_no_widget_lets_foreign_text_reach_the_terminal_raw(tmp_path: Path) -> None:
    """Also what the user pastes, and what an old state file says."""
    state = msgspec.json.encode({"filter": "z\x1b]0;owned\x07\x9b1m", "pins": ["\x1b[2J", "Z4"], "theme": "[/]"})
    hostile = shapes(of_screen(tmp_path, state=state))
    benign = shapes(of_screen(tmp_path, "benign"))
    for _ in range(AGAIN):  # one walk does not see every picture of another
        if hostile <= benign:
            break
        benign |= shapes(of_screen(tmp_path, "benign"))
    assert hostile - benign == set()
    assert not [shape for shape in benign if shape.startswith(("\x1b]0", "\x1b]#", "\x1bP")) and ";" not in shape]


def test_s47_the_reader_of_sequences_sees_every_payload_that_is_one() -> None:
    plain = {"[/]", "[@click=app.quit]x[/]", "[red]x", "[link=file:///etc]x[/link]", "\ud800", "1\ufe0f\u20e3"}
    for payload in PAYLOADS:
        if payload not in plain and payload != "\u0301" * 30 and len(payload) < 1000:
            assert shapes(payload.encode()), repr(payload)


def say(venues: Market, text: str, n: int) -> None:
    """Have the venues say it: as an error, a reason to close, a body of a refusal, and where nobody expects it."""
    frame = msgspec.json.encode({"event": "error", "op": text, "code": "60018", "msg": text, "ret_msg": text}).decode()
    short = text.encode("utf-8", "ignore")[:100].decode("utf-8", "ignore")
    venues.fault(Fault(kind="inject", payload=frame[:70_000]))
    venues.fault(Fault(kind="drop", venue=("okx", "bybit", "bitget", "binance")[n % 4], code=1008, reason=short))
    venues.fault(Fault(kind="refuse", status=403, payload=short, headers={"X-Why": "no"}, for_s=0.4))
    venues.fault(Fault(kind="rest_status", status=451, payload=frame[:500], for_s=0.4))


def usual(venues: Market, home: Path) -> bytes:
    """All that the screen sends when nobody says anything in particular."""
    term = Screen(venues, home, size=BIG)
    try:
        term.until_shown(" LIVE")
        walk(term)
        term.press(b"\x03")
        term.end()
        return term.sent
    finally:
        term.close()


def test_s47_what_venues_say_reaches_neither_terminal_nor_log_raw(venues: Market, tmp_path: Path) -> None:
    term = Screen(venues, tmp_path / "a", size=BIG)
    try:
        term.until_shown(" LIVE")
        benign_end = len(term.sent)
        for n, text in enumerate(p for p in PAYLOADS if p != "\ud800"):
            say(venues, f"Zq{text}", n)
            term.read_for(0.12)
        walk(term)
        assert term.process.poll() is None
        term.press(b"\x03")
        assert term.end() == 0
        sent, log = term.sent, term.log.read_bytes()
    finally:
        term.close()
    seen: set[str] = set()
    for n in range(AGAIN):
        if n and shapes(sent[benign_end:]) <= seen:
            break
        seen |= shapes(usual(venues, tmp_path / f"b{n}"))
    assert shapes(sent[benign_end:]) - seen == set()
    assert all(msgspec.json.decode(line) for line in log.splitlines())
    assert shapes(log) <= {"\n"}
