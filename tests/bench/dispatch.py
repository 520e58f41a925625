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
BUDGETS = {"xargs": 0.6, "parallel": 4.0}
ROW, ROW_BUDGET = 10, 1.0  # so many times as many in a row, and their rate : that of one batch
Rates = dict[str, tuple[float, ...]]  # tasks a second, of each round
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


def compare(args: argparse.Namespace, tasks: int, rounds: int, commands: dict[str, list[str]]) -> Rates:
    """The rates of all that are installed here."""
    found = {name: command for name, command in commands.items() if shutil.which(command[0])}
    rates = pairs.alternate(
        rounds, *(functools.partial(dispatch, args.scratch, command, tasks) for command in found.values())
    )
    return dict(zip(found, rates))


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    tasks, rounds = (100, 2) if args.short else (1000, 7)
    rates = compare(args, tasks, rounds, COMMANDS)
    for name, rate in rates.items():
        yield Measurement(name, rate, "/s")
    # A short batch is all start and exit: its rates are shown, not judged.
    judged = not args.short
    for name, budget in BUDGETS.items():
        ratios = pairs.ratios(rates["txlite"], rates.get(name, ()))
        yield Measurement(f"txlite : {name}", ratios, at_least=budget, judged=judged)
    row, one = pairs.alternate(
        rounds // 2,
        lambda: dispatch(args.scratch, COMMANDS["txlite"], ROW * tasks),
        lambda: dispatch(args.scratch, COMMANDS["txlite"], tasks),
    )
    what = f"{ROW * tasks:,} in a row : {tasks:,}"
    yield Measurement(what, pairs.ratios(row, one), at_least=ROW_BUDGET, judged=judged)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
