"""S53: the program is really stopped, by SIGSTOP, while the venues go on."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.scenarios.programs import Watching, fresh_legs, market

REAL_TIME = "the program runs in a process of its own"


def test_s53_a_stopped_program_counts_nothing_of_before_as_fresh_and_is_live_again_soon(tmp_path: Path) -> None:
    """The kernel keeps what came meanwhile: read after the stop, it must not pass for news."""
    with market(tmp_path, "okx", "bybit", max_age_s=2.5, time_scale=0.5) as (_, env), Watching(env) as watching:
        watching.wait(lambda: any(is_full(p) and stands(p) for p in watching.pictures()))
        resumed = watching.stop_for(3.5)
        resumed_ms = time.time() * 1000
        watching.wait(lambda: watching.pictures(resumed), 1.5)
        first = watching.pictures(resumed)[0]
        assert first["at_ms"] >= resumed_ms - 50
        assert fresh_legs(first) == []
        watching.wait(lambda: any("RESUMED after" in n for p in watching.pictures(resumed) for n in p["notices"]), 2)
        watching.wait(lambda: stands(watching.pictures(resumed)[-1], reconnects=1), 10)
        watching.wait(lambda: is_full(watching.pictures(resumed)[-1]), 10)
        fresh_at = min(p["at_ms"] for p in watching.pictures(resumed) if fresh_legs(p))
        assert all(moment(s["observed_at"]) >= fresh_at - 1000 for s in watching.signals(resumed))
        assert watching.end() == ""


def stands(picture: dict[str, Any], reconnects: int = 0) -> bool:
    """Whether every line is up, and was dialled again at least so often."""
    lines = [line for v in picture["venues"].values() for line in v["lines"]]
    return bool(lines) and all(line["reconnects"] >= reconnects and line["status"] == "LIVE" for line in lines)


def is_full(picture: dict[str, Any]) -> bool:
    """Whether nine of ten legs are fresh."""
    on = [v for v in picture["venues"].values() if v["status"] != "OFF"]
    return all(v["status"] == "LIVE" and v["fresh_legs"] >= 0.9 * v["legs"] > 0 for v in on)


def moment(text: str) -> float:
    """ISO 8601 as Unix milliseconds."""
    return datetime.fromisoformat(text).timestamp() * 1000
