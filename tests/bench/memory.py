"""The memory of four idle workers and their supervisor together: PSS, in which each page counts once, divided
among those that share it.

Measured twice, as a command that reads is: with the interpreter as it is, and with -S (`run` hands that on to its
workers), without what `site` imports into each process.

This process maps some of the same pages and so takes a part of them off the others. `alone` adds all that it
shares with anybody, which is at least that part: an upper bound. multiprocessing's resource tracker, which Python
starts beside spawned processes, is shown by itself. Linux only.
"""

from __future__ import annotations

import os
import sys

import homes
import pairs
from processes import megabytes
from runs import Run

WORKERS = 4
BUDGET = 60.0  # MB


def private(memory: dict[str, float]) -> float:
    return memory["Private_Clean"] + memory["Private_Dirty"]


def show(name: str, pid: int) -> float:
    """Print a process; its PSS."""
    memory = megabytes(pid)
    print(f"  {name}: {memory['Pss']:.1f} MB ({private(memory):.1f} private, RSS {memory['Rss']:.1f})")
    return memory["Pss"]


def measure(home: str, flags: list[str]) -> bool:
    """Show one run; whether it is within the budget."""
    print(" ".join(["python", *flags]))
    with Run(home, WORKERS, flags) as run:
        total = sum([show("supervisor", run.supervisor), *(show("worker", pid) for pid in run.workers)])
        tracker = sum(show("resource tracker", pid) for pid in run.tracker)
        met = pairs.verdict(f"  supervisor and {WORKERS} workers: {total:.1f} MB", total, BUDGET, unit=" MB")
        here = megabytes(os.getpid())
        alone = total + here["Pss"] - private(here)
        print(f"  alone on the machine: at most {alone:.1f} MB; with the resource tracker: {total + tracker:.1f} MB")
    return met


def main() -> int:
    args = homes.options(__doc__)
    met = [measure(homes.make(args.scratch, 0), flags) for flags in ([], ["-S"])]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
