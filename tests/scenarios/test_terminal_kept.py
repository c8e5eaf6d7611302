"""What the program had found out lies in its database when it ends, however it is ended; and a collector without a screen
survives its terminal."""

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frmon.feeds.sim.faults import Fault
from tests.scenarios.keptrows import EVERY_S, LIVELY, hole_s, is_sound, missing, moments, opened, store_of
from tests.scenarios.load import Load
from tests.scenarios.screens import Market, Screen, market
from tests.tui.terminal import PATIENCE_S, Terminal

REAL_TIME = "the program runs in a process of its own, in a terminal"
OLDER_S = 1.0
"""Signals that are so old when the program is told to end must be in its file."""


@pytest.fixture(scope="module")
def venues() -> Iterator[Market]:
    with market() as found:
        yield found


SIGNALS = "signals"
"""The file, below the home of a program, in which every signal is written down as it fires."""


@contextmanager
def lively(venues: Market, home: Path) -> Iterator[Screen]:
    """The screen over a program that signals at every sample, some of which are in its file."""
    program = ("tests.scenarios.telling", str(home / SIGNALS))
    term = Screen(venues, home, extra=LIVELY, program=program)
    try:
        term.until(lambda: " LIVE" in term.shown and "RECONNECT" not in term.shown)
        store = store_of(home)
        term.until(lambda: len(moments(store)) > 3)
        yield term
    finally:
        term.close()


def bring(term: Screen, venues: Market, state: str) -> float:
    """Bring it into a state; since when it signals nothing, in seconds of the wall clock (now, if it still does)."""
    silent = time.time()
    if state == "connecting":
        while "RECONNECT" not in term.shown:
            assert time.time() < silent + PATIENCE_S, term.shown
            venues.fault(Fault(kind="refuse", status=503, for_s=5))
            venues.fault(Fault(kind="drop"))
            term.read_for(2)
        return silent
    if state == "stalled":
        for _ in range(80):
            term.press(b"r")
            time.sleep(0.01)
        time.sleep(2)
    return time.time()


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("state", ["normal", "stalled", "connecting"])
def test_s59_no_signal_older_than_a_second_is_lost(
    venues: Market, tmp_path: Path, state: str, way: signal.Signals
) -> None:
    with lively(venues, tmp_path) as term, Load() as load:
        store, since = store_of(tmp_path), moments(store_of(tmp_path))[0]
        until = bring(term, venues, state) - OLDER_S
        told = time.time()
        term.signal(way)
        assert term.in_time(reading=state != "stalled") == 128 + way
    assert missing(tmp_path / SIGNALS, store, told - OLDER_S) == []
    assert hole_s(store, since, until) < load.allows(3 * EVERY_S)
    assert is_sound(store)


@contextmanager
def locked(store: Path) -> Iterator[sqlite3.Connection]:
    """Another program is in the middle of writing."""
    with opened(store) as file:
        file.execute("BEGIN IMMEDIATE")
        yield file


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "SIGINT SIGINT"])
def test_s59_it_ends_in_time_while_the_database_is_locked_and_writes_when_it_still_can(
    venues: Market, tmp_path: Path, way: str
) -> None:
    with lively(venues, tmp_path) as term:
        store = store_of(tmp_path)
        with locked(store) as other, Load() as load:
            since, rows = moments(store)[-1], len(moments(store))
            term.read_for(3)
            assert len(moments(store)) == rows, "nothing can be written"
            until = time.time() - OLDER_S
            for name in way.split():
                term.signal(signal.Signals[name])
                term.read_for(0.1)
            term.read_for(0.4)
            other.execute("ROLLBACK")
            assert term.in_time() == 128 + signal.Signals[name]
        assert term.is_restored()
    assert missing(tmp_path / SIGNALS, store, until) == []
    assert hole_s(store, since, until) < load.allows(3 * EVERY_S)
    assert is_sound(store)


def test_s59_it_ends_in_time_while_the_database_stays_locked(venues: Market, tmp_path: Path) -> None:
    with lively(venues, tmp_path) as term:
        store = store_of(tmp_path)
        with locked(store):
            until = moments(store)[-1]
            term.read_for(2)
            term.signal(signal.SIGTERM)
            assert term.in_time() == 143
        assert term.is_restored()
        assert b"Traceback" not in term.sent
    assert moments(store)[-1] >= until
    assert is_sound(store)


def cpu_s(pid: int) -> float:
    """Seconds of processor time so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def share(pid: int, seconds: float) -> float:
    """The share of one processor that a process has for so long."""
    started, before = time.monotonic(), cpu_s(pid)
    time.sleep(seconds)
    return (cpu_s(pid) - before) / (time.monotonic() - started)


@pytest.mark.parametrize("deaf", [{}, {"deaf_to_hangup": True}, {"own_session": True}], ids=str)
def test_s58_a_collector_without_a_screen_survives_its_terminal_at_no_cost(
    venues: Market, tmp_path: Path, deaf: dict[str, bool]
) -> None:
    """The choice of whoever wants collection to go on: `frmon serve`. Its words go nowhere, and nothing spins."""
    command = [sys.executable, "-m", "frmon", "serve", "--port", "0"]
    term = Terminal(command, {**venues.environ(tmp_path), **LIVELY}, **deaf)  # type: ignore[arg-type]
    store, pid = store_of(tmp_path), term.process.pid
    try:
        term.until(lambda: len(moments(store)) > 3)
        before = share(pid, 4)
        term.vanish()
        lost = time.time()
        after = share(pid, 4)
        assert term.process.poll() is None
        assert after < max(0.2, 1.5 * before), f"{after:.0%} of a processor, before {before:.0%}"
        term.until(lambda: moments(store)[-1] > lost + 4)
        term.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        with Load() as load:
            term.process.wait(PATIENCE_S)
        assert time.monotonic() - started < load.allows(3.0)
        assert term.process.returncode in {0, 143}
    finally:
        term.close()
    assert is_sound(store)
