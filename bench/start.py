"""Cold start on the simulated venues with their limits in force: when the first rows stand, when 95 % of all legs are
fresh, when all are; and how often a limit was broken."""

import statistics
from typing import Any

from bench.report import Claim
from bench.simulated import Look, looks, market, violations

GIVE_UP_S = 75.0
AFTER_S = 15.0  # watched on after all were fresh: is it really all, and are limits kept while lines are still asking?


def measure(runs: int) -> dict[str, Any]:
    """Several cold starts, each on venues of its own."""
    starts = [_start() for _ in range(runs)]
    seconds = {name: [s[name] for s in starts] for name in ("first_s", "most_s", "all_s", "lines_s")}
    return {
        **{name: statistics.median(values) for name, values in seconds.items()},
        "starts": starts,
        "violations": sum(s["violations"] for s in starts),
        "coins": starts[0]["coins"],
        "legs": starts[0]["legs"],
    }


def _start() -> dict[str, Any]:
    with market() as child:
        seen: list[Look] = []
        for look in looks(child, 0.1, GIVE_UP_S):
            seen.append(look)
            full = next((s["at"] for s in seen if 0 < s["legs"] == s["fresh"] and s["legs"] >= look["legs"]), None)
            if full is not None and look["at"] > full + AFTER_S:
                break
        broken = violations(child)
    legs = seen[-1]["legs"]
    return {
        "first_s": _first(seen, "coins", 1),
        "most_s": _first(seen, "fresh", 0.95 * legs),
        "all_s": _first(seen, "fresh", legs),
        "lines_s": _first(seen, "live", seen[-1]["lines"]),
        "lines": seen[-1]["lines"],
        "coins": seen[-1]["coins"],
        "legs": legs,
        "violations": sum(broken.values()),
        "broken": broken,
    }


def _first(seen: list[Look], name: str, least: float) -> float:
    """When a figure first reached this; infinite if never."""
    return next((look["at"] for look in seen if look[name] >= least), float("inf"))


def claims(found: dict[str, Any]) -> list[Claim]:
    """What the figures say, against the goals."""
    return [
        Claim("cold start, simulated venues", f"{found['coins']:.0f} coins", f"{found['legs']:.0f} legs"),
        Claim.most("  first rows, from the start of the process", found["first_s"], "s", 3),
        Claim.most("  95 % of legs fresh", found["most_s"], "s", 20),
        Claim.most("  all legs fresh", found["all_s"], "s", 60),
        Claim("  all lines live", f"{found['lines_s']:.3g} s", f"{found['starts'][0]['lines']:.0f} lines"),
        Claim.most("  limits broken", found["violations"], "", 0),
    ]
