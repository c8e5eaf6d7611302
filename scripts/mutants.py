"""Does the suite bite? Each planted bug below is put into a copy of the code, and the named tests must fail.

`python scripts/mutants.py [NAME...]` prints one line per bug and exits 1 if any of them lives.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COPIED = ("frmon", "tests", "soak", "bench", "scripts", "docs", "fuzz")
FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "Makefile", "LICENSE")
PATIENCE_S = 600


class Mutant(NamedTuple):
    """A bug: in `file`, `old` (once there) becomes `new`; `tests` (pytest arguments) must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant(
        "acks and pongs count as life",
        "frmon/feeds/line.py",
        "            if kind:\n                self._hear(kind, ticks)\n",
        "            for carrier in self.carriers.values():\n                carrier.heard_at = self._last_at = at\n"
        "            if kind:\n                self._hear(kind, ticks)\n",
        "tests/scenarios/test_lines_silence.py",
    ),
    Mutant(
        "the back-off is forgotten at connect",
        "frmon/feeds/retries.py",
        "if healthy_s > HEALTHY_S * self._scale:",
        "if lasted_s is not None:",
        "tests/scenarios/test_lines_refused.py tests/feeds/test_line.py",
    ),
    Mutant(
        "an unknown funding interval is 8 h",
        "frmon/cell.py",
        "self.funding_interval_h: float | None = leg.funding_h",
        "self.funding_interval_h: float | None = leg.funding_h or 8.0",
        "tests/test_board.py tests/test_cell.py tests/test_funding.py tests/test_snapshot.py",
    ),
    Mutant(
        "cooldowns are measured on the wall clock",
        "frmon/signals/watch.py",
        "        for signal in self.rule.sample(rows, now, now_ms):",
        "        for signal in self.rule.sample(rows, now_ms / 1000, now_ms):",
        "tests/scenarios/test_host_time.py tests/signals/test_watch.py",
    ),
    Mutant(
        "foreign text keeps its control characters",
        "frmon/feeds/text.py",
        '_DROPPED = frozenset({"Cc", "Cf",',
        '_DROPPED = frozenset({"Cf",',
        "tests/feeds/test_text.py",
    ),
    Mutant(
        "what old connections still say is applied",
        "frmon/feeds/line.py",
        "        if connection != self.carriers.connection:\n",
        "        if connection < 0:\n",
        "tests/scenarios/test_network_late.py tests/feeds/test_generations.py tests/feeds/test_line.py",
    ),
    Mutant(
        "requests go on inside a ban",
        "frmon/feeds/rest.py",
        "            self._pacer.bar(request.costs, refusal.retry_s, refusal.status)",
        "            return",
        "tests/feeds/test_rest.py tests/scenarios/test_limits_rest.py",
    ),
    Mutant(
        "what was spent is forgotten at a restart",
        "frmon/feeds/pacer.py",
        "        self._restore(saved)\n",
        "",
        "tests/feeds/test_pacer.py",
    ),
    Mutant(
        "half a list is believed",
        "frmon/feeds/shrinking.py",
        "return lost > max(1, SHRINK * known)",
        "return False",
        "tests/feeds/test_catalog.py tests/scenarios/test_instruments_lists.py",
    ),
    Mutant(
        "a quarantined leg is compared",
        "frmon/spread.py",
        "return not (cell.leg.quarantine or cell.leg.halted) and",
        "return not cell.leg.halted and",
        "tests/test_spread.py tests/test_spread_pairs.py tests/signals/test_rules.py tests/scenarios/test_instruments.py",
    ),
    Mutant(
        "an older REST reply overwrites the stream",
        "frmon/merge.py",
        "        taken = _quote(cell, tick, ms)\n        _rest_of(cell, tick, ms, carrier, receipt.asked_at)\n    elif",
        "        taken = _quote(cell, tick, ms + 10**9)\n        _rest_of(cell, tick, ms, carrier, receipt.asked_at)\n    elif",
        "tests/test_board.py tests/scenarios/test_limits_rest.py",
    ),
    Mutant(
        "a stale leg is fresh",
        "frmon/cell.py",
        "        return now - self.quote.confirmed_at(now, freshness.max_quiet_s) <= freshness.max_age_s\n",
        "        return True\n",
        "tests/test_cell.py tests/test_board.py",
    ),
    Mutant(
        "the event log has no end",
        "frmon/events.py",
        "deque(maxlen=KEPT)",
        "deque()",
        "tests/test_events.py",
    ),
    Mutant(
        "foreign text is markup on the screen",
        "frmon/tui/help.py",
        'id="menu", markup=False)',
        'id="menu", markup=True)',
        "tests/test_rules_of_the_house.py",
    ),
    Mutant(
        "two samples are enough for a signal",
        "frmon/signals/trigger.py",
        "return run.length >= self.limits.samples and",
        "return run.length >= self.limits.samples - 1 and",
        "tests/signals/test_rules.py",
    ),
)


def main() -> None:
    """Run the chosen mutants, or all."""
    parser = argparse.ArgumentParser(prog="mutants", description="Planted bugs, each of which the tests must find.")
    parser.add_argument("names", nargs="*", help="parts of names; all if none is given")
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if not options.names or any(part in m.name for part in options.names)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        _copy(copy)
        living = [mutant for mutant in chosen if not _is_killed(mutant, copy)]
    print(f"{len(chosen) - len(living)} of {len(chosen)} killed")
    sys.exit(1 if living else 0)


def _copy(to: Path) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
    for name in FILES:
        shutil.copy2(ROOT / name, to / name)


def _is_killed(mutant: Mutant, copy: Path) -> bool:
    """Plant it, run its tests, take it out again. A bug that cannot be planted, or tests that cannot run, are errors."""
    file = copy / mutant.file
    sound = file.read_text(encoding="utf-8")
    if sound.count(mutant.old) != 1:
        sys.exit(f"{mutant.name}: its place in {mutant.file} is there {sound.count(mutant.old)} times, not once")
    file.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    started = time.monotonic()
    try:
        code, last = _test(mutant.tests, copy)
    finally:
        file.write_text(sound, encoding="utf-8")
    if code not in {0, 1}:
        sys.exit(f"{mutant.name}: its tests did not run (pytest exit {code}): {last}")
    print(f"{'killed' if code else 'LIVES '}  {mutant.name}  ({time.monotonic() - started:.0f} s: {last})", flush=True)
    return code == 1


def _test(arguments: str, copy: Path) -> tuple[int, str]:
    """pytest's exit code and its last line, the first that fails."""
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            f"exec {sys.executable} -m pytest -x -q --no-header {arguments}",
            shell=True, cwd=copy, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, "hung"
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    text = lines[0] if lines else (done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]])[-1]
    return done.returncode, text.partition(" - ")[0]


if __name__ == "__main__":
    main()
