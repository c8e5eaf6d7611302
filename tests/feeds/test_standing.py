"""The one word for a venue."""

from frmon.errors import Unreachable
from frmon.feeds.standing import of_venue
from frmon.model import LineState, Status

LOST = Unreachable("RECONNECT", "no answer in time")


def line(name: str, status: Status, detail: str = "") -> LineState:
    return LineState(name=name, status=status, detail=detail)


def test_a_venue_begins_with_its_lines() -> None:
    begun = [line("toy 1", Status.LIVE), line("toy 2", Status.CONNECTING, "asking")]
    assert of_venue(begun, {}) == (Status.CONNECTING, "1 of 2 lines; toy 2 CONNECTING: asking")


def test_a_line_that_only_begins_takes_nothing_from_a_venue_that_was_live() -> None:
    begins = line("toy 2", Status.CONNECTING, "dialling")
    lag = line("toy 1", Status.LAG, "3000 ms late")
    said = (Status.LIVE, "toy 2 CONNECTING: dialling")
    assert of_venue([begins], {}, has_stood=True) == said
    assert of_venue([line("toy 1", Status.LIVE), begins], {}, has_stood=True) == said
    assert of_venue([lag, begins], {}, has_stood=True)[0] is Status.LAG
    assert of_venue([begins], {"toy book": LOST}, has_stood=True)[0] is Status.PARTIAL


def test_nor_does_it_hide_one_that_is_lost() -> None:
    begins, lost = line("toy 2", Status.CONNECTING), line("toy 1", Status.RECONNECT, "closed 1001")
    status, words = of_venue([lost, begins], {}, has_stood=True)
    assert status is Status.REST
    assert words == "toy 1 RECONNECT: closed 1001; toy 2 CONNECTING"
    assert of_venue([lost, begins], {"toy book": LOST}, has_stood=True)[0] is Status.RECONNECT
