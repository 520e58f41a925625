"""Claim and complete a task, through the store: against two bare transactions, and at 1,000,000 tasks against 1,000.

The bare ones are `BEGIN IMMEDIATE; UPDATE one row; COMMIT` with sqlite3 alone, on the same file, in a table of
their own, so that the queue is not touched. Before each block the WAL is checkpointed, outside the measurement:
neither side pays for pages that the other wrote. Blocks are so large that each pays for the checkpoints that its own
pages lead to. Two ways to complete:

    apart  claim_next and finish, two transactions
    fused  finish, which claims the next task in the same transaction, as a worker that goes on does
"""

from __future__ import annotations

import argparse
import functools
import os
import sqlite3
import sys
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

from txlite.model import COMMAND, DONE, Lane
from txlite.store.attempts import Result
from txlite.store.store import Store, open_store

BARE_BUDGETS = {("FULL", "apart"): 0.6, ("FULL", "fused"): 0.85, ("NORMAL", "apart"): 0.25, ("NORMAL", "fused"): 0.4}
SIZE_BUDGET = 0.9
LANES = [Lane(COMMAND)]
RESULT = Result(DONE, 0, 0.01, 12345, "workers/20251024_150000_12345_shell_task.md")
WORKER = "worker-bench"


class Bare:
    """A table of one row in the store's file, and a connection of its own to it."""

    def __init__(self, path: str, synchronous: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute(f"PRAGMA synchronous = {synchronous}")
        self.connection.execute("CREATE TABLE bench (id INTEGER PRIMARY KEY, value INTEGER)")
        self.connection.execute("INSERT INTO bench VALUES (1, 0)")

    def update(self, times: int) -> None:
        for _ in range(times):
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.execute("UPDATE bench SET value = value + 1 WHERE id = 1")
            self.connection.execute("COMMIT")

    def checkpoint(self) -> None:
        self.connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def complete_apart(store: Store, tasks: int) -> None:
    for _ in range(tasks):
        assignment = store.assignments.claim_next(WORKER, LANES, "shell")
        assert assignment
        store.assignments.finish(assignment.claim.token, RESULT, 3)


def complete_fused(store: Store, tasks: int) -> None:
    assignment = store.assignments.claim_next(WORKER, LANES, "shell")
    for _ in range(tasks - 1):
        assert assignment
        assignment = store.assignments.finish(assignment.claim.token, RESULT, 3, WORKER, LANES, "shell")
    assert assignment
    store.assignments.finish(assignment.claim.token, RESULT, 3)


WAYS = {"apart": complete_apart, "fused": complete_fused}


class Bench:
    """A home of `size` tasks. Each measure gives the rate of one block: tasks a second."""

    def __init__(self, directory: str, size: int, synchronous: str, block: int) -> None:
        home = homes.make(directory, size, synchronous=synchronous)
        self.store = open_store(home)
        self._bare = Bare(os.path.join(home, "tasks.db"), synchronous)
        self._block = block

    def complete(self, way: str) -> float:
        """As many are added, outside the measurement, as are taken: the size of the queue stays."""
        self.store.add_many({"command": "true"} for _ in range(self._block))
        self._bare.checkpoint()
        return self._block / pairs.seconds(lambda: WAYS[way](self.store, self._block))

    def bare(self) -> float:
        """Two bare transactions count as a task."""
        self._bare.checkpoint()
        return self._block / pairs.seconds(lambda: self._bare.update(2 * self._block))

    def close(self) -> None:
        self._bare.connection.close()
        self.store.close()


def against_bare(small: Bench, synchronous: str, rounds: int, judged: bool) -> Iterator[Measurement]:
    completed = (functools.partial(small.complete, way) for way in WAYS)
    bare, *ours = pairs.alternate(rounds, small.bare, *completed)
    yield Measurement(f"{synchronous}, bare", bare, "/s")
    for way, rates in zip(WAYS, ours):
        yield Measurement(f"{synchronous}, {way}", rates, "/s")
        budget = BARE_BUDGETS[synchronous, way]
        yield Measurement(f"{synchronous}, {way} : bare", pairs.ratios(rates, bare), at_least=budget, judged=judged)


def against_small(large: Bench, small: Bench, name: str, rounds: int, judged: bool) -> Iterator[Measurement]:
    for way in WAYS:
        rates = pairs.alternate(rounds, lambda: large.complete(way), lambda: small.complete(way))
        yield Measurement(f"{name}, {way}", pairs.ratios(*rates), at_least=SIZE_BUDGET, judged=judged)


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    size, block, rounds = (10_000, 100, 3) if args.short else (1_000_000, 500, 15)
    for synchronous in ("FULL", "NORMAL"):
        small = Bench(args.scratch, 1000, synchronous, block)
        yield from against_bare(small, synchronous, rounds, not args.short)
        large = Bench(args.scratch, size, synchronous, block)
        yield from against_small(large, small, f"{synchronous}, {size:,} tasks : 1,000", rounds, not args.short)
        small.close()
        large.close()


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
