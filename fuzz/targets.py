"""The decoders of every venue by name, and the frames and replies that they are fed with to begin with."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from frmon.feeds.contract import Venue
from frmon.feeds.venues import all_venues

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "tests" / "samples"

Parse = Callable[[bytes], object]


def of_streams(venue: Venue) -> dict[str, Parse]:
    """Name -> parser of each stream of a venue."""
    return {f"{venue.name} {s.name}": s.parse for s in venue.streams}


def of_replies(venue: Venue) -> dict[str, Parse]:
    """Name -> parser of each REST reply of a venue."""
    return {
        **{f"{venue.name} {d.market} list": d.parse for d in venue.directories},
        **{f"{venue.name} {s.market} {s.kind}": s.parse for s in venue.snapshots},
        **{f"{venue.name} {d.market} depth": d.parse for d in venue.depths},
        **{f"{venue.name} {h.market} settlements": h.parse for h in venue.funding_histories},
        **{f"{venue.name} time {n}": t.parse for n, t in enumerate(venue.server_times)},
    }


def all_targets() -> dict[str, Parse]:
    """Every decoder there is."""
    return {name: parse for v in all_venues() for name, parse in (of_streams(v) | of_replies(v)).items()}


def samples(venue: str) -> dict[str, bytes]:
    """Our own frames and replies of a venue, by name: a file holds one, a list of them, or an object of named ones."""
    found: dict[str, bytes] = {}
    for file in sorted((SAMPLES / venue).glob("*.json")):
        told = json.loads(file.read_bytes())
        if isinstance(told, list):
            found.update({f"{file.stem} {n}": _encoded(one) for n, one in enumerate(told)})
        elif file.stem in {"streams", "replies"}:
            found.update({f"{file.stem} {name}": _encoded(one) for name, one in told.items()})
        else:
            found[file.stem] = _encoded(told)
    return found


def recorded(folder: Path, venue: str) -> Iterator[bytes]:
    """Recorded frames of a venue, from a folder beside the checkout."""
    for file in sorted((folder / "protocols" / venue / "frames").glob("*")):
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        yield from (
            (line for line in raw.splitlines() if line.startswith((b"{", b"["))) if file.suffix == ".txt" else [raw]
        )


def _encoded(told: object) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode()
