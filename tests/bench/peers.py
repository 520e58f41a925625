"""Peers beside txlite, taking turns with it: dispatch of 1,000 `true`, and claim and completion of a task. Nothing here
is needed to run or to test txlite; what is not installed is not measured.

    apt-get install parallel task-spooler nq
    python3 -m venv VENV; VENV/bin/pip install -r tests/bench/peers.txt
    python3 tests/bench/peers.py --peers VENV/bin/python

txlite has to be ahead of those that keep a task whose worker is killed. What the others do with it (AFTER_KILL) was
found out with three tasks that write a line, sleep for 1.5 s and write another, one at a time, and a `kill -9` of what
runs the first of them, 0.5 s after its start; then whatever resumes the peer's work was called.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import homes
import pairs
from claims import WAYS, Bench
from dispatch import COMMANDS, WORKERS, beside
from pairs import Measurement

AFTER_KILL = {
    "xargs": "lost: what ran goes on, what was to come is never run, and nothing tells so",
    "parallel": "lost; with --joblog and --resume (not measured) what ran is run again while it still runs",
    "tsp": "lost with its server, which holds the queue in memory; of a killed runner it says that the task ended with"
    " -1, and starts the next one, while the task goes on",
    "nq": "kept as a file that says neither that it ended nor that it does not run; nothing runs it again",
    "huey": "lost: it is deleted from the queue before it runs, and nothing tells that it did not end",
    "litequeue": "kept as locked, for ever: nothing knows that its worker is dead until somebody asks for what has been"
    " locked for long, and calls retry",
    "txlite": "kept: the next one to look ends what is left of it, records it as lost, and gives it back to the queue",
}
AHEAD = {"nq": 1.0, "litequeue": 1.0}  # of those that keep a task
SPOOLERS = {
    "tsp": f"export TS_SOCKET=$HOME/socket TMPDIR=$HOME; tsp -S {WORKERS}; n=0;"
    ' while read -r line; do tsp $line >"$HOME/id"; n=$((n + 1)); done;'
    f" for last in $(seq {WORKERS}); do tsp -w $((n - last)); done; tsp -K",
    "nq": f'cd "$HOME"; mkdir $(seq {WORKERS}); n=0;'  # a directory each for what runs at the same time
    f" while read -r line; do n=$((n % {WORKERS} + 1)); NQDIR=$n nq -q $line; done;"
    f" for n in $(seq {WORKERS}); do NQDIR=$n nq -w; done",
}

QUEUES = ("huey", "litequeue")
QUEUE = """
import sqlite3, sys, time
peer, synchronous, path, block = *sys.argv[1:4], int(sys.argv[4])
if peer == "huey":
    from huey import SqliteHuey
    queue = SqliteHuey(filename=path, fsync=synchronous == "FULL")
    add = queue.task()(lambda: True)
    complete = lambda: queue.execute(queue.dequeue())
else:
    from litequeue import LiteQueue
    queue = LiteQueue(path)
    queue.conn.execute("PRAGMA synchronous = " + synchronous)
    add = lambda: queue.put("true")
    complete = lambda: queue.done(queue.pop().message_id)
for _ in sys.stdin:
    for _ in range(block):
        add()
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    started = time.perf_counter()
    for _ in range(block):
        complete()
    print(block / (time.perf_counter() - started), flush=True)
"""


class Queue:
    """A peer's queue in a process of its own. `complete` gives the rate of one block: tasks a second."""

    def __init__(self, python: str, peer: str, synchronous: str, directory: str, block: int) -> None:
        path = os.path.join(tempfile.mkdtemp(dir=directory), "queue.db")
        argv = [python, "-c", QUEUE, peer, synchronous, path, str(block)]
        self._process = subprocess.Popen(
            argv, env=homes.environment(""), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def complete(self) -> float:
        assert self._process.stdin and self._process.stdout
        print(file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def claims(args: argparse.Namespace) -> Iterator[Measurement]:
    """Peers wait for the disk as txlite does, or as near as they can: without FULL, huey never waits."""
    block, rounds = (100, 2) if args.short else (500, 10)
    for synchronous in ("FULL", "NORMAL"):
        ours = Bench(args.scratch, 1000, synchronous, block)
        queues = {peer: Queue(args.peers, peer, synchronous, args.scratch, block) for peer in QUEUES}
        measures: dict[str, Callable[[], float]] = {
            "bare": ours.bare,
            **{way: functools.partial(ours.complete, way) for way in WAYS},
            **{peer: queue.complete for peer, queue in queues.items()},
        }
        rates = dict(zip(measures, pairs.alternate(rounds, *measures.values())))
        for name, rate in rates.items():
            yield Measurement(f"{synchronous}, {name}", rate, "/s")
        for peer, queue in queues.items():
            what, ratios = f"{synchronous}, fused : {peer}", pairs.ratios(rates["fused"], rates[peer])
            yield Measurement(what, ratios, at_least=AHEAD.get(peer), judged=not args.short)
            queue.close()
        ours.close()


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    print("After a kill:", *(f"  {name}: {word}" for name, word in AFTER_KILL.items()), sep="\n", file=sys.stderr)
    spoolers = {name: ["sh", "-c", script] for name, script in SPOOLERS.items()}
    yield from beside(args, {**COMMANDS, **spoolers}, AHEAD)
    if args.peers:
        yield from claims(args)


if __name__ == "__main__":
    peers = argparse.ArgumentParser(add_help=False)
    peers.add_argument("--peers", metavar="PYTHON", help="that has huey and litequeue")
    sys.exit(homes.bench(__doc__, measure, peers))
