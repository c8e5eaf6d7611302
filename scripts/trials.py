"""Ends the program in random states by random means, on simulated venues, and prints how that went.

python scripts/trials.py --trials 200 [--seed 1]
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def main() -> int:
    """Run the trials; 1 if one of them left something behind."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from tests.scenarios.screens import market
    from tests.scenarios.trials import run_trials

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    found = []
    with tempfile.TemporaryDirectory() as home, market() as venues:
        for trial in run_trials(venues, Path(home), given.trials, given.seed):
            found.append(trial)
            if trial.trouble:
                print(f"#{len(found)} {trial}", flush=True)
    times = sorted(trial.seconds for trial in found)
    bad = sum(bool(trial.trouble) for trial in found)
    late = times[len(times) * 95 // 100]
    print(f"{len(found)} trials of {len({trial[:3] for trial in found})} kinds, {bad} bad")
    print(f"seconds: median {times[len(times) // 2]:.2f}, 95 % {late:.2f}, most {times[-1]:.2f}")
    for counts in (Counter(trial.state for trial in found), Counter(trial.means for trial in found)):
        print(", ".join(f"{name}: {count}" for name, count in counts.most_common()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
