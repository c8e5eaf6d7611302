"""What waits: bounded, in order, counted."""

from typing import Any, cast

from frmon.storage.waiting import OTHERS, PRECIOUS, ROOM, Waiting
from tests.storage.made import bar, event, settlement, signal


def test_the_oldest_go_first_and_what_is_taken_still_waits_until_it_is_settled() -> None:
    waiting = Waiting()
    for record in (signal(1), bar(1), signal(2), settlement()):
        waiting.put(record)
    taken = waiting.take(PRECIOUS, 2)
    assert taken == [signal(1), signal(2)]
    assert len(waiting) == 4
    waiting.given_back(taken)
    assert waiting.take(PRECIOUS, 9) == [signal(1), signal(2), settlement()]
    waiting.settled(taken)
    assert len(waiting) == 2
    assert waiting.take(OTHERS, 9) == [bar(1)]


def test_room_is_for_ten_thousand_signals_and_two_minutes_of_bars() -> None:
    assert min(ROOM[kind] for kind in PRECIOUS) >= 10_000
    waiting = Waiting()
    for n in range(ROOM[type(event())] + 3):
        waiting.put(event(str(n)))
    assert (len(waiting), waiting.dropped) == (5_000, 3)
    assert waiting.take(OTHERS, 1) == [event("3")]


def test_what_comes_back_to_a_full_queue_gives_way_and_is_counted_once() -> None:
    waiting = Waiting()
    for n in range(5_000):
        waiting.put(event(str(n)))
    taken = waiting.take(OTHERS, 100)
    for n in range(30):
        waiting.put(event(f"new {n}"))
    assert waiting.dropped == 0
    waiting.given_back(taken)
    assert (len(waiting), waiting.dropped) == (5_000, 30)
    assert waiting.take(OTHERS, 1) == [event("30")]


def test_what_is_no_record_is_dropped() -> None:
    waiting = Waiting()
    waiting.put(cast("Any", "nothing"))
    assert (len(waiting), waiting.dropped) == (0, 1)
