"""Feed the decoders of all venues with spoilt frames until something gives way.

`python -m fuzz.decoders [--seconds 60] [--seed 0] [--only okx] [--corpus DIR]`: with `atheris` where it is installed
(coverage-guided, inputs that reach new code are kept in DIR), else by random changes of our own samples, replayable by seed.
Whatever any decoder does but answer sanely or raise what it may is written to `fuzz-<hash>.bin` in DIR, and ends the run.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from random import Random

try:
    import atheris
except ImportError:
    atheris = None

with atheris.instrument_imports(include=["frmon"]) if atheris else nullcontext():  # before they are used elsewhere
    from frmon.feeds.venues import all_venues
    from fuzz.checks import check, check_verdict
    from fuzz.mutate import spoilt
    from fuzz.targets import Parse, all_targets, recorded, samples

    VENUES = all_venues()

SLOW_S = 0.05  # of the processor, for one frame of at most 64 kB; more is a finding
BIG = 1 << 16


class Fuzz:
    """All decoders behind one door: the first byte says whose frame it is, and then all of that venue get it."""

    def __init__(self, only: str, keep: Path) -> None:
        targets = all_targets()
        self.venues = [v for v in VENUES if only in v.name]
        self.targets: list[list[tuple[str, Parse]]] = [
            [(name, parse) for name, parse in targets.items() if name.startswith(f"{v.name} ")] for v in self.venues
        ]
        self.executions = 0
        self.slowest = (0.0, "")
        self._keep = keep

    def seeds(self, shared: Path) -> list[bytes]:
        """What to begin with: our samples, and real frames where they are."""
        found = []
        for n, venue in enumerate(self.venues):
            frames = [*samples(venue.name).values(), *recorded(shared, venue.name)]
            found += [bytes((n,)) + raw for raw in frames if len(raw) < BIG]
        return found

    def one(self, data: bytes) -> None:
        """Give this input to every decoder of its venue."""
        if not data:
            return
        n, raw = data[0] % len(self.venues), data[1:]
        try:
            for name, parse in self.targets[n]:
                self._timed(name, parse, raw)
            check_verdict(self.venues[n], (200, 400, 403, 418, 429, 503)[len(raw) % 6], raw[:4096])
        except BaseException:
            name = f"fuzz-{hashlib.sha256(data).hexdigest()[:12]}.bin"
            (self._keep / name).write_bytes(data)
            print(f"kept as {self._keep / name}", file=sys.stderr)
            raise

    def _timed(self, name: str, parse: Parse, raw: bytes) -> None:
        started = time.thread_time()  # of the processor: a busy machine makes no frame slow
        check(parse, raw)
        spent = time.thread_time() - started
        self.executions += 1
        if len(raw) <= BIG and spent > self.slowest[0]:
            self.slowest = spent, name
            assert spent <= SLOW_S, f"{name} took {spent * 1000:.0f} ms"

    def told(self) -> str:
        """What was done."""
        spent, name = self.slowest
        return f"{self.executions} executions; slowest {spent * 1000:.1f} ms ({name})"


def main(words: Sequence[str] | None = None) -> int:
    """Run until time is over; 1 where something gave way."""
    asked = argparse.ArgumentParser(prog="fuzz.decoders", description=__doc__)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--only", default="", help="part of a venue's name")
    asked.add_argument("--corpus", type=Path, default=Path(".fuzz"))
    asked.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    asked.add_argument("--plain", action="store_true", help="do not use atheris")
    told = asked.parse_args(words)
    told.corpus.mkdir(parents=True, exist_ok=True)
    fuzz = Fuzz(told.only, told.corpus)
    seeds = fuzz.seeds(told.shared)
    if atheris is None or told.plain:
        return by_chance(fuzz, seeds, told.seconds, told.seed)
    by_coverage(fuzz, seeds, told)
    return 0


def by_chance(fuzz: Fuzz, seeds: Sequence[bytes], seconds: float, seed: int) -> int:
    """Random changes, up to four on top of each other."""
    random, until = Random(seed), time.monotonic() + seconds
    print(f"seed {seed}, {len(seeds)} frames to begin with")
    for data in seeds:
        fuzz.one(data)
    while time.monotonic() < until:
        fuzz.one(changed(random.choice(seeds), random))
    print(fuzz.told())
    return 0


def by_coverage(fuzz: Fuzz, seeds: Sequence[bytes], told: argparse.Namespace) -> None:
    """What libFuzzer finds, half of the changes its own, half ours. Never returns."""
    for data in seeds:
        (told.corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def change(data: bytes, size: int, seed: int) -> bytes:
        random = Random(seed)
        own: bytes = changed(data, random)[:size] if random.random() < 0.5 else atheris.Mutate(data, size)
        return own

    options = [f"-max_total_time={told.seconds:.0f}", f"-seed={told.seed}", f"-max_len={BIG}", "-timeout=5"]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={told.corpus}/", str(told.corpus)], fuzz.one, custom_mutator=change
    )
    atheris.Fuzz()


def changed(data: bytes, random: Random) -> bytes:
    """Up to four changes to what follows the first byte."""
    raw = data[1:]
    for _ in range(random.randrange(1, 5)):
        raw = spoilt(raw, random)[: 2 * BIG]
    return data[:1] + raw


if __name__ == "__main__":
    sys.exit(main())
