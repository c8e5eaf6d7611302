"""When lines dial again, what they show meanwhile, and what counts as news."""

import msgspec

from frmon.clock import ManualClock
from frmon.errors import Unreachable
from frmon.feeds.content import REPEATS_S, Content
from frmon.feeds.pacer import Wait
from frmon.feeds.retries import Retries
from frmon.feeds.shown import Shown
from frmon.feeds.wire import Closed
from frmon.model import LineState, Status, Tick
from tests.feeds import toy

LOST = Unreachable("RECONNECT", "lost")
NOW_MS = 1_795_325_580_000.0


def test_delays_are_forgotten_only_after_thirty_seconds_of_data() -> None:
    retries = Retries(1.0)
    for _ in range(8):
        retries.ended(0.0, 20.0, 29.0)
        last = retries.wait_s(LOST)
    assert 15 <= last <= 17.25
    retries.ended(0.0, 31.0, 30.5)
    assert retries.wait_s(LOST) < 0.7
    assert retries.number == 1


def test_a_venues_demand_outlasts_a_shorter_delay_and_a_policy_violation_is_one() -> None:
    retries = Retries(1.0)
    assert retries.wait_s(Unreachable("BANNED", "no", 120.0)) == 120.0
    assert retries.wait_s(retries.closed(Closed(1008, "too many"))) == 10.0
    assert retries.closed(Closed(1001, "")).retry_s is None


def test_three_early_closes_in_a_row_are_called_flapping_until_it_was_healthy() -> None:
    retries = Retries(1.0)
    for at in (10.0, 12.0, 15.0):
        retries.ended(at, 1.0, 0.5)
        retries.wait_s(LOST)
    assert retries.words("closed 1001") == "flapping, closed 3 times in 5 s: closed 1001 (try 3)"
    retries.ended(100.0, 50.0, 45.0)
    retries.wait_s(LOST)
    assert retries.words("closed 1001") == "closed 1001"


def test_a_wait_counts_down_names_its_end_and_is_told_once() -> None:
    clock, told, state = ManualClock(), list[str](), LineState(name="toy perp 1")
    shown = Shown(state, clock, told.append)
    shown.wait(Status.BANNED, "HTTP 418", 3.0)
    seen = []
    for _ in range(4):
        shown.refresh()
        seen.append(state.detail.removeprefix("HTTP 418; until 05:33:03 UTC"))
        clock.advance(1.0)
    assert seen == ["; again in 3 s", "; again in 2 s", "; again in 1 s", ""]
    shown.hold(Wait(7.2, barred="BANNED"), "HTTP 418; until 05:33:14 UTC")
    assert state.detail == "HTTP 418; until 05:33:14 UTC; waiting 8 s (ban)"
    assert [line.split(" (")[0] for line in told] == ["toy perp 1: CONNECTING → BANNED"]


def test_a_wait_for_a_quota_does_not_hide_why_it_dials_again() -> None:
    state = LineState(name="toy perp 1")
    shown = Shown(state, ManualClock(), lambda _: None)
    shown.hold(Wait(1.2, barred=""), "")
    assert (state.status, state.detail) == (Status.CONNECTING, "waiting 2 s (quota)")
    shown.wait(Status.DNS, "name or service not known (try 2)", 3.0)
    shown.hold(Wait(1.2, barred=""), "an old ban")
    assert (state.status, state.detail) == (Status.DNS, "name or service not known (try 2); waiting 2 s (quota)")


def test_trouble_stays_named_while_it_is_dialled_and_asked_until_data_comes() -> None:
    state = LineState(name="toy perp 1")
    shown = Shown(state, ManualClock(), lambda _: None)
    shown.begin("dialling")
    assert state.status is Status.CONNECTING
    for before, during in ((Status.NO_DATA, Status.NO_DATA), (Status.BANNED, Status.RECONNECT)):
        state.reconnects += 1
        shown.wait(before, "why", 1.0)
        shown.begin("asking")
        assert state.status is during


def said(ms: int) -> list[Tick]:
    return [Tick(symbol="AUSDT", event_ms=int(NOW_MS) + ms, bid=1.0, ask=2.0)]


def test_what_repeats_old_times_for_long_is_frozen_also_on_the_next_connection_until_there_is_news() -> None:
    content = Content([toy.BOOK], 1.0)
    content.begin(["book"], 0.0)
    assert content.is_news("book", said(0), 1.0, NOW_MS)
    assert not content.is_news("book", said(0), 1.0 + REPEATS_S, NOW_MS)
    assert not content.frozen
    assert not content.is_news("book", said(-5), 1.1 + REPEATS_S, NOW_MS)
    assert content.frozen == {"book"}
    content.begin(["book"], 20.0)
    assert not content.is_news("book", said(0), 20.1, NOW_MS)
    assert content.frozen == {"book"}
    assert content.is_news("book", said(1), 21.0, NOW_MS)
    assert not content.frozen


def test_a_new_connection_may_begin_with_old_pictures_and_a_clock_that_was_set_back_freezes_nothing() -> None:
    content = Content([toy.BOOK], 1.0)
    content.begin(["book"], 0.0)
    content.is_news("book", said(0), 1.0, NOW_MS)
    content.begin(["book"], 100.0)
    assert not content.is_news("book", said(0), 101.0, NOW_MS)
    assert not content.frozen
    assert content.is_news("book", said(-60_000), 120.0, NOW_MS - 60_000)


def test_a_venues_own_cadence_is_waited_for() -> None:
    content = Content([msgspec.structs.replace(toy.BOOK, cadence_s=5.0)], 0.1)
    content.begin(["book"], 0.0)
    content.is_news("book", said(0), 1.0, NOW_MS)
    content.is_news("book", said(0), 10.9, NOW_MS + 9_900)
    assert not content.frozen
    content.is_news("book", said(0), 11.1, NOW_MS + 10_100)
    assert content.frozen


def test_symbols_that_are_told_each_in_its_own_turn_of_a_beat_are_news_in_any_order() -> None:
    content = Content([msgspec.structs.replace(toy.BOOK, cadence_s=5.0)], 1.0)
    assert content.is_news("book", said(0), 1.0, NOW_MS)
    assert content.is_news("book", said(-4_000), 2.0, NOW_MS + 1_000)
    assert not content.is_news("book", said(-5_000), 2.0, NOW_MS + 1_000), "older than any of this beat"
    assert not content.is_news("book", said(-1), 8.0, NOW_MS + 7_000), "said again, too late to be of this beat"
    assert not content.frozen
