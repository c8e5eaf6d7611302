import json
import subprocess
import sys
import urllib.request

import pytest

from frmon.feeds.sim.child import ChildError, arguments, start_child
from frmon.feeds.sim.options import SimOptions

REAL_TIME = "the simulator runs in a process of its own"
SMALL = SimOptions(coins=30, seed=5)


def test_a_child_serves_until_it_is_stopped() -> None:
    with start_child(SMALL) as child:
        assert set(child.endpoints) == {"binance", "okx", "bybit", "bitget"}
        with urllib.request.urlopen(child.status[0], timeout=10) as reply:
            assert json.load(reply)["seed"] == 5
        assert child.running
    assert not child.running


def test_a_child_ends_when_its_parent_is_gone() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "frmon", *arguments(SMALL)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["simulated"] is True
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


def test_a_child_that_cannot_start_says_why() -> None:
    with pytest.raises(ChildError, match="unknown scene 'nope'"):
        start_child(SimOptions(coins=30, scene="nope"))
