"""What the process uses: counted before and after, for whatever grows without end is a leak."""

import asyncio
import gc
import threading
from collections import Counter
from pathlib import Path

import msgspec

OURS = ("Line", "Wire", "Carrier", "Fleet", "Watchdog", "Asking", "Ledger", "Cell")


class Use(msgspec.Struct):
    """One look. `objects`: how many of our own living things there are, by class."""

    rss_mb: float
    tasks: int
    threads: int
    files: int
    objects: dict[str, int]


def look() -> Use:
    """Count now, after a collection."""
    gc.collect()
    named = Counter(type(o).__name__ for o in gc.get_objects() if str(type(o).__module__).startswith("frmon."))
    return Use(
        rss_mb=rss_mb(),
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
        objects={name: named[name] for name in OURS if named[name]},
    )


def rss_mb() -> float:
    """Resident memory of this process in megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def leaks(before: Use, after: Use, memory_mb: float) -> list[str]:
    """What grew more than chance explains. Lines and their parts come and go with the venues' lists: a few more are fine."""
    found = []
    if after.rss_mb > before.rss_mb + memory_mb:
        found.append(f"memory {before.rss_mb:.0f} -> {after.rss_mb:.0f} MB")
    for name in ("tasks", "threads", "files"):
        was, now = getattr(before, name), getattr(after, name)
        if now > was * 1.1 + 4:
            found.append(f"{name} {was} -> {now}")
    for name, now in after.objects.items():
        was = before.objects.get(name, 0)
        if now > was * 1.1 + 4:
            found.append(f"{name} objects {was} -> {now}")
    return found
