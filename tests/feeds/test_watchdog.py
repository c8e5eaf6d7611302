"""The watchdog's judgement, without sockets or clocks."""

import msgspec
import pytest

from frmon.errors import Unreachable
from frmon.feeds.watchdog import Watchdog, death
from frmon.model import Carrier, Market
from tests.feeds import toy


def watchdog(count: int = 2) -> tuple[Watchdog, dict[str, Carrier]]:
    stream = toy.changed(toy.STREAM, channels=(toy.BOOK, toy.MARK)[:count])
    carriers = {c.kind: Carrier("toy", Market.PERP, c.kind) for c in stream.channels}
    return Watchdog(stream, carriers, 1.0), carriers


def hear(carrier: Carrier, at: float) -> None:
    carrier.live = True
    carrier.heard_at = at


def test_silence_is_counted_from_the_last_data_or_from_the_ask() -> None:
    dog, carriers = watchdog(1)
    assert not dog.check(9.9, 0.0, 100).dead
    assert dog.check(10.1, 0.0, 100).dead
    hear(carriers["book"], 5.0)
    assert not dog.check(14.9, 0.0, 100).dead
    assert dog.check(15.1, 0.0, 100).dead


def test_one_living_channel_does_not_hide_a_dead_one() -> None:
    dog, carriers = watchdog()
    hear(carriers["book"], 20.0)
    finding = dog.check(20.5, 0.0, 100)
    assert [c.kind for c in finding.silent] == ["mark"]
    assert not finding.dead


def test_a_line_that_says_nothing_at_all_is_dead_before_its_slowest_channel_is_due() -> None:
    slow = msgspec.structs.replace(toy.MARK, quiet_after_s=30.0)
    stream = toy.changed(toy.STREAM, channels=(toy.BOOK, slow))
    carriers = {c.kind: Carrier("toy", Market.PERP, c.kind) for c in stream.channels}
    dog = Watchdog(stream, carriers, 1.0)
    hear(carriers["book"], 5.0)
    hear(carriers["mark"], 8.0)
    assert not dog.check(17.9, 0.0, 100).dead
    assert [c.kind for c in dog.check(17.9, 0.0, 100).silent] == ["book"]
    assert dog.check(18.1, 0.0, 100).dead


def test_a_small_line_gets_patience_while_rest_contradicts_nothing() -> None:
    dog, carriers = watchdog(1)
    hear(carriers["book"], 0.0)
    assert not dog.check(50.0, 0.0, 49).dead
    assert dog.check(50.0, 0.0, 50).dead
    assert dog.check(61.0, 0.0, 49).dead
    carriers["book"].contradicted_at = 49.0
    assert dog.check(50.0, 0.0, 49).dead


def test_what_rest_knew_before_the_stream_told_it_is_no_contradiction() -> None:
    stream = toy.changed(toy.STREAM, channels=(msgspec.structs.replace(toy.BOOK, cadence_s=5.0),))
    carriers = {"book": Carrier("toy", Market.PERP, "book")}
    dog = Watchdog(stream, carriers, 1.0)
    hear(carriers["book"], 10.0)
    carriers["book"].contradicted_at = 9.0
    assert not dog.check(40.0, 0.0, 49).dead
    carriers["book"].contradicted_at = 35.0
    assert not dog.check(40.0, 0.0, 49).dead, "within the beat of its pushes"
    assert dog.check(41.0, 0.0, 49).dead


def test_patience_needs_somebody_who_answers_pings_or_rest_that_would_contradict() -> None:
    vouched = [True]
    stream = toy.changed(toy.STREAM, channels=(toy.BOOK,), ping=None)
    carriers = {"book": Carrier("toy", Market.PERP, "book")}
    dog = Watchdog(stream, carriers, 1.0, lambda: bool(vouched))
    hear(carriers["book"], 0.0)
    patient = [(not dog.check(at, 0.0, 49).dead, dog.is_patient) for at in (9.0, 11.0)]
    assert patient == [(True, False), (True, True)]
    vouched.clear()
    assert not dog.check(9.0, 0.0, 49).dead
    assert dog.check(11.0, 0.0, 49).dead
    pinging = Watchdog(toy.changed(stream, ping=b"ping"), carriers, 1.0, lambda: bool(vouched))
    assert not pinging.check(50.0, 0.0, 49, answered_at=45.0).dead
    assert pinging.check(50.0, 0.0, 49, answered_at=39.0).dead


def test_asked_symbols_that_do_not_speak_are_asked_again_once_and_then_counted_mute() -> None:
    dog, carriers = watchdog(1)
    dog.opened(["A", "B", "C"])
    hear(carriers["book"], 11.0)
    dog.heard("book", ["A"])
    assert not dog.check(9.0, 0.0, 100).ask_again
    assert dog.check(11.0, 0.0, 100).ask_again == {"B", "C"}
    dog.heard("book", ["B"])
    hear(carriers["book"], 21.0)
    assert dog.check(22.0, 11.5, 100).mute == 1
    dog.heard("book", ["C"])
    assert dog.check(23.0, 11.5, 100).mute == 0


def test_symbols_that_still_wait_to_be_asked_for_are_not_missed() -> None:
    dog, carriers = watchdog(1)
    dog.opened(["A", "B", "C"])
    hear(carriers["book"], 11.0)
    dog.heard("book", ["A"])
    assert dog.check(11.0, 0.0, 100, unasked={"B", "C"}).ask_again == set()
    assert dog.check(11.0, 0.0, 100, unasked={"C"}).ask_again == {"B"}


def test_a_line_without_symbols_owes_no_data() -> None:
    dog, _ = watchdog(1)
    assert not dog.check(1_000.0, 0.0, 0).dead


def test_no_patience_for_a_small_line_whose_pings_nobody_answers() -> None:
    dog, carriers = watchdog(1)
    hear(carriers["book"], 0.0)
    assert not dog.check(50.0, 0.0, 10, answered_at=45.0).dead
    assert dog.check(50.0, 0.0, 10, answered_at=39.0).dead
    assert not dog.check_pongs(3.9)
    assert dog.check_pongs(4.1), "time to ask"


def test_a_line_that_brings_only_notices_is_held_to_its_pongs() -> None:
    stream = toy.changed(
        toy.STREAM, channels=(msgspec.structs.replace(toy.BOOK, parts=frozenset()),), ping_every_s=15.0
    )
    dog = Watchdog(stream, {}, 1.0)
    assert not dog.check_pongs(37.0)
    with pytest.raises(Unreachable, match="no pong for 38 s"):
        dog.check_pongs(38.0)


def test_silence_turns_amber_after_three_seconds_where_symbols_are_many_or_rest_contradicts() -> None:
    dog, carriers = watchdog(1)
    assert [dog.is_amber(20.0, s, 100) for s in (2.9, 3.1)] == [False, True]
    assert not dog.is_amber(20.0, 3.1, 10)
    carriers["book"].contradicted_at = 19.0
    assert dog.is_amber(20.0, 3.1, 10)


def test_the_end_of_a_line_is_called_by_what_came_on_it() -> None:
    assert death(10.0, (), has_spoken=True).status == "RECONNECT"
    assert death(10.0, (), has_spoken=False).status == "NO-DATA"
    assert death(10.0, {"book"}, has_spoken=True).why == "content frozen: book"


def test_a_channel_with_a_cadence_of_its_own_is_silent_only_after_two_missed_pushes() -> None:
    stream = toy.changed(toy.STREAM, channels=(msgspec.structs.replace(toy.BOOK, cadence_s=1.0),))
    carriers = {"book": Carrier("toy", Market.PERP, "book")}
    dog = Watchdog(stream, carriers, 0.01)
    hear(carriers["book"], 0.0)
    assert not dog.check(1.9, 0.0, 100).dead
    assert dog.check(2.1, 0.0, 100).dead
