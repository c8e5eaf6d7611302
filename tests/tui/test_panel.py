"""What the panel of episodes and signals tells, and by which clock."""

import pytest
from msgspec.structs import replace

from frmon.signals.kinds import FUNDING
from frmon.tui.grid import Look
from frmon.tui.panel import episode_lines, signal_lines
from tests.tui.fake import FakeEngine
from tests.tui.sections.coin import told

HOUR_MS = 3_600_000


def look(engine: FakeEngine, step_ms: int = 0) -> Look:
    """A minute later, after a step of the wall clock."""
    return Look(engine.clock.mono() + 60, engine.clock.now_ms() + 60_000 + step_ms, engine.terms, {})


@pytest.mark.parametrize("step_ms", [0, -HOUR_MS, HOUR_MS])
def test_an_episode_is_as_old_as_it_is_whatever_the_wall_clock_does(step_ms: int) -> None:
    engine = FakeEngine(0)
    engine.episode("ETH")
    assert told(episode_lines(engine.episodes.open[0], look(engine, step_ms), 36))[0].endswith("  1m")


@pytest.mark.parametrize("step_ms", [0, -HOUR_MS, HOUR_MS])
def test_a_signal_is_as_old_as_it_is_whatever_the_wall_clock_does(step_ms: int) -> None:
    engine = FakeEngine(0)
    engine.signal("ETH")
    assert told(signal_lines(engine.signals[0], look(engine, step_ms), 36))[0].endswith("   1m")
    unknown = replace(engine.signals[0], observed_mono=0.0)
    assert told(signal_lines(unknown, look(engine, step_ms), 36))[0].endswith("%    -")


def test_funding_is_told_with_its_unit() -> None:
    engine = FakeEngine(0)
    engine.episode("ETH", kind=FUNDING)
    narrow = told(episode_lines(engine.episodes.open[0], look(engine), 36))
    assert narrow[1].strip() == "funding % per 8 h"
    assert " funding % per 8 h DE" in told(episode_lines(engine.episodes.open[0], look(engine), 60))[0]
