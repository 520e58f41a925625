"""What groups cost: the end of an attempt with the next claim, through the store, against the same without groups.

The tasks are spread over so many groups, of which one task each may be in work, while seven others hold a task each.
In one order the groups take turns (as tasks come from several people), in the other each follows the one before it (as
a directory after the other is added), so that what is full stands in front.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

from txlite.model import COMMAND, DONE, Lane
from txlite.store.attempts import Result
from txlite.store.store import open_store

COUNTS = (1, 100, 10_000)  # groups
BUDGET = 15.0  # times
OTHERS = 7  # who hold a task each
LANES = [Lane(COMMAND)]
RESULT = Result(DONE, 0, 0.01, 12345, "workers/20251024_150000_12345_shell_task.md")


class Bench:
    """A home with so many tasks in so many groups."""

    def __init__(self, directory: str, size: int, groups: int, in_turn: bool) -> None:
        self.store = open_store(homes.make(directory, 0, synchronous="NORMAL"))
        each = max(size // max(groups, 1), 1)
        self.store.add_many(
            {"command": "true", "group": f"group {place % groups if in_turn else place // each}" if groups else ""}
            for place in range(max(size, groups))
        )
        for number in range(OTHERS):
            self.store.assignments.claim_next(f"worker-{number}", LANES, "shell")
        if groups == 1:
            self.store.groups.set_limit("group 0", OTHERS + 1)
        self._mine = self.store.assignments.claim_next("worker-bench", LANES, "shell")

    def complete(self, count: int) -> float:
        """Microseconds of processor time for each of so many."""
        began = time.process_time()
        for _ in range(count):
            assert self._mine
            self._mine = self.store.assignments.finish(
                self._mine.claim.token, RESULT, 3, "worker-bench", LANES, "shell", told=False
            )
        return (time.process_time() - began) / count * 1e6


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    size, count, rounds = (20_000, 20, 3) if args.short else (100_000, 50, 15)
    plain = Bench(args.scratch, size, 0, True)
    for groups in COUNTS:
        for in_turn in (True, False):
            if groups == 1 and not in_turn:
                continue
            name = f"{groups:,} group{'s' * (groups > 1)}, {'by turns' if in_turn else 'one by one'}"
            bench = Bench(args.scratch, size, groups, in_turn)
            with_groups, without = pairs.alternate(rounds, lambda: bench.complete(count), lambda: plain.complete(count))
            yield Measurement(name, with_groups, " us")
            ratios = pairs.ratios(with_groups, without)
            yield Measurement(f"{name} : none", ratios, at_most=BUDGET, judged=not args.short)
            bench.store.close()
    plain.store.close()


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
