"""`python -m bench [PART...] [--runs N] [--minutes M]`: measure, print the table, write out/*.json."""

import argparse
import signal
import sys
from collections.abc import Callable
from typing import Any

from bench import ingest, memory, paint, spreads, start, storage
from bench.report import Claim, busy, facts, save, table

Part = tuple[Callable[[argparse.Namespace], Any], Callable[[Any], list[Claim]]]
PARTS: dict[str, Part] = {
    "ingest": (lambda options: ingest.measure(options.runs), ingest.claims),
    "spreads": (lambda options: spreads.measure(options.runs), spreads.claims),
    "paint": (lambda _options: paint.measure(), paint.claims),
    "storage": (lambda options: storage.measure(options.runs), storage.claims),
    "start": (lambda options: start.measure(options.runs), start.claims),
    "memory": (lambda options: memory.measure(options.minutes), memory.claims),
}


def main() -> None:
    """Run the chosen parts one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="The measured claims.")
    parser.add_argument(
        "parts", nargs="*", default=list(PARTS), help=f"any of {', '.join(PARTS)}; all if none is named"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median is shown")
    parser.add_argument("--minutes", type=float, default=3.0, help="length of the memory part; 30 for the full claim")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children are ended on the way out
    told = facts()
    for name, value in told.items():
        print(f"{name:<10} {value}")
    for part in options.parts:
        measure, claims = PARTS[part]
        print(f"\n{part} ...", flush=True)
        figures = measure(options)
        save(part, figures, told)
        print(table(claims(figures)), flush=True)
        print(busy(), end="", flush=True)


if __name__ == "__main__":
    main()
