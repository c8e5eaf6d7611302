"""How long venues say that one must wait, where they say it by a date."""

import pytest

from frmon.feeds.contract import Venue
from frmon.feeds.venues import all_venues

each_venue = pytest.mark.parametrize("venue", all_venues(), ids=lambda v: v.name)
NOW = "Sun, 22 Nov 2026 05:33:00 GMT"
FAR = "Wed, 22 Nov 99999999999999999999 05:33:00 GMT"


@each_venue
@pytest.mark.parametrize("status", [418, 429])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "Sun, 22 Nov 2026 05:35:00 GMT", "date": NOW}, 120.0),
        ({"retry-after": "Sun, 22 Nov 2099 05:35:00 GMT", "date": NOW}, 259_200.0),
        ({"retry-after": "Sun, 22 Nov 2026 05:32:00 GMT", "date": NOW}, None),
        ({"retry-after": "Sun, 22 Nov 2026 05:35:00 GMT"}, None),
        ({"retry-after": FAR, "date": NOW}, None),
        ({"retry-after": NOW, "date": FAR}, None),
    ],
)
def test_a_ban_until_a_date_lasts_by_the_servers_own_clock(
    venue: Venue, status: int, headers: dict[str, str], wait: float | None
) -> None:
    found = venue.verdict(status, headers, b"banned until 9999999999999")
    assert found is not None
    assert found.status == "BANNED"
    assert found.retry_s is not None
    assert found.retry_s == wait if wait else 0 < found.retry_s <= 259_200
