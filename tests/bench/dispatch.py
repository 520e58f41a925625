"""Dispatch of 1,000 `true` by 4 workers, start and exit included, against `xargs -P4` and GNU parallel.

Every round has a new directory, and nothing is deleted before the end of all of them. ext4 looks, before it gives
an inode to a new file, at each inode that was deleted in the last seconds (recently_deleted() in fs/ext4/ialloc.c):
some thousands of deleted files slow the making of new ones down tenfold, and a round would be charged for what the
round before it tidied away. For the same reason GNU parallel, which makes and deletes files for each job, has its
temporary directory on a tmpfs where there is one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile

import homes
import pairs

WORKERS = 4
BUDGETS = {"xargs": 0.5, "parallel": 2.5}
MEMORY = "/dev/shm"


def write_batch(directory: str, tasks: int) -> str:
    path = os.path.join(directory, "batch")
    with open(path, "w", encoding="ascii") as file:
        file.write("true\n" * tasks)
    return path


def commands(batch: str) -> dict[str, tuple[list[str], str]]:
    """By name: argv, and what stands on stdin."""
    ours = [sys.executable, "-m", "txlite", "run", "--workers", str(WORKERS), "--from", batch]
    found = {
        "txlite": (ours, os.devnull),
        "xargs": (["xargs", f"-P{WORKERS}", "-I{}", "sh", "-c", "{}"], batch),
        "parallel": (["parallel", "--will-cite", f"-j{WORKERS}"], batch),
    }
    for name in BUDGETS:
        if not shutil.which(name):
            print(f"{name} is not installed here: not measured")
            del found[name]
    return found


def dispatch(name: str, command: tuple[list[str], str], args: argparse.Namespace, tasks: int) -> float:
    """Tasks a second, by a home (and a $HOME, in which parallel keeps its settings) that is new."""
    directory = tempfile.mkdtemp(prefix=name + "-", dir=args.scratch)
    environment = {**homes.environment(os.path.join(directory, "home")), "HOME": directory}
    if name == "parallel" and os.path.isdir(MEMORY):
        environment["TMPDIR"] = MEMORY
    argv, stdin = command
    return tasks / pairs.seconds(lambda: pairs.run(argv, homes.PACKAGE, environment, stdin))


def main() -> int:
    args = homes.options(__doc__)
    tasks, rounds = (100, 2) if args.short else (1000, 7)
    found = commands(write_batch(args.scratch, tasks))
    measures = [
        lambda name=name, command=command: dispatch(name, command, args, tasks) for name, command in found.items()
    ]
    rates = dict(zip(found, zip(*pairs.alternate(rounds, *measures))))
    for name, rate in rates.items():
        pairs.report(name, rate, unit="/s")
    met = True
    for name in BUDGETS:
        if name not in rates:
            continue
        ratios = [ours / theirs for ours, theirs in zip(rates["txlite"], rates[name])]
        # A short batch is all start and exit: its rates are shown, not judged.
        budget = None if args.short else BUDGETS[name]
        met &= pairs.report(f"txlite : {name}", ratios, at_least=budget)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
