"""256 workers on one supervisor: their memory, how soon all of them wait for work, how soon a dead one is noticed; what
they cost when they are idle, and 10,000 `true` run by them, each exactly once.

Memory is PSS, as in `memory.py`. A worker that was killed is noticed when the supervisor has collected it, and replaced
when another waits in its place. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import homes
from pairs import Measurement
from processes import children, megabytes, processor_time
from runs import PATIENCE, Run

from txlite.store.store import open_store

WORKERS = 256
MEGABYTES = 1500.0
START, NOTICED = 2.0, 1.0  # seconds
IDLE = 10.0  # seconds for which they are watched
SEED = 1


def wait(condition: Callable[[], bool]) -> float:
    """Seconds until a condition holds."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() > started + PATIENCE:
            raise RuntimeError("it did not come about")
        time.sleep(0.002)
    return time.monotonic() - started


def stay(home: str, short: bool) -> Iterator[Measurement]:
    """Of workers that wait for work."""
    with Run(home, WORKERS) as run:
        yield Measurement("until all wait for work", [run.seconds], " s", at_most=START)
        pids = [run.supervisor, *run.workers]
        total = sum(megabytes(pid)["Pss"] for pid in pids)
        yield Measurement("supervisor and workers, memory", [total], " MB", at_most=MEGABYTES)
        before = [processor_time(pid) for pid in pids]
        window = IDLE / 5 if short else IDLE
        time.sleep(window)
        shares = [100 * (processor_time(pid) - start) / window for pid, start in zip(pids, before)]
        yield Measurement("idle supervisor, of a core", shares[:1], " %")
        yield Measurement("idle workers, of a core", shares[1:], " %")
        noticed, replaced = [], []
        for victim in random.Random(SEED).sample(run.workers, 3 if short else 10):
            os.kill(victim, signal.SIGKILL)
            noticed.append(wait(lambda victim=victim: victim not in children(run.supervisor)))  # type: ignore[misc]
            replaced.append(noticed[-1] + wait(lambda: len(run.workers) == WORKERS))
        yield Measurement("a dead worker is noticed", noticed, " s", at_most=NOTICED, share=1.0)
        yield Measurement("and another started", replaced, " s")


def dispatch(home: str, tasks: int) -> Iterator[Measurement]:
    """Of workers that run many short tasks."""
    argv = [sys.executable, "-m", "txlite", "run", "--workers", str(WORKERS), "--from", "-"]
    started = time.monotonic()
    subprocess.run(
        argv, input=b"true\n" * tasks, cwd=homes.PACKAGE, env=homes.environment(home), stdout=subprocess.DEVNULL,
        check=True,
    )  # fmt: skip
    yield Measurement(f"{tasks:,} true", [tasks / (time.monotonic() - started)], "/s")
    with open_store(home, read_only=True) as store:
        runs = [event.task for event in store.history.events() if event.to_status == "done"]
        wrong = abs(len(runs) - tasks) + len(runs) - len(set(runs)) + tasks - store.count().get("done", 0)
    yield Measurement("tasks that were not run exactly once", [wrong], at_most=0)


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    yield from stay(homes.make(args.scratch, 0), args.short)
    yield from dispatch(homes.make(args.scratch, 0), 1000 if args.short else 10_000)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
