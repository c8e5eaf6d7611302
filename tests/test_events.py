"""The event log: bounded, repetitions in one row, what is wrong with the program itself."""

from frmon.clock import ManualClock
from frmon.events import MOST, MOST_S, Event, EventLog


def test_it_keeps_the_latest_five_hundred() -> None:
    log = EventLog(ManualClock())
    for n in range(10_000):
        log.tell(f"source {n}: event {n}")
    assert [log.rows[0].text, log.rows[-1].text, len(log.rows)] == [
        "source 9999: event 9999",
        "source 9500: event 9500",
        500,
    ]


def test_repetitions_are_counted_in_one_row_which_comes_to_the_top() -> None:
    clock = ManualClock()
    log = EventLog(clock)
    log.tell("before")
    for _ in range(12):
        log.tell("a: LIVE → RECONNECT")
        clock.advance(1.0)
        log.tell("a: RECONNECT → LIVE")
    assert [row.text for row in log.rows] == ["a: RECONNECT → LIVE x12", "a: LIVE → RECONNECT x12", "before"]
    assert log.rows[0].at_ms == clock.now_ms()


def test_what_happens_again_after_a_while_is_another_row() -> None:
    clock = ManualClock()
    log = EventLog(clock)
    log.tell("again")
    clock.advance(61.0)
    log.tell("again")
    assert [row.text for row in log.rows] == ["again", "again"]


def test_rows_are_clean_short_and_without_secrets() -> None:
    log = EventLog(ManualClock())
    log.tell("x\x1b[2J\u202e http://me:canary-77@proxy:1 " + "y" * 1000)
    assert log.rows[0].text.startswith("x[2J http://***@proxy:1 yyy")
    assert len(log.rows[0].text) == 300


def test_notices_are_what_is_wrong_with_the_program_for_half_a_minute() -> None:
    clock = ManualClock()
    log = EventLog(clock)
    log.tell("okx: LIVE → LAG")
    log.tell("TASK signals restarted")
    log.tell("TASK signals restarted")
    clock.advance(20.0)
    log.tell("CLOCK of this machine was set back by 3600.0 s")
    assert log.notices() == ("CLOCK of this machine was set back by 3600.0 s", "TASK signals restarted x2")
    clock.advance(20.0)
    assert log.notices() == ("CLOCK of this machine was set back by 3600.0 s",)


def test_a_source_that_says_too_much_is_counted_and_takes_no_room_from_others() -> None:
    clock = ManualClock()
    log = EventLog(clock)
    heard: list[Event] = []
    log.hear = heard.append
    log.tell("bybit: LIVE → LAG")
    for n in range(10_000):
        log.tell(f"okx perp 1: nonsense {n}")
        if n < MOST:
            log.tell(f"okx perp 1: LIVE → {n}")
    texts = [row.text for row in heard if row.count == 1]
    assert sum("nonsense" in text for text in texts) == MOST
    assert sum("→" in text for text in texts) == MOST + 1, "a change of status finds its room"
    clock.advance(MOST_S)
    log.tell("okx perp 1: once more")
    assert log.rows[0].text == "okx perp 1: once more"


def test_what_is_only_counted_is_one_row() -> None:
    log = EventLog(ManualClock())
    log.tell("bybit: LIVE → LAG")
    for n in range(10_000):
        log.tell(f"okx perp 1: nonsense {n}")
    assert log.rows[0].text == f"okx perp 1: more of its like is only counted x{10_000 - MOST}"
    assert log.rows[-1].text == "bybit: LIVE → LAG"
    assert len(log.rows) == MOST + 2
    for n in range(10_000):
        log.tell(f"okx perp 2: nonsense → {n}")
    assert len(log.rows) == 2 * MOST + 3
