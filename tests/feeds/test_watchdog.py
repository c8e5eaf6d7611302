"""The watchdog's judgement, without sockets or clocks."""

from frmon.feeds.watchdog import Watchdog
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


def test_a_small_line_gets_patience_while_rest_contradicts_nothing() -> None:
    dog, carriers = watchdog(1)
    hear(carriers["book"], 0.0)
    dog.up()
    assert not dog.check(50.0, 0.0, 49).dead
    assert dog.check(50.0, 0.0, 50).dead
    assert dog.check(61.0, 0.0, 49).dead
    carriers["book"].contradicted += 1
    assert dog.check(50.0, 0.0, 49).dead


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


def test_a_line_without_symbols_owes_no_data() -> None:
    dog, _ = watchdog(1)
    assert not dog.check(1_000.0, 0.0, 0).dead
