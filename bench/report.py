"""The table of claims, and the facts without which figures mean nothing."""

import json
import os
import platform
import sysconfig
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any, NamedTuple

OUT = Path(__file__).parent / "out"


class Claim(NamedTuple):
    """One line of the table. `goal` in words; `met`: None where there is no goal."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None

    @classmethod
    def ratio(cls, what: str, ours: float, theirs: float, goal: float) -> "Claim":
        """Ours divided by theirs; good at or below `goal`."""
        value = ours / theirs
        return cls(what, f"{value:.3f}", f"≤ {goal}", value <= goal)

    @classmethod
    def most(cls, what: str, value: float, unit: str, goal: float) -> "Claim":
        """A value that is good at or below `goal`."""
        return cls(what, f"{value:.3g} {unit}", f"≤ {goal:g} {unit}", value <= goal)


def facts() -> dict[str, str]:
    """Build and machine."""
    libraries = {"websockets", "picows", "msgspec", "textual", "ccxt", "cryptofeed"}
    installed = sorted(d.name for d in distributions() if d.name in libraries)
    flags = sysconfig.get_config_var("CONFIG_ARGS") or ""
    optimised = [f for f in ("--enable-optimizations", "--with-lto") if f in flags]
    return {
        "python": f"{platform.python_version()} ({' '.join(optimised) or 'built without optimisations'})",
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f} at the start",
        "libraries": ", ".join(f"{name} {version(name)}" for name in installed),
    }


def busy() -> str:
    """A warning when more ran than the cores could take: then only ratios mean something."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    return f"(load {load:.1f} on {cores} cores: other work disturbed this)\n" if load > cores + 1 else ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), platform.machine())


def table(claims: list[Claim]) -> str:
    """The claims as text, one line each."""
    wide = max(len(c.what) for c in claims)
    marks = {None: "", True: "met", False: "MISSED"}
    return "\n".join(f"{c.what:<{wide}}  {c.measured:>16}  {c.goal:<18} {marks[c.met]}".rstrip() for c in claims)


def save(part: str, figures: Any, told: dict[str, str]) -> None:
    """Keep the raw figures beside the facts."""
    OUT.mkdir(exist_ok=True)
    text = json.dumps({"facts": told, "figures": figures}, indent=1, ensure_ascii=False)
    (OUT / f"{part}.json").write_text(text + "\n")
