"""`python -m soak [--minutes M] [--seed N]`: run, print the seed and the figures, exit 1 if anything was wrong."""

import argparse
import asyncio
import random
import sys

from soak.run import Report, Soak
from tests.leaping import LeapingLoop, clock_here


def main() -> None:
    """One run, or as many as `--times` says, each with the next seed."""
    parser = argparse.ArgumentParser(
        prog="python -m soak", description="Random faults for a long time, and not one lie."
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="how long faults come (20)")
    parser.add_argument("--every", type=float, default=20.0, help="seconds between faults in the mean (20)")
    parser.add_argument("--coins", type=int, default=1_200, help="how many coins trade (1200)")
    parser.add_argument("--scale", type=float, default=0.1, help="time scale of the engine's timers (0.1)")
    parser.add_argument("--seed", type=int, default=None, help="the plan's seed; a random one if none is given")
    parser.add_argument("--leap", action="store_true", help="in time that leaps: as quick as the machine can work")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}: {options.minutes:g} min, a fault every {options.every:g} s, {options.coins} coins", flush=True)
    soak = Soak(seed, options.minutes * 60, options.every, options.coins, options.scale, clock=clock_here)
    with asyncio.Runner(loop_factory=LeapingLoop if options.leap else None) as runner:
        report = runner.run(soak.run())
    print(told(report))
    sys.exit(1 if report.wrong else 0)


def told(report: Report) -> str:
    """The figures as text, what is wrong at the end."""
    before, after = report.before, report.after
    lines = [
        f"faults       {sum(report.faults.values())}: "
        + ", ".join(f"{k} {n}" for k, n in sorted(report.faults.items())),
        f"looks        {report.looks}, {report.legs_looked_at} fresh legs compared with the truth",
        f"signals      {report.signals} in {report.samples} samples, each compared with the rule",
        f"messages     {report.messages}, {report.reconnects} reconnects",
        f"loop late    {report.worst_lag_s:.2f} s at most, CPU {report.cpu_pct:.0f} % of a core with the simulator",
    ]
    if before is not None and after is not None:
        lines.append(
            f"memory       {before.rss_mb:.0f}, warm {report.warm_mb:.0f}, at the end {after.rss_mb:.0f} MB with the simulator"
        )
        lines += [f"{n:<12} {getattr(before, n)} -> {getattr(after, n)}" for n in ("tasks", "threads", "files")]
        lines.append(f"objects      {before.objects} -> {after.objects}")
    if not report.wrong:
        return "\n".join([*lines, "nothing wrong"])
    shown = [f"WRONG: {text}" for text in report.wrong[:40]]
    return "\n".join([*lines, *shown, f"{len(report.wrong)} findings; repeat with --seed {report.seed}"])


if __name__ == "__main__":
    main()
