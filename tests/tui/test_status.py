import pytest

from frmon.model import Status, VenueState
from frmon.tui import status
from frmon.tui.lines import Line, width_of
from tests.tui.fake import VENUES

BY_NAME = {v.name: v for v in VENUES}


def states(**changed: Status) -> list[VenueState]:
    return [
        VenueState(
            name=v.name, status=changed.get(v.name, Status.LIVE), legs=812, fresh_legs=805, messages_per_s=512.3, lag_ms=38.0
        )
        for v in VENUES
    ]  # fmt: skip


def text(line: Line) -> str:
    return "".join(t for t, _ in line)


@pytest.mark.parametrize("width", [60, 80, 120, 160, 200])
def test_the_venues_fit_and_every_one_shows_its_status_in_a_word(width: int) -> None:
    line = status.venues_line(states(beta=Status.RECONNECT), BY_NAME, width, False)
    assert width_of(line) <= width
    assert text(line).count("LIVE") == 3
    assert "RECONNECT" in text(line)


def test_the_longest_form_that_fits_is_taken() -> None:
    assert "805/812 fresh 512/s 38ms" in text(status.venues_line(states(), BY_NAME, 200, False))
    assert "99%" in text(status.venues_line(states(), BY_NAME, 80, False))


def test_reconnects_show_once_there_are_some() -> None:
    some = states()
    some[0].reconnects = 3
    assert "↻3" in text(status.venues_line(some, BY_NAME, 200, False))
    assert "r3" in text(status.venues_line(some, BY_NAME, 200, True))
    assert "↻" not in text(status.venues_line(states(), BY_NAME, 200, False))


def test_every_status_has_a_sign_and_plain_ones_are_ascii() -> None:
    for each in Status:
        assert status.sign(each, True)[0].isascii()
        assert status.sign(each, False)[1] in {"good", "dim", "warn", "error"}


def test_the_worst_venue_is_told_in_words() -> None:
    some = states(beta=Status.RECONNECT, gamma=Status.BLOCKED)
    some[2].detail = "HTTP 451"
    assert status.words_line(some, BY_NAME) == "Gamma BLOCKED: HTTP 451 (and 1 more)"
    assert status.words_line(states(), BY_NAME) == ""


def test_all_down_is_only_when_all_are_down_and_nothing_is_fresh() -> None:
    for word in (Status.DNS, Status.BLOCKED, Status.RECONNECT):
        down = states(**{v.name: word for v in VENUES})
        assert not status.are_all_down(down)  # REST still gives what they have
        for state in down:
            state.fresh_legs = 0
        assert status.are_all_down(down)
    assert not status.are_all_down(states(alpha=Status.DNS))
    assert not status.are_all_down([])


def test_a_simulated_market_is_never_silent() -> None:
    assert "SIMULATED MARKET - not real prices" in text(status.banner_line("SIMULATED", None, ""))
    assert "REPLAY MARKET" in text(status.banner_line("REPLAY", 75.0, "trouble"))
    assert "PAUSED 1:15" in text(status.banner_line("", 75.0, ""))
    assert status.banner_line("", None, "") == ()


def test_before_data_every_venue_says_what_it_does() -> None:
    some = states(alpha=Status.CONNECTING)
    some[0].detail = "listing perpetuals"
    lines = [text(line) for line in status.waiting_lines(some, BY_NAME, False)]
    assert any("Alpha" in line and "CONNECTING" in line and "listing perpetuals" in line for line in lines)
    assert all(any(v.title in line for line in lines) for v in VENUES)


def test_the_right_end_stays_and_the_left_gives_way() -> None:
    left = [(("aaaa", "key"), (" one  ", "bar")), (("bbbb", "key"), (" two  ", "bar"))]
    line = status.bottom_line(left, (("right", "bar"),), 20)
    assert text(line) == " aaaa one     right "
    assert text(status.bottom_line([(("x" * 50, "warn"),)], (("right", "bar"),), 20)).endswith("… right ")
