"""The memory of four idle workers and their supervisor together: PSS, in which each page counts once, divided among
those that share it.

Measured twice, as a command that reads is: with the interpreter as it is, and, without a budget, with -S (`run` hands
that on to its workers), without what `site` imports into each process.

This process maps some of the same pages and so takes a part of them off the others. `alone` adds all that it
shares with anybody, which is at least that part: an upper bound. Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

import homes
from pairs import Measurement
from processes import megabytes
from runs import Run

WORKERS = 4
BUDGET = 40.0  # MB


def private(memory: dict[str, float]) -> float:
    return memory["Private_Clean"] + memory["Private_Dirty"]


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    for flags in ((), ("-S",)):
        name = " ".join(["python", *flags])
        supervisors, workers, totals, alone = [], [], [], []
        for _ in range(1 if args.short else 3):
            with Run(homes.make(args.scratch, 0), WORKERS, flags) as run:
                supervisors.append(megabytes(run.supervisor)["Pss"])
                each = [megabytes(pid)["Pss"] for pid in run.workers]
                here = megabytes(os.getpid())
            workers += each
            totals.append(supervisors[-1] + sum(each))
            alone.append(totals[-1] + here["Pss"] - private(here))
        yield Measurement(f"{name}, supervisor", supervisors, " MB")
        yield Measurement(f"{name}, a worker", workers, " MB")
        budget = None if flags else BUDGET
        yield Measurement(f"{name}, supervisor and {WORKERS} idle workers", totals, " MB", budget)
        yield Measurement(f"{name}, the same alone on the machine, at most", alone, " MB")


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
