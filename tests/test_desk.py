"""A hundred thousand things that venues could do: no fresh leg is a lie, and what would make it one is found."""

from collections.abc import Callable

import pytest

from frmon import merge
from frmon.cell import Part
from frmon.merge import Receipt
from frmon.model import Carrier
from fuzz.desk import Desk, main

STEPS = 100_000


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_venues_do_no_fresh_leg_is_a_lie_and_the_rule_signals_what_it_says(seed: int) -> None:
    desk = Desk(seed)
    desk.run(STEPS)
    assert desk.wrong == []
    assert desk.compared > STEPS / 5
    assert desk.signals > 100


def rides_on_any_that_lives(_carried: Part, stream: Carrier, receipt: Receipt) -> bool:
    return stream.live and receipt.asked_at >= stream.up_at


def rides_for_ever(part: Part) -> bool:
    return part.by is not None and part.by.source == "ws" and part.by.live


def confirms_always(part: Part, _now: float, _max_quiet_s: float) -> float:
    return part.at if part.by is None else max(part.at, part.by.heard_at)


@pytest.mark.parametrize(
    ("where", "name", "what"),
    [
        (merge, "_would_tell", rides_on_any_that_lives),
        (merge, "SPEAKING_S", 0.0),
        (Part, "rides", rides_for_ever),
        (Part, "confirmed_at", confirms_always),
    ],
)
def test_it_finds_what_lies(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, what: Callable[..., object]
) -> None:
    monkeypatch.setattr(where, name, what)
    found = []
    for seed in range(20):
        desk = Desk(seed)
        desk.run(STEPS)
        found += desk.wrong
        if found:
            break
    assert any("is fresh with" in wrong for wrong in found)


def test_it_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--steps", "2000", "--seed", "7"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("seed 7: 2000 steps, ")
    assert said[1] == "nothing wrong"
