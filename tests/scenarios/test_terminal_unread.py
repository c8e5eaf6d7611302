"""A terminal that does not read, one that changes its size all the time, one that others look at: the feeds never notice."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frmon.feeds.sim.faults import Fault
from tests.scenarios.keptrows import EVERY_S, LIVELY, hole_s, moments, store_of
from tests.scenarios.load import Load
from tests.scenarios.screens import READY, Feeds, Market, Screen, market
from tests.tui.terminal import PATIENCE_S, Size

REAL_TIME = "the program runs in a process of its own"
UNREAD_S = 8.0
"""Ten minutes are as long: the pipe and the queue are full after one."""
STORM_S = 30.0
PER_S = 200
SIZES = (Size(1, 1), Size(20, 5), Size(0, 0), Size(80, 24), Size(400, 120))
LAST = Size(132, 43)


@pytest.fixture(scope="module")
def venues() -> Iterator[Market]:
    with market() as found:
        yield found


Open = Callable[..., Screen]


@pytest.fixture
def screen(venues: Market, tmp_path: Path) -> Iterator[Open]:
    opened: list[Screen] = []

    def make(*options: str, **more: object) -> Screen:
        opened.append(Screen(venues, tmp_path / str(len(opened)), *options, **more))  # type: ignore[arg-type]
        opened[-1].up()
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def settled(venues: Market, term: Screen) -> int:
    """How many connections were lost, once no more are: those of programs that ended before."""
    before = -1
    while before != (found := venues.lost()):
        before = found
        term.read_for(1.5)
    return before


def clock_of(term: Screen) -> str:
    """The clock in the corner, without which a picture could be an old one."""
    return next((word for word in reversed(term.shown.split()) if word.endswith("Z") and ":" in word), "")


def seconds_of(text: str) -> int:
    hours, minutes, seconds = (int(word) for word in text.removesuffix("Z").split(":"))
    return 3600 * hours + 60 * minutes + seconds


def drawn_since(term: Screen, moment: float) -> bool:
    """Whether the picture is not older than this second of the wall clock."""
    shown = clock_of(term)
    if not (len(shown) == 9 and shown[:8].replace(":", "").isdigit()):
        return False
    return (seconds_of(shown) - int(moment)) % 86_400 < 43_200


def test_s57_feeds_do_not_notice_a_terminal_that_is_not_read(venues: Market, screen: Open) -> None:
    term = screen(extra=LIVELY)
    before, store = settled(venues, term), store_of(term.home)
    term.until(lambda: len(moments(store)) > 3)
    with Feeds(term.tape, term.read_for) as feeds:
        term.press(b"r" * 60)  # each wants a whole picture: more than the queue to the terminal holds
        began, rows = time.time(), len(moments(store))
        while time.time() < began + UNREAD_S:
            term.press(b"r")
            time.sleep(0.1)
        until, written = time.time(), len(moments(store)) - rows
    assert written > 0, "the database stood still while nobody read the terminal"
    with Load() as load:
        spent = term.until(lambda: drawn_since(term, until))
    assert spent < load.allows(2.0)
    term.until(lambda: READY in term.shown and "LIVE" in term.screen.display[-2])
    assert venues.lost() == before
    term.press(b"q")
    assert term.in_time() == 0
    assert term.is_restored()
    assert feeds.unmoved()
    assert hole_s(store, began, until) < feeds.load.allows(3 * EVERY_S)


def test_s57_quiet_frames_are_not_kept_for_a_terminal_that_is_not_read(venues: Market, screen: Open) -> None:
    """What waits for it is a few frames, not all that were missed."""
    term = screen()
    time.sleep(6)
    before, moment = len(term.sent), time.time()
    term.until(lambda: drawn_since(term, moment))
    assert len(term.sent) - before < 400_000


def storm(term: Screen, seconds: float) -> None:
    """Two hundred changes of the size a second; those that this machine is late with are not left out."""
    began, turn = time.monotonic(), 0
    term.looks = False
    while turn < seconds * PER_S:
        turn += 1
        term.resize(SIZES[turn % len(SIZES)])
        while (left := began + turn / PER_S - time.monotonic()) > 0:
            term.read(left)  # the whole time: a few kilobytes a turn would make it a slow terminal
    while term.read(0):
        continue
    term.looks = True


def test_s60_a_storm_of_sizes_holds_no_feed_and_the_last_size_is_drawn(venues: Market, screen: Open) -> None:
    term = screen()
    before = settled(venues, term)
    with Feeds(term.tape, term.read_for) as feeds:
        storm(term, STORM_S)
        term.screen.resize(LAST.lines, LAST.columns)
        term.resize(LAST)
        with Load() as load:
            spent = term.until(lambda: READY in term.shown and right_edge(term))
    assert spent < load.allows(1.0)
    moment = time.time()
    term.until(lambda: drawn_since(term, moment + 1) and right_edge(term))
    assert venues.lost() == before
    term.press(b"q")
    assert term.in_time() == 0
    assert term.is_restored()
    assert feeds.unmoved()


def right_edge(term: Screen) -> bool:
    """Whether the status line's clock stands at the right edge of the last line."""
    return (
        term.screen.display[-1].rstrip().endswith("Z")
        and len(term.screen.display[-1].rstrip()) == term.screen.columns - 1
    )


def test_s60_a_terminal_without_a_size_is_painted_once_not_for_ever(venues: Market, tmp_path: Path) -> None:
    term = Screen(venues, tmp_path, size=Size(0, 0))
    try:
        term.screen.resize(25, 80)
        term.up()
        before = len(term.sent)
        term.read_for(2)
        assert len(term.sent) - before < 60_000
    finally:
        term.close()


@pytest.mark.parametrize("size", [Size(0, 0), Size(1, 1), Size(20, 5), Size(400, 120)], ids=str)
def test_s60_it_lives_in_every_size(screen: Open, size: Size) -> None:
    """A window of 0x0 is one whose size nobody knows: it is drawn as 80x24."""
    term = screen()
    term.resize(size)
    drawn = size if size.columns else Size(80, 24)
    term.screen.resize(max(1, drawn.lines), max(1, drawn.columns))
    for keys in (b"\r", b"?", b"\x1b", b"/e", b"\x1b", b"s", b"\x1b", b"2", b"1"):
        term.press(keys)
        term.read_for(0.15)
    if drawn.columns >= 80:
        term.until(lambda: right_edge(term))
    term.press(b"\x1b")
    term.resize(Size(90, 30))
    term.screen.resize(30, 90)
    term.until(lambda: READY in term.shown and right_edge(term))
    term.press(b"\x03")
    assert term.in_time() == 0
    assert term.is_restored()


def test_s61_a_stopped_process_that_goes_on_draws_and_hears_keys_once(screen: Open) -> None:
    term = screen()
    os.kill(term.process.pid, signal.SIGSTOP)
    time.sleep(0.5)
    moment = time.time()
    os.kill(term.process.pid, signal.SIGCONT)
    term.until(lambda: drawn_since(term, moment))
    term.press(b"/ZZ")
    term.until_shown("ZZ")
    term.read_for(0.3)
    assert "/ ZZ " in term.shown
    term.press(b"\x03")
    assert term.in_time() == 0
    assert term.is_restored()


def test_s61_bytes_that_are_no_text_do_not_end_it(screen: Open) -> None:
    term = screen()
    for noise in (b"\xff\xfe", b"\xc3(", b"\xf5\x80\x80\x80", b"\xed\xa0\x80", bytes(range(128, 256))):
        term.press(noise)
        term.read_for(0.2)
    term.press(b"/ZZ")
    term.until_shown("/ ZZ")
    term.press(b"\x03")
    assert term.in_time() == 0


@pytest.mark.parametrize(
    "environ", [{"LANG": "C", "LC_ALL": ""}, {"LC_ALL": "POSIX"}, {"LANG": "en_US.ISO-8859-1", "LC_ALL": ""}], ids=str
)
def test_s61_a_locale_without_utf_8_gets_ascii_only(screen: Open, environ: dict[str, str]) -> None:
    term = screen(extra={"LC_CTYPE": "", **environ})
    for keys in (b"\r", b"e", b"?", b"\x1b", b"2", b"s", b"\x1b", b"S"):
        term.press(keys)
        term.read_for(0.3)
    term.press(b"\x03")
    assert term.in_time() == 0
    assert max(term.sent) < 128


def test_s61_without_colours_the_signs_of_the_prices_and_venues_are_still_told_apart(screen: Open) -> None:
    term = screen(extra={"NO_COLOR": "1"})
    term.until_shown("● LIVE")
    assert re.search(r"[+-]\d+\.\d{3}", term.shown)
    assert re.search(rb"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]", term.sent) is None
    term.press(b"\x03")
    assert term.in_time() == 0
    assert term.is_restored()


def test_s61_every_venue_dead_says_so_and_no_feed_of_another_is_held(venues: Market, screen: Open) -> None:
    term = screen(size=Size(120, 40))
    until = time.monotonic() + PATIENCE_S
    while "RECONNECT" not in term.shown:
        assert time.monotonic() < until, term.shown
        venues.fault(Fault(kind="refuse", status=503, for_s=6))
        venues.fault(Fault(kind="rest_status", status=503, for_s=6))
        venues.fault(Fault(kind="drop"))
        term.read_for(3)
    term.press(b"q")
    assert term.in_time() == 0
    assert term.is_restored()
