"""A terminal that does not read, one that changes its size all the time, one that others look at: the feeds never notice."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frmon.feeds.sim.faults import Fault
from tests.scenarios.screens import GAP_S, READY, Lateness, Market, Screen, crowd, market
from tests.tui.terminal import Size

REAL_TIME = "the program runs in a process of its own"
UNREAD_S = 8.0
"""Ten minutes are as long: the pipe and the queue are full after one."""
STORM_S = 3.0
SIZES = (Size(1, 1), Size(20, 5), Size(80, 24), Size(400, 120), Size(132, 43))


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


def connects(venues: Market) -> int:
    return sum(n for name, n in venues.status()["counters"].items() if name.startswith("connects "))


def settled(venues: Market, term: Screen) -> int:
    """How often was dialled, once nothing more is dialled."""
    before = -1
    while before != (found := connects(venues)):
        before = found
        term.read_for(1.5)
    return before


def clock_of(term: Screen) -> str:
    """The clock in the corner, without which a picture could be an old one."""
    return next((word for word in reversed(term.shown.split()) if word.endswith("Z") and ":" in word), "")


def now() -> list[str]:
    return [time.strftime("%H:%M:%SZ", time.gmtime(time.time() - ago)) for ago in (0, 1, 2)]


def test_s57_feeds_do_not_notice_a_terminal_that_is_not_read(venues: Market, screen: Open) -> None:
    term = screen()
    before, since = settled(venues, term), time.time()
    with Lateness() as late:
        term.press(b"r" * 60)  # each wants a whole picture: more than the queue to the terminal holds
        end = time.monotonic() + UNREAD_S
        while time.monotonic() < end:
            term.press(b"r")
            time.sleep(0.1)
    until = time.time()
    assert connects(venues) == before
    spent = term.until(lambda: clock_of(term) in now(), 10)
    assert spent < 2 * crowd() + late.worst_s
    assert READY in term.shown
    assert "LIVE" in term.screen.display[-2]
    term.press(b"q")
    assert term.in_time() == 0
    assert term.is_restored()
    assert term.gap_s(since, until) < GAP_S + late.worst_s


def test_s57_quiet_frames_are_not_kept_for_a_terminal_that_is_not_read(venues: Market, screen: Open) -> None:
    """What waits for it is a few frames, not all that were missed."""
    term = screen()
    time.sleep(6)
    before = len(term.sent)
    term.until(lambda: clock_of(term) in now(), 10)
    assert len(term.sent) - before < 400_000


def storm(term: Screen, seconds: float) -> None:
    """Two hundred changes of the size a second."""
    end, turn = time.monotonic() + seconds, 0
    term.looks = False
    while time.monotonic() < end:
        turn += 1
        term.resize(SIZES[turn % 4])
        term.read(0.005)
    while term.read(0):
        continue
    term.looks = True


def test_s60_a_storm_of_sizes_holds_no_feed_and_the_last_size_is_drawn(venues: Market, screen: Open) -> None:
    term = screen()
    before, since = settled(venues, term), time.time()
    with Lateness() as late:
        storm(term, STORM_S)
        last = SIZES[-1]
        term.screen.resize(last.lines, last.columns)
        term.resize(last)
        spent = term.until(lambda: READY in term.shown and clock_of(term) in now() and right_edge(term), 10)
    until = time.time()
    assert spent < 1 * crowd() + late.worst_s
    assert connects(venues) == before
    term.press(b"q")
    assert term.in_time() == 0
    assert term.is_restored()
    assert term.gap_s(since, until) < GAP_S + late.worst_s


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
        term.until(lambda: right_edge(term), 10)
    term.press(b"\x1b")
    term.resize(Size(90, 30))
    term.screen.resize(30, 90)
    term.until(lambda: READY in term.shown and right_edge(term), 10)
    term.press(b"\x03")
    assert term.in_time() == 0
    assert term.is_restored()


def test_s61_a_stopped_process_that_goes_on_draws_and_hears_keys_once(screen: Open) -> None:
    term = screen()
    os.kill(term.process.pid, signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(term.process.pid, signal.SIGCONT)
    term.until(lambda: clock_of(term) in now(), 15)
    term.press(b"/ZZ")
    term.until_shown("ZZ", 10)
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
    term.until_shown("/ ZZ", 10)
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


def test_s61_every_venue_dead_says_so_and_no_feed_of_another_is_held(venues: Market, screen: Open) -> None:
    term = screen(size=Size(120, 40))
    venues.fault(Fault(kind="refuse", status=503, for_s=6))
    venues.fault(Fault(kind="rest_status", status=503, for_s=6))
    venues.fault(Fault(kind="drop"))
    term.until_shown("RECONNECT", 15)
    term.press(b"q")
    assert term.in_time() == 0
    assert term.is_restored()
