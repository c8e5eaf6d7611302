"""Words on stderr."""

import logging

import pytest

from frmon.api.spoken import Spoken
from frmon.logfile import PER_SECOND

REAL_TIME = "lines are counted by the second of the machine"


def test_s67_a_flood_is_a_few_lines_a_second_and_a_count(capfd: pytest.CaptureFixture[str]) -> None:
    words, log = Spoken(), logging.Logger("frmon.engine")
    log.addHandler(words)
    for n in range(10_000):
        log.info("%s", f"okx perp 1: nonsense {n}")
    log.info("%s", "bybit: LIVE → LAG")
    words.say("stopped")
    words.close()
    said = capfd.readouterr().err.splitlines()
    nonsense = [line for line in said if "nonsense" in line]
    assert PER_SECOND <= len(nonsense) <= 10 * PER_SECOND
    counted = sum(int(line.split("frmon: ")[1].split()[0]) for line in said if " suppressed: okx perp" in line)
    assert len(nonsense) + counted == 10_000
    assert any(line.endswith("frmon: bybit: LIVE → LAG") for line in said)
    assert any(line.endswith("frmon: stopped") for line in said)


def test_what_is_no_event_and_no_warning_is_not_said(capfd: pytest.CaptureFixture[str]) -> None:
    words, log = Spoken(), logging.Logger("frmon.api")
    log.addHandler(words)
    log.info("nothing")
    log.warning("something")
    words.close()
    assert [line.split("frmon: ")[1] for line in capfd.readouterr().err.splitlines()] == ["something"]
