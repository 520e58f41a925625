"""32 processes claim from 1,000 tasks, each through a store of its own, until none is left.

Every task must be claimed exactly once. Shown besides: how long a process waited for a claim, that is for
`claim_next`, the lock and the commit in it included; they finish what they claimed in a transaction apart, so that as
many wait as there can be. In the same rounds as many processes do the least that could be done, with sqlite3 alone: a
row updated under a flock, and the log synced. What those wait is the scheduler's and flock's: with more processes than
processors the one whose turn it is may not run for some milliseconds, and one that runs takes the lock before it.
"""

from __future__ import annotations

import argparse
import fcntl
import multiprocessing
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import homes
from pairs import Measurement

from txlite.model import COMMAND, DONE, Lane
from txlite.store.attempts import Result
from txlite.store.store import open_store

LONGEST = 30.0  # ms

sync = getattr(os, "fdatasync", os.fsync)


def work(home: str, control: Connection) -> None:
    """The body of a process: ids and waits of its claims, in milliseconds, go back over `control`."""
    claimed = []
    with open_store(home) as store:
        control.send_bytes(b"ready")
        control.recv_bytes()
        while True:
            started = time.perf_counter()
            assignment = store.assignments.claim_next(f"worker-{os.getpid()}", [Lane(COMMAND)], "shell")
            waited = 1000 * (time.perf_counter() - started)
            if not assignment:
                break
            claimed.append((assignment.task.id, waited))
            store.assignments.finish(assignment.claim.token, Result(DONE), 3)
    control.send(claimed)


def make_bare(directory: str) -> str:
    """The path of a new database with one row."""
    path = os.path.join(tempfile.mkdtemp(dir=directory), "bare.db")
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE bench (value)", "INSERT INTO bench VALUES (0)"):
        connection.execute(statement)
    return path


def work_bare(path: str, times: int, control: Connection) -> None:
    """The same with sqlite3 alone: so many transactions of one update, each under a lock, and synced."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("UPDATE bench SET value = 0")
    lock, log = os.open(path + ".lock", os.O_RDWR | os.O_CREAT), os.open(path + "-wal", os.O_RDONLY)
    control.send_bytes(b"ready")
    control.recv_bytes()
    waits = []
    for _ in range(times):
        started = time.perf_counter()
        fcntl.flock(lock, fcntl.LOCK_EX)
        for statement in ("BEGIN IMMEDIATE", "UPDATE bench SET value = value + 1", "COMMIT"):
            connection.execute(statement)
        fcntl.flock(lock, fcntl.LOCK_UN)
        sync(log)
        waits.append(1000 * (time.perf_counter() - started))
    control.send(waits)


def contend(processes: int, work: Callable[..., None], *arguments: object) -> list:
    """What `processes` that begin together send back."""
    context = multiprocessing.get_context("spawn")
    controls = []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        context.Process(target=work, args=(*arguments, theirs), daemon=True).start()
        theirs.close()
        controls.append(ours)
    for control in controls:
        control.recv_bytes()
    for control in controls:
        control.send_bytes(b"go")
    return [one for control in controls for one in control.recv()]


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    processes, tasks, rounds = (8, 200, 1) if args.short else (32, 1000, 5)
    every, longest, longest_bare, wrong = [], [], [], []
    for _ in range(rounds):
        home = homes.make(args.scratch, tasks)
        claims = contend(processes, work, home)
        longest_bare.append(max(contend(processes, work_bare, make_bare(args.scratch), 2 * tasks // processes)))
        ids, waits = {task for task, _ in claims}, [waited for _, waited in claims]
        with open_store(home, read_only=True) as store:
            wrong.append(abs(tasks - store.count()["done"]) + len(claims) - len(ids))
        longest.append(max(waits))
        every += waits
    what = f"{processes} claim"
    yield Measurement(f"{what}: a wait", every, " ms")
    yield Measurement(f"{what}: p99 of all waits", every, " ms", share=0.99)
    yield Measurement(f"{what}: longest wait of a round", longest, " ms", at_most=LONGEST, judged=not args.short)
    yield Measurement(f"{processes} bare transactions: longest wait of a round", longest_bare, " ms")
    yield Measurement(f"{what}: tasks not claimed exactly once", wrong, at_most=0, share=1)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
