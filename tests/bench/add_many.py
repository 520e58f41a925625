"""1,000,000 tasks added by one call of `add_many`, and by `run --from`: seconds, and the peak of resident memory.

Each is a process of its own, measured by what the kernel says of it when it has ended: wall time on an idle machine,
beside CPU time, which other work does not change. How long others wait for the write lock meanwhile is measured, too.
The queue of the `run` is paused, so that nothing runs; it is stopped as soon as all is added.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import homes
from pairs import Measurement
from transfer import LOCK_SECONDS, watch_lock

from txlite.store.store import open_store

SECONDS = 15.0
MEGABYTES = 100.0
PATIENCE = 300.0  # seconds until a run must have added all

TASKS = {
    "titles": "f'task {number}'",
    "commands": "{'command': f'make part-{number}'}",
    "with all": "{'command': f'make part-{number}', 'title': f'Part {number}', 'description': 'x' * 200,"
    " 'score': number % 7, 'needs': 'gpu' if number % 2 else '', 'directory': '/project'}",
}
ADD = """import sys, txlite
count = int(sys.argv[2])
assert len(txlite.open(sys.argv[1]).add_many(TASK for number in range(count))) == count
"""


def end(process: subprocess.Popen) -> tuple[float, float]:
    """CPU seconds and peak megabytes of a process that ends."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 130), process.args
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def tell(name: str, seconds: float, process: tuple[float, float]) -> Iterator[Measurement]:
    yield Measurement(name, [seconds], " s", SECONDS)
    yield Measurement(f"{name}, CPU time", process[:1], " s")
    yield Measurement(f"{name}, memory", process[1:], " MB", MEGABYTES)


def add(home: str, name: str, count: int) -> Iterator[Measurement]:
    """Add so many tasks of a kind."""
    locker, over = watch_lock(home)
    argv = [sys.executable, "-c", ADD.replace("TASK", TASKS[name]), home, str(count)]
    started = time.perf_counter()
    process = end(subprocess.Popen(argv, cwd=homes.PACKAGE))
    yield from tell(name, time.perf_counter() - started, process)
    open(over, "w").close()
    yield Measurement(f"{name}, others waited for", [float(locker.communicate()[0])], " s", LOCK_SECONDS)


def run(home: str, count: int) -> Iterator[Measurement]:
    """Add so many lines of a file."""
    path = os.path.join(home, "lines")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"make part-{number}\n" for number in range(count))
    with open_store(home) as store:
        store.pause()
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "txlite", "run", "--from", path],
            cwd=homes.PACKAGE, env=homes.environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not any(store.supervisors.present()):
            assert time.perf_counter() < started + PATIENCE and process.poll() is None
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        process.send_signal(signal.SIGTERM)
        yield from tell("run --from", seconds, end(process))


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    count = 20_000 if args.short else 1_000_000
    for name in TASKS:
        yield from add(homes.make(args.scratch, 0), name, count)
    yield from run(homes.make(args.scratch, 0), count)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
