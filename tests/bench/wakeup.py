"""From the commit of `add` to the start of the agent in an idle worker; and what idle workers cost.

The clock starts when the transaction of `add` is committed, just before the store rings a worker, and stops when a
byte arrives in a FIFO that is kept open here. The agent is `/bin/sh -c 'echo >FIFO'`, so besides what is asked for
the figures contain the start of a shell (exec and its libraries, about a millisecond), a write, and the waking
of this process: they are upper bounds. Nothing finer is to be had from outside: the start time in /proc is in ticks of
10 ms. CPU time is that of the scheduler (/proc/PID/schedstat), exact to the nanosecond. The tasks that lie in the
queue meanwhile are prompts, which these workers do not accept. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import sys
import time
from collections.abc import Iterator

import homes
from pairs import Measurement
from processes import processor_time
from runs import Run

from txlite.store.store import Store, open_store

WORKERS = 4
LATENCY_BUDGET = 10.0  # ms, p99
IDLE_BUDGET = 0.05  # % of a core
WINDOWS = 3
PATIENCE = 10.0  # seconds until an agent must have started
SEED = 1


class Arrival:
    """A FIFO that agents write to."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path)
        self.command = f"echo >'{path}'"
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def wait(self) -> float:
        """The time of the next byte, on the monotonic clock."""
        if not select.select([self._file], [], [], PATIENCE)[0]:
            raise RuntimeError("the agent did not start")
        moment = time.monotonic()
        os.read(self._file, 4096)
        return moment


class Adder:
    """Adds tasks, and knows when each was committed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ring = store.waking.wake_for
        self._committed = 0.0
        store.waking.wake_for = self._note  # type: ignore[method-assign]

    def _note(self, lanes: object) -> None:
        self._committed = time.monotonic()
        self._ring(lanes)  # type: ignore[arg-type]

    def add(self, command: str) -> float:
        self._store.add(command=command, directory="/")
        return self._committed


def latencies(home: str, arrival: Arrival, adds: int, longest_pause: float) -> list[float]:
    """Milliseconds from commit to start. The pauses are random: nothing may depend on the phase of a timer."""
    pause = random.Random(SEED)
    found = []
    with open_store(home) as store:
        adder = Adder(store)
        for _ in range(adds):
            time.sleep(pause.uniform(0.02, longest_pause))
            committed = adder.add(arrival.command)
            found.append(1000 * (arrival.wait() - committed))
    return found


def idle_shares(pids: list[int], window: float) -> list[float]:
    """Per cent of a core that each of these processes uses."""
    before, started = list(map(processor_time, pids)), time.monotonic()
    time.sleep(window)
    passed = time.monotonic() - started
    return [100 * (processor_time(pid) - first) / passed for pid, first in zip(pids, before)]


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    adds, longest_pause, window = (40, 0.05, 1.0) if args.short else (300, 0.25, 10.0)
    for size in (10, 10_000) if args.short else (10, 1_000_000):
        home = homes.make(args.scratch, size, command=None)
        arrival = Arrival(os.path.join(home, "arrival"))
        with Run(home, WORKERS) as run:
            name = f"{size:,} other tasks"
            windows = [idle_shares([run.supervisor, *run.workers], window) for _ in range(WINDOWS)]
            supervisors, workers = [share for share, *_ in windows], [max(shares) for _, *shares in windows]
            yield Measurement(f"{name}, idle supervisor", supervisors, " %", IDLE_BUDGET)
            yield Measurement(f"{name}, the busiest idle worker", workers, " %", IDLE_BUDGET)
            times = latencies(home, arrival, adds, longest_pause)
            yield Measurement(f"{name}, wake-up", times, " ms")
            yield Measurement(f"{name}, wake-up, p99", times, " ms", LATENCY_BUDGET, share=0.99)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
