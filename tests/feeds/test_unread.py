"""What could not be read is counted, named and told, but not again and again."""

from frmon.feeds.unread import WHOLE, Unread, culprit, worst


def test_the_most_frequent_are_named_until_a_minute_after_the_last() -> None:
    unread = Unread(1.0)
    assert unread.words(0.0) == ""
    for at, names in enumerate((["bidPx"], ["bidPx", "ts"], [WHOLE], ["last"], ["bidPx"])):
        unread.note(names, float(at))
    assert unread.words(4.0) == unread.words(64.0) == "PARSE 6: bidPx 3, ts 1, frame 1"
    assert unread.words(64.1) == ""
    unread.note(["ts"], 70.0)
    assert (unread.words(70.0), unread.total) == ("PARSE 1: ts 1", 7)


def test_it_is_told_at_once_and_then_once_a_minute() -> None:
    unread = Unread(1.0)
    assert [at for at in range(200) if unread.note(["ts"], float(at))] == [0, 60, 120, 180]


def test_a_venue_names_its_worst_line() -> None:
    parts = {"a 1": Unread(0.1), "a 2": Unread(0.1), "a rest": Unread(0.1)}
    assert worst(parts, 1.0) == ""
    parts["a 1"].note([WHOLE], 1.0)
    parts["a rest"].note(["ask", "ask"], 1.0)
    assert worst(parts, 1.0) == "PARSE 3: a rest ask 2"


def test_a_bug_is_laid_at_the_door_of_the_one_symbol_that_the_frame_names() -> None:
    symbols = ["PEPEUSDT", "1000PEPEUSDT", "BTCUSDT"]
    assert culprit(b'{"s":"BTCUSDT"}', symbols) == "BTCUSDT"
    assert culprit(b'{"s":"1000PEPEUSDT"}', symbols) == "1000PEPEUSDT"
    assert culprit(b'{"s":["1000PEPEUSDT","BTCUSDT"]}', symbols) == WHOLE
    assert culprit(b"{}", symbols) == WHOLE
    assert culprit(b'{"s":"BTCUSDT"}' + b" " * 5000, symbols) == WHOLE
