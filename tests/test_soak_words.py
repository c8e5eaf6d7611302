"""Words that belie the numbers are found."""

from frmon.model import LineState, Status, VenueState
from soak.words import Words


def state(status: Status, fresh: int, detail: str = "", lines: list[LineState] | None = None) -> VenueState:
    return VenueState(name="okx", status=status, detail=detail, legs=10, fresh_legs=fresh, lines=lines or [])


def test_a_venue_that_is_called_live_and_shows_little_that_is_fresh_is_told_once_it_lasts() -> None:
    words, lie = Words(patience=2), [state(Status.LIVE, 4)]
    assert [list(words.doubt(lie)) for _ in range(2)] == [[], []]
    assert list(words.doubt(lie)) == ["okx is called LIVE (): 4 of 10 legs are fresh"]
    assert not list(words.doubt(lie)), "once"


def test_what_is_true_again_in_time_is_no_lie() -> None:
    words = Words(patience=2)
    for fresh in (4, 4, 9, 4, 4, 9):
        assert not list(words.doubt([state(Status.LIVE, fresh)]))


def test_trouble_without_a_reason_is_none() -> None:
    mute = LineState(name="okx perp 1", status=Status.RECONNECT)
    assert list(Words(0).doubt([state(Status.BANNED, 0)])) == ["okx is called BANNED (): no reason is given"]
    assert list(Words(0).doubt([state(Status.LIVE, 9, lines=[mute])])) == [
        "okx is called LIVE (): okx perp 1 is RECONNECT without a reason"
    ]
    assert not list(Words(0).doubt([state(Status.BANNED, 0, "until 12:00:00 UTC"), state(Status.OFF, 0)]))
