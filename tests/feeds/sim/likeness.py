"""Whether what the simulator says looks like what the venue says: same keys, same JSON types, at every depth."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FRAMES = Path(__file__).resolve().parents[4] / "shared" / "protocols"


def frame(venue: str, name: str) -> Any:
    """A real payload."""
    return json.loads((FRAMES / venue / "frames" / name).read_text())


def kind(value: object) -> str:
    """The JSON type of a value."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return type(value).__name__
    return "object" if isinstance(value, Mapping) else "array"


def differences(real: Any, made: Any, at: str = "$", *, partial: bool = False) -> list[str]:
    """Where `made` differs from `real`; values are free. Every element of an array is held against the first real one.
    With `partial`, `made` may lack keys."""
    if kind(real) != kind(made):
        return [f"{at}: {kind(made)} instead of {kind(real)}"]
    if isinstance(real, dict):
        found = [f"{at}.{key}: not in the real one" for key in made.keys() - real.keys()]
        found += [] if partial else [f"{at}.{key}: missing" for key in real.keys() - made.keys()]
        for key in real.keys() & made.keys():
            found += differences(real[key], made[key], f"{at}.{key}", partial=partial)
        return found
    if isinstance(real, list) and real:
        return [d for n, one in enumerate(made) for d in differences(real[0], one, f"{at}[{n}]", partial=partial)]
    return []
