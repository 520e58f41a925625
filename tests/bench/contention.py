"""32 processes claim from 1,000 tasks, each through a store of its own, until none is left.

Every task must be claimed exactly once. Shown besides: how long a process waited for a claim, that is for
`claim_next`, the lock and the commit in it included; they finish what they claimed in a transaction apart, so that as
many wait as there can be.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from multiprocessing.connection import Connection

import homes
import pairs

from txlite.model import COMMAND, DONE, Lane
from txlite.store.attempts import Result
from txlite.store.store import open_store

MEASURED = 19  # ms, the longest wait that the design measured


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


def main() -> int:
    args = homes.options(__doc__)
    processes, tasks, rounds = (8, 200, 1) if args.short else (32, 1000, 5)
    met = True
    for _ in range(rounds):
        home = homes.make(args.scratch, tasks)
        started = time.monotonic()
        claims = contend(home, processes)
        ids, waits = {task for task, _ in claims}, [waited for _, waited in claims]
        with open_store(home, read_only=True) as store:
            exactly_once = len(claims) == len(ids) == tasks and store.count() == {"done": tasks}
        met &= exactly_once
        print(
            f"{processes} processes, {tasks} tasks: {len(claims)} claims of {len(ids)} tasks in "
            f"{time.monotonic() - started:.2f} s, start included "
            f"[each exactly once: {'met' if exactly_once else 'NOT MET'}]; "
            f"longest wait {max(waits):.1f} ms [the design measured {MEASURED} ms], "
            f"p99 {pairs.percentile(waits, 0.99):.1f} ms, median {pairs.percentile(waits, 0.5):.1f} ms"
        )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
