"""Dispatch of 1,000 `true` by 4 workers, start and exit included, against `xargs -P4` and GNU parallel; and of 10,000
in a row, which must not be slower per task.

Every round has a new directory, and nothing is deleted before the end of all of them. ext4 looks, before it gives
an inode to a new file, at each inode that was deleted in the last seconds (recently_deleted() in fs/ext4/ialloc.c):
some thousands of deleted files slow the making of new ones down tenfold, and a round would be charged for what the
round before it tidied away. For the same reason GNU parallel, which makes and deletes files for each job, has its
temporary directory on a tmpfs where there is one.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

WORKERS = 4
Commands = dict[str, list[str]]
Budgets = dict[str, float]
BUDGETS = {"xargs": 0.6, "parallel": 4.0}
ROW, ROW_BUDGET = 10, 1.0  # so many batches in a row, and their rate to that of one
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
COMMANDS = {
    "txlite": [sys.executable, "-m", "txlite", "run", "--workers", str(WORKERS), "--from", "-"],
    "xargs": ["xargs", f"-P{WORKERS}", "-I{}", "sh", "-c", "{}"],
    "parallel": ["parallel", "--will-cite", f"-j{WORKERS}", "--tmpdir", MEMORY],
}


def dispatch(scratch: str, command: list[str], tasks: int) -> float:
    """Tasks a second, by a home (and a $HOME, in which parallel keeps its settings) that is new."""
    directory = tempfile.mkdtemp(dir=scratch)
    environment = {**homes.environment(os.path.join(directory, "home")), "HOME": directory}
    batch = os.path.join(directory, "batch")
    with open(batch, "w", encoding="ascii") as file:
        file.write("true\n" * tasks)
    return tasks / pairs.seconds(lambda: pairs.run(command, homes.PACKAGE, environment, batch))


def beside(args: argparse.Namespace, commands: Commands, budgets: Budgets) -> Iterator[Measurement]:
    """The rates of all that are installed here, and those of txlite, the first of them, to those of the others."""
    tasks, rounds = (100, 2) if args.short else (1000, 7)
    found = [name for name in commands if name == "txlite" or shutil.which(name)]
    measures = (functools.partial(dispatch, args.scratch, commands[name], tasks) for name in found)
    rates = dict(zip(found, pairs.alternate(rounds, *measures)))
    for name, rate in rates.items():
        yield Measurement(name, rate, "/s")
    for name in list(commands)[1:]:
        ratios = pairs.ratios(rates["txlite"], rates.get(name, ()))
        yield Measurement(f"txlite : {name}", ratios, at_least=budgets.get(name), judged=not args.short)


def row(args: argparse.Namespace) -> Measurement:
    """The rate of many in a row to that of one batch."""
    tasks, rounds = (100, 1) if args.short else (1000, 3)
    sizes = (tasks * ROW, tasks)
    measures = (functools.partial(dispatch, args.scratch, COMMANDS["txlite"], size) for size in sizes)
    ratios = pairs.ratios(*pairs.alternate(rounds, *measures))
    what = f"{tasks * ROW:,} in a row : {tasks:,}"
    return Measurement(what, ratios, at_least=ROW_BUDGET, judged=not args.short)


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    """A short batch is all start and exit: its rates are shown, not judged."""
    yield from beside(args, COMMANDS, BUDGETS)
    yield row(args)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
