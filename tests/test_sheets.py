"""What is told of the venues."""

import pytest

from frmon.config import defaults
from frmon.errors import ConfigError
from frmon.feeds.contract import Rule
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults, wish_from
from frmon.sheets import chosen, rule_text, venues_text


def test_only_enabled_venues_are_asked_unless_named() -> None:
    venues, settings = all_venues(), defaults(venue_defaults())
    first = venues[0].name
    settings.venues[first].enabled = False
    assert [v.name for v in chosen(venues, settings, [])] == [v.name for v in venues[1:]]
    assert [v.name for v in chosen(venues, settings, [first])] == [first]
    with pytest.raises(ConfigError, match=rf'no such venue: "{first}x"; did you mean "{first}"\?'):
        chosen(venues, settings, [f"{first}x"])


def test_every_limit_and_stream_of_every_venue_is_told() -> None:
    venues, settings = all_venues(), defaults(venue_defaults())
    text = venues_text(venues, settings)
    for venue in venues:
        for rule in venue.rules:
            assert rule_text(rule) in text
    assert len(text.split("\n\n")[3].splitlines()) == 1 + sum(len(v.streams) for v in venues)
    assert rule_text(Rule("weight", 6000, 60.0)) == "6000 in any 60 s"


def test_variables_stand_for_global_options_that_were_not_given() -> None:
    env = {"FRMON_LOG": "/l", "FRMON_DB": "/d", "FRMON_LOG_LEVEL": "debug"}
    wish = wish_from({"log_level": "error"}, env)
    assert (str(wish.log), str(wish.db), wish.log_level, wish.config) == ("/l", "/d", "error", None)
