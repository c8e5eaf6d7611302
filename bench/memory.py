"""Resident memory of the whole engine at full rate: its slope, with how sure it is."""

import statistics
from typing import Any

from bench.report import Claim
from bench.simulated import Look, looks, market, violations

MARKET_RATE = 3.0  # gives a bit over 5,000 messages/s
WARM_UP_S = 60.0


def measure(minutes: float) -> dict[str, Any]:
    """Watch the engine for so long after a minute of warm-up."""
    with market(MARKET_RATE) as child:
        seen = list(looks(child, 1.0, WARM_UP_S + minutes * 60))
        broken = violations(child)
    warm = [look for look in seen if look["at"] >= WARM_UP_S]
    first, last = warm[0], warm[-1]
    seconds = last["at"] - first["at"]
    slope, error = slope_of(warm)
    return {
        "minutes": seconds / 60,
        "coins": last["coins"],
        "messages_per_s": (last["messages"] - first["messages"]) / seconds,
        "cpu_pct": (last["cpu_s"] - first["cpu_s"]) / seconds * 100,
        "start_mb": first["rss_mb"],
        "end_mb": last["rss_mb"],
        "most_mb": max(look["rss_mb"] for look in seen),
        "slope_mb_per_h": slope * 3600,
        "slope_error_mb_per_h": error * 3600,
        "violations": sum(broken.values()),
        "seen": [(round(look["at"], 1), look["rss_mb"]) for look in seen],
    }


def slope_of(seen: list[Look]) -> tuple[float, float]:
    """Least squares over the medians of ten equal parts, which hides garbage that comes and goes: megabytes per second,
    and its standard error."""
    size = max(1, len(seen) // 10)
    parts = [seen[i : i + size] for i in range(0, size * 10, size)]
    points = [
        (statistics.median(p["at"] for p in part), statistics.median(p["rss_mb"] for p in part))
        for part in parts
        if part
    ]
    xs, ys = zip(*points, strict=True)
    slope, base = statistics.linear_regression(xs, ys)
    spread = sum((x - statistics.mean(xs)) ** 2 for x in xs)
    rest = sum((y - slope * x - base) ** 2 for x, y in points)
    return slope, float((rest / max(1, len(points) - 2) / spread) ** 0.5)


def claims(found: dict[str, Any]) -> list[Claim]:
    """What the figures say, against the goals."""
    slope, error = found["slope_mb_per_h"], found["slope_error_mb_per_h"]
    return [
        Claim(
            f"engine for {found['minutes']:.0f} min, {found['coins']:.0f} coins", f"{found['messages_per_s']:.0f} msg/s"
        ),
        Claim("  CPU", f"{found['cpu_pct']:.1f} % of a core"),
        Claim.most("  memory at most", found["most_mb"], "MB", 150),
        Claim("  slope", f"{slope:+.1f} ± {error:.1f} MB/h", "0 within 3 errors", abs(slope) <= 3 * error + 1),
    ]
