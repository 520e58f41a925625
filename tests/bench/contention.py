"""32 processes claim from 1,000 tasks, each through a store of its own, until none is left.

Every task must be claimed exactly once. Shown besides: how long a process waited for a claim, that is for
`claim_next`, the lock and the commit in it included; they finish what they claimed in a transaction apart, so that as
many wait as there can be.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import homes
from pairs import Measurement

from txlite.model import COMMAND, DONE, Lane
from txlite.store.attempts import Result
from txlite.store.store import open_store

LONGEST = 30.0  # ms


def work(home: str, name: str, control: Connection) -> None:
    """The body of a process: ids and waits of its claims, in milliseconds, go back over `control`."""
    claimed = []
    with open_store(home) as store:
        control.send_bytes(b"ready")
        control.recv_bytes()
        while True:
            started = time.perf_counter()
            assignment = store.assignments.claim_next(name, [Lane(COMMAND)], "shell")
            waited = 1000 * (time.perf_counter() - started)
            if not assignment:
                break
            claimed.append((assignment.task.id, waited))
            store.assignments.finish(assignment.claim.token, Result(DONE), 3)
    control.send(claimed)


def contend(home: str, processes: int) -> list[tuple[str, float]]:
    """All claims of `processes` that begin together."""
    context = multiprocessing.get_context("spawn")
    controls = []
    for number in range(processes):
        ours, theirs = context.Pipe()
        context.Process(target=work, args=(home, f"worker-{number}", theirs), daemon=True).start()
        theirs.close()
        controls.append(ours)
    for control in controls:
        control.recv_bytes()
    for control in controls:
        control.send_bytes(b"go")
    return [claim for control in controls for claim in control.recv()]


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    processes, tasks, rounds = (8, 200, 1) if args.short else (32, 1000, 5)
    every, longest, wrong = [], [], []
    for _ in range(rounds):
        home = homes.make(args.scratch, tasks)
        claims = contend(home, processes)
        ids, waits = {task for task, _ in claims}, [waited for _, waited in claims]
        with open_store(home, read_only=True) as store:
            wrong.append(abs(tasks - store.count()["done"]) + len(claims) - len(ids))
        longest.append(max(waits))
        every += waits
    what = f"{processes} claim"
    yield Measurement(f"{what}: a wait", every, " ms")
    yield Measurement(f"{what}: p99 of all waits", every, " ms", share=0.99)
    yield Measurement(f"{what}: longest wait of a round", longest, " ms", at_most=LONGEST, judged=not args.short)
    yield Measurement(f"{what}: tasks not claimed exactly once", wrong, at_most=0, share=1)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
